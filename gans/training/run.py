"""`train`: one run of `fit` into a run directory, which can be stopped and resumed at any step."""

import dataclasses
from collections.abc import Sequence
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
from gans.model.adversarial import AdversarialModel
from gans.training.callbacks.checkpoint import Checkpoint, restore
from gans.training.callbacks.evaluation import Evaluation
from gans.training.callbacks.metrics_log import MetricsLog
from gans.training.callbacks.progress import Progress, Times
from gans.training.callbacks.report import ReportPage
from gans.training.callbacks.samples import Measurements, SampleGrid
from gans.training.callbacks.stopping import (
    Interruption,
    NonFiniteError,
    StopOnNonFinite,
    StopTogether,
)
from gans.training.callbacks.tensorboard import TensorBoardLog
from gans.training.facts import keep_start, require_same, require_same_judge, run_facts
from gans.training.finishing import export_run
from gans.training.fitting import fit_intervals, make_schedule
from gans.training.judge import Judge
from gans.training.run_log import log_data, run_log
from gans.training.schedule import Schedule
from utils.options.evaluation import EvaluationOptions
from utils.runs.directory import RunDirectory


@dataclass(frozen=True)
class TrainingRun:
    """How a call of `train` ended; on a worker that writes nothing, what it knows of it.

    Attributes:
        directory: The run directory.
        step: Generator steps done in all.
        finished: Whether `train_steps` was reached, or the patience used up, and the generator
            exported.
        signal: Number of the signal that stopped it, or None.
    """

    directory: RunDirectory
    step: int
    finished: bool
    signal: int | None


