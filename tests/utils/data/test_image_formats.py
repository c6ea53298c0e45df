"""Only named formats are opened, by one function, within its limits."""

import ast
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from encoded_images import POSTSCRIPT, claimed_png, encode
from PIL import Image

from utils.data.image_formats import (
    IMAGE_ENDINGS,
    IMAGE_FORMATS,
    UnusableImageError,
    load_picture,
    open_image,
)
from utils.visualization.showing import show_image

ROOT = Path(__file__).parents[3]


def refusal(data: bytes, **options) -> str:
    with pytest.raises(UnusableImageError) as caught:
        open_image(data, **options)
    return str(caught.value)


def icon_of(content: bytes) -> bytes:
    """An .ico whose directory claims 16x16."""
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(content), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + content


def test_no_other_code_opens_pictures():
    """And none imports a function of that name to call it by another one."""
    found = {}
    for path in [*ROOT.glob("*.py"), *ROOT.glob("gans/**/*.py"), *ROOT.glob("utils/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            is_open = isinstance(node, ast.Attribute) and node.attr in ("open", "imread", "mimread")
            if is_open and isinstance(node.value, ast.Name):
                found.setdefault((node.value.id, node.attr), set()).add(path.name)
            assert not (isinstance(node, ast.ImportFrom) and node.module == "PIL.Image"), path
    assert found[("Image", "open")] == {"image_formats.py"}
    assert not any(name == "imread" for _, name in found)


@pytest.mark.parametrize("kind", [name for name in IMAGE_FORMATS if name in Image.SAVE])
def test_every_named_format_is_opened(kind):
    picture = Image.fromarray(np.full((16, 16, 3), 200, np.uint8))
    assert open_image(encode(picture, kind)).size == (16, 16)


def test_endings_are_those_of_the_formats():
    Image.init()
    unnamed = {ending for ending in IMAGE_ENDINGS
               if Image.EXTENSION.get(ending) not in (*IMAGE_FORMATS, "MPO")}
    assert not unnamed


@pytest.mark.parametrize("kind", ["EPS", "PDF", "FITS", "SPIDER", "IM", "MSP", "XBM"])
def test_other_formats_are_refused(kind):
    Image.init()
    if kind in ("FITS",):
        data = b"SIMPLE  =                    T".ljust(2880)
    else:
        mode = {"SPIDER": "F", "MSP": "1", "XBM": "1"}.get(kind, "L")
        data = encode(Image.new(mode, (16, 16)), kind)
    assert refusal(data) == "not an image, or an unknown format"


def test_postscript_is_refused_at_once_everywhere(tmp_path):
    began = time.process_time()
    assert refusal(POSTSCRIPT) == "not an image, or an unknown format"
    path = tmp_path / "x.png"
    path.write_bytes(POSTSCRIPT)
    with pytest.raises(UnusableImageError, match="unknown format"):
        load_picture(path)
    assert time.process_time() - began < 0.2


def test_showing_a_file_that_is_no_picture_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.visualization.showing._require_display", lambda: None)
    path = tmp_path / "x\n.png"
    path.write_bytes(POSTSCRIPT)
    with pytest.raises(ValueError, match=r"^image must .* Received: .*x\\n.png \(not an image"):
        show_image(path)


class TestLimits:
    def test_an_icon_is_not_decoded_before_its_images_size_is_known(self):
        """Pillow decodes icons on opening; the directory's 16x16 is a lie."""
        pixels = zlib.compress(bytes(1200 * 1201))
        png = claimed_png(1200, 1200)
        at = png.index(b"IDAT") - 4
        body = b"IDAT" + pixels
        chunk = struct.pack(">I", len(pixels)) + body + struct.pack(">I", zlib.crc32(body))
        icon = icon_of(png[:at] + chunk + png[-12:])
        assert open_image(icon).size == (1200, 1200)
        assert "1200x1200 pixels are 1.4 megapixels" in refusal(icon, max_megapixels=1)
        dib = struct.pack("<IiiHHIIiiII", 40, 30000, 60000, 1, 32, 0, 0, 0, 0, 0, 0)
        for lie in (icon_of(claimed_png(30000, 30000)), icon_of(dib)):
            assert "30000x" in refusal(lie)

    KINDS = ("GIF", "TIFF", "BMP", "PPM", "TGA", "PCX", "JPEG", "JPEG2000")

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_header_is_enough_to_refuse(self, kind):
        """Each of these files claims 30000x30000 pixels in the place of its own 40x24."""
        data = encode(Image.new("RGB", (40, 24), (1, 2, 3)), kind)
        old, new = {
            "GIF": (struct.pack("<HH", 40, 24), struct.pack("<HH", 30000, 30000)),
            "BMP": (struct.pack("<ii", 40, 24), struct.pack("<ii", 30000, 30000)),
            "PPM": (b"40 24", b"30000 30000"),
            "TGA": (struct.pack("<HH", 40, 24), struct.pack("<HH", 30000, 30000)),
            "PCX": (struct.pack("<HH", 39, 23), struct.pack("<HH", 29999, 29999)),
            "JPEG": (struct.pack(">HH", 24, 40), struct.pack(">HH", 30000, 30000)),
            "JPEG2000": (struct.pack(">II", 24, 40), struct.pack(">II", 30000, 30000)),
            "TIFF": (struct.pack("<HHIIHHII", 256, 4, 1, 40, 257, 4, 1, 24),
                     struct.pack("<HHIIHHII", 256, 4, 1, 30000, 257, 4, 1, 30000)),
        }[kind]
        assert old in data
        began = time.process_time()
        text = refusal(data.replace(old, new, 1))
        assert text.startswith("30000x30000 pixels are 900.0 megapixels")
        assert time.process_time() - began < 0.2

    def test_a_jpeg_of_thousands_of_scans_is_refused(self):
        """Each takes the time of a whole decode: 3,000 of 98 megapixels took 22 seconds."""
        jpeg = encode(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
        last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
        assert open_image(jpeg[:-2] + last * 100 + b"\xff\xd9").size == (64, 64)
        assert "scans are too many" in refusal(jpeg[:-2] + last * 3000 + b"\xff\xd9")

    def test_video_after_the_picture_is_not_taken_for_scans(self):
        jpeg = encode(Image.new("RGB", (64, 64)), "JPEG")
        video = (b"\xff\xda" + bytes(2**16 - 2)) * 800  # as often as in random bytes
        assert open_image(jpeg + video).size == (64, 64)

    def test_no_pipe_folder_or_huge_file_is_read(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        with (tmp_path / "huge.png").open("wb") as file:
            file.truncate(2**31)
        for name, text in [("pipe.png", "not a regular file"), ("huge.png", "larger than any"),
                           (".", "not a regular file"), ("absent.png", "No such file")]:
            with pytest.raises(UnusableImageError, match=text):
                load_picture(tmp_path / name)


def test_pillow_logs_nothing(caplog):
    data = encode(Image.new("RGB", (8, 8)), "TIFF")
    samples = struct.pack("<HHIHH", 277, 3, 1, 3, 0)
    assert samples in data
    assert refusal(data.replace(samples, samples[:8] + b"\xff\0\0\0"))
    assert not caplog.records


def test_libtiff_does_not_write_to_stderr():
    """Of a damaged strip, which Pillow raises anyway; its line would be among a run's own."""
    code = """
import io
from PIL import Image
from utils.data.decoding import ImageDecoder, UnusableImageError
file = io.BytesIO()
Image.effect_noise((64, 64), 50).save(file, "TIFF", compression="tiff_adobe_deflate")
(start,) = Image.open(file).tag_v2[273]
data = bytearray(file.getvalue())
data[start + 50 : start + 150] = bytes(100)
try:
    ImageDecoder((64, 64))(bytes(data))
except UnusableImageError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout and not done.stderr, done.stderr


def test_a_lying_icon_takes_no_memory():
    """In a process that may use 100 MB more than it does: decoding would need 144."""
    code = """
import resource
from test_image_formats import claimed_png, icon_of, refusal
import zlib, struct
pixels = zlib.compressobj()
data = b"".join(pixels.compress(bytes(12001 * 100)) for _ in range(120)) + pixels.flush()
png = claimed_png(12000, 12000)
body = b"IDAT" + data
chunk = struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
at = png.index(b"IDAT") - 4
icon = icon_of(png[:at] + chunk + png[-12:])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000,) * 2)
assert "12000x12000" in refusal(icon)
"""
    paths = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {paths}\n{code}"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind, most", [("JPEG2000", 0.5), ("WEBP", 0.5), ("PNG", 1)])
def test_a_pixel_of_decoders_that_hold_copies_counts_twice(kind, most):
    data = encode(Image.new("RGB", (1000, 700)), kind)
    assert open_image(data, 0.7 / most).size == (1000, 700)
    assert "megapixels, more than" in refusal(data, max_megapixels=0.699 / most)
