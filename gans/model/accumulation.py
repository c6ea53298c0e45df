"""Gradients of large batches in little memory: computed in parts, one after the other."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def mean_over_parts(parts: int, function: Callable[..., Any], *batch: tf.Tensor) -> Any:
    """The mean of what a function gives for equal parts of a batch.

    The parts are computed one after the other, so that the memory of one is enough.

    Args:
        parts: K, how many; 1 calls the function with the whole batch.
        function: Tensors [N / K, ...] to nested float tensors.
        *batch: Tensors [N, ...], N a known multiple of K.

    Returns:
        Tensors nested like the function's.

    Raises:
        ValueError: If N is not a multiple of K.
    """
    if parts == 1:
        return function(*batch)
    if batch[0].shape[0] % parts:
        raise ValueError(
            "accumulate must divide the images of an update (a replica's part of the batch). "
            f"Received: accumulate={parts}, {batch[0].shape[0]} images"
        )
    stacked = [tf.reshape(each, (parts, -1, *each.shape[1:])) for each in batch]

    def add(part: tf.Tensor, sums: Any) -> tuple[tf.Tensor, Any]:
        given = function(*(each[part] for each in stacked))
        return part + 1, tf.nest.map_structure(tf.add, sums, given)

    first = function(*(each[0] for each in stacked))
    _, sums = tf.while_loop(
        lambda part, _: part < parts, add, (tf.constant(1), first), parallel_iterations=1
    )
    return tf.nest.map_structure(lambda total: total / parts, sums)
