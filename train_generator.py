"""Trains a Wasserstein GAN on images: parse, build, train. See --help, and README.md."""

import dataclasses
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from utils.files import expanded
from utils.options.command_line import read_options, read_page, training_parser
from utils.options.config import TrainingConfig
from utils.options.writing import yaml_text
from utils.process import exit_status, quiet_stderr, run_script, start_tensorflow
from utils.runs.directory import RunDirectory

XLA_ON_A_CPU = (
    "warning: XLA makes a step slower on a CPU: 1.3 times as long with the 4x4 kernels of dcgan "
    "and 14 times with the 5x5 kernels of anime, as measured; --xla auto leaves it out"
)
# Before TensorFlow is imported: its C++ messages are not for users of a script.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = training_parser()
    page = read_page(parser, arguments)
    if page is not None:
        return exit_status(lambda: _write_page(**page), "No page was written.")
    config, dry_run = read_options(parser, arguments)
    return exit_status(lambda: _run(config, dry_run), "What was saved is whole.")


def _write_page(report: str | None = None, compare: Sequence[str] = ()) -> int:
    from utils.pages import write_comparison, write_report

    print(write_report(report) if report is not None else write_comparison(compare))
    return 0


def _check_early(config: TrainingConfig, dry_run: bool, is_chief: bool) -> None:
    """Finds what would stop the run later, before the images are prepared."""
    from gans.architectures import first_block

    first_block(*(config.resize or config.shape))
    if not is_chief:
        return
    run = RunDirectory(config.save_path)
    run.require_writable()
    if not config.resume:
        run.require_unused()
    if config.load_weights is not None and not Path(config.load_weights).is_file():
        raise ValueError("load_weights must be a .weights.h5 file. "
                         f"Received: {config.load_weights!r}, which is not a file")
    if config.export is not None:
        with quiet_stderr():
            from gans.generators.exporting import require_packages
        for name in config.export:
            require_packages(name)
    if config.features is not None:
        if not expanded(config.features, "features").is_file():
            raise ValueError("features must be a .keras file. "
                             f"Received: {config.features!r}, which is not a file")
    elif config.inception_weights is not None or (config.evaluate_every and not dry_run):
        with quiet_stderr():
            from utils.metrics.features.inception_weights import read_inception_weights
        read_inception_weights(config.inception_weights)  # else a download may fail after an hour


def _run(config: TrainingConfig, dry_run: bool) -> int:
    from gans.distribution.cluster import describe_workers, described_workers
    from utils import DataPreparator

    if config.workers is not None:
        describe_workers(config.workers, config.worker_index)
    workers, worker = described_workers()
    if dry_run:
        workers, worker = 1, 0  # it waits for nobody
        os.environ.pop("TF_CONFIG", None)
    talkative = dry_run or (not config.quiet and worker == 0)
    strategy = None
    if workers > 1 and not config.quiet:
        print(f"Worker {worker} of {workers}: waiting for the others", flush=True)
    # Before anything slow, and before anything else, such as a tfds source, starts TensorFlow.
    # Workers that know each other also learn when one ends.
    if workers > 1 or config.devices is not None:
        strategy = _open_strategy(config)
    _check_early(config, dry_run, worker == 0)
    data = DataPreparator(**config.data_options())
    if dry_run:
        print(yaml_text(config), end="")
    if talkative:
        height, width, channels = data.image_shape
        held_out = f"; {data.num_held_out:,} more are held out" if data.num_held_out else ""
        print(f"Data: {data.num_images:,} images {height}x{width}x{channels} from "
              f"{data.describe()['source']}; {len(data.skipped):,} files skipped, "
              f"{data.duplicates:,} exact duplicates{held_out}")
    if strategy is None:
        if talkative:
            print("Loading TensorFlow", flush=True)
        strategy = _open_strategy(config)
    import tensorflow as tf

    from gans.distribution.together import lost_workers_named

    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    with lost_workers_named(strategy):
        gan = _build(config, data, strategy, worker)
    # A resumed run takes over what this machine has chosen.
    config = dataclasses.replace(config, precision=gan.options.precision)
    if talkative:
        sizes = [network.count_params() for network in (gan.generator, gan.critic)]
        critic = "discriminator" if config.method == "dcgan" else "critic"
        print(f"Networks: generator {sizes[0]:,} and {critic} {sizes[1]:,} parameters, "
              f"{gan.options.precision}, on {_devices(strategy, workers, has_gpu)}", flush=True)
    if config.xla == "on" and not has_gpu:
        print(XLA_ON_A_CPU, file=sys.stderr)
    if dry_run:
        return 0
    run = gan.train(data, **config.train_options(data.num_images))
    if not run.finished and worker == 0:
        again = ["--resume", "--save_path", str(run.directory.path)]
        again += [] if config.devices is None else ["--devices", str(config.devices)]
        where = ", on every worker, as it was started" if workers > 1 else ""
        print(f"To go on{where}:", shlex.join([sys.executable, sys.argv[0], *again]))
    return 128 + signal.SIGTERM if run.signal == signal.SIGTERM else 0


def _open_strategy(config: TrainingConfig) -> Any:
    start_tensorflow()
    with quiet_stderr():
        from gans.distribution.strategy import check_batch_size, open_strategy

        strategy = open_strategy(config.devices)
    check_batch_size(config.batch_size, strategy)
    return strategy


def _build(config: TrainingConfig, data: Any, strategy: Any, worker: int) -> Any:
    """The compiled model, with the weights and the step that it starts from."""
    import tensorflow as tf

    from gans import model_class
    from gans.distribution.strategy import Exchange
    from gans.distribution.together import require_same_run

    # Building already exchanges values, which differing networks would break.
    options = {**config.model_options(), **config.compile_options(), "method": config.method}
    options |= {"batch_size": config.batch_size, "devices": config.devices, "images": data.digest}
    require_same_run(options, Exchange(strategy))
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        gan = model_class(config.method)(data.image_shape, **config.model_options())
    gan.compile(**config.compile_options())
    if config.load_weights is not None and worker == 0:  # worker 0 gives them to the others
        gan.load_weights(config.load_weights)
    if config.step_0 is not None:
        gan.set_step(config.step_0)
    return gan


def _devices(strategy: Any, workers: int, has_gpu: bool) -> str:
    """What the networks train on, in words."""
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return "the GPU" if has_gpu else f"{os.cpu_count()} CPU cores"
    kind = "GPU" if has_gpu else "CPU"
    where = f" of {workers} workers" if workers > 1 else ""
    return f"{replicas} {kind}s{where}, which share every batch"


if __name__ == "__main__":
    run_script(main)
