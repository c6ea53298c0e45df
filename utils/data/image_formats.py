"""The formats of image files that are opened, and the one place that opens them."""

import contextlib
import ctypes
import errno
import functools
import io
import logging
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import IcoImagePlugin, Image

# By Pillow's names, with their files' endings. All are decoded in this process: for others, such as
# PostScript, Pillow runs programs. A file is tried as one after the other; TGA, which lacks a
# signature, comes last.
_ENDINGS = {
    "JPEG": (".jfif", ".jpe", ".jpeg", ".jpg", ".mpo"),
    "PNG": (".apng", ".png"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "JPEG2000": (".j2k", ".jp2"),
    "PPM": (".pbm", ".pfm", ".pgm", ".pnm", ".ppm"),
    "PCX": (".pcx",),
    "SGI": (".sgi",),
    "ICO": (".ico",),
    "TGA": (".tga",),
}
IMAGE_FORMATS = tuple(_ENDINGS)
IMAGE_ENDINGS = frozenset(ending for endings in _ENDINGS.values() for ending in endings)

MAX_MEGAPIXELS = 100.0
# Their decoders hold several copies of an image, so each pixel counts twice.
_COSTLY = ("JPEG2000", "WEBP")
_MAX_SCANS = 500  # of a JPEG; each takes the time of a whole decode, and ten are usual
_open_lock = threading.Lock()


class UnusableImageError(Exception):
    """This image cannot be used; its text is a short, plain reason for a list or a log."""


class UnreadableImageError(UnusableImageError):
    """The file could not be read at all; the next run should try again."""


def open_image(data: bytes, max_megapixels: float = MAX_MEGAPIXELS,
               formats: Sequence[str] = IMAGE_FORMATS) -> Image.Image:
    """An image with its header read and its size allowed, not yet decoded.

    Safe to call from threads. Pillow's own limit of pixels does not count.

    Args:
        data: The encoded image.
        max_megapixels: An image with more pixels is refused.
        formats: Pillow's names of the formats to try.

    Raises:
        UnusableImageError: It is empty, damaged, too large or of another format.
    """
    if not data:
        raise UnusableImageError("the file is empty")
    try:
        readable = [name for name in formats if name in _readers()]
        _check_content(data, max_megapixels)
        with _open_lock:
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                image = Image.open(io.BytesIO(data), formats=readable)
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    except UnusableImageError:
        raise
    except Image.UnidentifiedImageError as error:
        raise UnusableImageError("not an image, or an unknown format") from error
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged data
        raise UnusableImageError(f"cannot be opened as an image ({_plain(error)})") from error
    if counted_pixels(image) > max_megapixels * 1e6:
        width, height = image.size
        twice = f" (those of {image.format} count twice)" if image.format in _COSTLY else ""
        raise UnusableImageError(f"{width}x{height} pixels are {width * height / 1e6:.1f} "
                                 f"megapixels, more than max_megapixels={max_megapixels:g} "
                                 f"allows{twice}")
    return image


def counted_pixels(image: Image.Image) -> int:
    """An image's pixels as limits of memory count them: twice if its decoder holds more copies."""
    return image.width * image.height * (2 if image.format in _COSTLY else 1)


def read_image_file(path: Path, max_megapixels: float) -> bytes:
    """The content of an image file that is not larger than such an image can be.

    Raises:
        UnusableImageError: It is something else.
        UnreadableImageError: It cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait forever
            raise UnusableImageError("not a regular file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            check_bytes(size, max_megapixels)
            return file.read(size)  # no more: it may grow, or be the system's, and wait
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP) and path.is_symlink():
            raise UnusableImageError("a link to nothing") from error
        raise UnreadableImageError(f"cannot be read ({error.strerror})") from error


def load_picture(path: str | Path) -> Image.Image:
    """A picture file in RGB. Raises: UnusableImageError."""
    image = open_image(read_image_file(Path(path), MAX_MEGAPIXELS))
    with decoding():
        return image.convert("RGB")


def most_bytes(max_megapixels: float) -> int:
    """The most bytes that a file of an image may have, so that it is not read in vain.

    8 bytes a pixel, which four channels of 16 bits take without compression, and 64 MiB for
    whatever else is in the file; at most 1 GiB.
    """
    return int(min(8e6 * max_megapixels + 2**26, 2**30))


def check_bytes(size: int, max_megapixels: float) -> None:
    """Raises UnusableImageError if a file of so many bytes cannot be a wanted image."""
    if size > most_bytes(max_megapixels):
        raise UnusableImageError(f"a file of {size / 1e6:,.0f} MB is larger than any image that "
                                 f"max_megapixels={max_megapixels:g} allows")


@contextlib.contextmanager
def decoding() -> Iterator[None]:
    """Turns whatever is raised while an image is decoded into an `UnusableImageError`."""
    try:
        yield
    except UnusableImageError:
        raise
    except MemoryError as error:
        raise UnreadableImageError("not enough memory to decode it") from error
    except Exception as error:  # as when an image is opened
        raise UnusableImageError(f"cannot be decoded ({_plain(error)})") from error


@functools.cache
def _readers() -> frozenset[str]:
    """The formats that this Pillow reads. Libraries no longer print: errors are raised."""
    Image.init()
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with contextlib.suppress(OSError, AttributeError):  # a Pillow that hides its libtiff
        libtiff = ctypes.CDLL(Image.core.__file__)
        libtiff.TIFFSetErrorHandler(None)
        libtiff.TIFFSetWarningHandler(None)
    return frozenset(Image.OPEN)


def _check_content(data: bytes, max_megapixels: float) -> None:
    """Refuses what `image.size` would not tell in time. Raises: UnusableImageError."""
    if data.startswith(b"\xff\xd8"):
        scans = data.count(b"\xff\xda")
        # A video after the picture, as in motion photos, holds these bytes by chance.
        if scans > _MAX_SCANS + len(data) // 2**14:
            raise UnusableImageError(f"{scans:,} scans are too many for a JPEG")
    elif data.startswith(b"\0\0\1\0"):
        # An icon is decoded when it is opened, and its directory need not tell its images' size.
        icon = IcoImagePlugin.IcoFile(io.BytesIO(data))
        open_image(data[icon.entry[0].offset :], max_megapixels, ("PNG", "DIB"))


def _plain(error: Exception) -> str:
    """The first line of a library's message, without the parts that only its authors understand."""
    text = str(error).split("\n")[0].split(" <")[0].strip()
    return text or type(error).__name__
