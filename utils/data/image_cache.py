"""Prepared image sets on disk: a folder of one pixel array and one small index, whole or absent.

The folder is named by a fingerprint of the files and options, so a set is never out of date, only
unused. It is written beside its name and moved into place, and its size is checked when opened.
"""

import array
import dataclasses
import errno
import hashlib
import json
import math
import os
import shutil
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from utils.data.decoding import (
    DifferentShapeError,
    ImageDecoder,
    UnreadableImageError,
    UnusableImageError,
)
from utils.data.sources import Source, printable
from utils.run_directory import atomic_path

_INDEX, _PIXELS = "index.json", "pixels.npy"
_NAMES_KEPT = 20  # of duplicates
_DAY = 24 * 60 * 60


@dataclasses.dataclass
class SetIndex:
    """What is known of a prepared set.

    Attributes:
        image_shape: (H, W, C) of every image.
        good: Position in the source of every image of the set, ascending, int64 [N].
        skipped: (name, reason) of every image that cannot be used.
        duplicates: Number of images whose pixels equal an earlier one's.
        duplicate_names: (name, name of the first with the same pixels) of some of them.
        digest: Hex digest of the shape and all prepared pixels, in order.
        complete: False if a file could not even be read, which another run should try again.
    """

    image_shape: tuple[int, int, int]
    good: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    duplicates: int = 0
    duplicate_names: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    digest: str = ""
    complete: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, H, W, C] of the pixel array."""
        return (len(self.good), *self.image_shape)


def load(folder: Path) -> tuple[SetIndex | None, np.ndarray | None]:
    """The index and the memory-mapped pixels (uint8 [N, H, W, C]) of a prepared set.

    None stands for what is absent or damaged; pixels are also absent where only an index was made.
    """
    try:
        raw = json.loads((folder / _INDEX).read_text("utf-8"))
        index = SetIndex(**raw)
        index.image_shape = tuple(index.image_shape)
        index.good = np.array(index.good, np.int64)  # a quarter of a list's memory
        index.skipped = [tuple(pair) for pair in index.skipped]
        index.duplicate_names = [tuple(pair) for pair in index.duplicate_names]
    except (OSError, ValueError, TypeError):
        return None, None
    try:
        pixels = np.load(folder / _PIXELS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return index, None
    intact = pixels.shape == index.shape and pixels.dtype == np.uint8
    return index, pixels if intact else None


def prepare(
    source: Source,
    decoder: ImageDecoder,
    folder: Path,
    store_pixels: bool,
    workers: int,
    show_progress: bool,
) -> None:
    """Decodes a whole source and writes the prepared set to `folder`.

    Raises:
        ValueError: No image is usable, some are not of the demanded shape, or the cache folder
            cannot be written. Nothing is left behind.
    """
    _remove_abandoned(folder.parent)
    total = len(source)
    image_bytes = math.prod(decoder.size) * decoder.channels
    index = SetIndex((*decoder.size, decoder.channels))
    try:
        if store_pixels:
            _check_free_space(folder.parent, total * image_bytes)
        with atomic_path(folder) as unfinished:
            unfinished.mkdir()
            images = _collect(source, decoder, index, workers, show_progress)
            if store_pixels:
                _write_pixels(unfinished / _PIXELS, index.image_shape, images)
            else:
                deque(images, maxlen=0)
            _write_index(unfinished / _INDEX, index)
    except OSError as error:
        quicker, pixels = load(folder)  # another process may have made the same set meanwhile
        if quicker and (pixels is not None or not store_pixels):
            return
        needed = f"{total * image_bytes / 1e6:,.0f} MB" if total else "more room"
        raise ValueError(
            f"cache_dir: cannot write to {printable(folder.parent)} ({error.strerror}); the "
            f"prepared images need {needed}: choose another folder, or use --no_cache"
        ) from error


def _collect(
    source: Source, decoder: ImageDecoder, index: SetIndex, workers: int, show_progress: bool
) -> Iterator[np.ndarray]:
    """Yields the usable images, prepared, in order; fills `index` on the way."""

    def decode(payload):
        pixels = decoder(payload)
        return pixels, hashlib.blake2b(pixels, digest_size=16).digest()

    digest = hashlib.blake2b(repr(index.image_shape).encode(), digest_size=16)
    good, first_names, different = array.array("q"), {}, []
    bar = progress_bar("Preparing", len(source), show_progress)
    with warnings.catch_warnings(), bar:
        warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters becomes a reason
        for position, (raw_name, result) in enumerate(source.map(decode, workers)):
            bar.update()
            name = printable(raw_name)
            if isinstance(result, DifferentShapeError):
                different.append(f"{name} ({result})")
            elif isinstance(result, UnusableImageError):
                index.skipped.append((name, str(result)))
                index.complete &= not isinstance(result, UnreadableImageError)
            else:
                pixels, image_digest = result
                digest.update(image_digest)
                first = first_names.setdefault(image_digest, name)
                if first is not name:
                    index.duplicates += 1
                    if index.duplicates <= _NAMES_KEPT:
                        index.duplicate_names.append((name, first))
                good.append(position)
                yield pixels
    index.good = np.array(good, np.int64)
    index.digest = digest.hexdigest()
    if different:
        raise ValueError(
            f"image_shape {decoder.size[0]}x{decoder.size[1]} is demanded but {len(different)} "
            f"images differ: {', '.join(different[:5])}{', ...' if different[5:] else ''}: use "
            "--resize to bring all to one size"
        )
    if not good:
        raise ValueError(_nothing_usable(source, index.skipped))


def progress_bar(title: str, total: int, show: bool):
    """A tqdm bar of images on stderr, with a line only every ten seconds where that is a file."""
    from tqdm import tqdm

    interval = 0.1 if sys.stderr.isatty() else 10.0
    options = {"unit": " images", "disable": not show, "mininterval": interval}
    return tqdm(desc=title, total=total or None, **options)


def _nothing_usable(source: Source, skipped: list[tuple[str, str]]) -> str:
    text = f"source: no usable image in {printable(source.location)}"
    if not skipped:
        return f"{text}: it holds no files of a known image format; is it the right place?"
    reasons = Counter(reason for _, reason in skipped).most_common(3)
    listed = "; ".join(f"{count} x {reason}" for reason, count in reasons)
    return f"{text}: all {len(skipped)} were skipped ({listed})"


def _write_pixels(path: Path, shape: tuple[int, int, int], images: Iterator[np.ndarray]) -> None:
    """Streams images into a .npy file. Not into a memory map: a full disk would kill us there."""
    count = 0
    with path.open("wb", buffering=2**20) as file:
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


def _write_index(path: Path, index: SetIndex) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(index) | {"good": index.good.tolist()}, file)
        file.flush()
        os.fsync(file.fileno())


def _check_free_space(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"only {free / 1e6:,.0f} MB are free")


def _remove_abandoned(folder: Path) -> None:
    """Deletes what killed preparations left, if no process has touched it for a day."""
    for path in folder.glob(".unfinished-*"):
        try:
            newest = max(part.stat().st_mtime for part in [path, *path.glob("*")])
        except OSError:  # finished or removed meanwhile
            continue
        if newest < time.time() - _DAY:
            shutil.rmtree(path, ignore_errors=True)
