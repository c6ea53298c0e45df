"""How far the run is, how fast it goes, and when it will end."""

import sys
import time
from typing import Any

import keras
from tqdm import tqdm

from gans.training.schedule import Schedule
from gans.training.stopwatch import COMPILING, TRAINING, Stopwatch

LINE_SECONDS = 30.0  # the longest time without a line if there is no bar
SHARE_SECONDS = 2.0  # a longer evaluation shows how far it is


class Progress(keras.callbacks.Callback):
    """A progress bar on a terminal; plain lines on a pipe or in a notebook.

    Shows the step, generator steps and real images a second, the logs that the model names in
    `progress_logs`, and the time left. That includes the work between intervals (samples, plots,
    checkpoints) and evaluations, as measured so far.
    """

    def __init__(self, schedule: Schedule, stopwatch: Stopwatch):
        super().__init__()
        self.schedule, self.stopwatch = schedule, stopwatch
        self._bar: tqdm | None = None
        self._step = 0
        self._last_line = time.perf_counter()
        self._judging_since = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._step = self.model.steps_done
        if self._bar is None and sys.stderr.isatty():
            layout = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
            self._bar = tqdm(initial=self._step, unit="step", dynamic_ncols=True, bar_format=layout)
        if self._bar is not None and self.schedule.is_fixed:
            self._bar.total = self.schedule.train_steps
        if not self.stopwatch.seconds[COMPILING]:
            self._print("compiling the training step")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        done, self._step = self.model.steps_done - self._step, self.model.steps_done
        text = self._describe(logs or {})
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(done)
        elif self.schedule.completes_interval(self._step) or self._is_late():
            self._print(text)

    def show(self, text: str, share: float) -> None:
        """Shows what is done between steps, and the share of it that is done."""
        self._step, now = self.model.steps_done, time.perf_counter()
        if not share:
            self._judging_since = now
        elif now - self._judging_since > SHARE_SECONDS:
            text = f"{text}: {share:.0%}"
        if self._bar is not None or not share or self._is_late():
            self._print(text)

    def close(self) -> None:
        """Closes the bar."""
        if self._bar is not None:
            self._bar.close()

    def _is_late(self) -> bool:
        return time.perf_counter() - self._last_line > LINE_SECONDS

    def _print(self, text: str) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(text)
            return
        self._last_line = time.perf_counter()
        total = f"/{self.schedule.train_steps}" if self.schedule.is_fixed else ""
        print(f"step {self._step}{total}: {text}", file=sys.stderr, flush=True)

    def _describe(self, logs: dict[str, Any]) -> str:
        shown = ", ".join(
            f"{label} {float(logs[name]):.3g}" for label, name in self.model.progress_logs.items()
        )
        step_seconds = self.stopwatch.mean(TRAINING)
        if not step_seconds:
            return shown
        images = self.schedule.images_per_step / step_seconds
        speed = f"{1 / step_seconds:.2f} steps/s, {images:.0f} images/s, {shown}"
        if not self.schedule.is_fixed:
            return speed
        left = self.stopwatch.left(self.schedule, self._step)
        return f"{tqdm.format_interval(left)} left, {speed}"
