"""The two optimizers of an adversarial model, by name."""

from typing import Any

import keras

from utils.options.model import OptimizerOptions

DECAY_STEPS = 1000  # generator steps over which the learning rate falls by `decay_rate`


def build_optimizers(
    options: OptimizerOptions, n_critic: int
) -> tuple[keras.Optimizer, keras.Optimizer]:
    """The optimizers of a critic and of a generator.

    Args:
        options: With all values set.
        n_critic: Critic updates for each generator update.
    """

    def build(rate: float, updates_per_step: int) -> keras.Optimizer:
        # A schedule even if the rate is constant: a plain rate would be a variable, and loading a
        # checkpoint would undo a new --learning_rate.
        schedule = keras.optimizers.schedules.ExponentialDecay(
            rate, DECAY_STEPS * updates_per_step, options.decay_rate
        )
        if options.optimizer == "adam":
            return keras.optimizers.Adam(schedule, beta_1=options.beta_1, beta_2=options.beta_2)
        return keras.optimizers.RMSprop(schedule)

    return build(options.learning_rate, n_critic), build(options.generator_learning_rate, 1)


def scaled_for(precision: str, optimizer: keras.Optimizer) -> keras.Optimizer:
    """The optimizer, with loss scaling if float16 needs it."""
    is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if precision == "mixed_float16" and not is_scaled:
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def set_iterations(optimizer: keras.Optimizer, updates: int) -> None:
    """Counts updates, and with them the decay of the learning rate, from `updates`."""
    inner: Any = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss-scaling one
    inner.iterations.assign(updates)
