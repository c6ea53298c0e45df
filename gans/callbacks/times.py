"""times.json: where a run's time went."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from gans.callbacks.interval import IntervalCallback, Schedule
from utils.run_directory import RunDirectory, atomic_path

COMPILING = "compiling the first step"
TRAINING = "training"
SAVING = "samples, plots, checkpoints, report"
JUDGING = "judging"


class Times(IntervalCallback):
    """Adds up seconds, those before a resumption included, and writes them every interval.

    Comes before the callbacks whose time it takes; theirs is written at the next interval's end.

    Args:
        run: The run directory.
        schedule: How the run is divided.
        resume: Whether to go on from what times.json says.
    """

    def __init__(self, run: RunDirectory, schedule: Schedule, resume: bool):
        super().__init__(schedule)
        self.run = run
        self.seconds = dict.fromkeys([COMPILING, TRAINING, SAVING, JUDGING], 0.0)
        if resume:
            # Without the file, or with another, the count starts anew: nothing depends on it.
            with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
                before = json.loads(run.times.read_text(encoding="utf-8"))
                self.seconds |= {name: float(before.get(name, 0.0)) for name in self.seconds}
        self._is_first = True
        self._since = 0.0  # when the last step began or ended
        self._is_saving = False

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_saving:
            self._count(SAVING)
            self._is_saving = False
        self._since = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._count(COMPILING if self._is_first else TRAINING)
        self._is_first = False

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        self.write()
        self._is_saving = True
        self._since = time.perf_counter()

    @contextlib.contextmanager
    def judging(self) -> Iterator[None]:
        """Around an evaluation, which is no part of the saving that it lies in."""
        began = time.perf_counter()
        try:
            yield
        finally:  # also where it is abandoned
            seconds = time.perf_counter() - began
            self.seconds[JUDGING] += seconds
            self._since += seconds

    def write(self) -> None:
        """Writes times.json, with what has been counted up to now."""
        if self._is_saving:
            self._count(SAVING)
        with atomic_path(self.run.times) as temporary:
            temporary.write_text(json.dumps(self.seconds, indent=2) + "\n", encoding="utf-8")

    def _count(self, what: str) -> None:
        now = time.perf_counter()
        self.seconds[what] += now - self._since
        self._since = now
