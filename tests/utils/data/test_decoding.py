"""Formats, colors, orientation and geometry of `ImageDecoder`."""

import io
import struct
import threading
import time
import zlib
from contextlib import nullcontext

import numpy as np
import pytest
from encoded_images import encode
from PIL import Image

from utils.data.decoding import DifferentShapeError, ImageDecoder, _Shared, crop_box, is_scaled

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
QUADRANTS = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8).repeat(16, 0).repeat(24, 1)


def decode(data, size=(32, 48), **options) -> np.ndarray:
    return ImageDecoder(size, **options)(data)


def corners(pixels: np.ndarray) -> list:
    """The pixels in the middle of the four quadrants: upper left, upper right, lower ..."""
    height, width = pixels.shape[:2]
    return [
        pixels[y, x].tolist()
        for y in (height // 4, 3 * height // 4)
        for x in (width // 4, 3 * width // 4)
    ]


class TestFormats:
    LOSSLESS = ("PNG", "BMP", "TIFF", "PPM", "TGA")

    @pytest.mark.parametrize("kind", LOSSLESS)
    def test_lossless_formats_keep_every_pixel(self, kind):
        np.testing.assert_array_equal(decode(encode(Image.fromarray(QUADRANTS), kind)), QUADRANTS)

    @pytest.mark.parametrize(
        "options",
        [
            {"format": "WEBP", "lossless": True},
            {"format": "GIF"},
            {"format": "TIFF", "compression": "tiff_lzw"},
            {"format": "TIFF", "compression": "tiff_adobe_deflate"},
        ],
    )
    def test_more_lossless_encodings(self, options):
        data = encode(Image.fromarray(QUADRANTS), options.pop("format"), **options)
        np.testing.assert_array_equal(decode(data), QUADRANTS)

    @pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
    def test_jpeg(self, options):
        data = encode(Image.fromarray(QUADRANTS), "JPEG", quality=95, **options)
        expected = [list(color) for color in (RED, GREEN, BLUE, WHITE)]
        np.testing.assert_allclose(corners(decode(data)), expected, atol=4)

    def test_interlaced_png(self):
        """Adam7, which Pillow reads but does not write: the seven passes by hand."""
        gray = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
        passes += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]  # first row, column, their steps
        rows = b"".join(
            b"\0" + row.tobytes() for y, x, dy, dx in passes for row in gray[y::dy, x::dx]
        )

        def chunk(kind, body):
            return struct.pack(">I", len(body)) + kind + body + struct.pack(
                ">I", zlib.crc32(kind + body)
            )

        header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1)
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        data += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        np.testing.assert_array_equal(decode(data, (8, 8), channels=1)[..., 0], gray)

    def test_first_frame_of_an_animation(self):
        frames = [Image.new("RGB", (48, 32), color) for color in (RED, BLUE)]
        for kind in ("GIF", "WEBP", "TIFF", "PNG"):
            options = {"lossless": True} if kind == "WEBP" else {}
            data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
            np.testing.assert_array_equal(decode(data), np.full((32, 48, 3), RED, np.uint8))

    def test_the_content_counts_not_the_name(self):
        """A PNG under any name is a PNG: the decoder only sees the bytes."""
        assert decode(encode(Image.fromarray(QUADRANTS), "PNG")).shape == (32, 48, 3)


