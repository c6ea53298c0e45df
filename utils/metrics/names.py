"""The names of metrics and of their numbers; light, because `--help` is made from them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number that a metric gives.

    Attributes:
        name: Its name with any network.
        fid_name: Its name with the FID's own network and weights, and only then.
        better: "lower" or "higher": which is better.
    """

    name: str
    fid_name: str
    better: str

    def label(self, extractor: Any) -> str:
        """Its name in a table: FID and the like only if that is true."""
        if not extractor.is_fid:
            return f"{self.name} ({extractor.name})"
        return self.fid_name if extractor.resize_mode == "tf1" else f"{self.fid_name}, clean resize"


NUMBERS = {
    "fid": Number("Fréchet distance", "FID", "lower"),
    "fid_infinity": Number("Fréchet distance at infinity", "FID at infinity", "lower"),
    "kid": Number("kernel distance", "KID", "lower"),
    "kid_all_pairs": Number("kernel distance, all pairs", "KID, all pairs", "lower"),
    "inception_score": Number("class score", "Inception Score", "higher"),
    "precision": Number("precision", "precision", "higher"),
    "recall": Number("recall", "recall", "higher"),
    "density": Number("density", "density", "higher"),
    "coverage": Number("coverage", "coverage", "higher"),
}

METRICS = {  # metric: the numbers that it gives; the last two do not give single numbers
    "fid": ("fid",),
    "fid_infinity": ("fid_infinity",),
    "kid": ("kid",),
    "kid_all_pairs": ("kid_all_pairs",),
    "inception_score": ("inception_score",),
    "prdc": ("precision", "recall", "density", "coverage"),
    "copies": (),
    "diversity": (),
}

PRECISION_K, DENSITY_K = 3, 5
KID_SUBSETS, KID_SUBSET_SIZE = 100, 1000
INCEPTION_SPLITS = 10

# With this many images of each kind, a share of near-identical or near images means something.
# Among fewer, many may by chance be as near as 1% of the real images are by construction.
SHARES_FROM = 100


def require_one_network(features: object, inception_weights: object) -> None:
    """Raises ValueError if two networks are named to take features from."""
    if features is not None and inception_weights is not None:
        raise ValueError("features and inception_weights must not both be given: leave one out. "
                         f"Received: features={features}, inception_weights={inception_weights}")


def metric_of(name: str) -> str:
    """The metric with a name, which may be the name of one of its numbers.

    Raises:
        ValueError: If no metric has this name.
    """
    for metric, numbers in METRICS.items():
        if name == metric or name in numbers:
            return metric
    known = ", ".join(dict.fromkeys([*METRICS, *NUMBERS]))
    raise ValueError(f"metrics must be among {known}. Received: {name!r}")
