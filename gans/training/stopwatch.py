"""Where a run's time goes; progress, times.json, the log and the pace all read one stopwatch."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from gans.training.schedule import Interval, Schedule
from utils.files import atomic_path
from utils.runs.reading import read_times

COMPILING = "compiling the first step"
TRAINING = "training"
SAVING = "samples, plots, checkpoints, report"
JUDGING = "judging"


class Stopwatch(keras.callbacks.Callback):
    """Measures one thing at a time: compiling, training, saving or judging.

    First of the callbacks of `fit`, because it sees a step begin and end; and first of what is
    done at the end of an interval, all of which is saving until the next step begins. Nothing is
    measured before the first step.

    Args:
        path: times.json.
        resume: Whether to go on from what it says.

    Attributes:
        problem: Why it does not, in words, and begins again; nothing depends on it.
        seconds: Of each of the four, in this process.
        counts: Generator steps after the first call, which traces; intervals; evaluations.
    """

    def __init__(self, path: Path, resume: bool):
        super().__init__()
        self.path = path
        self.seconds = dict.fromkeys([COMPILING, TRAINING, SAVING, JUDGING], 0.0)
        self.counts = dict.fromkeys([TRAINING, SAVING, JUDGING], 0)
        self._began = self._since = time.perf_counter()
        self._what: str | None = None  # is measured now
        self._first: dict[str, float] = {}  # seconds of the first interval and evaluation
        self._step = 0
        self._before = dict.fromkeys(self.seconds, 0.0)
        self.problem = ""
        try:
            before = read_times(path) if resume else {}
            self._before = {name: before.get(name, 0.0) for name in self._before}
        except ValueError as error:
            self.problem = f"{error}. The times of the run begin again"

    @property
    def elapsed(self) -> float:
        """Seconds of the run: since the stopwatch was made, and those before a resumption."""
        return time.perf_counter() - self._began + sum(self._before.values())

    @property
    def trained(self) -> float:
        """Seconds of all steps in this process, the first one's compiling included."""
        return self.seconds[COMPILING] + self.seconds[TRAINING]

    def mean(self, what: str) -> float:
        """Seconds of one step, interval or evaluation; 0 where there was none.

        The first interval and the first evaluation, which load and trace, count only as long as
        they are the only ones.
        """
        seconds, count = self.seconds[what], self.counts[what]
        if what in self._first:
            seconds, count = seconds - self._first[what], count - 1
        return seconds / count if count else 0.0

    def left(self, schedule: Schedule, step: int, judging: float = 0.0) -> float:
        """Seconds from a step to the end of a run of this schedule, as measured so far.

        `judging` is what an evaluation takes where there was none so far.
        """
        return (
            (schedule.train_steps - step) * self.mean(TRAINING)
            + schedule.intervals_left(step) * self.mean(SAVING)
            + schedule.evaluations_left(step) * (self.mean(JUDGING) or judging)
        )

    def measure(self, what: str) -> None:
        """Ends what is measured now and begins another."""
        now = time.perf_counter()
        if self._what is not None:
            self.seconds[self._what] += now - self._since
        self._what, self._since = what, now

    @contextlib.contextmanager
    def judging(self) -> Iterator[None]:
        """Around an evaluation, also one that is abandoned."""
        self._begin(JUDGING)
        try:
            yield
        finally:
            self.measure(SAVING)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.measure(TRAINING if self.seconds[COMPILING] else COMPILING)
        self._step = self.model.steps_done

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._what == TRAINING:
            self.counts[TRAINING] += self.model.steps_done - self._step
        self.measure(TRAINING)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.measure(SAVING)

    def __call__(self, interval: Interval) -> None:
        self._begin(SAVING)
        self.write()

    def write(self) -> None:
        """Writes times.json, with what has been measured up to now."""
        if self._what is not None:
            self.measure(self._what)
        seconds = {name: value + self._before[name] for name, value in self.seconds.items()}
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(seconds, indent=2) + "\n", encoding="utf-8")

    def _begin(self, what: str) -> None:
        self.measure(what)
        if self.counts[what] == 1:
            self._first[what] = self.seconds[what]
        self.counts[what] += 1