class TestColors:
    def test_palette(self):
        image = Image.fromarray(QUADRANTS).quantize(4)
        np.testing.assert_array_equal(decode(encode(image, "PNG")), QUADRANTS)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_sixteen_bit_gray_is_scaled_not_clipped(self, kind):
        values = np.array([[0, 257, 32896, 65535]], np.uint16).repeat(2, 0)
        pixels = decode(encode(Image.fromarray(values), kind), (2, 4))
        np.testing.assert_array_equal(pixels[0, :, 0], [0, 1, 128, 255])
        np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])

    @pytest.mark.parametrize("dtype", [np.float32, np.int32])
    @pytest.mark.parametrize("low, high", [(0, 1000), (-300, 300), (-2e9, 2e9)])
    def test_pixels_without_a_known_range_are_scaled_by_their_own(self, dtype, low, high):
        values = np.linspace(low, high, 52).astype(dtype).reshape(2, 26)
        decoder = ImageDecoder((2, 26), channels=1)
        image = decoder.load(encode(Image.fromarray(values), "TIFF"))
        assert is_scaled(image)
        np.testing.assert_array_equal(decoder.finish(image).ravel(), np.arange(52) * 5)

    def test_unsigned_integers_are_read_as_such(self):
        values = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
        data = encode(Image.fromarray(values.view(np.int32)), "TIFF")
        signed, unsigned = (struct.pack("<HHIHH", 339, 3, 1, kind, 0) for kind in (2, 1))
        assert signed in data
        pixels = decode(data.replace(signed, unsigned), (1, 3), channels=1)
        assert pixels.ravel().tolist() == [0, 128, 255]

    def test_one_value_without_a_known_range_is_black_and_eight_bits_are_not_scaled(self):
        flat = encode(Image.new("F", (8, 8), 0.5), "TIFF")
        assert not decode(flat, (8, 8)).any()
        gray = Image.new("L", (8, 8), 7)
        for image in (gray, Image.fromarray(np.full((8, 8), 7, np.uint16))):
            assert not is_scaled(ImageDecoder((8, 8)).load(encode(image, "TIFF")))

    def test_one_bit(self):
        image = Image.fromarray(np.eye(8, dtype=np.uint8) * 255).convert("1")
        pixels = decode(encode(image, "PNG"), (8, 8), channels=1)
        np.testing.assert_array_equal(pixels[..., 0], np.eye(8) * 255)

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_cmyk(self, kind):
        """Pillow writes CMYK JPEG as Adobe does, inverted, and TIFF plainly."""
        cyan = Image.new("CMYK", (48, 32), (255, 0, 0, 0))
        np.testing.assert_allclose(corners(decode(encode(cyan, kind))), [[0, 255, 255]] * 4, atol=4)

    def test_ycck(self):
        """CMYK as luma, chroma and black: what a 2 in the Adobe marker says.

        The chroma is that of 255 - C, 255 - M, 255 - Y (libjpeg's definition), and the Adobe bytes
        C, M, Y are inverted inks, which without black are the color itself.
        """
        inverse = Image.new("RGB", (1, 1), (255 - 200, 255 - 100, 255 - 50))
        stored = (*inverse.convert("YCbCr").getpixel((0, 0)), 255)  # 255: no black
        image = Image.new("CMYK", (48, 32), tuple(255 - byte for byte in stored))  # see test_cmyk
        data = encode(image, "JPEG", quality=100)
        at = data.index(b"Adobe") + 11
        assert data[at] == 0
        ycck = data[:at] + b"\2" + data[at + 1 :]
        np.testing.assert_allclose(corners(decode(ycck)), [[200, 100, 50]] * 4, atol=4)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_transparency_shows_the_background(self, channels):
        pixels = np.zeros((2, 3, 4), np.uint8)
        pixels[:, 0] = (10, 20, 30, 255)
        pixels[:, 1] = (200, 200, 200, 0)
        pixels[:, 2] = (255, 255, 255, 128)
        data = encode(Image.fromarray(pixels), "PNG")
        result = decode(data, (2, 3), background=(0, 100, 0), channels=channels)
        half = (128, 178, 128)  # 128/255 white over the background
        if channels == 3:
            expected = [(10, 20, 30), (0, 100, 0), half]
        else:
            expected = [
                [np.dot(color, (0.299, 0.587, 0.114))]
                for color in ((10, 20, 30), (0, 100, 0), half)
            ]
        np.testing.assert_allclose(result[0], expected, atol=1.01)

    @pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB"])
    def test_every_kind_of_transparency(self, mode):
        """Left half transparent, right half black."""
        if mode in ("LA", "RGBA"):
            image = Image.new(mode, (48, 32), (0,) * (len(mode) - 1) + (255,))
            image.paste((255,) * (len(mode) - 1) + (0,), (0, 0, 24, 32))
            data = encode(image, "PNG")
        else:
            image = Image.new(mode, (48, 32), 0)
            left = {"P": 1, "L": 7, "RGB": (7, 7, 7)}[mode]
            image.paste(left, (0, 0, 24, 32))
            if mode == "P":
                image.putpalette([0, 0, 0, 50, 60, 70])
            data = encode(image, "PNG", transparency=left)
        expected = [[0, 100, 0], [0, 0, 0]] * 2
        assert corners(decode(data, background=(0, 100, 0))) == expected

    def test_gray_is_luma_and_rgb_of_gray_is_gray(self):
        data = encode(Image.fromarray(QUADRANTS), "PNG")
        gray = decode(data, channels=1)
        assert gray.shape == (32, 48, 1)
        assert np.ravel(corners(gray)).tolist() == [76, 150, 29, 255]
        rgb = decode(encode(Image.fromarray(gray[..., 0]), "PNG"))
        np.testing.assert_array_equal(rgb, gray.repeat(3, axis=2))


