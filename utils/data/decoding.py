"""One encoded image or array in, one uint8 array of the required shape out."""

import contextlib
import io
import threading
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

# A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size if that leaves this many times the target
# size for LANCZOS: the result differs from a full decode by less than JPEG's own errors.
_DRAFT_MARGIN = 4

_ALPHA_MODES = ("RGBA", "RGBa", "LA", "La", "PA")
_open_lock = threading.Lock()


class UnusableImageError(Exception):
    """This image cannot be used; its text is a short, plain reason for a list or a log."""


class UnreadableImageError(UnusableImageError):
    """The file could not be read at all; the next run should try again."""


class DifferentShapeError(UnusableImageError):
    """The image is fine but lacks the required size; the text is its size."""


@dataclass(frozen=True)
class ImageDecoder:
    """Decodes, orients, converts and resizes one image at a time. Safe to call from threads.

    Args:
        size: (H, W) of the result in pixels.
        channels: 1 (gray) or 3 (RGB).
        resize: If False, an image of another size is refused with `DifferentShapeError`.
        crop: "center" (cover the size and crop evenly), "stretch" (ignore the aspect ratio) or
            "pad" (show everything, fill with `background`).
        background: (R, G, B) in 0..255, behind transparent pixels and around padded images.
        max_megapixels: An image with more pixels is refused before it is decoded.
    """

    size: tuple[int, int]
    channels: int = 3
    resize: bool = True
    crop: str = "center"
    background: tuple[int, int, int] = (255, 255, 255)
    max_megapixels: float = 100.0

    def __call__(self, payload: bytes | np.ndarray) -> np.ndarray:
        """The prepared image.

        Args:
            payload: An encoded image file, or a uint8 array [H, W], [H, W, 1] or [H, W, 3].

        Returns:
            uint8 [H, W, C].

        Raises:
            UnusableImageError: The image is damaged, too large, of an unknown kind or shape.
        """
        return self.finish(self.load(payload))

    def load(self, payload: bytes | np.ndarray) -> Image.Image:
        """The upright image in mode "L" or "RGB", not yet resized. Raises: UnusableImageError."""
        if isinstance(payload, np.ndarray):
            image = Image.fromarray(payload[..., 0] if payload.shape[2:] == (1,) else payload)
        else:
            image = self.open(payload)
        try:
            if self.resize:
                side = max(self.size) * _DRAFT_MARGIN  # of any orientation
                image.draft(None, (side, side))
            image.load()
            with contextlib.suppress(Exception):  # a damaged EXIF block: use the pixels as stored
                ImageOps.exif_transpose(image, in_place=True)
            return self._convert(image)
        except UnusableImageError:
            raise
        except MemoryError as error:
            raise UnreadableImageError("not enough memory to decode it") from error
        except Exception as error:  # Pillow's plugins raise nearly anything on damaged data
            raise UnusableImageError(f"cannot be decoded ({_plain(error)})") from error

    def open(self, data: bytes) -> Image.Image:
        """The image with its header read and its size allowed. Raises: UnusableImageError."""
        if not data:
            raise UnusableImageError("the file is empty")
        try:
            with _open_lock:  # our own pixel limit applies, not Pillow's global one
                limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
                try:
                    image = Image.open(io.BytesIO(data))
                finally:
                    Image.MAX_IMAGE_PIXELS = limit
        except Image.UnidentifiedImageError as error:
            raise UnusableImageError("not an image, or an unknown format") from error
        except Exception as error:  # see above
            raise UnusableImageError(f"cannot be opened as an image ({_plain(error)})") from error
        width, height = image.size
        if width * height > self.max_megapixels * 1e6:
            raise UnusableImageError(
                f"{width}x{height} pixels are {width * height / 1e6:.1f} megapixels, more than "
                f"max_megapixels={self.max_megapixels:g} allows"
            )
        return image

    def finish(self, image: Image.Image) -> np.ndarray:
        """A converted image in the target size as uint8 [H, W, C]. Raises: DifferentShapeError."""
        height, width = self.size
        if image.size == (width, height):
            pixels = np.asarray(image)
        elif not self.resize:
            raise DifferentShapeError(f"{image.height}x{image.width}")
        else:
            pixels = np.asarray(self._resize(image))
        return pixels.reshape(height, width, self.channels)

    def _convert(self, image: Image.Image) -> Image.Image:
        mode = "L" if self.channels == 1 else "RGB"
        if image.mode.startswith("I"):
            image = _eight_bits(image)
        elif image.mode == "F":
            raise UnusableImageError(
                "floating-point pixels have no known range: save the image with 8 bits")
        if image.mode in _ALPHA_MODES or "transparency" in image.info:
            image = image.convert("RGBA")
            canvas = Image.new("RGBA", image.size, (*self.background, 255))
            image = Image.alpha_composite(canvas, image).convert("RGB")
        elif image.mode in ("P", "CMYK", "YCbCr", "HSV"):  # cannot be converted directly to "L"
            image = image.convert("RGB")
        return image if image.mode == mode else image.convert(mode)

    def _resize(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        box = crop_box(image.size, (width, height)) if self.crop == "center" else None
        if self.crop != "pad":
            return image.resize((width, height), Image.Resampling.LANCZOS, box=box)
        scale = min(width / image.width, height / image.height)
        inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        canvas = Image.new("RGB", (width, height), self.background).convert(image.mode)
        corner = ((width - inner[0]) // 2, (height - inner[1]) // 2)
        canvas.paste(image.resize(inner, Image.Resampling.LANCZOS), corner)
        return canvas


def most_bytes(max_megapixels: float) -> int:
    """The most bytes that a file of an image may have, so that it is not read in vain.

    8 bytes a pixel, which four channels of 16 bits take without compression, and 64 MiB for
    whatever else is in the file; at most 1 GiB.
    """
    return int(min(8e6 * max_megapixels + 2**26, 2**30))


def crop_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest centered box (left, top, right, bottom) of `target`'s aspect in an image.

    Args:
        size: (width, height) of the image.
        target: (width, height) that the box is resized to.
    """
    scale = max(target[0] / size[0], target[1] / size[1])
    width, height = min(size[0], target[0] / scale), min(size[1], target[1] / scale)
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, left + width, top + height


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit gray as "L": 65535 becomes 255 (Pillow's own conversion clips instead)."""
    if image.mode == "I" and image.format not in ("PNG", "PPM"):  # in these two it means 16 bits
        raise UnusableImageError(
            "32-bit integer pixels have no known range: save the image with 8 bits")
    pixels = np.asarray(image).astype(np.float32) / 257
    return Image.fromarray(np.rint(pixels).clip(0, 255).astype(np.uint8))


def _plain(error: Exception) -> str:
    """The first line of a library's message, without the parts that only its authors understand."""
    text = str(error).split("\n")[0].split(" <")[0].strip()
    return text or type(error).__name__
