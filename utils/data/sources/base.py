"""Where images come from: `open_source` turns what a user names into a `Source` of images."""

import functools
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from utils.data.image_formats import IMAGE_ENDINGS, UnusableImageError
from utils.wording import printable

_CHUNK = 32  # images per task: few enough to balance threads, enough to keep the overhead small
_LONGEST_ENDING = 10

Payload = bytes | np.ndarray


@dataclass(frozen=True)
class Shard:
    """A file of images that should be read from front to end.

    Attributes:
        positions: Of its images in the source, in the file's order, int64 [n].
        num_bytes: Their total size, roughly.
        read: Gives the encoded images where a mask, bool [n], is true, in the file's order.
    """

    positions: np.ndarray
    num_bytes: int
    read: Callable[[np.ndarray], Iterator[bytes]]


class Source:
    """A numbered collection of images. Opening it is cheap; its contents are looked up on demand.

    Attributes:
        location: Where it is read from, for the fingerprint.
        note: A choice made for users that they should know of, or None.
        channels: 1 if the format allows only one-channel images, else 3.
        random_access: False if it can only be read from front to end (then `read` does not work).
        shards: Its files, if they should be read from front to end although `read` works (because
            they may be on another machine, or larger than the memory); else None.
    """

    note: str | None = None
    channels = 3
    random_access = True
    shards: list[Shard] | None = None
    left_out: Counter[str] | None = None

    def __init__(self, location: str):
        self.location = location

    def stamps(self) -> Iterator[tuple[str, int, int]]:
        """(relative name, bytes, modification time in ns) of every file it depends on."""
        path = Path(self.location)
        status = path.stat()
        yield path.name, status.st_size, status.st_mtime_ns

    def __len__(self) -> int:
        """The number of images, usable or not; 0 if only reading everything would tell."""
        raise NotImplementedError

    def name(self, index: int) -> str:
        """The image's name for lists and logs; may hold anything a file system allows."""
        raise NotImplementedError

    def read(self, index: int) -> Payload:
        """An encoded image, or a uint8 array [H, W] or [H, W, C]. Safe to call from threads.

        Raises:
            UnusableImageError: This image cannot be read.
        """
        raise NotImplementedError

    def items(self) -> Iterator[tuple[str, Callable[[], Payload]]]:
        """(name, function that reads the image) of all images in order."""
        for index in range(len(self)):
            yield self.name(index), functools.partial(self.read, index)

    def map(self, function: Callable[[Payload], Any],
            workers: int) -> Iterator[tuple[str, Any | UnusableImageError]]:
        """Applies `function` to every image in threads; yields (name, result or reason) in order.

        Threads suffice: Pillow releases the interpreter lock while it decodes and resizes.
        """

        def run(chunk):
            return [(name, _attempt(function, read)) for name, read in chunk]

        items, pending = self.items(), deque()
        with ThreadPoolExecutor(workers) as pool:
            try:
                while True:
                    while len(pending) < 2 * workers + 1:
                        chunk = list(itertools.islice(items, _CHUNK))
                        if not chunk:
                            break
                        pending.append(pool.submit(run, chunk))
                    if not pending:
                        return
                    yield from pending.popleft().result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _attempt(function: Callable[[Payload], Any], read: Callable[[], Payload]) -> Any:
    try:
        return function(read())
    except UnusableImageError as reason:
        return reason.with_traceback(None)  # which would keep the image's memory


def is_image_name(name: str) -> bool:
    """Whether a relative file name is an image's, with no hidden part."""
    return PurePosixPath(name).suffix.lower() in IMAGE_ENDINGS and not _is_hidden(name)


def other_endings(names: Iterable[str]) -> Counter[str]:
    """How many of these relative file names, without hidden ones and images, have which ending."""
    return Counter(_ending(name) for name in names
                   if not is_image_name(name) and not _is_hidden(name))


def _is_hidden(name: str) -> bool:
    """Whether a relative name has a hidden part, or is what macOS adds to an archive."""
    parts = PurePosixPath(name).parts
    return parts[:1] == ("__MACOSX",) or any(
        part.startswith(".") and part not in (".", "..") for part in parts)


def _ending(name: str) -> str:
    ending = PurePosixPath(name).suffix.lower()
    # What follows the last period of a long name is not an ending.
    return printable(ending) if 1 < len(ending) <= _LONGEST_ENDING else "no ending"
