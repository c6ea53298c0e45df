"""What an option of `TrainingConfig` consists of, and how layers of options are put together."""

import dataclasses
from collections.abc import Mapping
from numbers import Real
from typing import Any

from utils.metrics.names import KID_SUBSET_SIZE, NUMBERS

# Naming the first in an upper layer sets aside what a lower layer says of the others.
_SETS_ASIDE = {
    "resize": {"shape"},
    "shape": {"resize"},
    "train_steps": {"epochs"},
    "epochs": {"train_steps"},
    "learning_rate": {"generator_learning_rate"},
    "features": {"inception_weights"},
    "inception_weights": {"features"},
}
# What these options are where they are not given. docs/defaults.md says how these were found.
METHOD_DEFAULTS = {
    "wgan-gp": {"gradient_penalty": 10.0, "optimizer": "adam", "learning_rate": 8e-4,
                "generator_learning_rate": 16e-4, "beta_1": 0.0, "beta_2": 0.99},
    "wgan": {"clip_value": 0.01, "optimizer": "rmsprop", "learning_rate": 2e-4,
             "generator_learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.9},
    "dcgan": {"optimizer": "adam", "learning_rate": 2e-4, "generator_learning_rate": 2e-4,
              "beta_1": 0.5, "beta_2": 0.999},
}  # fmt: skip
_OF_A_METHOD = {"method", "penalty_every", "penalty_share"}.union(*METHOD_DEFAULTS.values())
DEFAULT_METHOD = "wgan-gp"
# Not the extrapolation to infinity, which needs more images than one makes while training.
EVALUATION_METRICS = tuple(name for name in NUMBERS if name != "fid_infinity")


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


def part(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise ValueError
    return value


part.__name__ = "number in (0, 1]"


def at_least_0(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


at_least_0.__name__ = "whole number of at least 0"


def number_or_all(text: str) -> int | str:
    return text if text == "all" else at_least_1(text)


number_or_all.__name__ = "whole number of at least 1, or all"


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
    elif count == "+" and not values:
        problem = "one value or more"
    elif count != "+" and len(values) != count:
        problem = f"{count} values" if count > 1 else "one value"
    elif "choices" in rules and not set(values) <= set(rules["choices"]):
        problem = f"one of {', '.join(rules['choices'])}"
    elif "type" in rules:
        try:
            for each in values:
                # Not a number's text instead of the number.
                if rules["type"](str(each)) != each and not isinstance(each, Real):
                    raise ValueError
        except ValueError:
            problem = rules["type"].__name__
    if problem:
        raise ValueError(f"{field.name} must be {problem}. Received: {value!r}")


@dataclasses.dataclass(frozen=True)
class EvaluationOptions:
    """How a generator is judged while it is trained; names are those of the command line.

    Attributes:
        evaluate_every: Generator steps between evaluations, a multiple of the save interval. The
            run's last step is judged as well.
        evaluate_images: Images made for an evaluation, and at most so many real ones to compare
            them with.
        evaluate_metric: One of `EVALUATION_METRICS`.
        inception_weights: A file with the weights of the FID's network; None: the published one,
            downloaded once.
        features: A .keras file of a network to take features from instead.
        stop_patience: End the run after so many evaluations in a row without a better value;
            None: never.

    Raises:
        ValueError: If a value is out of its range, or two do not go together.
    """

    evaluate_every: int
    evaluate_images: int = 2000
    evaluate_metric: str = "fid"
    inception_weights: str | None = None
    features: str | None = None
    stop_patience: int | None = None

    def __post_init__(self) -> None:
        for name, least in [("evaluate_every", 1), ("evaluate_images", 2), ("stop_patience", 1)]:
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be {least} or more. Received: {value}")
        if self.evaluate_metric not in EVALUATION_METRICS:
            raise ValueError(
                f"evaluate_metric must be one of {', '.join(EVALUATION_METRICS)}. "
                f"Received: {self.evaluate_metric!r}"
            )
        if self.evaluate_metric == "kid" and self.evaluate_images < KID_SUBSET_SIZE:
            raise ValueError(
                f"evaluate_metric kid needs {KID_SUBSET_SIZE:,} evaluate_images or more: make "
                f"more, or take kid_all_pairs. Received: evaluate_images={self.evaluate_images}"
            )
        if self.features is not None and self.inception_weights is not None:
            raise ValueError(
                "features and inception_weights must not both be given: leave one out. Received: "
                f"features={self.features}, inception_weights={self.inception_weights}"
            )
        if self.features is not None and self.evaluate_metric == "inception_score":
            raise ValueError(
                "evaluate_metric inception_score needs the Inception network's classes: leave out "
                f"features, or take another metric. Received: features={self.features}"
            )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "EvaluationOptions | None":
        """Those among options by name, of which None is not given; None without evaluate_every.

        Raises:
            ValueError: As the class, or if others are given without evaluate_every.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        given = {name: values[name] for name in names if values[name] is not None}
        if given and "evaluate_every" not in given:
            name, value = next(iter(given.items()))
            raise ValueError(
                f"{name} needs evaluate_every, the steps between evaluations: give it too, or "
                f"leave both out. Received: {name}={value}"
            )
        return cls(**given) if given else None

    def check_interval(self, save_interval: int) -> None:
        """Raises ValueError if a step to be judged would have no row in the log."""
        if self.evaluate_every % save_interval:
            raise ValueError(
                f"evaluate_every must be a multiple of save_interval, {save_interval}. "
                f"Received: {self.evaluate_every}"
            )


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