UPRIGHT = [list(color) for color in (RED, GREEN, BLUE, WHITE)]
# How a camera must have stored the picture so that each tag turns it upright.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


class TestOrientation:
    @pytest.mark.parametrize("tag", STORED)
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
    def test_every_orientation(self, tag, kind):
        exif = Image.Exif()
        exif[0x0112] = tag
        stored = Image.fromarray(np.ascontiguousarray(STORED[tag](QUADRANTS)))
        pixels = decode(encode(stored, kind, exif=exif), resize=False)
        assert pixels.shape == (32, 48, 3)
        np.testing.assert_allclose(corners(pixels), UPRIGHT, atol=6)

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF")
    def test_a_damaged_exif_block_does_not_cost_the_image(self):
        data = encode(Image.fromarray(QUADRANTS), "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff\xff")
        np.testing.assert_array_equal(decode(data), QUADRANTS)


class TestGeometry:
    def test_center_covers_and_cuts_evenly(self):
        assert crop_box((300, 100), (50, 50)) == (100, 0, 200, 100)
        assert crop_box((100, 300), (50, 50)) == (0, 100, 100, 200)
        assert crop_box((96, 96), (48, 96)) == (24, 0, 72, 96)
        assert crop_box((10, 10), (64, 64)) == (0, 0, 10, 10)

    STRIPES = np.array([RED, GREEN, BLUE], np.uint8).repeat(40, 0)[None].repeat(40, 0)  # 40 x 120

    def test_center_shows_the_middle(self):
        pixels = decode(self.STRIPES, (20, 20), crop="center")
        assert pixels[:, 4:-4].reshape(-1, 3).tolist() == [list(GREEN)] * 20 * 12
        whole = decode(self.STRIPES, (20, 60), crop="stretch")
        np.testing.assert_array_equal(pixels, whole[:, 20:40])

    def test_stretch_shows_everything(self):
        pixels = decode(self.STRIPES, (30, 30), crop="stretch")
        assert pixels[15, [5, 15, 25]].tolist() == [list(RED), list(GREEN), list(BLUE)]

    @pytest.mark.parametrize("channels", [1, 3])
    def test_pad_shows_everything_on_the_background(self, channels):
        pixels = decode(
            self.STRIPES, (60, 60), crop="pad", background=(9, 9, 9), channels=channels
        )
        assert (pixels[:20] == 9).all() and (pixels[40:] == 9).all()
        expected = decode(self.STRIPES, (20, 60), crop="stretch", channels=channels)
        np.testing.assert_array_equal(pixels[20:40], expected)

    @pytest.mark.parametrize("crop", ["center", "stretch", "pad"])
    @pytest.mark.parametrize("size", [(1, 1), (5, 64), (96, 64), (128, 128)])
    def test_any_size_from_any_size(self, crop, size):
        for source in ((1, 1), (1, 300), (300, 1), (7, 5)):
            pixels = decode(np.full((*source, 3), 77, np.uint8), size, crop=crop,
                            background=(77, 77, 77))
            assert pixels.shape == (*size, 3)
            assert (pixels == 77).all()

    def test_lanczos(self):
        noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
        expected = Image.fromarray(noise).resize((64, 64), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(decode(noise, (64, 64)), np.asarray(expected))

    def test_large_jpegs_are_decoded_at_a_fraction_without_loss_of_quality(self):
        """Less than a gray level from the full decode; JPEG at quality 95 costs four."""
        detail = np.random.default_rng(0).integers(0, 256, (640, 800, 3), np.uint8)
        photo = Image.fromarray(detail).resize((1600, 1280), Image.Resampling.BICUBIC)
        data = encode(photo, "JPEG", quality=90)
        full = Image.open(io.BytesIO(data)).resize((80, 64), Image.Resampling.LANCZOS)
        error = decode(data, (64, 80)).astype(float) - np.asarray(full)
        assert 0 < np.sqrt((error**2).mean()) < 1.0

    def test_demanded_shape(self):
        data = encode(Image.fromarray(QUADRANTS), "PNG")
        assert decode(data, (32, 48), resize=False).shape == (32, 48, 3)
        with pytest.raises(DifferentShapeError, match="^32x48$"):
            decode(data, (48, 32), resize=False)

    def test_arrays_of_one_channel(self):
        gray = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
        np.testing.assert_array_equal(decode(gray, (3, 4), channels=1), gray)
        np.testing.assert_array_equal(decode(gray[..., 0], (3, 4), channels=1), gray)
        column = np.arange(3, dtype=np.uint8).reshape(3, 1)
        np.testing.assert_array_equal(decode(column, (3, 1), channels=1)[..., 0], column)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "F", "I", "I;16", "CMYK"])
