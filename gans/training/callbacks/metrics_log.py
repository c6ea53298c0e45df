"""log.csv, which is a run's memory, and the plot of it."""

import csv
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gans.training.schedule import Interval, Schedule
from gans.training.stopwatch import Stopwatch
from utils.files import atomic_path
from utils.runs.columns import VERDICT, EvaluatedColumn, numeric_columns
from utils.runs.directory import RunDirectory
from utils.runs.health import diagnose
from utils.visualization.curves import plot_training

logger = logging.getLogger("gans")


class Log:
    """The rows of log.csv, one an interval: all that a run remembers of its intervals.

    Rows up to a step are read; later ones were not checkpointed.

    Attributes:
        rows: By column; an empty cell is NaN.
        problem: What was wrong with the file, in words; rows from there on are left out.
    """

    def __init__(self, run: RunDirectory, step: int):
        self.path = run.log_csv
        rows, self.problem = run.whole_rows()
        self.rows = [row for row in rows if row["step"] <= step]
        if self.problem:  # whoever can repair it finds it here
            self.path.replace(self.path.with_name("log.csv.damaged"))
        self.write()

    @property
    def last_step(self) -> int:
        """The step of the last row; 0 without rows."""
        return self.rows[-1]["step"] if self.rows else 0

    def column(self, name: str) -> list[float]:
        """One number of every row, NaN where a row lacks it."""
        return [row.get(name, math.nan) for row in self.rows]

    def put(self, step: int, values: dict[str, Any]) -> None:
        """Adds the row of a step, or these values to it where it is the last; does not write."""
        if self.last_step < step:
            self.rows.append({"step": step})
        self.rows[-1] |= values

    def write(self) -> None:
        """Writes log.csv."""
        if not self.rows:
            self.path.unlink(missing_ok=True)
            return
        names = dict.fromkeys(name for row in self.rows for name in row)
        with atomic_path(self.path) as path, path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([_cell(row.get(name, math.nan)) for name in names]
                             for row in self.rows)


@dataclass
class MetricsLog:
    """A row of log.csv for every interval, and training.png drawn from all rows.

    Columns: step; the means over the interval of what `train_step` logs; seconds of training so
    far, those before a resumption included (but for an interval that was interrupted, which
    counts from the resumption); generator steps and real images a second over the interval; what
    was measured of the interval; the number that the generator is judged by, where it is: NaN
    until it was; and the name of the verdict on the run's health.

    Attributes:
        first_step: The step that the run starts from or is resumed at.
        evaluated: The column of the number that the generator is judged by.
    """

    log: Log
    run: RunDirectory
    schedule: Schedule
    stopwatch: Stopwatch
    first_step: int
    evaluated: EvaluatedColumn | None = None

    def __post_init__(self) -> None:
        self._since = (self.first_step, 0.0)  # step and seconds of the interval's start

    def __call__(self, interval: Interval) -> None:
        if self.log.last_step < interval.step:
            interval.values = self._speed(interval.step) | interval.values
            if self.evaluated is not None:
                interval.values[self.evaluated.name] = math.nan
            self.log.put(interval.step, interval.logs | interval.values)
            self._diagnose()
        else:  # an evaluation's number, which comes later
            self.log.put(interval.step, interval.values)
        self.log.write()
        plot_training(numeric_columns(self.log.rows), self.run.training_plot, self.evaluated)

    def add_not_finite(self, step: int, logs: dict[str, float]) -> None:
        """Ends the log with the step after which losses or weights are not finite.

        A resumed run goes on from an earlier checkpoint, without this row.
        """
        self.log.put(step, logs)
        self._diagnose()
        self.log.write()

    def _speed(self, step: int) -> dict[str, float]:
        (first_step, began), ended = self._since, self.stopwatch.trained
        self._since = (step, ended)
        # No step was done if the run ends at the step where it was interrupted.
        rate = (step - first_step) / (ended - began) if step > first_step else math.nan
        before = self.log.rows[-1].get("seconds", math.nan) if self.log.rows else 0.0
        return {
            "seconds": ended - began + before,
            "steps_per_second": rate,
            "images_per_second": rate * self.schedule.images_per_step,
        }

    def _diagnose(self) -> None:
        verdict, step = diagnose(numeric_columns(self.log.rows)), self.log.last_step
        self.log.put(step, {VERDICT: verdict.name})
        level = logging.WARNING if verdict.level == "problem" else logging.INFO
        level = logging.DEBUG if verdict.since < step else level  # said before
        logger.log(level, "step %d: %s", step, verdict)


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    # nine digits tell any two float32 numbers apart
    return "" if math.isnan(value) else f"{value:.9g}"


def is_best(estimates: Sequence[float]) -> bool:
    """Whether the last Wasserstein estimate is the lowest since the highest.

    The estimate starts near zero, because an untrained critic sees no difference, and rises until
    the critic has learned. Only after that peak does a lower value mean better images.
    """
    if not estimates or not math.isfinite(estimates[-1]):
        return False
    peak = max(range(len(estimates)), key=lambda i: estimates[i])
    return estimates[-1] <= min(estimates[peak:])