def train(
    model: AdversarialModel,
    data: Any,
    train_steps: int,
    save_interval: int = 500,
    save_path: str = "runs/gan",
    resume: bool = False,
    save_best_only: bool = False,
    tensorboard: bool = False,
    quiet: bool = False,
    evaluation: EvaluationOptions | None = None,
    export: Sequence[str] = (),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    options: dict[str, Any] | None = None,
) -> TrainingRun:
    """Trains a compiled model until it has done `train_steps` generator steps in all.

    Of several workers (`gans.distribution`), each of which calls this with the same arguments, the
    first alone reads and writes `save_path`.

    Args:
        model: The model; a step that its weights were loaded with counts as done.
        data: A `DataPreparator`, or an infinite `tf.data.Dataset` of float32
            [n_critic * batch_size, H, W, C] in [-1, 1] whose k-th element is the k-th step's.
        train_steps: Generator steps in all.
        save_interval: Generator steps between checkpoints, sample grids and log rows.
        save_path: The run directory.
        resume: Go on from the last checkpoint in `save_path`.
        save_best_only: Export the best generator instead of the last one: by evaluations or,
            without these, by the Wasserstein estimate, which a DCGAN has not.
        tensorboard: Write TensorBoard events too.
        quiet: Print warnings only.
        evaluation: How the generator is judged while it is trained, which does not change the
            training; `data` must be a `DataPreparator` then. The best generator is exported
            beside the last. A resumed run must go on with the same metric, number of images and
            network. None: not at all.
        export: Formats of `gans.generators.exporting.FORMATS` to write the generator in too.
        callbacks: More Keras callbacks, called before those of the run.
        options: What to record in config.json as the options that the run was started with.

    Returns:
        How it ended. A run that was stopped by Ctrl-C or SIGTERM has saved a checkpoint of its
        last step.

    Raises:
        ValueError: If an argument is out of its range, if `save_path` holds a run and `resume`
            is not given, or if the model or the data differ from the run to resume.
        NonFiniteError: If a loss or weight is no longer finite.
        WorkerLostError: If another of several workers has ended or cannot be reached.
    """
    run = RunDirectory(save_path)
    schedule = make_schedule(
        model, data, train_steps, save_interval, resume, save_best_only, evaluation
    )
    exchange = Exchange(model.distribute_strategy)
    if not is_chief(model.distribute_strategy):
        return _follow(model, data, schedule, callbacks, run, exchange)
    facts = run_facts(model, data, options)
    facts["exported"] = "best" if save_best_only else "last"
    saved = run.read_config() if resume else None
    if saved is None:
        run.require_unused()
    else:
        require_same(saved, facts)
        keep_start(saved, facts)
    judge = None
    if evaluation is not None:
        judge = Judge(evaluation, data)
        facts["evaluation"] = judge.protocol()
    if saved is not None:
        require_same_judge(saved, facts)
    if judge is not None:
        judge.prepare(show_progress=not quiet)
    with run.locked(), run_log(run, quiet) as logger, lost_workers_named(model.distribute_strategy):
        require_same_run(_what_is_trained(model, data, schedule), exchange)
        run.write_config(facts)
        samples = SampleGrid(run, schedule)
        measurements = Measurements(run, schedule, samples, data)
        log = MetricsLog(run, schedule, measurements, None if judge is None else judge.column)
        if resume:
            first_step = restore(model, run)
            log.restore(first_step)
            logger.info("Resuming %s from step %d of %d", run.path, first_step, train_steps)
        else:
            model.reset_metrics()  # of what the model did before
        share_state(model, exchange)
        log_data(logger, facts["data"], getattr(data, "skipped", []))
        interruption = Interruption()
        progress = Progress(schedule)
        times = Times(run, schedule, resume)
        shown = [] if quiet else [progress]
        events = TensorBoardLog(run, log, schedule) if tensorboard else None
        checkpoint = Checkpoint(run, log, schedule)
        evaluations = None
        if judge is not None:
            logger.info("Judging every %d steps: %s", schedule.evaluate_every, judge.describe())
            evaluations = Evaluation(
                run, log, schedule, judge, times, evaluation.stop_patience,
                lambda: interruption.signal is not None, None if quiet else progress, events,
            )  # fmt: skip
        page = ReportPage(run, schedule)
        # A checkpoint vouches for what comes before it; the page shows it all.
        at_intervals = [times, samples, measurements, log, events, checkpoint, evaluations, page]
        at_intervals = [callback for callback in at_intervals if callback is not None]
        for callback in [progress, *at_intervals]:
            callback.set_model(model)
        with interruption:
            model.stop_training = False
            try:
                if not resume:  # killed before the first interval ends, it starts from here
                    checkpoint.save()
                elif first_step >= train_steps and log.last_step < first_step:
                    # It ends where it was interrupted inside an interval.
                    for callback in at_intervals:
                        callback.on_interval_end(first_step, model.get_metrics_result())
                elif evaluations is not None:
                    evaluations.catch_up()
                model.stop_training = exchange.any(model.stop_training)
                fit_intervals(
                    model, data, schedule,
                    [interruption, *callbacks, StopOnNonFinite(run), *shown, *at_intervals,
                     *_together(exchange, schedule)],
                )  # fmt: skip
                checkpoint.save()
            except NonFiniteError as error:
                log.add_not_finite(error.step, error.logs)
                page.write()
                raise
            finally:
                progress.close()
            step = model.steps_done
            finished = step >= train_steps
            if evaluations is not None:
                finished = evaluations.is_over or (finished and not evaluations.abandoned)
            if finished:
                logger.info("Trained %d steps. Exporting the generator", step)
                if evaluations is not None:
                    logger.info("The best by %s: %s", judge.column.label, evaluations.best())
                for name, path in export_run(
                    model, run, data, save_best_only, judge is not None, export
                ):
                    logger.info("  %-24s %s", name, path)
                times.write()
                page.write()
                logger.info("  %-24s %s", "report", run.report)
            else:
                logger.info("Stopped at step %d of %d, which is saved", step, train_steps)
                times.write()
                page.write()
            leave_together(exchange)
        return TrainingRun(run, step, finished, interruption.signal)


def _follow(
    model: AdversarialModel,
    data: Any,
    schedule: Schedule,
    callbacks: Sequence[keras.callbacks.Callback],
    run: RunDirectory,
    exchange: Exchange,
) -> TrainingRun:
    """`train` on a worker that is not the chief: the same steps, and no files."""
    with lost_workers_named(model.distribute_strategy):
        require_same_run(_what_is_trained(model, data, schedule), exchange)
        share_state(model, exchange)
        with Interruption() as interruption:
            model.stop_training = exchange.any(False)
            fit_intervals(
                model, data, schedule,
                [interruption, *callbacks, StopOnNonFinite(run), *_together(exchange, schedule)],
            )  # fmt: skip
            leave_together(exchange)
    step = model.steps_done
    return TrainingRun(run, step, step >= schedule.train_steps, interruption.signal)


def _what_is_trained(model: AdversarialModel, data: Any, schedule: Schedule) -> dict[str, Any]:
    return {
        "model": model.get_config(),
        "optimizers": model.get_compile_config(),
        "schedule": dataclasses.asdict(schedule),
        "images": getattr(data, "digest", None),
        "order": getattr(data, "seed", None),
    }


def _together(exchange: Exchange, schedule: Schedule) -> list[keras.callbacks.Callback]:
    return [StopTogether(exchange, schedule)] if exchange.count > 1 else []
