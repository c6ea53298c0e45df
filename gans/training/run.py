"""`train`: one run of `fit` into a run directory; it can be stopped and resumed at any step."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from gans.distribution.strategy import Exchange, is_chief
from gans.distribution.together import (
    leave_together,
    lost_workers_named,
    require_same_run,
    share_state,
)
from gans.training.callbacks.checkpoint import Checkpoint, restore
from gans.training.callbacks.evaluation import Evaluation
from gans.training.callbacks.interval import Intervals
from gans.training.callbacks.metrics_log import Log, MetricsLog
from gans.training.callbacks.progress import Progress
from gans.training.callbacks.samples import Measurements, SampleGrid
from gans.training.callbacks.stopping import (
    Interruption,
    NonFiniteError,
    StopOnNonFinite,
    StopTogether,
)
from gans.training.callbacks.tensorboard import TensorBoardLog
from gans.training.data import TrainingData
from gans.training.facts import note_schedule, run_facts
from gans.training.finishing import finish
from gans.training.fitting import fit_intervals, make_schedule
from gans.training.judge import Judge
from gans.training.options import TrainArguments
from gans.training.pace import Pace, Timekeeper
from gans.training.run_log import log_data, run_log
from gans.training.schedule import Interval, Schedule
from gans.training.stopwatch import Stopwatch
from utils.pages import Report
from utils.runs.directory import RunDirectory

logger = logging.getLogger("gans")


@dataclass(frozen=True)
class TrainingRun:
    """How a call of `train` ended, as far as this worker knows.

    Attributes:
        directory: The run directory.
        step: Generator steps done in all.
        finished: Whether `train_steps` was reached or the patience was used up, and the generator
            was exported.
        signal: Number of the signal that stopped it, or None.
    """

    directory: RunDirectory
    step: int
    finished: bool
    signal: int | None


def train(model: keras.Model, data: Any, **options: Any) -> TrainingRun:
    """Trains a compiled model until it has done `train_steps` generator steps in all.

    Several workers (`gans.distribution`) all call this with the same arguments; only the first
    reads and writes `save_path`.

    Args:
        model: The model; the step loaded with its weights counts as done.
        data: A `DataPreparator`, or an infinite `tf.data.Dataset` of float32 [n_critic *
            batch_size, H, W, C] in [-1, 1] whose k-th element serves the k-th step.
        options: The fields of `TrainArguments`.

    Returns:
        How it ended. A run stopped by Ctrl-C or SIGTERM has saved a checkpoint of its last step.

    Raises:
        ValueError: If an argument is out of range, if `save_path` holds a run and `resume` is not
            given, or if the model or the data differ from the run to resume.
        NonFiniteError: If a loss or a weight is no longer finite.
        WorkerLostError: If another of several workers has ended or cannot be reached.
    """
    options = TrainArguments(**options)
    run = RunDirectory(options.save_path)
    stopwatch = Stopwatch(run.times, options.resume)
    data = TrainingData.of(data, model)
    schedule = make_schedule(model, data, options)
    exchange = Exchange(model.distribute_strategy)
    if not is_chief(model.distribute_strategy):
        return _follow(model, data, options, run, schedule, exchange)
    judge = None
    if options.evaluation is not None:
        judge = Judge(options.evaluation, data.preparator)
    protocol = None if judge is None else judge.protocol()
    facts = run_facts(model, data, options, run, schedule, protocol)
    if judge is not None:
        judge.prepare(show_progress=not options.quiet)
    with (
        run.locked(),
        run_log(run, options.quiet),
        lost_workers_named(model.distribute_strategy),
    ):
        require_same_run(_what_is_trained(model, data, options), exchange)
        run.write_config(facts)
        return _Lead(model, data, options, run, schedule, stopwatch, judge, facts).train(exchange)


class _Lead:
    """A run on the worker that reads and writes its files, once nothing speaks against it.

    Args:
        model: The model.
        data: What it is trained on.
        options: Of the run.
        run: Its directory, with config.json.
        schedule: How it is divided.
        stopwatch: What measures it.
        judge: What judges the generator, if anything does.
        facts: What config.json holds.
    """

    def __init__(
        self,
        model: keras.Model,
        data: TrainingData,
        options: TrainArguments,
        run: RunDirectory,
        schedule: Schedule,
        stopwatch: Stopwatch,
        judge: Judge | None,
        facts: dict[str, Any],
    ):
        self.model, self.data, self.options, self.run = model, data, options, run
        self.schedule, self.stopwatch, self.judge, self.facts = schedule, stopwatch, judge, facts
        if options.resume:
            self.first_step = restore(model, run)
            logger.info("Resuming %s from step %d%s", run.path, self.first_step, schedule.of())
        else:
            self.first_step = model.steps_done
            model.reset_metrics()  # from what the model did before
        log_data(logger, data.description, data.skipped)
        self.interruption = Interruption()
        self.progress = Progress(schedule, stopwatch)
        self.log = Log(run, self.first_step)
        column = None if judge is None else judge.column
        self.row = MetricsLog(self.log, run, schedule, stopwatch, self.first_step, column)
        self.events = [TensorBoardLog(run)] if options.tensorboard else []
        self.checkpoint = Checkpoint(model, run, self.log, keep_best=judge is None)
        self.evaluations = [] if judge is None else [self._evaluation()]
        self.page = Report(run)
        self.intervals = Intervals(schedule, self._in_order())
        for callback in (self.progress, self.intervals):
            callback.set_model(model)

    def _in_order(self) -> list[Callable[[Interval], None]]:
        """What is done at the end of an interval: each adds to the record or needs what is in it.

        The samples are made before they are measured, and the log's row holds the measurements. A
        checkpoint vouches for all that comes before it: killed any earlier, the run does the
        interval again. An evaluation takes minutes, so it comes after the checkpoint, and hands
        its number to the log itself. The page shows all of it.
        """
        return [
            self.stopwatch,  # all that follows is saving
            SampleGrid(self.model, self.run),
            Measurements(self.model, self.run, self.schedule, self.data),
            self.row,
            *self.events,
            self.checkpoint,
            *self.evaluations,
            lambda interval: self.page.write(),
        ]

    def _evaluation(self) -> Evaluation:
        every, judge = self.schedule.evaluate_every, self.judge
        logger.info("Judging every %d steps: %s", every, judge.describe())
        return Evaluation(
            self.model, self.run, self.log, self.schedule, judge, self.stopwatch,
            self.options.evaluation.stop_patience,
            is_interrupted=lambda: self.interruption.signal is not None,
            show=(lambda text, share: None) if self.options.quiet else self.progress.show,
            tell=[self.row, *self.events],
        )  # fmt: skip

    def train(self, exchange: Exchange) -> TrainingRun:
        """Trains to the end of the run, or until it is stopped."""
        model, options = self.model, self.options
        share_state(model, exchange)
        shown = [] if options.quiet else [self.progress]
        with self.interruption:
            model.stop_training = False
            try:
                self._catch_up()
                model.stop_training = exchange.any(model.stop_training)
                fit_intervals(
                    model, self.data, self.schedule,
                    [self.stopwatch, self.interruption, *options.callbacks,
                     StopOnNonFinite(self.run), *shown, self.intervals,
                     *_together(exchange, self.schedule)],
                    self._pace(exchange),
                )  # fmt: skip
                self.checkpoint.save()
            except NonFiniteError as error:
                # If the weights are not finite, no loss of this step shows it.
                logs = {name: float(error.logs.get(name, math.nan)) for name in model.log_names}
                self.row.add_not_finite(error.step, logs)
                self.page.write()
                raise
            finally:
                self.progress.close()
            finished = self._end()
            leave_together(exchange)
        return TrainingRun(self.run, model.steps_done, finished, self.interruption.signal)

    def _catch_up(self) -> None:
        """Does what a run that was killed or interrupted has left undone at its last step."""
        step = self.first_step
        if not self.options.resume:  # if killed before the first interval ends, it starts from here
            self.checkpoint.save()
        elif step >= self.schedule.train_steps and self.log.last_step < step:
            # It ends at the step where it was interrupted inside an interval.
            self.intervals.complete(self.model.get_metrics_result())
        else:
            for evaluation in self.evaluations:
                evaluation.catch_up()

    def _pace(self, exchange: Exchange) -> Pace | None:
        model, options = self.model, self.options
        if options.minutes is None:
            return None

        def note() -> None:
            note_schedule(self.facts, self.schedule)
            self.run.write_config(self.facts)

        return Timekeeper(
            self.schedule, model.steps_per_execution, exchange, options.minutes,
            first_step=self.facts["schedule"]["first_step"],
            stopwatch=self.stopwatch,
            exports=len(options.export or ()),
            judging=lambda: self.judge.seconds(model.generate, model.options.seed),
            note=note,
        )  # fmt: skip

    def _end(self) -> bool:
        """Exports the generator of a run that is over, and says how it ended."""
        step = self.model.steps_done
        finished = step >= self.schedule.train_steps
        for evaluation in self.evaluations:
            finished = evaluation.is_over or (finished and not evaluation.abandoned)
        if finished:
            best = self.evaluations[0].best() if self.evaluations else None
            finish(self.model, self.run, self.data, self.options, best)
        else:
            logger.info("Stopped at step %d%s, which is saved", step, self.schedule.of())
        self.stopwatch.write()
        self.page.write()
        if finished:
            logger.info("  %-24s %s", "report", self.run.report)
        return finished


def _follow(
    model: keras.Model,
    data: TrainingData,
    options: TrainArguments,
    run: RunDirectory,
    schedule: Schedule,
    exchange: Exchange,
) -> TrainingRun:
    """`train` on a worker other than the chief: the same steps, but no files."""
    with lost_workers_named(model.distribute_strategy):
        require_same_run(_what_is_trained(model, data, options), exchange)
        share_state(model, exchange)
        pace = None
        if options.minutes is not None:
            pace = Pace(schedule, model.steps_per_execution, exchange)
        with Interruption() as interruption:
            model.stop_training = exchange.any(False)
            fit_intervals(
                model, data, schedule,
                [interruption, *options.callbacks, StopOnNonFinite(run),
                 *_together(exchange, schedule)],
                pace,
            )  # fmt: skip
            leave_together(exchange)
    step = model.steps_done
    return TrainingRun(run, step, step >= schedule.train_steps, interruption.signal)


def _what_is_trained(
    model: keras.Model, data: TrainingData, options: TrainArguments
) -> dict[str, Any]:
    return {
        "model": model.get_config(),
        "optimizers": model.get_compile_config(),
        "steps": (options.train_steps, options.minutes, options.save_interval),
        "evaluation": options.evaluation and options.evaluation.evaluate_every,
        "images": (data.digest, data.batch_size),
        "order": data.seed,
    }


def _together(exchange: Exchange, schedule: Schedule) -> list[keras.callbacks.Callback]:
    return [StopTogether(exchange, schedule)] if exchange.count > 1 else []
