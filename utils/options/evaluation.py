"""How a generator is judged while it is trained."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from utils.metrics.names import KID_SUBSET_SIZE, NUMBERS

# Not the extrapolation to infinity, which needs more images than one makes while training.
EVALUATION_METRICS = tuple(name for name in NUMBERS if name != "fid_infinity")


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
