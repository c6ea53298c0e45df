"""`train`: one run of `fit` into a run directory; it can be stopped and resumed at any step."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import keras

from gans.distribution.strategy import Exchange
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
from gans.training.facts import note_schedule, require_same_judge, run_facts
from gans.training.finishing import finish
from gans.training.fitting import fit_intervals, make_schedule
from gans.training.judge import Judge
from gans.training.options import TrainArguments
from gans.training.pace import Pace
from gans.training.run_log import log_data, run_log
from gans.training.schedule import Interval, Schedule
from gans.training.stopwatch import SAVING, Stopwatch
from utils.files import UNFINISHED, DiskFullError
from utils.pages import Report
from utils.runs.directory import RunDirectory

logger = logging.getLogger("gans")


@dataclass(frozen=True)
class TrainingRun:
    """How a call of `train` ended, as far as this worker knows.

    Attributes:
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
        DiskFullError: If there is no room for a file. The last checkpoint is whole.
        WorkerLostError: If another of several workers has ended or cannot be reached.
    """
    options = TrainArguments(**options)
    run = RunDirectory(options.save_path)
    stopwatch = Stopwatch(run.times, options.resume)
    data = TrainingData.of(data, model)
    schedule = make_schedule(model, data, options)
    exchange = Exchange(model.distribute_strategy)
    ours = {  # must be every worker's
        "model": model.get_config(),
        "optimizers": model.get_compile_config(),
        "steps": (options.train_steps, options.minutes, options.save_interval),
        "evaluation": schedule.evaluate_every,
        "images": (data.digest, data.batch_size),
        "order": data.seed,
    }
    workers = lost_workers_named(model.distribute_strategy)
    if not exchange.is_chief:
        with workers:
            require_same_run(ours, exchange)
            return _follow(model, data, options, run, schedule, exchange)
    run.require_writable()
    saved = run.read_config() if options.resume else None
    if saved is None:
        run.require_unused()
    facts = run_facts(model, data, options, saved, schedule)  # refuses what is another run
    judge = None
    if options.evaluation is not None:
        judge = Judge(options.evaluation, data.preparator)  # loads a network
        facts["evaluation"] = judge.protocol()
        require_same_judge(saved, facts["evaluation"])
        judge.prepare(show_progress=not options.quiet)
    with run.locked(), run_log(run, options.quiet), workers:
        require_same_run(ours, exchange)
        try:
            run.write_config(facts)
            started = _Run(model, data, options, run, schedule, stopwatch, judge, facts)
            return started.train(exchange)
        except DiskFullError as error:
            advice = "Make room there and resume the run: what is saved is whole"
            raise error.advising(advice) from None


@dataclass
class _Run:
    """A run on the worker that reads and writes its files, once nothing speaks against it.

    `facts` are what config.json holds.
    """

    model: keras.Model
    data: TrainingData
    options: TrainArguments
    run: RunDirectory
    schedule: Schedule
    stopwatch: Stopwatch
    judge: Judge | None
    facts: dict[str, Any]

    def __post_init__(self) -> None:
        model, run, schedule, judge = self.model, self.run, self.schedule, self.judge
        if self.options.resume:
            self.first_step = restore(model, run)
            logger.info("Resuming %s from step %d%s", run.path, self.first_step, schedule.of())
        else:
            self.first_step = model.steps_done
            model.reset_metrics()  # from what the model did before
        log_data(self.data.description, self.data.skipped)
        self.interruption = Interruption()
        self.progress = Progress(schedule, self.stopwatch)
        self.log = Log(run, self.first_step)
        for problem in filter(None, (self.stopwatch.problem, self._lost_rows())):
            logger.warning("%s", problem)
        column = None if judge is None else judge.column
        self.row = MetricsLog(self.log, run, schedule, self.stopwatch, self.first_step, column)
        self.checkpoint = Checkpoint(model, run, self.log, keep_best=judge is None)
        self.page = Report(run)
        events = [TensorBoardLog(run)] if self.options.tensorboard else []
        self.evaluations = [] if judge is None else [self._evaluation([self.row, *events])]
        # What is done at the end of an interval: each adds to the record or needs what is in it.
        # The samples are made before they are measured, and the log's row holds the measurements.
        # A checkpoint vouches for all that comes before it: killed any earlier, the run does the
        # interval again. An evaluation takes minutes, so it comes after the checkpoint, and hands
        # its number to the log itself. The page shows all of it.
        self.intervals = Intervals(schedule, [
            self.stopwatch,  # all that follows is saving
            SampleGrid(model, run),
            Measurements(model, run, schedule, self.data),
            self.row,
            *events,
            self.checkpoint,
            *self.evaluations,
            lambda interval: self.page.write(),
        ])  # fmt: skip
        self.progress.set_model(model)  # for what comes before `fit`
        self.intervals.set_model(model)

    def _is_within_interval(self) -> bool:
        """Whether the checkpoint holds means of an interval that is not over, without a row."""
        return any(self.model.get_metrics_result().values())

    def _lost_rows(self) -> str:
        """What log.csv has lost of the run so far, which a resumption cannot know; "" if nothing.

        The checkpoint of a step within an interval has no row of its own.
        """
        interval = self.facts["schedule"]["save_interval"] or math.inf
        last = max(self.log.last_step, self.facts["schedule"]["first_step"])
        is_within = self._is_within_interval() and self.first_step - last < interval
        if not self.log.problem and (last >= self.first_step or is_within):
            return ""
        damage = f"{self.log.problem}. " if self.log.problem else ""
        return (f"{damage}The rows of log.csv after step {self.log.last_step} are lost up to the "
                f"checkpoint of step {self.first_step}: later rows do not count the time of these "
                "steps, and the best generator is the best of the rows that are left")

    def _evaluation(self, tell: list[Callable[[Interval], None]]) -> Evaluation:
        every, judge = self.schedule.evaluate_every, self.judge
        logger.info("Judging every %d steps: %s", every, judge.describe())
        return Evaluation(
            self.model, self.run, self.log, self.schedule, judge, self.stopwatch,
            self.options.evaluation.stop_patience,
            is_interrupted=lambda: self.interruption.signal is not None,
            show=(lambda text, share: None) if self.options.quiet else self.progress.show,
            tell=tell,
        )  # fmt: skip

    def train(self, exchange: Exchange) -> TrainingRun:
        """Trains to the end of the run, or until it is stopped."""
        model, options = self.model, self.options
        share_state(model, exchange)
        shown = [] if options.quiet else [self.progress]
        callbacks = [self.stopwatch, self.interruption, *options.callbacks,
                     StopOnNonFinite(self.run), *shown, self.intervals,
                     *_together(exchange, self.schedule)]  # fmt: skip
        pace = None if options.minutes is None else self._pace(exchange)
        with self.interruption:
            model.stop_training = False
            try:
                self._catch_up()
                model.stop_training = exchange.any(model.stop_training)
                fit_intervals(model, self.data, self.schedule, callbacks, pace)
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
        # If killed before the first interval ends, it starts from here.
        if not self.options.resume or not self.run.list_checkpoints():
            self.checkpoint.save()
        elif (step >= self.schedule.train_steps and self.log.last_step < step
              and self._is_within_interval()):
            # It ends at the step where it was interrupted inside an interval.
            self.intervals.complete(self.model.get_metrics_result())
        else:
            for evaluation in self.evaluations:
                evaluation.catch_up()

    def _pace(self, exchange: Exchange) -> Pace:
        model, options = self.model, self.options

        def note() -> None:
            note_schedule(self.facts, self.schedule)
            self.run.write_config(self.facts)

        return Pace(
            self.schedule, model.steps_per_execution, exchange, self.stopwatch, options.minutes,
            self.facts["schedule"]["first_step"], len(options.export or ()), self._rehearse,
            judging=lambda: self.judge.seconds(model.generate, model.options.seed), note=note,
        )  # fmt: skip

    def _rehearse(self) -> None:
        """Does twice what an interval ends with, in a folder that is removed: the first loads."""
        model, step = self.model, max(1, self.model.steps_done)
        schedule = Schedule(1, step, self.schedule.images_per_step)
        logs = {name: float(value) for name, value in model.get_metrics_result().items()}
        logger.disabled = True  # this is not an interval of the run
        try:
            for _ in range(2):
                with TemporaryDirectory(prefix=UNFINISHED, dir=self.run.path) as folder:
                    run = RunDirectory(folder)
                    run.write_config(self.facts)
                    log, page = Log(run, 0), Report(run)
                    samples = SampleGrid(model, run)
                    measurements = Measurements(model, run, schedule, self.data)
                    row = MetricsLog(log, run, schedule, self.stopwatch, step)
                    checkpoint, interval = Checkpoint(model, run, log, False), Interval(step, logs)
                    for action in (self.stopwatch, samples, measurements, row, checkpoint):
                        action(interval)
                    page.write()
                    self.stopwatch.measure(SAVING)
        finally:
            logger.disabled = False

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
    model: keras.Model, data: TrainingData, options: TrainArguments, run: RunDirectory,
    schedule: Schedule, exchange: Exchange,
) -> TrainingRun:  # fmt: skip
    """`train` on a worker other than the chief: the same steps, but no files."""
    share_state(model, exchange)
    pace = None if options.minutes is None else Pace(schedule, model.steps_per_execution, exchange)
    with Interruption() as interruption:
        model.stop_training = exchange.any(False)
        callbacks = [interruption, *options.callbacks, StopOnNonFinite(run)]
        fit_intervals(model, data, schedule, callbacks + _together(exchange, schedule), pace)
        leave_together(exchange)
    step = model.steps_done
    return TrainingRun(run, step, step >= schedule.train_steps, interruption.signal)


def _together(exchange: Exchange, schedule: Schedule) -> list[keras.callbacks.Callback]:
    return [StopTogether(exchange, schedule)] if exchange.count > 1 else []
