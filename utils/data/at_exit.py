"""Lets Python end only after TensorFlow's threads have left it; inside, they would wait forever."""

import atexit
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

_QUIET = 0.1  # seconds without a call after which a stream's buffers count as full
_MOST = 30.0  # seconds to wait; after that Python may hang, but so may those threads

_lock = threading.Lock()
_running = 0
_last_end = 0.0


def awaited_at_exit(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, for calls in tf.data's threads.

    A script may end while an iterator that prefetches is alive. A thread that then wants the
    interpreter back, say after reading a file, never gets it. TensorFlow waits for the thread, and
    the process hangs.
    """

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        global _running, _last_end
        with _lock:
            _running += 1
        try:
            return function(*arguments)
        finally:
            with _lock:
                _running -= 1
                _last_end = time.monotonic()

    return call


@atexit.register
def _wait() -> None:
    deadline = time.monotonic() + _MOST
    while (_running or time.monotonic() - _last_end < _QUIET) and time.monotonic() < deadline:
        time.sleep(_QUIET / 10)