def test_large_images_are_converted_in_bands_to_the_same_pixels(mode, monkeypatch):
    rng = np.random.default_rng(0)
    if mode in ("F", "I", "I;16"):
        kind = {"F": np.float32, "I": np.int32, "I;16": np.uint16}[mode]
        image = Image.fromarray(rng.integers(0, 60_000, (37, 29)).astype(kind))
    else:
        color = Image.fromarray(rng.integers(0, 256, (37, 29, 4), np.uint8))
        image = color.convert("RGB").convert(mode) if mode == "CMYK" else color.convert(mode)
    file = io.BytesIO()
    image.save(file, "TIFF" if mode != "P" else "PNG")
    decoder = ImageDecoder((8, 8), background=(10, 200, 30))
    whole = decoder(file.getvalue())
    monkeypatch.setattr("utils.data.decoding._BLOCK", 100)
    np.testing.assert_array_equal(decoder(file.getvalue()), whole)


def test_threads_share_the_memory_for_pixels():
    """Three of 40 pixels among threads that may hold 100, then one of 200 alone."""
    shared, held, seen = _Shared(100), [], []

    def decode(pixels):
        with shared.of(pixels):
            held.append(pixels)
            seen.append(sum(held))
            time.sleep(0.02)
            held.remove(pixels)

    threads = [threading.Thread(target=decode, args=[pixels]) for pixels in (40, 40, 40, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert max(total for total in seen if total != 200) == 80
    assert 200 in seen and not held


@pytest.mark.parametrize("kind, counted", [("WEBP", 2 * 40 * 30), ("PNG", 40 * 30)])
def test_pixels_of_costly_decoders_take_twice_the_shared_memory(kind, counted, monkeypatch):
    shared, asked = _Shared(100), []
    monkeypatch.setattr(shared, "of", lambda pixels: asked.append(pixels) or nullcontext())
    monkeypatch.setattr("utils.data.decoding._memory", shared)
    decode(encode(Image.new("RGB", (40, 30)), kind))
    assert asked == [counted]
