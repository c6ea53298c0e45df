"""Ctrl-C and SIGTERM: finish the step, save, leave."""

import math
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

import keras

from gans.distribution.strategy import Exchange
from gans.training.schedule import Schedule
from utils.runs.directory import RunDirectory

EVERY = 10  # generator steps between agreements on whether to stop
# `timeout -s INT` and some schedulers signal a process and its group: one Ctrl-C that comes twice.
SAME_SECONDS = 1.0


class Interruption(keras.callbacks.Callback):
    """Stops training after the current step on SIGINT or SIGTERM; at once on a second Ctrl-C.

    One that comes within a second of the first signal belongs to it.

    Used as a context manager around `fit`. Python runs signal handlers only between two bytecodes,
    which a long step inside TensorFlow delays; so a thread watches the signals through a wake-up
    socket, can answer at once, and can end the process during a step. Outside the main thread,
    where no handler can be set, it does nothing.

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
            self._previous = {number: signal.signal(number, lambda *_: None)
                              for number in (signal.SIGINT, signal.SIGTERM)}  # fmt: skip
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
        since = 0.0
        while received := self._reader.recv(1):
            number = received[0]
            if number not in self._previous:
                continue
            if self.signal is None:
                self.signal, since = number, time.monotonic()
                print("\nFinishing the step, then saving. Ctrl-C (again) stops at once.",
                      file=sys.stderr, flush=True)
            elif number == signal.SIGINT and time.monotonic() - since > SAME_SECONDS:
                # Files are moved into place whole, so nothing saved can be harmed.
                os._exit(128 + number)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.signal is not None:
            self.model.stop_training = True


class NonFiniteError(ArithmeticError):
    """A loss or weight is not finite. The message names the step, causes and the last checkpoint.

    Attributes:
        step: Generator steps done.
        logs: What `train_step` logged, as far as known.
    """

    def __init__(self, step: int, what: str, run: RunDirectory, logs: dict[str, Any] | None = None):
        self.step, self.logs = step, logs or {}
        checkpoints = run.list_checkpoints()
        good = f"last good checkpoint: {checkpoints[-1]}" if checkpoints else "no checkpoint yet"
        super().__init__(
            f"step {step}: {what}; training stopped, and nothing of this step was saved ({good}). "
            "Likely causes: a learning rate that is too high, a gradient penalty weight that is "
            "too low, a clip value that is too large, or float16 overflow (try mixed_bfloat16)"
        )


class StopOnNonFinite(keras.callbacks.Callback):
    """Raises `NonFiniteError` after the first step whose logs are not all finite."""

    def __init__(self, run: RunDirectory):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(float(value))]
        if bad:
            what = f"{', '.join(bad)} not finite"
            raise NonFiniteError(self.model.steps_done, what, self.run, logs)


class StopTogether(keras.callbacks.Callback):
    """Stops all workers after the same step if one of them wants to stop.

    A worker that stopped alone would leave the others waiting for its gradients. This must be the
    last callback, so that it sees what the others want.
    """

    def __init__(self, exchange: Exchange, schedule: Schedule):
        super().__init__()
        self.exchange, self.schedule = exchange, schedule
        self._wanted = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._wanted = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._wanted |= self.model.stop_training
        step = self.model.steps_done
        agrees = step % EVERY == 0 and not self.schedule.completes_interval(step)
        self.model.stop_training = agrees and self.exchange.any(self._wanted)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._wanted |= self.model.stop_training
        self.model.stop_training = self.exchange.any(self._wanted)
