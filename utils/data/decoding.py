"""One encoded image or array in, one uint8 array of the required shape out."""

import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from utils.data.image_formats import (
    MAX_MEGAPIXELS,
    UnusableImageError,
    counted_pixels,
    decoding,
    open_image,
)

# A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size if that leaves this many times the target
# size for LANCZOS: the result differs from a full decode by less than JPEG's own errors.
_DRAFT_MARGIN = 4

_BLOCK = 2**20  # pixels that are converted at a time
_SAMPLE_FORMAT = 339  # the TIFF tag
_SCALED = "scaled by its own range"
_ALPHA_MODES = ("RGBA", "RGBa", "LA", "La", "PA")


class _Shared:
    """Lets threads hold `total` pixels at once; an image of more waits until it is alone."""

    def __init__(self, total: float):
        self._total, self._held, self._changed = total, 0, threading.Condition()

    @contextlib.contextmanager
    def of(self, pixels: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + pixels <= self._total)
            self._held += pixels
        try:
            yield
        finally:
            with self._changed:
                self._held -= pixels
                self._changed.notify_all()


_memory = _Shared(MAX_MEGAPIXELS * 1e6)  # a pixel takes about 8 bytes while it is decoded


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
    max_megapixels: float = MAX_MEGAPIXELS

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
        with decoding():
            if self.resize:
                side = max(self.size) * _DRAFT_MARGIN  # of any orientation
                image.draft(None, (side, side))
            with _memory.of(counted_pixels(image)):
                image.load()
                with contextlib.suppress(Exception):  # a damaged EXIF block: the pixels as stored
                    ImageOps.exif_transpose(image, in_place=True)
                return self._convert(image)

    def open(self, data: bytes) -> Image.Image:
        """The image with its header read and its size allowed. Raises: UnusableImageError."""
        return open_image(data, self.max_megapixels)

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
        if image.mode.startswith(("I", "F")):
            image = _eight_bits(image)
        if image.mode == self._mode and "transparency" not in image.info:
            return image
        boxes = _bands(image)
        if len(boxes) == 1:
            return self._flattened(image)
        result = Image.new(self._mode, image.size)
        result.info = image.info
        for box in boxes:  # what lies between would take several times the image's memory
            result.paste(self._flattened(image.crop(box)), box)
        return result

    @property
    def _mode(self) -> str:
        return "L" if self.channels == 1 else "RGB"

    def _flattened(self, image: Image.Image) -> Image.Image:
        if image.mode in _ALPHA_MODES or "transparency" in image.info:
            image = image.convert("RGBA")
            canvas = Image.new("RGBA", image.size, (*self.background, 255))
            image = Image.alpha_composite(canvas, image).convert("RGB")
        elif image.mode in ("P", "CMYK", "YCbCr", "HSV"):  # cannot be converted directly to "L"
            image = image.convert("RGB")
        return image if image.mode == self._mode else image.convert(self._mode)

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
    """16, 32-bit or floating-point gray as "L".

    Of 16 bits, 65535 becomes 255 (Pillow's own conversion clips instead). Other pixels have no
    known range: the image's own becomes 0 to 255, and `is_scaled` tells. Raises:
    UnusableImageError.
    """
    # In PNG and PPM files, "I" means 16 bits, too.
    is_short = image.mode.startswith("I;16") or (image.mode == "I"
                                                 and image.format in ("PNG", "PPM"))
    # Pillow reads a TIFF's unsigned integers as signed ones.
    unsigned = not is_short and image.mode == "I" and image.format == "TIFF" and _is_unsigned(image)

    def pixels(box: tuple[int, int, int, int]) -> np.ndarray:
        values = np.asarray(image.crop(box))
        return values.view(np.uint32) if unsigned else values

    boxes = _bands(image)
    low, high = 0.0, 65535.0
    if not is_short:
        ends = np.array([(pixels(box).min(), pixels(box).max()) for box in boxes], np.float64)
        low, high = float(ends.min()), float(ends.max())  # NaN if one of them is
        if not math.isfinite(low + high):
            raise UnusableImageError("some of its pixels are not finite numbers")
    scale = 255 / (high - low) if high > low else 0.0
    gray = Image.new("L", image.size)
    for box in boxes:
        values = np.rint((pixels(box).astype(np.float64) - low) * scale)
        gray.paste(Image.fromarray(values.astype(np.uint8)), box)
    gray.info[_SCALED] = not is_short
    return gray


def _bands(image: Image.Image) -> list[tuple[int, int, int, int]]:
    """Boxes that cut an image into bands of rows."""
    rows = max(1, _BLOCK // image.width)
    return [(0, top, image.width, min(top + rows, image.height))
            for top in range(0, image.height, rows)]


def _is_unsigned(image: Image.Image) -> bool:
    """Whether a TIFF's integers are, which Pillow reads as signed ones."""
    sample_formats = image.tag_v2.get(_SAMPLE_FORMAT, 1)
    return sample_formats in (1, (1,))


def is_scaled(image: Image.Image) -> bool:
    """Whether a loaded image was brought from its own range of numbers to 0 to 255."""
    return image.info.get(_SCALED, False)
