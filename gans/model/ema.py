"""The moving average of a generator's weights."""

from collections.abc import Sequence

import keras
import tensorflow as tf


def update_average(
    averages: Sequence[keras.Variable],
    weights: Sequence[keras.Variable],
    largest_decay: float,
    step: tf.Tensor,
) -> None:
    """average <- d * average + (1 - d) * weight, d = min(largest_decay, (1 + t) / (10 + t)).

    Karras et al. 2018 (https://arxiv.org/abs/1710.10196) use such an average. The warm-up is that
    of TensorFlow's ExponentialMovingAverage; without it, the first weights would linger.

    Args:
        averages: The averages to update, float32.
        weights: The current weights, in the same order.
        largest_decay: In [0, 1).
        step: t, the updates done before this one, an integer scalar.
    """
    t = tf.cast(step, tf.float32)
    decay = tf.minimum(largest_decay, (1.0 + t) / (10.0 + t))
    for average, weight in zip(averages, weights, strict=True):
        average.assign_add((1.0 - decay) * (weight.value - average.value))
