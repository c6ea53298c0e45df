"""How a run's steps are divided among calls of `fit`, and where their data come from."""

from typing import Any

import keras
import tensorflow as tf

from gans.distribution.strategy import check_batch_size, distributed_dataset
from gans.model.adversarial import AdversarialModel
from gans.training.callbacks.checkpoint import CRITERION
from gans.training.callbacks.metrics_log import log_names
from gans.training.schedule import Schedule
from utils.data.stream import split_among_replicas
from utils.options.evaluation import EvaluationOptions


def make_schedule(
    model: AdversarialModel,
    data: Any,
    train_steps: int,
    save_interval: int,
    resume: bool,
    save_best_only: bool,
    evaluation: EvaluationOptions | None,
) -> Schedule:
    """The run's division; raises ValueError where it cannot be kept."""
    for argument, value in [("train_steps", train_steps), ("save_interval", save_interval)]:
        if value < 1:
            raise ValueError(f"{argument} must be 1 or more. Received: {value}")
        if model.compiled and value % model.steps_per_execution:
            raise ValueError(
                f"{argument} must be a multiple of steps_per_execution, "
                f"{model.steps_per_execution}. Received: {value}"
            )
    if not model.compiled:
        raise ValueError("model must be compiled before train: call compile() first")
    if model.replicas > 1 and model.steps_per_execution > 1:
        raise ValueError(
            "steps_per_execution must be 1 where several replicas train, for Keras cannot loop "
            f"over them in its graph. Received: {model.steps_per_execution}"
        )
    if evaluation is not None:
        evaluation.check_interval(save_interval)
    elif save_best_only and CRITERION not in log_names(model):
        raise ValueError(
            f"save_best_only needs a model that logs {CRITERION}, by which it chooses, or an "
            f"evaluation. Received: a {type(model).__name__}, which logs "
            f"{', '.join(log_names(model))}"
        )
    if not resume and model.steps_done >= train_steps:
        raise ValueError(
            f"train_steps must be above the step that the model has reached, {model.steps_done}: "
            f"raise it, or count from 0 again (--step_0 0). Received: {train_steps}"
        )
    if isinstance(data, tf.data.Dataset):
        if data.cardinality() >= 0:
            raise ValueError(
                "data must be an infinite dataset: add .repeat(). "
                f"Received: {int(data.cardinality())} elements"
            )
        batch_size = model.batch_size(data.element_spec)
    else:
        batch_size = data.batch_size
    check_batch_size(batch_size, model.distribute_strategy)
    evaluate_every = None if evaluation is None else evaluation.evaluate_every
    return Schedule(save_interval, train_steps, model.options.n_critic * batch_size, evaluate_every)


def fit_intervals(
    model: AdversarialModel,
    data: Any,
    schedule: Schedule,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """`fit` with an interval an epoch; a part of one at either end is a `fit` of its own."""
    interval = schedule.save_interval
    while (step := model.steps_done) < schedule.train_steps and not model.stop_training:
        steps, intervals = interval, (schedule.train_steps - step) // interval
        if step % interval or not intervals:
            steps = min(interval - step % interval, schedule.train_steps - step)
            intervals = 1
            # `fit` starts by resetting the means; these go on from the checkpoint's.
            model.keep_logs_once = step % interval > 0
        epoch = step // interval
        model.fit(
            _dataset(model, data, step),
            steps_per_epoch=steps,
            initial_epoch=epoch,
            epochs=epoch + intervals,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
        if not model.stop_training and model.steps_done < step + steps * intervals:
            raise ValueError("data must be infinite. Received: data that ran out")


def _dataset(model: AdversarialModel, data: Any, start_step: int) -> Any:
    """The data from a step on; under a strategy, each worker's own part of it."""

    def part(num_replicas: int, replicas: range) -> tf.data.Dataset:
        if isinstance(data, tf.data.Dataset):
            return split_among_replicas(
                data.skip(start_step), model.options.n_critic, num_replicas, replicas
            )
        return data.dataset(
            model.options.n_critic, start_step, num_replicas=num_replicas, replicas=replicas
        )

    if model.replicas == 1:
        return part(1, range(1))
    return distributed_dataset(model.distribute_strategy, part)
