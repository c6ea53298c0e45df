"""Sources of image files: folders and archives."""

import contextlib
import functools
import lzma
import os
import stat
import tarfile
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from utils.data.image_formats import MAX_FILE_BYTES, UnreadableImageError, UnusableImageError
from utils.data.sources.base import Payload, Source, is_image_name, other_endings
from utils.process import progress_bar
from utils.wording import printable


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

    def read(self, index: int) -> bytes:
        path = self._root / self._files[index][0]
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise UnusableImageError("a folder that cannot be listed")
            if not stat.S_ISREG(status.st_mode):
                raise UnusableImageError("not a regular file")
            _check_bytes(status.st_size)
            return path.read_bytes()
        except OSError as error:
            if path.is_symlink() and not path.exists():
                raise UnusableImageError("a link to nothing") from error
            raise UnreadableImageError(f"cannot be read ({error.strerror})") from error


class ZipSource(Source):
    """The image members of a .zip archive, in its order."""

    @functools.cached_property
    def _members(self) -> list[zipfile.ZipInfo]:
        files = [member for member in self._archive.infolist() if not member.is_dir()]
        self.left_out = other_endings(member.filename for member in files)
        return [member for member in files if is_image_name(member.filename)]

    @functools.cached_property
    def _archive(self) -> zipfile.ZipFile:
        with _whole(self.location):
            return zipfile.ZipFile(self.location)

    def __len__(self) -> int:
        return len(self._members)

    def name(self, index: int) -> str:
        return self._members[index].filename

    def read(self, index: int) -> bytes:
        member = self._members[index]
        if member.flag_bits & 1:
            raise UnusableImageError("encrypted in the archive")
        _check_bytes(member.file_size)
        try:
            return self._archive.read(member)
        except OSError as error:
            raise UnreadableImageError(f"cannot be read ({error.strerror})") from error
        except Exception as error:  # zipfile, zlib, lzma, bz2 each have their own
            raise UnusableImageError("damaged in the archive") from error


class TarSource(Source):
    """The image members of a .tar archive, compressed or not, in its order."""

    def __init__(self, location: str):
        super().__init__(location)
        self.random_access = location.lower().endswith(".tar")
        self._lock = threading.Lock()  # one file position for all threads

    @functools.cached_property
    def _archive(self) -> tarfile.TarFile:
        with _whole(self.location):
            return tarfile.open(self.location, "r:")

    @functools.cached_property
    def _members(self) -> list[tarfile.TarInfo]:
        with _whole(self.location):
            files = [member for member in self._archive if member.isreg()]
        self.left_out = other_endings(member.name for member in files)
        return [member for member in files if is_image_name(member.name)]

    def __len__(self) -> int:
        return len(self._members) if self.random_access else 0

    def name(self, index: int) -> str:
        return self._members[index].name

    def read(self, index: int) -> bytes:
        member = self._members[index]
        _check_bytes(member.size)
        with self._lock:
            return self._archive.extractfile(member).read()

    def items(self) -> Iterator[tuple[str, Callable[[], Payload]]]:
        if self.random_access:
            yield from super().items()
            return
        with _whole(self.location), tarfile.open(self.location, "r|*") as archive:
            self.left_out = Counter()
            for member in filter(tarfile.TarInfo.isreg, archive):
                if not is_image_name(member.name):
                    self.left_out.update(other_endings([member.name]))
                    continue
                # Read before the archive moves on.
                fits = member.size <= MAX_FILE_BYTES
                data = archive.extractfile(member).read() if fits else b""
                yield member.name, functools.partial(_checked, data, member.size)


def _checked(data: bytes, size: int) -> bytes:
    _check_bytes(size)
    return data


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


def _check_bytes(size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise UnusableImageError(f"a file of {size / 2**30:.1f} GiB is not an image")


@contextlib.contextmanager
def _whole(location: str) -> Iterator[None]:
    """Names the archive in the error if what is read from it is damaged."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, zlib.error,
            lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ValueError("source must be an archive that can be read: get it again. Received: "
                         f"{printable(location)} ({reason})") from error
