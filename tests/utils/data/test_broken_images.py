"""What `ImageDecoder` refuses, and how it says so."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from encoded_images import encode
from PIL import Image

from utils.data.decoding import ImageDecoder, UnusableImageError


def reason(data: bytes, **options) -> str:
    with pytest.raises(UnusableImageError) as caught:
        ImageDecoder((32, 48), **options)(data)
    text = str(caught.value)
    assert text and "\n" not in text and "<" not in text and " 0x" not in text
    return text


def broken_files() -> dict[str, bytes]:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    whole = {
        kind: encode(noise, kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "TGA")
    }
    files = {f"{kind} cut in the middle": data[: len(data) // 2] for kind, data in whole.items()}
    files |= {f"{kind} cut in its header": data[:20] for kind, data in whole.items()}
    png = whole["PNG"]
    at = png.index(b"IDAT")
    files |= {
        "empty": b"",
        "text": b"this is not an image\n" * 100,
        "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "zeros": bytes(5000),
        "random bytes": np.random.default_rng(1).bytes(5000),
        "only a JPEG marker": b"\xff\xd8\xff\xe0",
        "PNG signature and nothing else": png[:8],
        "PNG with damaged data": png[: at + 30] + bytes(2000) + png[at + 2030 :],
        "PNG with a wrong checksum in its header": png[:29] + b"\0\0\0\0" + png[33:],
        "PNG of no pixels": png[:16] + bytes(8) + png[24:],
        "a zip archive": b"PK\3\4" + bytes(1000),
        "a PDF": b"%PDF-1.4\n" + bytes(1000),
        "a float TIFF with NaN": encode(Image.new("F", (8, 8), float("nan")), "TIFF"),
        "a float TIFF with infinity": encode(Image.new("F", (8, 8), float("inf")), "TIFF"),
        "a huge header": b"BM" + bytes(8) + struct.pack("<IIIiHH", 26, 40, 50000, 50000, 1, 24),
    }
    return files


class TestRefusals:
    @pytest.mark.parametrize("name", broken_files())
    def test_broken_files_have_a_short_plain_reason(self, name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert len(reason(broken_files()[name])) < 160

    def test_reasons_say_what_is_wrong(self):
        files = broken_files()
        assert reason(files["empty"]) == "the file is empty"
        assert reason(files["text"]) == "not an image, or an unknown format"
        assert "truncated" in reason(files["JPEG cut in the middle"])
        assert reason(files["a float TIFF with NaN"]) == "some of its pixels are not finite numbers"

    def test_bomb_is_refused_by_its_header(self):
        """The header says 20000 x 20000; there is no such data to decode."""
        png = encode(Image.new("RGB", (8, 8)), "PNG")
        ihdr = b"IHDR" + struct.pack(">II", 20000, 20000) + png[24:29]
        bomb = png[:12] + ihdr + struct.pack(">I", zlib.crc32(ihdr)) + png[33:]
        text = reason(bomb)
        assert "20000x20000" in text and "400.0 megapixels" in text and "max_megapixels=100" in text
        assert "max_megapixels" not in reason(bomb, max_megapixels=400)

    def test_the_limit_is_inclusive_and_ours_alone(self):
        data = encode(Image.new("L", (1000, 1000)), "PNG")
        assert ImageDecoder((4, 4), max_megapixels=1.0)(data).shape == (4, 4, 3)
        assert "1.0 megapixels" in reason(data, max_megapixels=0.999)
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = 10
        try:
            assert ImageDecoder((4, 4))(data).shape == (4, 4, 3)
            assert Image.MAX_IMAGE_PIXELS == 10
        finally:
            Image.MAX_IMAGE_PIXELS = before
