"""The size of each preset's networks and the time of one generator step: prints one table.

    python benchmarks/preset_steps.py [PRESET ...]

Every method of a preset is measured, and fashion-mnist with both of its widths. Images are drawn
from a distribution, not read from files: the time of a step does not depend on what they show.
"""

import argparse
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from gans import model_class
from utils.options.config import TrainingConfig
from utils.options.presets import PRESETS, preset_config

ONE_CHANNEL = {"fashion-mnist"}
WIDTHS = {"fashion-mnist": (64, 32)}


def configurations(name: str) -> list[TrainingConfig]:
    """The configurations that a preset was published with."""
    changes = [{"base_filters": width} for width in WIDTHS.get(name, ())] or [{}]
    methods = PRESETS[name].methods
    return [preset_config(name, method=m, **change) for m in methods for change in changes]


def parameters(network: keras.Model) -> str:
    """All parameters, and in brackets the trainable ones where these are fewer."""
    trainable = sum(weight.shape.num_elements() for weight in network.trainable_weights)
    rest = network.count_params() - trainable
    return f"{network.count_params():,}" + (f" ({trainable:,})" if rest else "")


def step_seconds(gan, batch_size: int, steps: int) -> float:
    """The least of some steps' times, after one step that builds the graph."""
    images = tf.random.stateless_uniform(
        [gan.options.n_critic * batch_size, *gan.image_shape], [0, 1], -1.0, 1.0
    )
    iterator = iter(tf.data.Dataset.from_tensors(images).repeat())
    gan.make_train_function()
    times = []
    for _ in range(1 + steps):
        began = time.perf_counter()
        float(gan.train_function(iterator)["generator_loss"])
        times.append(time.perf_counter() - began)
    return min(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", default=list(PRESETS), help="default: all")
    parser.add_argument("--steps", type=int, default=3, help="steps timed in each")
    arguments = parser.parse_args()
    print(f"{'preset':14} {'method':8} {'image':>10} {'batch':>5} {'n_critic':>8} "
          f"{'generator (trainable)':>24} {'critic (trainable)':>22} {'s/step':>7} {'GB':>5}")
    for name in arguments.presets:
        for config in configurations(name):
            shape = (*config.resize, 1 if name in ONE_CHANNEL else 3)
            gan = model_class(config.method)(shape, **config.model_options())
            gan.compile(**config.compile_options())
            seconds = step_seconds(gan, config.batch_size, arguments.steps)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # of the process
            print(f"{name:14} {config.method:8} {'x'.join(map(str, shape)):>10} "
                  f"{config.batch_size:5} {config.n_critic:8} {parameters(gan.generator):>24} "
                  f"{parameters(gan.critic):>22} {seconds:7.2f} {memory:5.1f}", flush=True)


if __name__ == "__main__":
    main()
