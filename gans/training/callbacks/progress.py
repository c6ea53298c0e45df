"""How far the run is, how fast it goes, and when it ends."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
from tqdm import tqdm

from gans.training.callbacks.interval import IntervalCallback
from gans.training.schedule import Schedule
from utils.files import atomic_path
from utils.runs.directory import RunDirectory

COMPILING = "compiling the first step"
TRAINING = "training"
SAVING = "samples, plots, checkpoints, report"
JUDGING = "judging"

LINE_SECONDS = 30.0  # at most this long without a line where there is no bar
SHARE_SECONDS = 2.0  # a longer evaluation shows how far it is


class Progress(keras.callbacks.Callback):
    """A progress bar on a terminal; plain lines on a pipe or in a notebook.

    Shows the step, generator steps and real images a second, those of the interval's logs that the
    model names in `progress_logs`, and the time to the end, which counts what happens between
    intervals (samples, plots, checkpoints) and evaluations, as measured so far.

    Args:
        schedule: How the run is divided.
    """

    def __init__(self, schedule: Schedule):
        super().__init__()
        self.schedule = schedule
        self._bar: tqdm | None = None
        self._step = 0
        self._batch_began = 0.0
        self._epoch_ended: float | None = None
        self._last_line = time.perf_counter()
        # seconds: [total, count] of steps after the first, which traces, of the work between, and
        # of evaluations, which not every interval ends with
        self._steps = [0.0, 0]
        self._saves = [0.0, 0]
        self._evaluations = [0.0, 0]
        self._traced = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._step = self.model.steps_done
        if self._bar is None and sys.stderr.isatty():
            self._bar = tqdm(
                total=self.schedule.train_steps,
                initial=self._step,
                unit="step",
                dynamic_ncols=True,
                bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]",
            )
        if self._traced:
            return
        if self._bar is not None:
            self._bar.set_postfix_str("compiling the training step")
        else:
            self._print("compiling the training step")

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._batch_began = time.perf_counter()
        if self._epoch_ended is not None:
            self._saves[0] += self._batch_began - self._epoch_ended
            self._saves[1] += 1
            self._epoch_ended = None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.perf_counter()
        step = self.model.steps_done
        if self._traced:
            self._steps[0] += now - self._batch_began
            self._steps[1] += step - self._step
        self._traced = True
        done, self._step = step - self._step, step
        text = self._describe(logs or {})
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(done)
        elif self.schedule.completes_interval(step) or now - self._last_line > LINE_SECONDS:
            self._print(text)
        if self.schedule.completes_interval(step):
            self._epoch_ended = now

    @contextlib.contextmanager
    def judging(self) -> Iterator[Callable[[str, float], None]]:
        """Around an evaluation; yields what shows it: (what is done, the share that is done)."""
        began = time.perf_counter()
        self._step = self.model.steps_done

        def show(text: str, share: float) -> None:
            now = time.perf_counter()
            if share and now - began > SHARE_SECONDS:
                text = f"{text}: {share:.0%}"
            if self._bar is not None:
                self._bar.set_postfix_str(text)
            elif not share or now - self._last_line > LINE_SECONDS:
                self._print(text)

        try:
            yield show
        finally:
            seconds = time.perf_counter() - began
            self._evaluations[0] += seconds
            self._evaluations[1] += 1
            if self._epoch_ended is not None:
                self._epoch_ended += seconds  # it is no part of the work that every interval has

    def _print(self, text: str) -> None:
        self._last_line = time.perf_counter()
        print(f"step {self._step}/{self.schedule.train_steps}: {text}", file=sys.stderr, flush=True)

    def _describe(self, logs: dict[str, Any]) -> str:
        shown = ", ".join(
            f"{label} {float(logs[name]):.3g}" for label, name in self.model.progress_logs.items()
        )
        if not self._steps[1]:
            return shown
        step_seconds = self._steps[0] / self._steps[1]
        left = (self.schedule.train_steps - self._step) * step_seconds
        if self._saves[1]:
            left += self.schedule.intervals_left(self._step) * self._saves[0] / self._saves[1]
        if self._evaluations[1]:
            mean = self._evaluations[0] / self._evaluations[1]
            left += self.schedule.evaluations_left(self._step) * mean
        images_per_second = self.schedule.images_per_step / step_seconds
        return (
            f"{tqdm.format_interval(left)} left, {1 / step_seconds:.2f} steps/s, "
            f"{images_per_second:.0f} images/s, {shown}"
        )

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()


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
