"""Prepared image sets are made once, and are whole or absent.

The folder is named by a fingerprint of the files and options, so a set is never out of date, only
unused. It is written beside its name and moved into place, and its size is checked when opened.
"""

import array
import contextlib
import hashlib
import math
import shutil
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from utils.data.decoding import DifferentShapeError, ImageDecoder, is_scaled
from utils.data.image_formats import UnreadableImageError, UnusableImageError
from utils.data.prepared_set import SetIndex, load, write_index, write_pixels
from utils.data.remarks import listed, most_common
from utils.data.sources.base import Source
from utils.files import UNFINISHED, atomic_path, locked_file, remove_unfinished, require_room
from utils.process import progress_bar
from utils.wording import byte_size, printable

_NAMES_KEPT = 20  # of duplicates
_DAY = 24 * 60 * 60


def load_or_prepare(source: Source, decoder: Callable[[], ImageDecoder], folder: Path,
                    use_cache: bool, workers: int,
                    show_progress: bool) -> tuple[SetIndex, np.ndarray | None]:
    """The prepared set in `folder`, made first if it is not there; no pixels without the cache.

    Args:
        source: The images.
        decoder: Makes what decodes them; not called if the set is there, for some sources must be
            opened to know their channels.
        folder: Where the set is, or will be.
        use_cache: Whether pixels are wanted, and not only the list of good images.
        workers: Threads that decode.
        show_progress: Whether to show a bar.

    Raises:
        ValueError: As `prepare`.
    """
    index, pixels = load(folder)
    if index is not None and not index.complete:
        index = None  # again: what could not be read may be readable now
    while index is None or (use_cache and pixels is None):
        prepare(source, decoder(), folder, use_cache, workers, show_progress)
        index, pixels = load(folder)
    return index, pixels if use_cache else None


def prepare(source: Source, decoder: ImageDecoder, folder: Path, store_pixels: bool, workers: int,
            show_progress: bool) -> None:
    """Decodes a whole source and writes the prepared set to `folder`.

    If another process is doing the same, waits for it and takes its set instead.

    Raises:
        ValueError: No image is usable, some lack the required shape, or the cache folder cannot be
            written. Nothing is left behind.
    """
    _remove_abandoned(folder.parent)
    index = SetIndex((*decoder.size, decoder.channels))
    needed = len(source) * math.prod(index.image_shape)  # bytes; 0 if only reading would tell
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(folder, show_progress) as waited:
            if _is_ready(folder, store_pixels, even_incomplete=waited):
                return
            if store_pixels:
                require_room(folder, needed)
            with atomic_path(folder) as unfinished:
                unfinished.mkdir()
                images = _collect(source, decoder, index, workers, show_progress)
                if store_pixels:
                    write_pixels(unfinished, index.image_shape, images)
                else:
                    deque(images, maxlen=0)
                write_index(unfinished, index)
    except OSError as error:
        # Without locks, another process may have made the same set in the meantime.
        if _is_ready(folder, store_pixels, even_incomplete=True):
            return
        needed = byte_size(needed) if needed else "more room"
        raise ValueError(
            f"cache_dir must have room for the prepared images, which need {needed}: choose "
            f"another folder, or use --no_cache. Received: {printable(folder.parent)}, where "
            f"nothing can be written ({error.strerror})"
        ) from error


@contextlib.contextmanager
def _only_one(folder: Path, show_progress: bool) -> Iterator[bool]:
    """Keeps others from preparing this set; waits for one that does; yields whether it waited."""
    waited = False

    def wait() -> None:
        nonlocal waited
        waited = True
        if show_progress:
            print("Another process is preparing these images; waiting for it", file=sys.stderr)

    with locked_file(folder.with_name(f".lock-{folder.name}"), wait) as locked:
        if locked:  # then whoever left something unfinished has ended
            remove_unfinished(folder.parent, folder.name)
        yield waited


def _is_ready(folder: Path, with_pixels: bool, even_incomplete: bool) -> bool:
    index, pixels = load(folder)
    is_whole = index is not None and (index.complete or even_incomplete)
    return is_whole and (pixels is not None or not with_pixels)


def _collect(source: Source, decoder: ImageDecoder, index: SetIndex, workers: int,
             show_progress: bool) -> Iterator[np.ndarray]:
    """Yields the usable images, prepared, in order; fills `index` on the way."""

    def decode(payload):
        image = decoder.load(payload)
        pixels = decoder.finish(image)
        return pixels, is_scaled(image), hashlib.blake2b(pixels, digest_size=16).digest()

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
                pixels, scaled, image_digest = result
                index.scaled += scaled
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
    index.left_out = most_common(source.left_out or {})
    if different:
        raise ValueError(
            f"image_shape {decoder.size[0]}x{decoder.size[1]} must be that of all images: use "
            f"--resize to bring all to one size. Received: {len(different)} that differ, "
            f"{', '.join(different[:5])}{', ...' if different[5:] else ''}"
        )
    if not good:
        raise ValueError(_nothing_usable(source, index))


def _nothing_usable(source: Source, index: SetIndex) -> str:
    skipped = index.skipped
    text = f"source must hold a usable image. Received: {printable(source.location)}"
    if not skipped:
        others = f" but with others ({listed(index.left_out)})" if index.left_out else ""
        return f"{text}, without a file of a known image format{others}; is it the right place?"
    reasons = Counter(reason for _, reason in skipped).most_common(3)
    counts = "; ".join(f"{count} x {reason}" for reason, count in reasons)
    return f"{text}, of which all {len(skipped)} were skipped ({counts})"


def _remove_abandoned(folder: Path) -> None:
    """Deletes leftovers of killed preparations that no process has touched for a day."""
    for path in folder.glob(f"{UNFINISHED}*"):
        try:
            newest = max(part.stat().st_mtime for part in [path, *path.glob("*")])
        except OSError:  # finished or removed in the meantime
            continue
        if newest < time.time() - _DAY:
            shutil.rmtree(path, ignore_errors=True)
