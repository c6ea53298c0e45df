"""The two optimizers of an adversarial model, by name."""

from typing import Any

import keras

OPTIMIZERS = ("adam", "rmsprop")
DECAY_STEPS = 1000  # generator steps over which the learning rate falls by `decay_rate`


def build_optimizers(
    n_critic: int,
    optimizer: str,
    learning_rate: float,
    generator_learning_rate: float | None,
    beta_1: float,
    beta_2: float,
    decay_rate: float,
) -> tuple[keras.Optimizer, keras.Optimizer]:
    """The optimizers of a critic and of a generator.

    Args:
        n_critic: Critic updates for each generator update.
        optimizer: "adam" or "rmsprop".
        learning_rate: Of both; the critic's alone where the generator has its own.
        generator_learning_rate: The generator's; None: the same.
        beta_1: Adam's, in [0, 1); RMSprop has none.
        beta_2: Likewise.
        decay_rate: Factor by which both learning rates fall over every 1,000 generator steps.

    Raises:
        ValueError: If an argument is out of its range.
    """
    if generator_learning_rate is None:
        generator_learning_rate = learning_rate
    if optimizer not in OPTIMIZERS:
        raise ValueError(
            f"optimizer must be one of {', '.join(OPTIMIZERS)}. Received: {optimizer!r}"
        )
    for argument, value in [
        ("learning_rate", learning_rate),
        ("generator_learning_rate", generator_learning_rate),
        ("decay_rate", decay_rate),
    ]:
        if not value > 0:
            raise ValueError(f"{argument} must be positive. Received: {value}")
    for argument, value in [("beta_1", beta_1), ("beta_2", beta_2)]:
        if not 0 <= value < 1:
            raise ValueError(f"{argument} must be in [0, 1). Received: {value}")

    def build(rate: float, updates_per_step: int) -> keras.Optimizer:
        # A schedule even where the rate is constant: a plain rate would be a variable, and
        # loading a checkpoint would undo a new --learning_rate.
        schedule = keras.optimizers.schedules.ExponentialDecay(
            rate, DECAY_STEPS * updates_per_step, decay_rate
        )
        if optimizer == "adam":
            return keras.optimizers.Adam(schedule, beta_1=beta_1, beta_2=beta_2)
        return keras.optimizers.RMSprop(schedule)

    return build(learning_rate, n_critic), build(generator_learning_rate, 1)


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
