"""The two optimizers of an adversarial model, by name."""

from typing import Any

import keras

from utils.options.model import OptimizerOptions

DECAY_STEPS = 1000  # generator steps over which the learning rate falls by `decay_rate`


def optimizers_of(
    options: OptimizerOptions,
    n_critic: int,
    precision: str,
    critic: keras.Optimizer | None = None,
    generator: keras.Optimizer | None = None,
) -> tuple[keras.Optimizer, keras.Optimizer]:
    """The optimizers of a critic and of a generator: those given, or made from the options.

    Args:
        options: With all values set.
        n_critic: Critic updates for each generator update.
        precision: Of the networks; mixed_float16 needs loss scaling.
        critic: The critic's.
        generator: The generator's.

    Raises:
        ValueError: If one that is given is not a Keras optimizer.
    """

    def build(rate: float, updates_per_step: int) -> keras.Optimizer:
        # A schedule even where the rate is constant: a plain rate would be a variable, and
        # loading a checkpoint would undo a new --learning_rate.
        schedule = keras.optimizers.schedules.ExponentialDecay(
            rate, DECAY_STEPS * updates_per_step, options.decay_rate
        )
        if options.optimizer == "adam":
            return keras.optimizers.Adam(schedule, beta_1=options.beta_1, beta_2=options.beta_2)
        return keras.optimizers.RMSprop(schedule)

    found = []
    for argument, given, rate, updates_per_step in [
        ("critic_optimizer", critic, options.learning_rate, n_critic),
        ("generator_optimizer", generator, options.generator_learning_rate, 1),
    ]:
        if not isinstance(given, keras.Optimizer | None):
            raise ValueError(
                f"{argument} must be a Keras optimizer or None; optimizer='adam' names one. "
                f"Received: {given!r}"
            )
        optimizer = build(rate, updates_per_step) if given is None else given
        is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if precision == "mixed_float16" and not is_scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        found.append(optimizer)
    return tuple(found)


def set_iterations(optimizer: keras.Optimizer, updates: int) -> None:
    """Counts updates, and with them the decay of the learning rate, from `updates`."""
    inner: Any = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss-scaling one
    inner.iterations.assign(updates)
