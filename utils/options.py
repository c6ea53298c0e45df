"""What an option of `TrainingConfig` consists of, and how layers of options are put together."""

import dataclasses
from collections.abc import Mapping
from numbers import Real
from typing import Any

# Naming the first in an upper layer sets aside what a lower layer says of the others.
_SETS_ASIDE = {
    "resize": {"shape"},
    "shape": {"resize"},
    "train_steps": {"epochs"},
    "epochs": {"train_steps"},
    "learning_rate": {"generator_learning_rate"},
}
_OF_A_METHOD = {"method", "gradient_penalty", "clip_value", "optimizer", "beta_1", "beta_2"}
DEFAULT_METHOD = "wgan-gp"


def option(default: Any, group: str, text: str, *aliases: str, **argparse_options: Any) -> Any:
    """A field with its place in the help, its text, its aliases and what argparse needs."""
    metadata = {"group": group, "help": text, "aliases": aliases, "argparse": argparse_options}
    return dataclasses.field(default=default, metadata=metadata)


def at_least_1(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


at_least_1.__name__ = "whole number of at least 1"  # argparse names the type in its error


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


positive.__name__ = "positive number"


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError
    return value


share.__name__ = "number in [0, 1)"


def at_least_0(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


at_least_0.__name__ = "whole number of at least 0"


def check_value(field: dataclasses.Field, value: Any) -> None:
    """Raises ValueError where a value is not what its option takes; None stands for unset."""
    rules = field.metadata["argparse"]
    values = value if isinstance(value, (tuple, list)) else [value]
    count = rules.get("nargs", 1)
    problem = None
    if value is None:
        return
    if isinstance(field.default, bool):
        problem = None if isinstance(value, bool) else "True or False"
    elif len(values) != count:
        problem = f"{count} values" if count > 1 else "one value"
    elif "choices" in rules and value not in rules["choices"]:
        problem = f"one of {', '.join(rules['choices'])}"
    elif "type" in rules:
        try:
            if not all(isinstance(each, Real) for each in values):
                raise ValueError
            for each in values:
                rules["type"](str(each))
        except ValueError:
            problem = rules["type"].__name__
    if problem:
        raise ValueError(f"{field.name} must be {problem}. Received: {value!r}")


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
