"""The options of a run: one frozen dataclass, from which argparse and YAML are generated."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any


def _option(default: Any, group: str, text: str, *aliases: str, **argparse_options: Any) -> Any:
    """A field with its place in the help, its text, its aliases and what argparse needs."""
    metadata = {"group": group, "help": text, "aliases": aliases, "argparse": argparse_options}
    return field(default=default, metadata=metadata)


def _size(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_size.__name__ = "whole number of at least 1"  # argparse names the type in its error


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


_positive.__name__ = "positive number"


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


_count.__name__ = "whole number of at least 0"


def _check(option: dataclasses.Field, value: Any) -> None:
    """Raises ValueError where a value is not what its option takes; None stands for unset."""
    rules = option.metadata["argparse"]
    values = value if isinstance(value, (tuple, list)) else [value]
    count = rules.get("nargs", 1)
    problem = None
    if value is None:
        return
    if isinstance(option.default, bool):
        problem = None if isinstance(value, bool) else "True or False"
    elif len(values) != count:
        problem = f"{count} values" if count > 1 else "one value"
    elif "choices" in rules and value not in rules["choices"]:
        problem = f"one of {', '.join(rules['choices'])}"
    elif "type" in rules:
        try:
            for each in values:
                rules["type"](str(each))
        except ValueError:
            problem = rules["type"].__name__
    if problem:
        raise ValueError(f"{option.name} must be {problem}. Received: {value!r}")


_PAIR = {"nargs": 2, "type": _size, "metavar": ("H", "W")}


@dataclass(frozen=True)
class TrainingConfig:
    """Every option of `train_generator.py`, by the name it has on the command line and in YAML.

    An option that is None and has a default by the method, or by another option, gets it here.

    Raises:
        ValueError: If a value has the wrong type or is out of its range, or two options conflict.
    """

    source: str = _option(
        "faces", "data", "images to learn from: a folder, a .zip or .tar, a .npy or .npz array, an "
        "idx .gz file, tfds:NAME[:SPLIT], or faces, the built-in set", "-d", "--dir",
        metavar="SOURCE")
    resize: tuple[int, int] | None = _option(
        None, "data", "resize every image to H W (default: 64 64, unless --shape is given)",
        **_PAIR)
    shape: tuple[int, ...] | None = _option(
        None, "data", "demand images of H W as they are, without resizing", **_PAIR)
    to_grayscale: bool = _option(False, "data", "make images of one channel")
    crop: str = _option(
        "center", "data", "how an image of another aspect is fitted when it is resized",
        choices=("center", "stretch", "pad"))
    background: tuple[int, int, int] = _option(
        (255, 255, 255), "data", "colour behind transparent images and beside padded ones",
        nargs=3, type=_count, metavar=("R", "G", "B"))
    max_megapixels: float = _option(
        100.0, "data", "pass over images larger than this", type=_positive, metavar="M")
    cache_dir: str | None = _option(
        None, "data", "where prepared images are kept (default: ~/.cache/wasserstein-gan)",
        metavar="DIR")
    no_cache: bool = _option(
        False, "data", "decode images while training, for collections that do not fit on disk")
    batch_size: int = _option(
        64, "data", "real images in one update", "-b", type=_size, metavar="N")

    method: str | None = _option(
        None, "model", "wgan-gp: gradient penalty; wgan: weight clipping (default: wgan-gp, or "
        "wgan where --clip_value is given)", choices=("wgan-gp", "wgan"))
    architecture: str = _option(
        "dcgan", "model", "networks: dcgan (4x4 kernels) or anime (5x5 kernels, larger)",
        choices=("dcgan", "anime"))
    base_filters: int = _option(32, "model", "width of the networks", type=_size, metavar="N")
    noise_dim: int = _option(
        128, "model", "length of the noise vector", "-l", "--latent_size", type=_size, metavar="N")
    noise: str = _option(
        "normal", "model", "noise: standard normal, or uniform in [-1, 1]",
        choices=("normal", "uniform"))
    n_critic: int = _option(
        1, "model", "critic updates for each generator update", type=_size, metavar="N")
    gradient_penalty: float | None = _option(
        None, "model", "weight of the gradient penalty (default with wgan-gp: 10)", type=_positive,
        metavar="WEIGHT")
    clip_value: float | None = _option(
        None, "model", "bound of the critic's weights (default with wgan: 0.01)", type=_positive,
        metavar="C")
    ema_decay: float = _option(
        0.999, "model", "decay of the generator's moving average; 0 turns it off", type=float,
        metavar="D")

    learning_rate: float = _option(
        2e-4, "training", "learning rate", type=_positive, metavar="RATE")
    generator_learning_rate: float | None = _option(
        None, "training", "the generator's, where it differs (default: --learning_rate)",
        type=_positive, metavar="RATE")
    decay_rate: float = _option(
        1.0, "training", "factor on the learning rates over every 1,000 generator steps",
        type=_positive, metavar="FACTOR")
    train_steps: int = _option(
        20000, "training", "generator steps in all", type=_size, metavar="N")
    precision: str = _option(
        "float32", "training", "arithmetic of the networks",
        choices=("float32", "mixed_bfloat16", "mixed_float16"))
    seed: int = _option(
        0, "training", "seed of weights, order and noise", type=_count, metavar="N")
    deterministic: bool = _option(
        False, "training", "the same bits in every run on this machine, also on a GPU")

    save_path: str = _option(
        "runs/gan", "run", "folder for everything the run writes", metavar="DIR")
    save_interval: int = _option(
        500, "run", "generator steps between checkpoints, samples and log rows", type=_size,
        metavar="N")
    save_best_only: bool = _option(
        False, "run", "export the generator with the best Wasserstein estimate, not the last")
    load_weights: str | None = _option(
        None, "run", "start from the weights in this checkpoint (.weights.h5)", metavar="FILE")
    step_0: int | None = _option(
        None, "run", "count generator steps from here (default: 0, or the loaded checkpoint's)",
        type=_count, metavar="N")
    resume: bool = _option(False, "run", "go on from the last checkpoint in --save_path")
    tensorboard: bool = _option(False, "run", "write TensorBoard events as well")
    quiet: bool = _option(False, "run", "print warnings and errors only")

    def __post_init__(self) -> None:
        for option in dataclasses.fields(self):
            _check(option, getattr(self, option.name))
        self._default("resize", (64, 64) if self.shape is None else None)
        self._default("method", "wgan-gp" if self.clip_value is None else "wgan")
        if self.method == "wgan" and self.gradient_penalty is not None:
            raise ValueError(
                "gradient_penalty needs method wgan-gp: leave it out or choose the other method. "
                f"Received: method=wgan, gradient_penalty={self.gradient_penalty}"
            )
        if self.method == "wgan-gp" and self.clip_value is not None:
            raise ValueError(
                "clip_value needs method wgan: leave it out or choose the other method. "
                f"Received: method=wgan-gp, clip_value={self.clip_value}"
            )
        clipping = self.method == "wgan"
        self._default("clip_value", 0.01 if clipping else None)
        self._default("gradient_penalty", None if clipping else 10.0)
        if self.resume and (self.load_weights is not None or self.step_0 is not None):
            raise ValueError(
                "resume goes on from the run's own checkpoint: leave out load_weights and step_0. "
                f"Received: load_weights={self.load_weights}, step_0={self.step_0}"
            )
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must be in [0, 1). Received: {self.ema_decay}")
        if any(value > 255 for value in self.background):
            raise ValueError(f"background must be three of 0..255. Received: {self.background}")

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
            "show_progress": not self.quiet,
        }

    def model_options(self) -> dict[str, Any]:
        """Keyword arguments of `gans.WassersteinGAN`, but for the image shape."""
        return {
            "noise_dim": self.noise_dim,
            "architecture": self.architecture,
            "n_critic": self.n_critic,
            "gradient_penalty": self.gradient_penalty,
            "clip_value": self.clip_value,
            "noise": self.noise,
            "ema_decay": self.ema_decay,
            "seed": self.seed,
            "base_filters": self.base_filters,
            "precision": self.precision,
        }

    def compile_options(self) -> dict[str, Any]:
        """Keyword arguments of `WassersteinGAN.compile`."""
        return {
            "learning_rate": self.learning_rate,
            "generator_learning_rate": self.generator_learning_rate,
            "decay_rate": self.decay_rate,
        }

    def train_options(self) -> dict[str, Any]:
        """Keyword arguments of `WassersteinGAN.train`, but for the data."""
        return {
            "train_steps": self.train_steps,
            "save_interval": self.save_interval,
            "save_path": self.save_path,
            "resume": self.resume,
            "save_best_only": self.save_best_only,
            "tensorboard": self.tensorboard,
            "quiet": self.quiet,
            "options": dataclasses.asdict(self),
        }
