"""Layers of options: defaults, a preset, a file, the command line."""

from collections.abc import Mapping
from typing import Any

# If an upper layer sets the first, a lower layer's values of the others are dropped.
_SETS_ASIDE = {
    "resize": {"shape"},
    "shape": {"resize"},
    "train_steps": {"epochs", "minutes"},
    "epochs": {"train_steps", "minutes"},
    "minutes": {"train_steps", "epochs"},
    "learning_rate": {"generator_learning_rate"},
    "features": {"inception_weights"},
    "inception_weights": {"features"},
}
# The defaults of these options. docs/defaults.md says how they were found.
METHOD_DEFAULTS = {
    "wgan-gp": {"gradient_penalty": 10.0, "optimizer": "adam", "learning_rate": 8e-4,
                "generator_learning_rate": 16e-4, "beta_1": 0.0, "beta_2": 0.99},
    "wgan": {"clip_value": 0.01, "optimizer": "rmsprop", "learning_rate": 2e-4,
             "generator_learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.9},
    "dcgan": {"optimizer": "adam", "learning_rate": 2e-4, "generator_learning_rate": 2e-4,
              "beta_1": 0.5, "beta_2": 0.999},
}  # fmt: skip
_OF_A_METHOD = {"method", "one_sided"}.union(*METHOD_DEFAULTS.values())
DEFAULT_METHOD = "wgan-gp"


def method_of(values: Mapping[str, Any]) -> str | None:
    """The method that options name or imply; None if they do neither."""
    if values.get("method") is not None:
        return values["method"]
    if values.get("clip_value") is not None:
        return "wgan"
    return "wgan-gp" if values.get("gradient_penalty") is not None else None


def merge_options(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Both layers of options by name, the upper one winning."""
    named = {name for name, value in upper.items() if value is not None}
    set_aside = set().union(*(_SETS_ASIDE.get(name, ()) for name in named))
    if method_of(upper) not in (None, method_of(lower) or DEFAULT_METHOD):
        set_aside |= _OF_A_METHOD
    return {name: value for name, value in lower.items() if name not in set_aside} | dict(upper)
