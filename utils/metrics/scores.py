"""The metrics by name: what each needs, and how it is computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.metrics.frechet import Moments, frechet_at_infinity, frechet_distance
from utils.metrics.inception_score import inception_score
from utils.metrics.kernel import kernel_distance, kernel_distance_of_subsets
from utils.metrics.manifold import precision_recall_density_coverage
from utils.metrics.names import (
    DENSITY_K,
    INCEPTION_SPLITS,
    KID_SUBSET_SIZE,
    KID_SUBSETS,
    PRECISION_K,
)


@dataclass(frozen=True)
class Metric:
    """A metric: features in, numbers out.

    Attributes:
        fewest: Images of each kind that it needs ...
        fewest_a_dimension: ... and this many more for each dimension of the features.
        compute: (real, fake, extractor, seed, show_progress) to the numbers and, under
            "NAME_error", their standard errors; real and fake are features [N, D].
    """

    fewest: int
    compute: Callable[..., dict[str, float]]
    fewest_a_dimension: int = 0


def _fid(real: np.ndarray, fake: np.ndarray, *_: Any) -> dict[str, float]:
    return {"fid": frechet_distance(Moments.of(real), Moments.of(fake))}


def _fid_infinity(real: np.ndarray, fake: np.ndarray, extractor: Any, seed: int,
                  show_progress: bool) -> dict[str, float]:
    line = frechet_at_infinity(Moments.of(real), fake, seed, show_progress=show_progress)
    return {"fid_infinity": line.value}


def _kid(real: np.ndarray, fake: np.ndarray, extractor: Any, seed: int,
         show_progress: bool) -> dict[str, float]:
    mean, error = kernel_distance_of_subsets(real, fake, KID_SUBSETS, KID_SUBSET_SIZE, seed,
                                             show_progress)
    return {"kid": mean, "kid_error": error}


def _kid_all_pairs(real: np.ndarray, fake: np.ndarray, extractor: Any, seed: int,
                   show_progress: bool) -> dict[str, float]:
    return {"kid_all_pairs": kernel_distance(real, fake, show_progress)}


def _inception_score(real: np.ndarray, fake: np.ndarray, extractor: Any, seed: int,
                     *_: Any) -> dict[str, float]:
    if extractor.head is None:
        raise ValueError("metrics must not name inception_score if the feature network has no "
                         f"class logits: leave it out. Received: {extractor.name}")
    # Images of a folder come class by class, but a split must hold all classes.
    order = np.random.default_rng(seed).permutation(len(fake))
    mean, deviation = inception_score(extractor.logits(fake)[order], INCEPTION_SPLITS)
    return {"inception_score": mean, "inception_score_error": deviation}


def _manifold(real: np.ndarray, fake: np.ndarray, extractor: Any, seed: int,
              show_progress: bool) -> dict[str, float]:
    return precision_recall_density_coverage(real, fake, PRECISION_K, DENSITY_K, show_progress)


COMPUTED = {  # those of `names.METRICS` that compare two sets of features
    "fid": Metric(2, _fid),
    "fid_infinity": Metric(2, _fid_infinity, fewest_a_dimension=2),
    "kid": Metric(KID_SUBSET_SIZE, _kid),
    "kid_all_pairs": Metric(2, _kid_all_pairs),
    "inception_score": Metric(INCEPTION_SPLITS, _inception_score),
    "prdc": Metric(DENSITY_K + 1, _manifold),
}
