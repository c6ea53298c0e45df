"""How fast training is, beside what the machine can do: prints tables.

    python benchmarks/training_throughput.py

1. Seconds from the command to its first step, of the default run at 64x64 with a ready cache.
2. The share of a real run's wall time, after the first step, that is spent inside the train
   function: 300 steps of the `dcgan` WGAN-GP at 64x64 with sample grids, plots and checkpoints.
3. Generator steps, real images and floating-point operations a second of the train function,
   beside the same layers in a bare tf.function, the same networks in PyTorch where it is
   installed, and a matrix product. All take turns in one process, a step each, and the least
   time of each counts: other work on the machine only adds to it, and hardly to the CPU time.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from benchmarks.steps.bare import bare_step
from benchmarks.steps.operations import MatrixProduct, operations_per_step, seconds_of
from gans import WassersteinGAN
from utils import DataPreparator
from utils.process import available_cores

ROOT = Path(__file__).parent.parent
SHAPE = (64, 64, 3)
CLIP_VALUES = {"wgan-gp": None, "wgan": 0.01}


def first_step_seconds() -> float:
    """From the start of the default run's command until it has done its first step."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "train_generator.py"), "--resize", "64", "64",
                   "--train_steps", "1", "--save_interval", "1", "--save_path", folder]  # fmt: skip
        began = time.perf_counter()
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True) as process:  # fmt: skip
            for text in process.stderr:
                if text.startswith("step 1/1"):
                    return time.perf_counter() - began
    raise RuntimeError("the run did no step")


def overhead(steps: int) -> tuple[float, float]:
    """Seconds inside the train function and in all, of a run after its first step."""
    data = DataPreparator("faces", resize=SHAPE[:2])
    gan = WassersteinGAN(data.image_shape, n_critic=1)
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


def train_function(images: tf.Tensor, options: dict, jit_compile: bool | str = "auto"):
    """A model and what makes one step of it, as `fit` does."""
    gan = WassersteinGAN(SHAPE, **options)
    gan.compile(jit_compile=jit_compile)
    iterator = iter(tf.data.Dataset.from_tensors(images).repeat())
    gan.make_train_function()
    return gan, lambda: float(gan.train_function(iterator)["critic_loss"])


def candidates(architecture: str, method: str, precision: str, arguments: argparse.Namespace):
    """(operations of a step, what makes one step by name)."""
    clip_value, batch_size = CLIP_VALUES[method], arguments.batch_size
    options = {"architecture": architecture, "n_critic": arguments.n_critic,
               "clip_value": clip_value, "base_filters": arguments.base_filters,
               "precision": precision}  # fmt: skip
    images = tf.random.stateless_uniform([arguments.n_critic * batch_size, *SHAPE], [0, 1], -1, 1)
    gan, ours = train_function(images, options)
    other = WassersteinGAN(SHAPE, **options)
    steps = {
        "ours": ours,
        "bare": bare_step(other.generator, other.critic, images, gan.options.noise_dim,
                          gan.options.n_critic, clip_value),
    }  # fmt: skip
    if arguments.xla:
        steps["XLA"] = train_function(images, options, jit_compile=True)[1]
    if importlib.util.find_spec("torch") is not None and not arguments.no_torch:
        from benchmarks.steps.pytorch import networks, torch_step

        config = gan.get_config()
        theirs = networks(architecture, config["critic_normalization"], SHAPE[0], SHAPE[2],
                          config["base_filters"], gan.options.noise_dim)  # fmt: skip
        for network, keras_network in zip(theirs, (gan.generator, gan.critic), strict=True):
            count = sum(weight.numel() for weight in network.parameters())
            assert count == sum(weight.numpy().size for weight in keras_network.trainable_variables)
        steps["PyTorch"] = torch_step(
            *theirs, (batch_size, SHAPE[2], *SHAPE[:2]), gan.options.noise_dim,
            gan.options.n_critic, clip_value, precision == "mixed_bfloat16", available_cores(),
        )  # fmt: skip
    return operations_per_step(gan, batch_size), steps


def compare(architecture: str, method: str, precision: str, arguments: argparse.Namespace) -> None:
    """Prints a row for everything that makes the step."""
    operations, steps = candidates(architecture, method, precision, arguments)
    products = {dtype: MatrixProduct(dtype) for dtype in ("float32", "bfloat16")}
    seconds = seconds_of({**steps, **products}, arguments.rounds)
    dtype = precision.removeprefix("mixed_")
    limit = products[dtype].operations / seconds[dtype][0]
    for name in steps:
        wall, cores = seconds[name]
        rate = operations / wall
        print(f"| {architecture} | {method} | {precision} | {name} | {1 / wall:.3f} "
              f"| {arguments.n_critic * arguments.batch_size / wall:.1f} | {rate / 1e9:.0f} "
              f"| {limit / 1e9:.0f} | {rate / limit:.2f} | {wall / seconds['ours'][0]:.2f} "
              f"| {cores / seconds['ours'][1]:.2f} |", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=["dcgan", "anime"],
                        choices=["dcgan", "anime"])
    parser.add_argument("--methods", nargs="+", default=list(CLIP_VALUES), choices=CLIP_VALUES)
    parser.add_argument("--precisions", nargs="+", default=["float32", "mixed_bfloat16"],
                        choices=["float32", "mixed_bfloat16"])
    parser.add_argument("--base_filters", type=int, default=64, help="width (default: 64)")
    parser.add_argument("--batch_size", type=int, default=64, help="images (default: 64)")
    parser.add_argument("--n_critic", type=int, default=1, help="critic updates a step")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument("--steps", type=int, default=300, help="steps of the real run; 0: none")
    parser.add_argument("--xla", action="store_true", help="a row for our step under XLA as well")
    parser.add_argument("--no_torch", action="store_true", help="leave PyTorch out")
    arguments = parser.parse_args()

    if arguments.steps:
        print(f"first step {first_step_seconds():.1f} s after the command")
        inside, total = overhead(arguments.steps)
        print(f"real run, {arguments.steps} steps, dcgan WGAN-GP 64x64x3, save_interval 100: "
              f"{total:.1f} s after the first step, {inside / total:.1%} in the train function\n")
    print("| networks | method | precision | step | steps/s | images/s | GFLOP/s | matrix product "
          "| ratio | time / ours | CPU time / ours |\n" + "|---" * 11 + "|")
    for architecture in arguments.architectures:
        for method in arguments.methods:
            for precision in arguments.precisions:
                compare(architecture, method, precision, arguments)


if __name__ == "__main__":
    main()
