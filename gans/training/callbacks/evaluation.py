"""Evaluations: the generator is judged by its images while it is trained, and the best is kept."""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

from gans.training.callbacks.checkpoint import save_best_generator
from gans.training.callbacks.interval import IntervalCallback
from gans.training.callbacks.metrics_log import MetricsLog
from gans.training.callbacks.progress import Progress, Times
from gans.training.callbacks.tensorboard import TensorBoardLog
from gans.training.judge import Judge
from gans.training.schedule import Schedule
from utils.runs.directory import RunDirectory

# Above all seeds of models: sample grids show images of the model's own seed.
SEED_OFFSET = 2**31

logger = logging.getLogger("gans")


class Evaluation(IntervalCallback):
    """Judges the EMA generator at the schedule's steps, always by images of the same noise.

    The value goes into the row of the log, which is all that is remembered: the best so far and
    the evaluations since are read from the rows. Comes after the checkpoint, so that nothing is
    lost where an evaluation is interrupted; `catch_up` then makes up for it.

    Args:
        run: The run directory.
        log: Its log.
        schedule: How the run is divided.
        judge: What judges, prepared.
        times: What adds up the run's seconds.
        stop_patience: Stops training after so many evaluations in a row without a better value;
            None: never.
        is_interrupted: Whether the run is to stop at once; an evaluation is abandoned then.
        progress: What shows how far it is, if anything does.
        tensorboard: What writes events, if anything does.

    Attributes:
        abandoned: Whether an evaluation is still to be made.
    """

    def __init__(
        self,
        run: RunDirectory,
        log: MetricsLog,
        schedule: Schedule,
        judge: Judge,
        times: Times,
        stop_patience: int | None,
        is_interrupted: Callable[[], bool],
        progress: Progress | None = None,
        tensorboard: TensorBoardLog | None = None,
    ):
        super().__init__(schedule)
        self.run = run
        self.log = log
        self.judge = judge
        self.times = times
        self.stop_patience = stop_patience
        self.progress = progress
        self.tensorboard = tensorboard
        self.abandoned = False
        self._is_interrupted = is_interrupted

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        if self.schedule.is_evaluated(step):
            self._evaluate(step)

    def catch_up(self) -> None:
        """Judges the step that a run is resumed at, unless that was done; stops it if it is over.

        A run may have been interrupted while it was judged, or not have been judged before.
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
        """The best value so far, with its step, as text."""
        row = self.log.rows[self.judge.column.best(self._values())]
        return f"{row[self.judge.column.name]:.4g} at step {row['step']}"

    def _evaluate(self, step: int) -> None:
        try:
            with self.times.judging(), self._reporting() as report:
                value = self.judge(
                    self.model.generate, self.model.options.seed + SEED_OFFSET, report
                )
        except _InterruptedError:
            self.abandoned = self.model.stop_training = True
            logger.info("Step %d is still to be judged: resumed, the run begins with it", step)
            return
        column = self.judge.column
        is_best = column.best([*self._values()[:-1], value]) == len(self.log.rows) - 1
        if is_best:  # before the log says that it is kept
            save_best_generator(self.model, self.run)
        self.log.add_evaluation(value)
        if self.tensorboard is not None:
            self.tensorboard.write(step, {column.name: value})
        compared = "best so far" if is_best else f"best {self.best()}"
        logger.info("step %d: %s %.4g, %s", step, column.label, value, compared)
        self._stop_if_over()

    def _stop_if_over(self) -> None:
        if self.is_over and self.model.steps_done < self.schedule.train_steps:
            self.model.stop_training = True
            logger.info(
                "Not trained further: no better value in %d evaluations. To go on, resume with a "
                "larger stop_patience",
                self._since_best(),
            )

    def _values(self) -> list[float]:
        """The log's column, NaN where a row has none."""
        return [row.get(self.judge.column.name, math.nan) for row in self.log.rows]

    def _since_best(self) -> int:
        """Evaluations after the best one."""
        values = self._values()
        best = self.judge.column.best(values)
        return 0 if best is None else sum(not math.isnan(value) for value in values[best + 1 :])

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[Callable[[int], None]]:
        """Shows how many images are judged, and ends it where the run is interrupted."""
        shown = contextlib.nullcontext() if self.progress is None else self.progress.judging()
        with shown as show:

            def report(done: int) -> None:
                if self._is_interrupted():
                    raise _InterruptedError
                if show is not None:
                    show(f"judging {self.judge.images:,} images", done / self.judge.images)

            report(0)
            yield report


class _InterruptedError(Exception):
    """The run is to stop during an evaluation."""
