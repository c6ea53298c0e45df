"""Evaluations: the generator is judged by its images during training, and the best is kept."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras

from gans.training.callbacks.checkpoint import save_best_generator
from gans.training.callbacks.metrics_log import Log
from gans.training.judge import Judge
from gans.training.schedule import Interval, Schedule
from gans.training.stopwatch import Stopwatch
from utils.runs.directory import RunDirectory

# Larger than any model's seed: sample grids show images of the model's own seed.
SEED_OFFSET = 2**31

logger = logging.getLogger("gans")


@dataclass
class Evaluation:
    """Judges the EMA generator at the schedule's steps, always by images from the same noise.

    The log is all that is remembered: the best so far and the evaluations since are read from its
    rows. Comes after the checkpoint, so that nothing is lost where an evaluation is interrupted;
    `catch_up` then makes up for it. So what it finds is a record of its own, for the log to add
    to the row of that step.

    Attributes:
        judge: The judge, prepared.
        stop_patience: Stops training after this many evaluations in a row without a better value;
            None: never.
        is_interrupted: Whether the run should stop at once, abandoning an evaluation.
        show: Called with what is done and the share of it that is.
        tell: Called with the record of what was found.
        abandoned: Whether an evaluation still has to be made.
    """

    model: keras.Model
    run: RunDirectory
    log: Log
    schedule: Schedule
    judge: Judge
    stopwatch: Stopwatch
    stop_patience: int | None
    is_interrupted: Callable[[], bool]
    show: Callable[[str, float], None]
    tell: Sequence[Callable[[Interval], None]]
    abandoned: bool = False

    def __call__(self, interval: Interval) -> None:
        if self.schedule.is_evaluated(interval.step):
            self._evaluate(interval.step)

    def catch_up(self) -> None:
        """Judges the step that a run is resumed at, unless that was done; stops a run that is over.

        The run may have been interrupted during an evaluation, or never judged before.
        """
        step = self.model.steps_done
        is_due = self.log.last_step == step and self.schedule.is_evaluated(step)
        if is_due and math.isnan(self._values()[-1]):
            self._evaluate(step)
        else:
            self._stop_if_over()

    @property
    def is_over(self) -> bool:
        """Whether the patience is used up."""
        return self.stop_patience is not None and self._since_best() >= self.stop_patience

    def best(self) -> str:
        """The best value so far, with what it is and its step, as text."""
        return f"{self.judge.column.label}: {self._best()}"

    def _best(self) -> str:
        best = self.judge.column.best(self._values())
        if best is None:  # none of the numbers is finite
            return "unknown"
        row = self.log.rows[best]
        return f"{row[self.judge.column.name]:.4g} at step {row['step']}"

    def _evaluate(self, step: int) -> None:
        try:
            with self.stopwatch.judging():
                self._report(0)
                seed = self.model.options.seed + SEED_OFFSET
                value = self.judge(self.model.generate, seed, self._report)
        except _InterruptedError:
            self.abandoned = self.model.stop_training = True
            logger.info("Step %d has not been judged yet: the resumed run begins with that", step)
            return
        column = self.judge.column
        is_best = column.best([*self._values()[:-1], value]) == len(self.log.rows) - 1
        if is_best:  # before the log says that it was kept
            save_best_generator(self.model, self.run)
        for tell in self.tell:
            tell(Interval(step, {}, values={column.name: value}))
        compared = "best so far" if is_best else f"best {self._best()}"
        logger.info("step %d: %s %.4g, %s", step, column.label, value, compared)
        self._stop_if_over()

    def _report(self, done: int) -> None:
        """Shows how many images have been judged, and stops if the run is interrupted."""
        if self.is_interrupted():
            raise _InterruptedError
        self.show(f"judging {self.judge.images:,} images", done / self.judge.images)

    def _stop_if_over(self) -> None:
        if self.is_over and self.model.steps_done < self.schedule.train_steps:
            self.model.stop_training = True
            logger.info("Stopped: no better value in %d evaluations. To go on, resume with a "
                        "larger stop_patience", self._since_best())

    def _values(self) -> list[float]:
        return self.log.column(self.judge.column.name)

    def _since_best(self) -> int:
        """The number of evaluations after the best one."""
        values = self._values()
        best = self.judge.column.best(values)
        return 0 if best is None else sum(not math.isnan(value) for value in values[best + 1 :])


class _InterruptedError(Exception):
    """The run should stop during an evaluation."""
