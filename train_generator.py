"""Trains a Wasserstein GAN on images: parse, build, train. See --help, and README.md."""

import os
import signal
import sys
from collections.abc import Sequence

from utils.command_line import (
    print_error,
    quiet_stderr,
    read_options,
    training_parser,
    yaml_text,
)
from utils.config import TrainingConfig

# Before TensorFlow is imported: its C++ messages are not for the user of a script.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    config, dry_run = read_options(training_parser(), arguments)
    try:
        return _run(config, dry_run)
    except (ValueError, ArithmeticError, OSError) as error:
        print_error(error)
        return 1
    except KeyboardInterrupt:
        print("\nStopped before training began; nothing needed saving.", file=sys.stderr)
        return 130


def _run(config: TrainingConfig, dry_run: bool) -> int:
    from utils import DataPreparator

    data = DataPreparator(**config.data_options())
    if dry_run:
        print(yaml_text(config), end="")
    talkative = dry_run or not config.quiet
    if talkative:
        height, width, channels = data.image_shape
        print(f"Data: {data.num_images:,} images {height}x{width}x{channels} from {config.source}; "
              f"{len(data.skipped):,} files skipped, {data.duplicates:,} exact duplicates")
        print("Loading TensorFlow", flush=True)
    with quiet_stderr():
        import tensorflow as tf

        from gans import WassersteinGAN

        gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    gan = WassersteinGAN(data.image_shape, **config.model_options())
    gan.compile(**config.compile_options())
    if config.load_weights:
        gan.load_weights(config.load_weights)
    if config.step_0 is not None:
        gan.step.assign(config.step_0)
    if talkative:
        sizes = [network.count_params() for network in (gan.generator, gan.critic)]
        device = f"{len(gpus)} GPU" if gpus else f"{os.cpu_count()} CPU cores"
        print(f"Networks: generator {sizes[0]:,} and critic {sizes[1]:,} parameters, on {device}",
              flush=True)
    if dry_run:
        return 0
    run = gan.train(data, **config.train_options())
    if not run.finished:
        print(f"To go on: python {sys.argv[0]} --resume --save_path {run.directory.path}")
    return 128 + signal.SIGTERM if run.signal == signal.SIGTERM else 0


if __name__ == "__main__":
    sys.exit(main())
