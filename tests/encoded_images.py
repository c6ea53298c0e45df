"""Images that the tests of the data pipeline write for themselves."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

# An endless program: Ghostscript, if Pillow ran it, would not come back.
POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 70 70
%%EndComments
{} loop
"""


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write_images(folder: Path, count: int, size=(12, 8)) -> Path:
    """`count` different PNG files of (width, height) `size`, named 000.png, 001.png ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03d}.png")
    return folder


def numbered(path: Path, count: int) -> Path:
    """An array whose image i has the value i everywhere."""
    np.save(path, np.arange(count, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2))
    return path


def claimed_png(width: int, height: int) -> bytes:
    """A PNG of almost no data whose header claims this size."""
    png = encode(Image.new("L", (8, 8)), "PNG")
    header = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
