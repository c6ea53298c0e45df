"""log.csv and the plot of it."""

import csv
import logging
import math
import time
from collections.abc import Sequence
from typing import Any

from gans.training.callbacks.interval import IntervalCallback
from gans.training.callbacks.samples import Measurements
from gans.training.schedule import Schedule
from utils.files import atomic_path
from utils.runs.columns import VERDICT, EvaluatedColumn, numeric_columns
from utils.runs.directory import RunDirectory
from utils.runs.health import diagnose
from utils.visualization.curves import plot_training

logger = logging.getLogger("gans")


class MetricsLog(IntervalCallback):
    """One row of log.csv an interval, and training.png drawn from all rows.

    Columns: step; the means over the interval of what `train_step` logs; seconds of training so
    far, those before a resumption included (but for an interval that was interrupted, which
    counts from the resumption); generator steps and real images a second over the interval; what
    `Measurements` measured; the number that the generator is judged by, where it is: empty (NaN
    in `rows`) where it was not; and the name of the verdict on the run's health.

    Args:
        run: The run directory.
        schedule: How the run is divided.
        measurements: What has measured the interval's samples when its row is written.
        evaluated: The column of the number that the generator is judged by.

    Attributes:
        rows: Those of log.csv, by column.
    """

    def __init__(
        self,
        run: RunDirectory,
        schedule: Schedule,
        measurements: Measurements,
        evaluated: EvaluatedColumn | None = None,
    ):
        super().__init__(schedule)
        self.run = run
        self.measurements = measurements
        self.evaluated = evaluated
        self.rows: list[dict[str, float | str]] = []
        self._since = (0, time.perf_counter())  # step and time of the interval's start
        self._until = 0.0  # when its last step ended

    @property
    def last_step(self) -> int:
        """The step of the last row; 0 where there is none."""
        return self.rows[-1]["step"] if self.rows else 0

    def restore(self, step: int) -> None:
        """Takes up the rows of log.csv up to `step`; later ones were not checkpointed."""
        self.rows = [row for row in self.run.read_log() if row["step"] <= step]
        self._since = (step, time.perf_counter())
        self._write()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._since = (self.model.steps_done, time.perf_counter())

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._until = time.perf_counter()  # before samples are made and measured

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        first_step, began = self._since
        elapsed = max(0.0, self._until - began)
        # No step was done where the run ends where it was interrupted before.
        rate = (step - first_step) / elapsed if step > first_step else math.nan
        self.rows.append(
            {
                "step": step,
                **{name: float(logs[name]) for name in log_names(self.model)},
                "seconds": elapsed + (self.rows[-1]["seconds"] if self.rows else 0.0),
                "steps_per_second": rate,
                "images_per_second": rate * self.schedule.images_per_step,
                **self.measurements.values,
                **({} if self.evaluated is None else {self.evaluated.name: math.nan}),
            }
        )
        self._diagnose()
        # `fit` does this when the next epoch begins; done here, the checkpoint of this interval
        # holds no sums of it.
        self.model.reset_metrics()
        self._write()
        self._plot()

    def add_evaluation(self, value: float) -> None:
        """Puts the number that the generator is judged by into the last row."""
        self.rows[-1][self.evaluated.name] = value
        self._write()
        self._plot()

    def add_not_finite(self, step: int, logs: dict[str, Any]) -> None:
        """Ends the log with the step after which losses or weights are not finite.

        A resumed run goes on from a checkpoint before it, and without this row.
        """
        if not self.rows or self.last_step < step:
            self.rows.append({"step": step})
        known = {name: float(value) for name, value in logs.items()}
        # Where the weights are not finite, no loss of this step says anything of them.
        self.rows[-1] |= {name: known.get(name, math.nan) for name in log_names(self.model)}
        self._diagnose()
        self._write()

    def _diagnose(self) -> None:
        verdict = diagnose(numeric_columns(self.rows))
        self.rows[-1][VERDICT] = verdict.name
        is_news = verdict.level == "problem" and verdict.since == self.last_step
        log = logger.warning if is_news else logger.info  # a quiet run says it once
        log("step %d: %s", self.last_step, verdict)

    def _plot(self) -> None:
        plot_training(numeric_columns(self.rows), self.run.training_plot, self.evaluated)

    def _write(self) -> None:
        if not self.rows:
            self.run.log_csv.unlink(missing_ok=True)
            return
        names = dict.fromkeys(name for row in self.rows for name in row)
        with (
            atomic_path(self.run.log_csv) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(names)
            for row in self.rows:
                writer.writerow([_cell(row.get(name, math.nan)) for name in names])


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    # nine digits tell any two float32 numbers apart
    return "" if math.isnan(value) else f"{value:.9g}"


def log_names(model: Any) -> list[str]:
    """The names of what the model's `train_step` logs."""
    return model.log_names


def is_best(estimates: Sequence[float]) -> bool:
    """Whether the last Wasserstein estimate is the lowest since the highest.

    The estimate starts near zero, because an untrained critic sees no difference, and rises until
    the critic has learned; only after that peak does a lower value mean better images.
    """
    if not estimates or not math.isfinite(estimates[-1]):
        return False
    peak = max(range(len(estimates)), key=lambda i: estimates[i])
    return estimates[-1] <= min(estimates[peak:])
