"""Published systems by name: the options of `TrainingConfig` that each was published with."""

from dataclasses import dataclass
from typing import Any

from utils.checks import one_of
from utils.options.config import TrainingConfig
from utils.options.merging import merge_options, method_of

_LINE = 88  # characters of a line of `list_presets`


@dataclass(frozen=True)
class Preset:
    """A published system.

    Attributes:
        description: What it is, in a line.
        options: Values of `TrainingConfig` for every method.
        methods: The values of each method that was published with it; the first is the default.
    """

    description: str
    options: dict[str, Any]
    methods: dict[str, dict[str, Any]]


_CONV4 = {
    "resize": (32, 32), "batch_size": 64, "architecture": "conv4", "noise_dim": 100,
    "train_steps": 40_000}
_CONV4_METHODS = {"wgan-gp": {"gradient_penalty": 10.0, "n_critic": 5, "optimizer": "adam",
                              "learning_rate": 1e-4, "beta_1": 0.5, "beta_2": 0.999}}

PRESETS = {
    "anime": Preset(
        "anime faces at 64x64: WGAN with weight clipping and 5x5 networks",
        {"source": "anime-faces", "resize": (64, 64), "batch_size": 64, "architecture": "anime",
         "noise_dim": 128, "noise": "uniform", "train_steps": 20_000},
        {"wgan": {"clip_value": 0.01, "n_critic": 10, "optimizer": "rmsprop",
                  "learning_rate": 5e-5, "generator_learning_rate": 2.5e-5, "decay_rate": 1.0}},
    ),
    "cifar10": Preset(
        "CIFAR-10 at 32x32: WGAN-GP with wide networks without dense layers",
        {"source": "tfds:cifar10", **_CONV4}, _CONV4_METHODS,
    ),
    "celeba": Preset(
        "CelebA at 32x32: the same networks and settings as cifar10",
        {"source": "tfds:celeb_a", **_CONV4}, _CONV4_METHODS,
    ),
    "celeba128": Preset(
        "CelebA, or any folder, at 128x128: WGAN-GP with residual 64-filter networks",
        {"source": "tfds:celeb_a", "resize": (128, 128), "architecture": "residual64",
         "noise_dim": 100, "batch_size": 128, "real_noise": 0.1, "epochs": 200},
        {"wgan-gp": {"gradient_penalty": 10.0, "n_critic": 1, "optimizer": "rmsprop",
                     "learning_rate": 1e-4}},
    ),
    "fashion-mnist": Preset(
        "Fashion-MNIST at 64x64: DCGAN, WGAN, WGAN-GP; also with --base_filters 32",
        {"source": "tfds:fashion_mnist", "resize": (64, 64), "architecture": "dcgan",
         "to_grayscale": True, "batch_size": 64, "base_filters": 64, "noise_dim": 100,
         "train_steps": 20_000},
        {
            "wgan-gp": {"gradient_penalty": 10.0, "n_critic": 5, "optimizer": "adam",
                        "learning_rate": 1e-4, "beta_1": 0.5, "beta_2": 0.9},
            "wgan": {"clip_value": 0.01, "n_critic": 5, "optimizer": "rmsprop",
                     "learning_rate": 5e-5},
            "dcgan": {"n_critic": 1, "optimizer": "adam", "learning_rate": 2e-4, "beta_1": 0.5,
                      "beta_2": 0.999},
        },
    ),
}


def preset_options(name: str, method: str | None = None) -> dict[str, Any]:
    """The values of `TrainingConfig` that a preset sets.

    Args:
        name: A key of `PRESETS`.
        method: None takes the preset's own. For a method that it was not published with, only its
            data and networks are taken.

    Raises:
        ValueError: If there is no such preset.
    """
    one_of(*PRESETS).check("preset", name)
    preset = PRESETS[name]
    if method is None:
        method = next(iter(preset.methods))
    values = preset.methods.get(method, {})
    return {**preset.options, "method": method, **values, "save_path": f"runs/{name}-{method}"}


def preset_config(name: str, **changes: Any) -> TrainingConfig:
    """A preset's configuration.

    Args:
        name: A key of `PRESETS`.
        **changes: Values of `TrainingConfig` that win over the preset's; a `method` chooses among
            those that it was published with.

    Raises:
        ValueError: If there is no such preset or option, or a value does not fit its option.

    Example:
        >>> config = preset_config("cifar10", source="photos", train_steps=1000)
    """
    for change in changes:
        if change not in TrainingConfig.names():
            raise ValueError(f"options must be fields of TrainingConfig. Received: {change!r}")
    return TrainingConfig(**merge_options(preset_options(name, method_of(changes)), changes))


def list_presets() -> str:
    """The presets as text, one paragraph each: the options that they stand for."""
    paragraphs = []
    for name, preset in PRESETS.items():
        lines = [f"{name}: {preset.description}", *_as_arguments(preset.options)]
        for method, values in preset.methods.items():
            lines += _as_arguments({"method": method, **values})
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _as_arguments(options: dict[str, Any]) -> list[str]:
    """Lines of command-line arguments, never broken between name and value."""
    lines = [" "]
    for name, value in options.items():
        values = value if isinstance(value, tuple) else (value,)
        argument = " ".join([f" --{name}", *(str(each) for each in values if each is not True)])
        if len(lines[-1] + argument) > _LINE:
            lines.append("    ")
        lines[-1] += argument
    return lines
