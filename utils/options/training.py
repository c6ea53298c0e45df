"""How long, where and into which folder a run trains."""

from dataclasses import dataclass

from utils.checks import at_least, number_or, one_of, positive, several, text
from utils.options.fields import Options, flag, option
from utils.options.model import OptimizerOptions

DEFAULT_STEPS = 40_000
DEFAULT_INTERVAL = 500


@dataclass(frozen=True)
class TrainingOptions(OptimizerOptions):
    """How the networks are trained."""

    heading = "training"

    xla: str = option(
        "auto", "compile a step with XLA; auto: on a GPU, not on a CPU, where it is slower",
        one_of("auto", "on", "off"))
    deterministic: bool = flag("the same bits in every run on this machine, even on a GPU")


@dataclass(frozen=True)
class DeviceOptions(Options):
    """On which devices and machines."""

    heading = "devices"

    devices: int | str | None = option(
        None, "train on N GPUs of this machine, or on all; --batch_size counts all devices "
        "together (default: 1; with several workers all GPUs of each)",
        number_or("all", at_least(1)), metavar="N|all")
    workers: tuple[str, ...] | None = option(
        None, "train on several machines: host:port of each, in the same order on each (default: "
        "those in the environment variable TF_CONFIG, if it is set)", several(text),
        metavar="HOST:PORT")
    worker_index: int | None = option(
        None, "index of this worker, from 0; worker 0 writes the run", at_least(0),
        metavar="I")

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.workers is None) != (self.worker_index is None):
            raise ValueError(
                "workers and worker_index must be given together: host:port of every worker, and "
                f"the index of this one. Received: workers={self.workers}, "
                f"worker_index={self.worker_index}"
            )


@dataclass(frozen=True)
class RunOptions(Options):
    """How long a run is and what it writes: keyword arguments of a model's `train`."""

    heading = "run"

    train_steps: int | None = option(
        None, "generator steps in all (default: 40000, unless --epochs or --minutes is given)",
        at_least(1), metavar="N")
    minutes: float | None = option(
        None, "instead of --train_steps: as many steps as can be trained, sampled and exported in "
        "so many minutes; the first of them are timed", positive, metavar="M")
    save_interval: int | None = option(
        None, "generator steps between checkpoints, samples and log rows (default: 500, or with "
        "--minutes about a twentieth of the run)", at_least(1), metavar="N")
    save_path: str = option("runs/gan", "folder for everything the run writes", text,
                            metavar="DIR")  # fmt: skip
    save_best_only: bool = flag(
        "export the best generator instead of the last: the best by --evaluate_metric or, without "
        "--evaluate_every, by the Wasserstein estimate")
    resume: bool = flag("go on from the last checkpoint in --save_path")
    export: tuple[str, ...] | None = option(
        None, "at the end, also write the generator for other programs: onnx, litert",
        several(one_of("onnx", "litert")), metavar="FORMAT")
    tensorboard: bool = flag("write TensorBoard events as well")
    quiet: bool = flag("print warnings and errors only")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minutes is None:
            self._default("save_interval", DEFAULT_INTERVAL)
        elif self.train_steps is not None:
            raise ValueError(
                "train_steps and minutes must not both be given: leave one out. "
                f"Received: train_steps={self.train_steps}, minutes={self.minutes}"
            )


@dataclass(frozen=True)
class StartOptions(Options):
    """What only the script has: where a run starts, and words for its model card."""

    heading = "run"

    epochs: int | None = option(
        None, "instead of --train_steps: how many times the critic sees every image", at_least(1),
        metavar="N")
    load_weights: str | None = option(
        None, "start from the weights in this checkpoint (.weights.h5)", text, metavar="FILE")
    step_0: int | None = option(
        None, "count generator steps from here (default: 0, or the loaded checkpoint's)",
        at_least(0), metavar="N")
    description: str | None = option(
        None, "for MODEL_CARD.md: what the images show and what the generator is for", text,
        metavar="TEXT")
    license: str | None = option(
        None, "for MODEL_CARD.md: the license of the generator", text,
        metavar="TEXT")
