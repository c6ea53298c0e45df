"""The options of a run: one frozen dataclass, from which argparse and YAML are generated."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from utils.checks import at_least_0, at_least_1, number_or_all, part, positive, share
from utils.options.evaluation import EVALUATION_METRICS, EvaluationOptions
from utils.options.fields import check_value, option
from utils.options.merging import DEFAULT_METHOD, METHOD_DEFAULTS

_PAIR = {"nargs": 2, "type": at_least_1, "metavar": ("H", "W")}


@dataclass(frozen=True)
class TrainingConfig:
    """Every option of `train_generator.py`, by the name it has on the command line and in YAML.

    An option that is None and has a default by the method, or by another option, gets it here.

    Raises:
        ValueError: If a value has the wrong type or is out of its range, or two options conflict.
    """

    source: str = option(
        "faces", "data", "images to learn from: a folder, a .zip or .tar, a .npy or .npz array, an "
        "idx .gz file, tfds:NAME[:SPLIT], or faces, the built-in set", "-d", "--dir",
        metavar="SOURCE")
    resize: tuple[int, int] | None = option(
        None, "data", "resize every image to H W (default: 64 64, unless --shape is given)",
        **_PAIR)
    shape: tuple[int, ...] | None = option(
        None, "data", "demand images of H W as they are, without resizing", **_PAIR)
    to_grayscale: bool = option(False, "data", "make images of one channel")
    crop: str = option(
        "center", "data", "how an image of another aspect is fitted when it is resized",
        choices=("center", "stretch", "pad"))
    background: tuple[int, int, int] = option(
        (255, 255, 255), "data", "color behind transparent images and beside padded ones",
        nargs=3, type=at_least_0, metavar=("R", "G", "B"))
    max_megapixels: float = option(
        100.0, "data", "pass over images larger than this", type=positive, metavar="M")
    hold_out: float = option(
        0.0, "data", "share of the images that is kept aside, to see overfitting by", type=share,
        metavar="SHARE")
    cache_dir: str | None = option(
        None, "data", "where prepared images are kept (default: ~/.cache/wasserstein-gan)",
        metavar="DIR")
    no_cache: bool = option(
        False, "data", "decode images while training, for collections that do not fit on disk")
    batch_size: int = option(
        32, "data", "real images in one update", "-b", type=at_least_1, metavar="N")

    method: str | None = option(
        None, "model", "wgan-gp: gradient penalty; wgan: weight clipping; dcgan: the GAN to "
        "compare them with (default: wgan-gp, or wgan where --clip_value is given)",
        choices=("wgan-gp", "wgan", "dcgan"))
    architecture: str = option(
        "dcgan", "model", "networks: dcgan (4x4 kernels), anime (5x5), conv4 (4x4, no dense "
        "layers, wide), residual64 (5x5, 64 filters everywhere) or resnet (residual blocks)",
        choices=("dcgan", "anime", "conv4", "residual64", "resnet"))
    base_filters: int | None = option(
        None, "model", "width of the networks (default: 32 for dcgan and anime, 256 for conv4, 64 "
        "for residual64, 128 for resnet)", type=at_least_1, metavar="N")
    critic_normalization: str | None = option(
        None, "model", "normalization in the critic; published: as the published code of conv4 or "
        "residual64 has it (default: the architecture's own for the method)",
        choices=("none", "batch", "layer", "instance", "published"))
    noise_dim: int = option(
        128, "model", "length of the noise vector", "-l", "--latent_size", type=at_least_1,
        metavar="N")
    noise: str = option(
        "normal", "model", "noise: standard normal, or uniform in [-1, 1]",
        choices=("normal", "uniform"))
    real_noise: float = option(
        0.0, "model", "share of uniform noise in real images as the critic sees them", type=share,
        metavar="SHARE")
    n_critic: int = option(
        1, "model", "critic updates for each generator update", type=at_least_1, metavar="N")
    gradient_penalty: float | None = option(
        None, "model", "weight of the gradient penalty (default with wgan-gp: 10)", type=positive,
        metavar="WEIGHT")
    penalty_every: int = option(
        1, "model", "the gradient penalty in every K-th critic update only, K times as strong: "
        "cheaper", type=at_least_1, metavar="K")
    penalty_share: float = option(
        1.0, "model", "share of a batch that the gradient penalty is taken at: cheaper below 1",
        type=part, metavar="SHARE")
    clip_value: float | None = option(
        None, "model", "bound of the critic's weights (default with wgan: 0.01)", type=positive,
        metavar="C")
    ema_decay: float = option(
        0.9999, "model", "largest decay of the generator's moving average; 0 turns it off",
        type=share, metavar="D")

    optimizer: str | None = option(
        None, "training", "of both networks (default: rmsprop with wgan, else adam)",
        choices=("adam", "rmsprop"))
    beta_1: float | None = option(
        None, "training", "Adam's beta_1 (default: with wgan-gp 0, else 0.5)", type=share,
        metavar="B")
    beta_2: float | None = option(
        None, "training", "Adam's beta_2 (default: with wgan-gp 0.99, wgan 0.9, dcgan 0.999)",
        type=share, metavar="B")
    learning_rate: float | None = option(
        None, "training", "learning rate (default: with wgan-gp 8e-4, else 2e-4)", type=positive,
        metavar="RATE")
    generator_learning_rate: float | None = option(
        None, "training", "the generator's, where it differs (default: --learning_rate or, where "
        "that is not given, with wgan-gp 16e-4)", type=positive, metavar="RATE")
    decay_rate: float = option(
        1.0, "training", "factor on the learning rates over every 1,000 generator steps",
        type=positive, metavar="FACTOR")
    train_steps: int | None = option(
        None, "training", "generator steps in all (default: 40000, unless --epochs or --minutes "
        "is given)", type=at_least_1, metavar="N")
    epochs: int | None = option(
        None, "training", "instead of --train_steps: times that the critic sees every image",
        type=at_least_1, metavar="N")
    minutes: float | None = option(
        None, "training", "instead of --train_steps: as many steps as can be trained, sampled and "
        "exported in so many minutes; the first of them are timed", type=positive, metavar="M")
    precision: str = option(
        "float32", "training", "arithmetic of the networks; auto: mixed_bfloat16 where the "
        "hardware multiplies bfloat16, else float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16", "auto"))
    xla: str = option(
        "auto", "training", "compile a step with XLA; auto: on a GPU, not on a CPU, where it is "
        "slower", choices=("auto", "on", "off"))
    synchronized_batch_norm: bool = option(
        False, "devices", "batch normalization over the whole batch, instead of over each device's "
        "own part of it")
    devices: int | str | None = option(
        None, "devices", "train on N GPUs of this machine, or on all; --batch_size is that of all "
        "devices together (default: 1; with several workers all GPUs of each)",
        type=number_or_all, metavar="N|all")
    workers: tuple[str, ...] | None = option(
        None, "devices", "train on several machines: host:port of each, in the same order on each "
        "(default: those of the environment variable TF_CONFIG, if it is set)", nargs="+",
        metavar="HOST:PORT")
    worker_index: int | None = option(
        None, "devices", "which of the workers this is, from 0; worker 0 writes the run",
        type=at_least_0, metavar="I")
    seed: int = option(
        0, "training", "seed of weights, order and noise", type=at_least_0, metavar="N")
    deterministic: bool = option(
        False, "training", "the same bits in every run on this machine, also on a GPU")

    evaluate_every: int | None = option(
        None, "evaluation", "judge the generator every N generator steps, a multiple of "
        "--save_interval, and after the last (default: never)", type=at_least_1, metavar="N")
    evaluate_images: int | None = option(
        None, "evaluation", "images made for an evaluation, and at most so many real ones "
        "(default: 2000)", type=at_least_1, metavar="N")
    evaluate_metric: str | None = option(
        None, "evaluation", f"judge by {', '.join(EVALUATION_METRICS)} (default: fid)",
        choices=EVALUATION_METRICS, metavar="NAME")
    inception_weights: str | None = option(
        None, "evaluation", "inception-2015-12-05.tgz, the .pb in it, pytorch-fid's .pth or an "
        ".npz (default: TensorFlow's file, downloaded once, 89 MB)", metavar="FILE")
    features: str | None = option(
        None, "evaluation", "take features from this Keras model of images in 0..255 instead",
        metavar="FILE.keras")
    stop_patience: int | None = option(
        None, "evaluation", "end the run after K evaluations in a row without a better value "
        "(default: never)", type=at_least_1, metavar="K")

    save_path: str = option(
        "runs/gan", "run", "folder for everything the run writes", metavar="DIR")
    save_interval: int | None = option(
        None, "run", "generator steps between checkpoints, samples and log rows (default: 500, or "
        "with --minutes about a twentieth of the run)", type=at_least_1, metavar="N")
    save_best_only: bool = option(
        False, "run", "export the best generator instead of the last: the best by "
        "--evaluate_metric or, without --evaluate_every, by the Wasserstein estimate")
    load_weights: str | None = option(
        None, "run", "start from the weights in this checkpoint (.weights.h5)", metavar="FILE")
    step_0: int | None = option(
        None, "run", "count generator steps from here (default: 0, or the loaded checkpoint's)",
        type=at_least_0, metavar="N")
    resume: bool = option(False, "run", "go on from the last checkpoint in --save_path")
    export: tuple[str, ...] | None = option(
        None, "run", "at the end write the generator for other programs too: onnx, litert",
        nargs="+", choices=("onnx", "litert"), metavar="FORMAT")
    description: str | None = option(
        None, "run", "for MODEL_CARD.md: what the images show, and what the generator is meant for",
        metavar="TEXT")
    license: str | None = option(
        None, "run", "for MODEL_CARD.md: under what license the generator may be used",
        metavar="TEXT")
    tensorboard: bool = option(False, "run", "write TensorBoard events as well")
    quiet: bool = option(False, "run", "print warnings and errors only")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_value(field, getattr(self, field.name))
        self._default("resize", (64, 64) if self.shape is None else None)
        self._default("method", DEFAULT_METHOD if self.clip_value is None else "wgan")
        for name, method in [("gradient_penalty", "wgan-gp"), ("clip_value", "wgan")]:
            if getattr(self, name) is not None and self.method != method:
                raise ValueError(
                    f"{name} needs method {method}: leave it out or choose the other method. "
                    f"Received: method={self.method}, {name}={getattr(self, name)}"
                )
        for name in ("penalty_every", "penalty_share"):
            if getattr(self, name) != 1 and self.method != "wgan-gp":
                raise ValueError(
                    f"{name} needs method wgan-gp, which has the penalty: leave it out or choose "
                    f"that method. Received: method={self.method}, {name}={getattr(self, name)}"
                )
        if self.learning_rate is not None:
            self._default("generator_learning_rate", self.learning_rate)
        for name, value in METHOD_DEFAULTS[self.method].items():
            self._default(name, value)
        self._check_critic()
        given = {name: getattr(self, name) for name in ("train_steps", "epochs", "minutes")}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) > 1:
            received = ", ".join(f"{name}={value}" for name, value in given.items())
            raise ValueError(
                f"{' and '.join(given)} must not both be given: leave one out. Received: {received}"
            )
        if not given:
            self._default("train_steps", 40_000)
        if self.minutes is None:
            self._default("save_interval", 500)
        evaluation = self.evaluation_options()
        if evaluation is not None:
            if self.save_interval is not None:
                evaluation.check_interval(self.save_interval)
            self._default("evaluate_images", evaluation.evaluate_images)
            self._default("evaluate_metric", evaluation.evaluate_metric)
        elif self.save_best_only and self.method == "dcgan":
            raise ValueError(
                "save_best_only needs method wgan-gp or wgan, whose estimate says which generator "
                "is best, or evaluate_every; no log of a DCGAN says it. Received: method=dcgan"
            )
        if (self.workers is None) != (self.worker_index is None):
            raise ValueError(
                "workers and worker_index must be given together: all workers' host:port, and "
                f"which of them this is. Received: workers={self.workers}, "
                f"worker_index={self.worker_index}"
            )
        if self.resume and (self.load_weights is not None or self.step_0 is not None):
            raise ValueError(
                "resume goes on from the run's own checkpoint: leave out load_weights and step_0. "
                f"Received: load_weights={self.load_weights}, step_0={self.step_0}"
            )
        if any(value > 255 for value in self.background):
            raise ValueError(f"background must be three of 0..255. Received: {self.background}")

    def _check_critic(self) -> None:
        if self.critic_normalization == "batch" and self.method == "wgan-gp":
            raise ValueError(
                "critic_normalization must not be batch with method wgan-gp, whose penalty is each "
                "image's own: take layer, instance or none. Received: 'batch'"
            )
        published = ("conv4", "residual64")
        if self.critic_normalization == "published" and self.architecture not in published:
            raise ValueError(
                f"critic_normalization published needs architecture {' or '.join(published)}: "
                f"leave it out. Received: architecture={self.architecture}"
            )

    def _default(self, name: str, value: Any) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)  # frozen, but not yet in use

    def data_options(self) -> dict[str, Any]:
        """Keyword arguments of `utils.DataPreparator`."""
        return {
            "source": self.source,
            "image_shape": self.shape,
            "resize": self.resize,
            "batch_size": self.batch_size,
            "to_grayscale": self.to_grayscale,
            "crop": self.crop,
            "background": self.background,
            "seed": self.seed,
            "cache_dir": self.cache_dir,
            "use_cache": not self.no_cache,
            "max_megapixels": self.max_megapixels,
            "hold_out": self.hold_out,
            "show_progress": not self.quiet,
        }

    def model_options(self) -> dict[str, Any]:
        """Keyword arguments of `gans.model_class(method)`, but for the image shape."""
        options = {
            "noise_dim": self.noise_dim,
            "architecture": self.architecture,
            "n_critic": self.n_critic,
            "noise": self.noise,
            "real_noise": self.real_noise,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
            "base_filters": self.base_filters,
            "critic_normalization": self.critic_normalization,
            "precision": self.precision,
            "synchronized_batch_norm": self.synchronized_batch_norm,
        }
        if self.method != "dcgan":
            options["gradient_penalty"] = self.gradient_penalty
            options["clip_value"] = self.clip_value
            options["penalty_every"] = self.penalty_every
            options["penalty_share"] = self.penalty_share
        return options

    def compile_options(self) -> dict[str, Any]:
        """Keyword arguments of the model's `compile`."""
        return {
            "optimizer": self.optimizer,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "learning_rate": self.learning_rate,
            "generator_learning_rate": self.generator_learning_rate,
            "decay_rate": self.decay_rate,
            "jit_compile": {"auto": "auto", "on": True, "off": False}[self.xla],
        }

    def evaluation_options(self) -> EvaluationOptions | None:
        """How the generator is judged; None if it is not."""
        return EvaluationOptions.of(vars(self))

    def train_options(self, num_images: int) -> dict[str, Any]:
        """Keyword arguments of the model's `train` on so many images, but for the data."""
        steps = self.train_steps
        if self.epochs is not None:
            steps = math.ceil(self.epochs * num_images / (self.n_critic * self.batch_size))
        return {
            "train_steps": steps,
            "minutes": self.minutes,
            "save_interval": self.save_interval,
            "save_path": self.save_path,
            "resume": self.resume,
            "save_best_only": self.save_best_only,
            "tensorboard": self.tensorboard,
            "quiet": self.quiet,
            "evaluation": self.evaluation_options(),
            "export": self.export or (),
            "options": dataclasses.asdict(self),
        }
