"""Ctrl-C and SIGTERM: finish the step, save, leave."""

import os
import signal
import socket
import sys
import threading
from typing import Any

import keras


class Interruption(keras.callbacks.Callback):
    """Stops training after the current step on SIGINT or SIGTERM; at once on a second Ctrl-C.

    Used as a context manager around `fit`. Python runs signal handlers only between two
    bytecodes, which a long step inside TensorFlow delays; so a thread watches the signals through
    a wake-up socket, can answer at once, and can end the process during a step. In another thread
    than the main one, where no handler can be set, it does nothing.

    Attributes:
        signal: The number of the first signal received, or None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.signal: int | None = None

    def __enter__(self) -> "Interruption":
        self._active = threading.current_thread() is threading.main_thread()
        if self._active:
            self._reader, self._writer = socket.socketpair()
            self._writer.setblocking(False)
            self._previous_fd = signal.set_wakeup_fd(self._writer.fileno())
            self._previous = {
                number: signal.signal(number, lambda *_: None)
                for number in (signal.SIGINT, signal.SIGTERM)
            }
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._active:
            signal.set_wakeup_fd(self._previous_fd)
            for number, handler in self._previous.items():
                signal.signal(number, handler)
            self._writer.close()
            self._watcher.join()
            self._reader.close()

    def _watch(self) -> None:
        while received := self._reader.recv(1):
            number = received[0]
            if number not in self._previous:
                continue
            if self.signal is None:
                self.signal = number
                print(
                    "\nFinishing the step, then saving. Ctrl-C (again) stops at once.",
                    file=sys.stderr, flush=True,
                )
            elif number == signal.SIGINT:
                # Files are moved into place whole, so nothing saved can be harmed.
                os._exit(128 + number)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.signal is not None:
            self.model.stop_training = True
