"""Locks between processes, by files that name what is locked."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked_file(path: Path, if_busy: Callable[[], None]) -> Iterator[None]:
    """Holds the lock that a file stands for, which goes with the process, however it ends.

    The file is made, and removed at the end; one that a killed process left locks nothing. On a
    file system that knows no locks, nothing is locked.

    Args:
        path: The file. Its folder must exist.
        if_busy: Called once if another process holds the lock; raises, or returns to wait for it.

    Raises:
        OSError: The file cannot be made.
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
            if not _is_at(path, file.fileno()):  # its last holder has removed it: another counts
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
