"""log.csv and the plot of it."""

import csv
import math
import time
from collections.abc import Sequence
from typing import Any

from gans.callbacks.interval import IntervalCallback, Schedule
from utils.run_directory import RunDirectory, atomic_path
from utils.visualization.curves import plot_training


class MetricsLog(IntervalCallback):
    """One row of log.csv an interval, and training.png drawn from all rows.

    Columns: step; the means over the interval of what `train_step` logs; seconds of training so
    far, those before a resumption included (but for an interval that was interrupted, which
    counts from the resumption); generator steps and real images a second over the interval.

    Args:
        run: The run directory.
        schedule: How the run is divided.
    """

    def __init__(self, run: RunDirectory, schedule: Schedule):
        super().__init__(schedule)
        self.run = run
        self.rows: list[dict[str, float]] = []
        self._since = (0, time.perf_counter())  # step and time of the interval's start

    def restore(self, step: int) -> None:
        """Takes up the rows of log.csv up to `step`; later ones were not checkpointed."""
        self.rows = [row for row in self.run.read_log() if row["step"] <= step]
        self._write()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._since = (int(self.model.step), time.perf_counter())

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        first_step, began = self._since
        elapsed = time.perf_counter() - began
        rate = (step - first_step) / elapsed
        self.rows.append(
            {
                "step": step,
                **{name: float(logs[name]) for name in log_names(self.model)},
                "seconds": elapsed + (self.rows[-1]["seconds"] if self.rows else 0.0),
                "steps_per_second": rate,
                "images_per_second": rate * self.schedule.images_per_step,
            }
        )
        # `fit` does this when the next epoch begins; done here, the checkpoint of this interval
        # holds no sums of it.
        self.model.reset_metrics()
        self._write()
        columns = {name: [row[name] for row in self.rows] for name in self.rows[0]}
        plot_training(columns, self.run.training_plot)

    def _write(self) -> None:
        if not self.rows:
            self.run.log_csv.unlink(missing_ok=True)
            return
        with (
            atomic_path(self.run.log_csv) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(self.rows[0])
            for row in self.rows:  # nine digits tell any two float32 numbers apart
                writer.writerow([f"{value:.9g}" for value in row.values()])


def log_names(model: Any) -> list[str]:
    """The names of what the model's `train_step` logs."""
    return [metric.name for metric in model.metrics]


def is_best(estimates: Sequence[float]) -> bool:
    """Whether the last Wasserstein estimate is the lowest since the highest.

    The estimate starts near zero, because an untrained critic sees no difference, and rises until
    the critic has learned; only after that peak does a lower value mean better images.
    """
    if not estimates or not math.isfinite(estimates[-1]):
        return False
    peak = max(range(len(estimates)), key=lambda i: estimates[i])
    return estimates[-1] <= min(estimates[peak:])
