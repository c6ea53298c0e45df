"""How a run's steps are divided among calls of `fit`."""

import math

import keras

from gans.training.callbacks.checkpoint import CRITERION
from gans.training.data import TrainingData
from gans.training.options import TrainArguments
from gans.training.pace import Pace
from gans.training.schedule import Schedule


def make_schedule(model: keras.Model, data: TrainingData, options: TrainArguments) -> Schedule:
    """The run's schedule; raises ValueError if it cannot be kept."""
    _check_model(model, options)
    train_steps, save_interval = options.train_steps, options.save_interval
    evaluate_every = None if options.evaluation is None else options.evaluation.evaluate_every
    for argument, value in {"train_steps": train_steps, "save_interval": save_interval,
                            "evaluate_every": evaluate_every}.items():  # fmt: skip
        if value is not None and value % model.steps_per_execution:
            raise ValueError(f"{argument} must be a multiple of steps_per_execution, "
                             f"{model.steps_per_execution}. Received: {value}")
    if options.evaluation is not None and save_interval is not None:
        options.evaluation.check_interval(save_interval)
    if train_steps is not None and not options.resume and model.steps_done >= train_steps:
        raise ValueError(
            f"train_steps must be above the step that the model has reached, {model.steps_done}: "
            f"raise it, or count from 0 again (--step_0 0). Received: {train_steps}"
        )
    images_per_step = model.options.n_critic * data.batch_size
    return Schedule(
        save_interval or math.inf, train_steps or math.inf, images_per_step, evaluate_every
    )


def _check_model(model: keras.Model, options: TrainArguments) -> None:
    if not model.compiled:
        raise ValueError("model must be compiled before train: call compile() first. Received: a "
                         "model that is not compiled")
    if model.replicas > 1 and model.steps_per_execution > 1:
        raise ValueError(
            "steps_per_execution must be 1 with several replicas, because Keras cannot loop over "
            f"them in its graph. Received: {model.steps_per_execution}"
        )
    by_estimate = options.save_best_only and options.evaluation is None
    if by_estimate and CRITERION not in model.log_names:
        raise ValueError(
            f"save_best_only needs a model that logs {CRITERION}, or an evaluation, to choose the "
            f"best. Received: a {type(model).__name__}, which logs {', '.join(model.log_names)}"
        )


def fit_intervals(
    model: keras.Model, data: TrainingData, schedule: Schedule,
    callbacks: list[keras.callbacks.Callback], pace: Pace | None = None,
) -> None:  # fmt: skip
    """Calls `fit` with one epoch per interval; a partial interval at an end gets its own `fit`.

    With a pace, the run first goes on in parts of intervals, until its last step is fixed.
    """

    def fit(steps: int, epochs: int = 1) -> None:
        step = model.steps_done
        # `fit` starts by resetting the means; inside an interval these go on.
        model.keep_logs_once = step % schedule.save_interval > 0
        epoch = int(step // schedule.save_interval)
        model.fit(
            data.elements(step), steps_per_epoch=steps, initial_epoch=epoch, epochs=epoch + epochs,
            callbacks=callbacks, shuffle=False, verbose=0,
        )  # fmt: skip
        if not model.stop_training and model.steps_done < step + steps * epochs:
            raise ValueError("data must be infinite: add .repeat(). Received: data that ran out")

    while pace and not model.stop_training and (steps := pace.next_steps(model.steps_done)):
        fit(steps)
    while (step := model.steps_done) < schedule.train_steps and not model.stop_training:
        interval, left = schedule.save_interval, schedule.train_steps - step
        if step % interval or left < interval:
            fit(min(interval - step % interval, left))
        else:
            fit(interval, left // interval)
