"""Where images come from: `open_source` turns what a user names into a `Source` of images."""

import difflib
import functools
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from utils.data.decoding import UnusableImageError

IMAGE_ENDINGS = frozenset(
    f".{ending}"
    for ending in (
        *("apng", "avif", "bmp", "dib", "gif", "ico", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg"),
        *("pbm", "pcx", "pgm", "png", "pnm", "ppm", "sgi", "tga", "tif", "tiff", "webp"),
    )
)
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
_CHUNK = 32  # images a task: small enough to balance threads, large enough to cost nothing

Payload = bytes | np.ndarray


@dataclass(frozen=True)
class Shard:
    """A file of images that should be read from front to end.

    Attributes:
        positions: Of its images in the source, in the file's order, int64 [n].
        num_bytes: Of all of them together, roughly.
        read: Gives the encoded images for which a mask, bool [n], is true, in the file's order.
    """

    positions: np.ndarray
    num_bytes: int
    read: Callable[[np.ndarray], Iterator[bytes]]


class Source:
    """A numbered collection of images. Opening it is cheap; what it holds is looked up when asked.

    Attributes:
        location: What it is read from, as the fingerprint should know it.
        note: A choice made for the user that they should hear of, or None.
        channels: 1 if every image is one-channel by its very format, else 3.
        random_access: False if it can only be read from front to end (then `read` does not work).
        shards: Its files, where they should be read from front to end though `read` works, as
            files may be that are on another machine or larger than the memory; else None.
    """

    note: str | None = None
    channels = 3
    random_access = True
    shards: list[Shard] | None = None

    def __init__(self, location: str):
        self.location = location

    def stamps(self) -> Iterator[tuple[str, int, int]]:
        """(relative name, bytes, modification time in ns) of every file it depends on."""
        path = Path(self.location)
        status = path.stat()
        yield path.name, status.st_size, status.st_mtime_ns

    def __len__(self) -> int:
        """The number of images, usable or not; 0 if only reading it all would tell."""
        raise NotImplementedError

    def name(self, index: int) -> str:
        """The image's name for lists and logs; may hold anything a file system allows."""
        raise NotImplementedError

    def read(self, index: int) -> Payload:
        """An encoded image, or a uint8 array [H, W] or [H, W, C]. Safe to call from threads.

        Raises:
            UnusableImageError: This image cannot be had.
        """
        raise NotImplementedError

    def items(self) -> Iterator[tuple[str, Callable[[], Payload]]]:
        """(name, function that reads the image) of all images in order."""
        for index in range(len(self)):
            yield self.name(index), functools.partial(self.read, index)

    def map(
        self, function: Callable[[Payload], Any], workers: int
    ) -> Iterator[tuple[str, Any | UnusableImageError]]:
        """`function` of every image in order, computed in threads: (name, result or reason).

        Threads suffice: Pillow lets go of the interpreter lock while it decodes and resizes.
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


def open_source(
    source: str | os.PathLike, size: tuple[int, int], show_progress: bool = False
) -> Source:
    """The source that a user named.

    Args:
        source: A folder, an archive, an array or idx file, `tfds:NAME[:SPLIT]` or `faces`.
        size: (H, W) at which the built-in faces are drawn; other sources have their own.
        show_progress: Whether to show, on stderr, how a large folder is listed.

    Raises:
        ValueError: There is no such thing, or it is of an unknown kind.
    """
    from utils.data import array_sources, file_sources, tfds_source  # which build on this file

    name = os.fspath(source)
    if name == "faces":
        return array_sources.FacesSource(size)
    if name.startswith("tfds:"):
        return tfds_source.TfdsSource(name)
    path = Path(name).expanduser()
    if not name or not path.exists():
        raise ValueError(_no_such_source(name, path))
    location, lower = str(path.resolve()), path.name.lower()
    if path.is_dir():
        idx = path / array_sources.TRAINING_IDX
        if idx.is_file():
            return array_sources.IdxSource(str(idx.resolve()), note=f"the folder's {idx.name}")
        return file_sources.FolderSource(location, show_progress)
    if lower.endswith(".zip"):
        return file_sources.ZipSource(location)
    if lower.endswith(TAR_ENDINGS):
        return file_sources.TarSource(location)
    if lower.endswith((".npy", ".npz")):
        return array_sources.NumpySource(location)
    if "idx" in lower and lower.endswith(("ubyte", ".gz")):
        return array_sources.IdxSource(location)
    hint = f"name its folder, {printable(path.parent)}" if is_image_name(lower) else "unpack it"
    raise ValueError(
        "source must be a folder, a .zip or .tar archive, a .npy, .npz or idx .gz array, "
        f"tfds:NAME or faces; received the file {printable(name)}: {hint}"
    )


def is_image_name(name: str) -> bool:
    """Whether a file's relative name is an image's and no part of it is hidden."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") and part not in (".", "..") for part in path.parts)
    return path.suffix.lower() in IMAGE_ENDINGS and not hidden and path.parts[0] != "__MACOSX"


def available_cores() -> int:
    """Those of this process, where the system tells them apart from the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def printable(name: str | os.PathLike) -> str:
    """A name on one line of valid text: odd bytes and control characters are written as escapes."""
    text = os.fspath(name).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _no_such_source(name: str, path: Path) -> str:
    text = "source must be an existing folder or file, tfds:NAME or faces; received "
    parent = path.parent if path.parent.is_dir() else Path()
    names = {entry.name: printable(entry) for entry in parent.iterdir()} | {"faces": "faces"}
    near = difflib.get_close_matches(path.name, names, n=1)
    hint = f" (did you mean {names[near[0]]}?)" if near else ""
    return f"{text}{printable(name)}, which is not there: name a folder, --source FOLDER{hint}"
