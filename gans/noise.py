"""Random numbers as pure functions of (seed, step, iteration, replica): no generator state."""

from collections.abc import Sequence

import tensorflow as tf

# Named, as the default differs from device to device. XLA's Philox gives other numbers even so.
ALGORITHM = "philox"

# What a draw is for. Draws of one step differ in this, so that none repeats another.
CRITIC_NOISE, INTERPOLATION, GENERATOR_NOISE, REAL_NOISE = range(4)


def draw_seed(seed: int, step: tf.Tensor, purpose: int, iteration: int = 0) -> tf.Tensor:
    """The int64 [2] seed of one draw inside a train step, for `tf.random.stateless_*`.

    Args:
        seed: The run's seed.
        step: int64 scalar, generator steps done so far.
        purpose: `CRITIC_NOISE`, `INTERPOLATION`, `GENERATOR_NOISE` or `REAL_NOISE`.
        iteration: The critic update within the step.
    """
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    key = tf.random.experimental.stateless_fold_in(
        tf.constant([seed, 0], tf.int64), step, alg=ALGORITHM
    )
    # iteration and replica stay far below 2**20
    index = (tf.cast(replica, tf.int64) * 2**20 + iteration) * 4 + purpose
    return tf.random.experimental.stateless_fold_in(key, index, alg=ALGORITHM)


def training_noise(kind: str, shape: Sequence[int], seed: tf.Tensor) -> tf.Tensor:
    """Noise float32 of this shape: standard normal, or uniform in [-1, 1]."""
    if kind == "uniform":
        return tf.random.stateless_uniform(shape, seed, -1.0, 1.0, alg=ALGORITHM)
    return tf.random.stateless_normal(shape, seed, alg=ALGORITHM)


def interpolation_weights(batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """One uniform number in [0, 1) an image, float32 [N, 1, 1, 1]."""
    return tf.random.stateless_uniform([batch_size, 1, 1, 1], seed, alg=ALGORITHM)
