"""Where images come from: `open_source` turns what a user names into a `Source` of images."""

import contextlib
import functools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from utils.data.image_formats import IMAGE_ENDINGS, MAX_MEGAPIXELS, UnusableImageError
from utils.wording import printable

_CHUNK = 32  # images per task: few enough to balance threads, enough to keep the overhead small
_LONGEST_ENDING = 10
_AHEAD_BYTES = 2**28  # of encoded images that all threads hold; a larger image is held alone

Payload = bytes | np.ndarray


class Item(NamedTuple):
    """An image of a source.

    Attributes:
        name: As `Source.name` gives it.
        size: Bytes that reading it takes; 0 if unknown.
        read: Reads it, as `Source.read` does. If the source lacks random access, it must be called
            before the next item is asked for.
    """

    name: str
    size: int
    read: Callable[[], Payload]


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
        max_megapixels: Larger images are not wanted, so files that can only hold such are not read.
        left_out: The number of files with other endings than an image's, by ending; None until the
            contents are looked up, and where files have no endings.
    """

    max_megapixels = MAX_MEGAPIXELS
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

    def size(self, index: int) -> int:
        """The bytes that reading an image takes; 0 if unknown."""
        return 0

    def items(self) -> Iterator[Item]:
        """All images in order."""
        for index in range(len(self)):
            yield Item(self.name(index), self.size(index), functools.partial(self.read, index))

    def map(self, function: Callable[[Payload], Any],
            workers: int) -> Iterator[tuple[str, Any | UnusableImageError]]:
        """Applies `function` to every image in threads; yields (name, result or reason) in order.

        Threads suffice: Pillow releases the interpreter lock while it decodes and resizes. What is
        read but not yet decoded is bounded in number and in bytes.
        """

        def run(chunk):
            return [(name, _attempt(function, read)) for name, read in chunk]

        most = 2 * workers + 1  # tasks at a time
        chunk, in_chunk = [], 0
        pending, held = deque(), 0
        with ThreadPoolExecutor(workers) as pool:

            def submit():
                nonlocal chunk, in_chunk
                pending.append((pool.submit(run, chunk), in_chunk))
                chunk, in_chunk = [], 0

            try:
                for name, size, read in self.items():
                    if chunk and (len(chunk) == _CHUNK or in_chunk + size > _AHEAD_BYTES // most):
                        submit()
                    while pending and (len(pending) == most or held + size > _AHEAD_BYTES):
                        done, freed = pending.popleft()
                        yield from done.result()
                        held -= freed
                    if not self.random_access:
                        read = _read_already(read)
                    chunk.append((name, read))
                    in_chunk += size
                    held += size
                submit()
                for done, _ in pending:
                    yield from done.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _read_already(read: Callable[[], Payload]) -> Callable[[], Payload]:
    """Reads now; gives the image, or the reason why there is none, when it is called."""
    try:
        payload = read()
    except UnusableImageError as error:
        reason = _bare(error)

        def fail():
            raise reason

        return fail
    return lambda: payload


@contextlib.contextmanager
def whole_archive(location: str) -> Iterator[None]:
    """Names the archive in the error if what is read from it is damaged."""
    try:
        yield
    except UnusableImageError:
        raise
    except Exception as error:  # each library has its own, and damage brings out all kinds
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ValueError("source must be an archive that can be read: get it again. Received: "
                         f"{printable(location)} ({printable(reason)})") from error


def _attempt(function: Callable[[Payload], Any], read: Callable[[], Payload]) -> Any:
    try:
        return function(read())
    except UnusableImageError as reason:
        return _bare(reason)


def _bare(reason: UnusableImageError) -> UnusableImageError:
    """Without its cause, and the frames of both, which would keep the image's memory."""
    reason.__cause__ = reason.__context__ = None
    return reason.with_traceback(None)


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
