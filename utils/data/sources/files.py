"""Folders of image files."""

import errno
import functools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from utils.data.image_formats import UnreadableImageError, UnusableImageError
from utils.data.sources.base import Source, is_image_name, other_endings
from utils.process import progress_bar


class FolderSource(Source):
    """All image files under a folder, sorted by their relative name."""

    def __init__(self, location: str, show_progress: bool = False):
        super().__init__(location)
        self._root = Path(location)
        self._show_progress = show_progress

    @functools.cached_property
    def _files(self) -> list[tuple[str, int, int]]:
        with progress_bar("Listing", 0, self._show_progress, "files", delay=2.0) as bar:
            return self._list(bar.update)

    def _list(self, report: Callable[[int], object]) -> list[tuple[str, int, int]]:
        files, seen, folders, others = [], set(), [""], []
        while folders:
            relative = folders.pop()
            here = self._root / relative
            try:
                status = here.stat()
                entries = sorted(os.scandir(here), key=lambda entry: entry.name)
            except OSError:
                files.append((relative, -1, 0))  # `read` says why
                continue
            if (status.st_dev, status.st_ino) in seen:  # a link back, or to a listed folder
                continue
            seen.add((status.st_dev, status.st_ino))
            for entry in entries:
                name = f"{relative}/{entry.name}" if relative else entry.name
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    folders.append(name)
                elif is_image_name(entry.name):
                    files.append((name, *_size_and_time(entry)))
                    report(1)
                else:
                    others.append(name)
        self.left_out = other_endings(others)
        return sorted(files)

    def stamps(self) -> Iterator[tuple[str, int, int]]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        return self._files[index][0]

    def size(self, index: int) -> int:
        return max(0, self._files[index][1])

    def read(self, index: int) -> bytes:
        path = self._root / self._files[index][0]
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # others may wait when they are opened
                kind = "a folder that cannot be listed" if path.is_dir() else "not a regular file"
                raise UnusableImageError(kind)
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                self.check_size(size)
                return file.read(size)  # no more: a file may grow, or be the system's, and wait
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP) and path.is_symlink():
                raise UnusableImageError("a link to nothing") from error
            raise UnreadableImageError(f"cannot be read ({error.strerror})") from error


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _size_and_time(entry: os.DirEntry) -> tuple[int, int]:
    try:
        status = entry.stat()
        return status.st_size, status.st_mtime_ns
    except OSError:  # a link to nothing: `read` says so
        return -1, 0
