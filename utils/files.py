"""Files that are whole or absent, full disks, locks between processes, the cache folder."""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from utils.wording import byte_size, printable

UNFINISHED = ".unfinished-"

# A full disk, a quota that is used up, and a limit on the size of files.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFullError(OSError):
    """A file cannot be written for lack of room.

    Args:
        path: The file.
        reason: What the system says.
        needed: Bytes of the file; None where that is not known.
        advice: What to do.
    """

    def __init__(self, path: Path, reason: str, needed: int | None = None,
                 advice: str = "Make room there; what was there before is whole"):
        more = "more is needed" if needed is None else f"{byte_size(needed)} are needed"
        room = f"{byte_size(_free(path))} are free, {more}"
        super().__init__(errno.ENOSPC, f"{reason}: {room}")
        self.path, self.reason, self.needed, self.advice = path, reason, needed, advice

    def __str__(self) -> str:
        return f"cannot write {printable(self.path)} ({self.strerror}). {self.advice}"

    def advising(self, advice: str) -> "DiskFullError":
        """This error with other advice."""
        return DiskFullError(self.path, self.reason, self.needed, advice)


def lack_of_room(error: BaseException) -> str | None:
    """What the system says of a full disk if that is what an error, of any library, is; or None."""
    number = getattr(error, "errno", None)
    text = str(error)
    return next((os.strerror(full) for full in _FULL
                 if number == full or os.strerror(full) in text), None)


@contextlib.contextmanager
def full_disk_named(path: str | Path) -> Iterator[None]:
    """Turns any error of a full disk in the block into `DiskFullError`, which names `path`."""
    try:
        yield
    except DiskFullError as error:  # of a file that the user has not named
        raise DiskFullError(Path(path), error.reason, error.needed) from error
    except Exception as error:
        reason = lack_of_room(error)
        if reason is None:
            raise
        raise DiskFullError(Path(path), reason) from error


def require_room(path: Path, needed: int) -> None:
    """Raises `DiskFullError` if a file of `needed` bytes cannot be written to `path`."""
    if _free(path) < needed:
        raise DiskFullError(path, os.strerror(errno.ENOSPC), needed)


def _free(path: Path) -> int:
    """Bytes that are free where `path` is or will be."""
    return shutil.disk_usage(_nearest(path)).free


def _nearest(path: Path) -> Path:
    """The path or, of the folders it will be in, the first that exists."""
    return next((each for each in (path, *path.absolute().parents) if each.exists()), Path("/"))


def require_writable(folder: Path, argument: str) -> None:
    """Makes a file in a folder, or where it will be made, and removes it again.

    Args:
        folder: Its path.
        argument: The option that names it.

    Raises:
        ValueError: If that fails, or the path is not text, which TensorFlow's names of files must
            be.
    """
    try:
        os.fspath(folder).encode()
        with tempfile.NamedTemporaryFile(prefix=UNFINISHED, dir=_nearest(folder)):
            pass
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid UTF-8"
        raise ValueError(
            f"{argument} must be a folder that can be written to: choose another. "
            f"Received: '{printable(folder)}' ({reason})"
        ) from None


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Writes a file whole or not at all, if there is room for it.

    Raises:
        DiskFullError: There is none.
    """
    require_room(path, len(data))
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` (same ending), moved onto `path` if the block succeeds.

    Works for a file or a folder that the block creates. If the block raises, what it wrote is
    removed and `path` keeps what it held. A killed process leaves at most a hidden
    `.unfinished-*` entry, which `remove_unfinished` deletes.

    Args:
        path: The final path. Missing parent folders are created.

    Yields:
        The path to write to; nothing exists there yet.

    Raises:
        DiskFullError: The disk is full.
    """
    path = Path(path)
    with full_disk_named(path):
        yield from _atomic_path(path)


def _atomic_path(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, replaced = (
        path.with_name(f"{UNFINISHED}{uuid.uuid4().hex[:12]}-{path.name}") for _ in range(2))
    try:
        yield temporary
        if temporary.is_file():
            with temporary.open("rb+") as file:  # on disk before the name points to it
                os.fsync(file.fileno())
        elif path.is_dir():  # a folder cannot be replaced in one call: clear the name first
            path.replace(replaced)
            temporary.replace(path)
            shutil.rmtree(replaced)
            return
        temporary.replace(path)
    except OSError as error:
        if UNFINISHED not in str(error.filename):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None  # the name users know
    finally:
        _remove(temporary)


def expanded(path: str | os.PathLike, argument: str) -> Path:
    """The path with a leading ~ or ~user replaced.

    Args:
        path: As the user gave it.
        argument: Its name in the error.

    Raises:
        ValueError: There is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{argument} must not begin with ~ and the name of an unknown user: give "
                         f"the whole path. Received: {printable(path)}") from error


def remove_unfinished(folder: str | Path, name: str = "") -> None:
    """Deletes what `atomic_path` left of `name`, or of all, when a process was killed."""
    for path in Path(folder).glob(f"{UNFINISHED}*{name}"):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked_file(path: Path, if_busy: Callable[[], None]) -> Iterator[bool]:
    """Holds the lock that a file stands for; the lock ends with the process, however that ends.

    The file is created, and removed at the end; one left by a killed process locks nothing. On a
    file system without locks, nothing is locked.

    Args:
        path: The file. Its folder must exist.
        if_busy: Called once if another process holds the lock; raises, or returns to wait for it.

    Yields:
        Whether it is locked.

    Raises:
        OSError: The file cannot be created.
    """
    busy = False
    while True:
        with path.open("w") as file:
            has_locks = True
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not busy:
                    busy = True
                    if_busy()
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError:
                has_locks = False
            if not _is_at(path, file.fileno()):  # its last holder has removed it
                continue
            try:
                yield has_locks
            finally:
                path.unlink(missing_ok=True)
            return


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def default_cache_dir() -> Path:
    """Where what can be made again is kept: wasserstein-gan in the user's cache folder."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "wasserstein-gan"
