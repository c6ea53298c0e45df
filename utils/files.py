"""Files that are whole or absent, locks between processes, the cache folder."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from utils.wording import printable

UNFINISHED = ".unfinished-"


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
    """
    path = Path(path)
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


def remove_unfinished(folder: str | Path) -> None:
    """Deletes what `atomic_path` left in `folder` itself when a process was killed."""
    for path in Path(folder).glob(f"{UNFINISHED}*"):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked_file(path: Path, if_busy: Callable[[], None]) -> Iterator[None]:
    """Holds the lock that a file stands for; the lock ends with the process, however that ends.

    The file is created, and removed at the end; one left by a killed process locks nothing. On a
    file system without locks, nothing is locked.

    Args:
        path: The file. Its folder must exist.
        if_busy: Called once if another process holds the lock; raises, or returns to wait for it.

    Raises:
        OSError: The file cannot be created.
    """
    busy = False
    while True:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not busy:
                    busy = True
                    if_busy()
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError:  # a file system without locks
                pass
            if not _is_at(path, file.fileno()):  # its last holder has removed it
                continue
            try:
                yield
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
