"""The floating-point operations of a step by formula, and how many a second the machine does."""

import time
from typing import Any

import tensorflow as tf


def forward_operations(network: Any) -> float:
    """Floating-point operations (two a multiply-add) of one image's forward pass."""
    total = 0.0
    for layer in network.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            total += 2 * layer.kernel.shape[0] * layer.kernel.shape[1]
        elif kind in ("Conv2D", "Conv2DTranspose"):
            # Each kernel weight acts once at every position of the smaller map.
            positions = layer.output if kind == "Conv2D" else layer.input
            kernel = 1
            for side in layer.kernel.shape:
                kernel *= side
            total += 2 * kernel * positions.shape[1] * positions.shape[2]
    return total


def operations_per_step(gan: Any, batch_size: int) -> float:
    """By formula, convolutions and dense layers only.

    A backward pass costs two forward ones, one where only the input's gradient is wanted. Critic
    update: fakes forward; reals and fakes forward and backward; with the penalty, the critic
    forward and its input's gradient, and the backward pass through both. Generator update: both
    networks forward, the critic's input gradient, the generator backward.
    """
    generator, critic = forward_operations(gan.generator), forward_operations(gan.critic)
    critic_passes = 2 * 3 + (6 if gan.options.clip_value is None else 0)
    critic_update = generator + critic_passes * critic
    generator_update = 3 * generator + 2 * critic
    return batch_size * (gan.options.n_critic * critic_update + generator_update)


class MatrixProduct:
    """A square matrix product, large enough to come close to what the processor can do.

    Args:
        dtype: "float32" or "bfloat16".
        size: Rows and columns.
    """

    def __init__(self, dtype: str, size: int = 4096):
        self.operations = 2 * size**3
        self._matrix = tf.cast(tf.random.stateless_normal([size, size], [1, 2]), dtype)
        self._product = tf.function(lambda: tf.matmul(self._matrix, self._matrix))

    def __call__(self) -> None:
        self._product().numpy()


def seconds_of(steps: dict[str, Any], rounds: int) -> dict[str, tuple[float, float]]:
    """The least wall time and the least time of all cores of each call, called in turns."""
    for step in steps.values():
        for _ in range(2):  # traces, and settles the memory
            step()
    wall: dict[str, list[float]] = {name: [] for name in steps}
    cores: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            wall_began, cores_began = time.perf_counter(), time.process_time()
            step()
            wall[name].append(time.perf_counter() - wall_began)
            cores[name].append(time.process_time() - cores_began)
    return {name: (min(wall[name]), min(cores[name])) for name in steps}
