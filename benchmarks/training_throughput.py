"""How fast training is, beside what the machine can do: prints one table.

    python benchmarks/training_throughput.py

1. The share of a real run's wall time, after the first step, that is spent inside the train
   function: 300 steps of the `dcgan` WGAN-GP at 64x64 with sample grids, plots and checkpoints.
2. Real images a second and the arithmetic rate of a train step, for the gradient penalty and for
   clipping, in float32 and mixed_bfloat16, beside a matrix product measured in the same process.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from gans import WassersteinGAN
from utils import DataPreparator


def forward_operations(network) -> float:
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


def operations_per_step(gan, batch_size: int) -> float:
    """By formula, convolutions and dense layers only.

    A backward pass costs two forward ones, one where only the input's gradient is wanted. Critic
    update: fakes forward; reals and fakes forward and backward; with the penalty, the critic
    forward and its input's gradient, and the backward pass through both. Generator update: both
    networks forward, the critic's input gradient, the generator backward.
    """
    generator, critic = forward_operations(gan.generator), forward_operations(gan.critic)
    critic_passes = 2 * 3 + (6 if gan.clip_value is None else 0)
    critic_update = generator + critic_passes * critic
    generator_update = 3 * generator + 2 * critic
    return batch_size * (gan.n_critic * critic_update + generator_update)


def matrix_product_rate(dtype: str, size: int = 2048, seconds: float = 2.0) -> float:
    """Floating-point operations a second of a square matrix product."""
    a = tf.cast(tf.random.stateless_normal([size, size], [1, 2]), dtype)
    product = tf.function(lambda x: tf.matmul(x, x))
    product(a)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        product(a).numpy()
        count += 1
    return count * 2 * size**3 / (time.perf_counter() - began)


def step_seconds(gan, batch_size: int, steps: int) -> float:
    """Median seconds of a call of the train function, after two calls to warm up."""
    images = tf.random.stateless_uniform(
        [gan.n_critic * batch_size, *gan.image_shape], [0, 1], -1.0, 1.0
    )
    iterator = iter(tf.data.Dataset.from_tensors(images).repeat())
    gan.make_train_function()
    times = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        float(gan.train_function(iterator)["critic_loss"])
        times.append(time.perf_counter() - began)
    return sorted(times[2:])[steps // 2]


def overhead(steps: int, base_filters: int | None) -> tuple[float, float]:
    """Seconds inside the train function and in all, of a run after its first step."""
    data = DataPreparator("faces", resize=(64, 64))
    gan = WassersteinGAN(data.image_shape, n_critic=1, base_filters=base_filters)
    gan.compile()
    gan.make_train_function()
    train_function, calls = gan.train_function, []

    def timed(iterator):
        began = time.perf_counter()
        logs = train_function(iterator)
        calls.append((began, time.perf_counter()))
        return logs

    gan.train_function = timed
    with tempfile.TemporaryDirectory() as folder:
        gan.train(data, steps, save_interval=100, save_path=folder, quiet=True)
        ended = time.perf_counter()
    return sum(end - began for began, end in calls[1:]), ended - calls[0][1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="steps of the real run")
    parser.add_argument("--timed_steps", type=int, default=7, help="steps timed in each setting")
    parser.add_argument("--base_filters", type=int, help="width (default: the architecture's)")
    parser.add_argument("--n_critic", type=int, default=1, help="critic updates a step")
    arguments = parser.parse_args()

    inside, total = overhead(arguments.steps, arguments.base_filters)
    print(f"real run, {arguments.steps} steps, dcgan WGAN-GP 64x64x3, save_interval 100: "
          f"{total:.1f} s after the first step, {inside / total:.1%} in the train function")
    print(f"\n{'method':8} {'precision':15} {'steps/s':>8} {'images/s':>9} {'GFLOP/s':>8} "
          f"{'matmul GFLOP/s':>15} {'ratio':>6}")
    rates = {dtype: matrix_product_rate(dtype) / 1e9 for dtype in ("float32", "bfloat16")}
    for method, clip_value in (("wgan-gp", None), ("wgan", 0.01)):
        for precision in ("float32", "mixed_bfloat16"):
            gan = WassersteinGAN(
                (64, 64, 3), n_critic=arguments.n_critic, clip_value=clip_value,
                base_filters=arguments.base_filters, precision=precision,
            )
            gan.compile()
            seconds = step_seconds(gan, 64, arguments.timed_steps)
            rate = operations_per_step(gan, 64) / seconds / 1e9
            limit = rates[precision.removeprefix("mixed_")]
            print(f"{method:8} {precision:15} {1 / seconds:8.2f} "
                  f"{64 * gan.n_critic / seconds:9.0f} {rate:8.0f} {limit:15.0f} "
                  f"{rate / limit:6.2f}", flush=True)


if __name__ == "__main__":
    main()
