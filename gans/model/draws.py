"""Random numbers as pure functions of (seed, step, purpose, iteration, position): no state.

Replicas draw the numbers of the whole global batch and take those of their own positions, which
costs little compared with a step. So each image has the same noise, however many replicas share a
batch.
"""

import enum
from collections.abc import Sequence

import tensorflow as tf

# Named because the default differs between devices. XLA's Philox gives other numbers even so.
ALGORITHM = "philox"


class Purpose(enum.IntEnum):
    """The purpose of a draw. Draws of one step differ in it, so that none repeats another.

    Runs depend on the numbers: a new purpose is added at the end.
    """

    CRITIC_NOISE = 0
    INTERPOLATION = 1
    GENERATOR_NOISE = 2
    REAL_NOISE = 3


def draw_seed(seed: int, step: tf.Tensor, purpose: Purpose, iteration: int = 0) -> tf.Tensor:
    """The int64 [2] seed of one draw inside a train step, for `tf.random.stateless_*`.

    Args:
        seed: The run's seed.
        step: int64 scalar, generator steps done so far.
        purpose: What the draw is for.
        iteration: The critic update within the step.
    """
    key = tf.constant([seed, 0], tf.int64)
    # One after the other: a sum of the numbers could be the same for two draws.
    for number in (step, int(purpose), iteration):
        number = tf.cast(number, tf.int64)
        key = tf.random.experimental.stateless_fold_in(key, number, alg=ALGORITHM)
    return key


def training_noise(kind: str, shape: Sequence[int], seed: tf.Tensor) -> tf.Tensor:
    """Noise float32 of this shape: standard normal, or uniform in [-1, 1]."""
    if kind == "uniform":
        return tf.random.stateless_uniform(shape, seed, -1.0, 1.0, alg=ALGORITHM)
    return tf.random.stateless_normal(shape, seed, alg=ALGORITHM)


def interpolation_weights(batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """One uniform number in [0, 1) per image, float32 [N, 1, 1, 1]."""
    return tf.random.stateless_uniform([batch_size, 1, 1, 1], seed, alg=ALGORITHM)


def own_part(draw: tf.Tensor, axis: int = 0) -> tf.Tensor:
    """The part of a draw for the global batch that is this replica's, along its batch axis."""
    context = tf.distribute.get_replica_context()
    count = draw.shape[axis] // context.num_replicas_in_sync
    if count == draw.shape[axis]:
        return draw
    begin, size = [0] * draw.shape.rank, draw.shape.as_list()
    begin[axis], size[axis] = context.replica_id_in_sync_group * count, count
    return tf.ensure_shape(tf.slice(draw, tf.stack(begin), size), size)
