"""A prepared image set: its name, its files (a pixel array and a small index), what is held out."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from utils.data.npy import map_array
from utils.data.sources.base import Source

_INDEX, _PIXELS = "index.json", "pixels.npy"
_VERSION = 2  # raise it when the same files would give other pixels


@dataclasses.dataclass
class SetIndex:
    """What is known of a prepared set.

    Attributes:
        image_shape: (H, W, C) of every image.
        good: Position in the source of every image of the set, ascending, int64 [N].
        skipped: (name, reason) of every image that cannot be used.
        duplicates: Number of images whose pixels equal an earlier one's.
        duplicate_names: (name, name of the first with the same pixels) of some of them.
        scaled: Number of images whose pixels had no known range, and were scaled by their own.
        left_out: Number of files with other endings than an image's, by ending.
        digest: Hex digest of the shape and all prepared pixels, in order.
        complete: False if a file could not even be read, so that another run should try again.
    """

    image_shape: tuple[int, int, int]
    good: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    duplicates: int = 0
    duplicate_names: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    scaled: int = 0
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)
    digest: str = ""
    complete: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, H, W, C] of the pixel array."""
        return (len(self.good), *self.image_shape)


def fingerprint(source: Source, to_grayscale: bool, options: Mapping[str, Any]) -> str:
    """The name of the set that these options make of a source's files, hexadecimal."""
    # With the location, because file times may be equal in two folders.
    facts = {"version": _VERSION, "location": source.location, "to_grayscale": to_grayscale}
    digest = hashlib.blake2b(json.dumps(facts | options).encode(), digest_size=16)
    for stamp in source.stamps():
        digest.update(repr(stamp).encode())
    return digest.hexdigest()


def split(count: int, hold_out: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the training images, ascending, and of the held-out images, in random order."""
    held_out = min(count - 1, max(1, round(hold_out * count))) if hold_out else 0
    # Depends only on the number of images: whatever the run's seed, the same images are held out.
    order = np.random.default_rng(0).permutation(count) if held_out else np.arange(count)
    return np.sort(order[held_out:]), order[:held_out]


def load(folder: Path) -> tuple[SetIndex | None, np.ndarray | None]:
    """The index and the memory-mapped pixels (uint8 [N, H, W, C]) of a prepared set.

    None stands for what is absent or damaged; pixels are also absent if only an index was made.
    """
    try:
        index = SetIndex(**json.loads((folder / _INDEX).read_text("utf-8")))
        index.image_shape = tuple(index.image_shape)
        index.good = np.array(index.good, np.int64)  # a quarter of a list's memory
        index.skipped = [tuple(pair) for pair in index.skipped]
        index.duplicate_names = [tuple(pair) for pair in index.duplicate_names]
    except (OSError, ValueError, TypeError):
        return None, None
    try:
        pixels = map_array(folder / _PIXELS)
    except (OSError, ValueError):
        return index, None
    intact = pixels.shape == index.shape and pixels.dtype == np.uint8
    return index, pixels if intact else None


def write_pixels(folder: Path, shape: tuple[int, int, int], images: Iterator[np.ndarray]) -> None:
    """Streams images into a .npy file. In a memory map, a full disk would kill the process."""
    count = 0
    with (folder / _PIXELS).open("wb", buffering=2**20) as file:
        _write_header(file, (0, *shape))
        for image in images:
            file.write(np.ascontiguousarray(image))
            count += 1
        file.seek(0)
        _write_header(file, (count, *shape))  # as long as the first: NumPy leaves room to grow
        file.flush()
        os.fsync(file.fileno())


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def write_index(folder: Path, index: SetIndex) -> None:
    with (folder / _INDEX).open("w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(index) | {"good": index.good.tolist()}, file)
        file.flush()
        os.fsync(file.fileno())
