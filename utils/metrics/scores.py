"""The metrics by name: what each needs, and how it is computed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from utils.metrics import names
from utils.metrics.frechet import Moments, frechet_at_infinity, frechet_distance
from utils.metrics.inception_score import inception_score
from utils.metrics.kernel import kernel_distance, kernel_distance_of_subsets
from utils.metrics.manifold import precision_recall_density_coverage


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


def _fid(real, fake, *_) -> dict[str, float]:
    return {"fid": frechet_distance(Moments.of(real), Moments.of(fake))}


def _fid_infinity(real, fake, extractor, seed, show_progress) -> dict[str, float]:
    line = frechet_at_infinity(Moments.of(real), fake, seed, show_progress=show_progress)
    return {"fid_infinity": line.value}


def _kid(real, fake, extractor, seed, show_progress) -> dict[str, float]:
    subsets = names.KID_SUBSETS, names.KID_SUBSET_SIZE
    mean, error = kernel_distance_of_subsets(real, fake, *subsets, seed, show_progress)
    return {"kid": mean, "kid_error": error}


def _kid_all_pairs(real, fake, extractor, seed, show_progress) -> dict[str, float]:
    return {"kid_all_pairs": kernel_distance(real, fake, show_progress)}


def _inception_score(real, fake, extractor, seed, *_) -> dict[str, float]:
    if extractor.head is None:
        raise ValueError("metrics must not name inception_score if the feature network has no "
                         f"class logits: leave it out. Received: {extractor.name}")
    # Images of a folder come class by class, but a split must hold all classes.
    order = np.random.default_rng(seed).permutation(len(fake))
    mean, deviation = inception_score(extractor.logits(fake)[order], names.INCEPTION_SPLITS)
    return {"inception_score": mean, "inception_score_error": deviation}


def _manifold(real, fake, extractor, seed, show_progress) -> dict[str, float]:
    k = names.PRECISION_K, names.DENSITY_K
    return precision_recall_density_coverage(real, fake, *k, show_progress)


COMPUTED = {  # those of `names.METRICS` that compare two sets of features
    "fid": Metric(2, _fid),
    "fid_infinity": Metric(2, _fid_infinity, fewest_a_dimension=2),
    "kid": Metric(names.KID_SUBSET_SIZE, _kid),
    "kid_all_pairs": Metric(2, _kid_all_pairs),
    "inception_score": Metric(names.INCEPTION_SPLITS, _inception_score),
    "prdc": Metric(names.DENSITY_K + 1, _manifold),
}
