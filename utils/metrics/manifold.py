"""Precision, recall, density and coverage: which fakes look real, and which reals are covered."""

import numpy as np

from utils.checks import at_least
from utils.metrics.arguments import check_features
from utils.metrics.distances import distance_tiles, nearest


def precision_recall_density_coverage(real: np.ndarray, fake: np.ndarray, precision_k: int = 3,
                                      density_k: int = 5,
                                      show_progress: bool = False) -> dict[str, float]:
    """Four shares, from balls around images that reach to their k-th nearest other image.

    Precision is the share of fakes inside a real image's ball, recall the share of reals inside a
    fake's (Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative
    Models", https://arxiv.org/abs/1904.06991). Density is the number of real balls that a fake lies
    in, divided by k. Coverage is the share of real balls with a fake inside (Naeem et al. 2020,
    "Reliable Fidelity and Diversity Metrics for Generative Models",
    https://arxiv.org/abs/2002.09797). An image on the edge of a ball is outside it, as in `prdc`,
    the package of the latter authors, whose values these are. All four depend on N and M.

    Args:
        real: Finite features [N, D], which may be float32 or a memory map.
        fake: The same [M, D]. Both sets must have more than `precision_k` and `density_k` images.
        precision_k: The k of precision and recall, at least 1.
        density_k: The k of density and coverage, at least 1.
        show_progress: Show progress bars.

    Returns:
        Floats by "precision", "recall", "density" and "coverage": all in [0, 1] except density,
        which is 1 if the sets have one distribution and larger if fakes crowd together.

    Raises:
        ValueError: The features cannot be used, or are too few.
    """
    at_least(1).check("precision_k", precision_k)
    at_least(1).check("density_k", density_k)
    most = max(precision_k, density_k)
    real, fake = check_features(least=most + 1, real=real, fake=fake)
    real_distances, _ = nearest(real, real, most, same=True, show_progress=show_progress)
    fake_distances, _ = nearest(fake, fake, precision_k, same=True, show_progress=show_progress)
    real_radii = real_distances[:, precision_k - 1, None] ** 2  # [N, 1]
    dense_radii = real_distances[:, density_k - 1, None] ** 2  # [N, 1]
    fake_radii = fake_distances[:, precision_k - 1] ** 2  # [M]

    precise, recalled = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    covered, inside_balls = np.zeros(len(real), bool), 0
    for rows, columns, squared, rounding in distance_tiles(
        real, fake, title="Real against fake", show_progress=show_progress
    ):
        # What is on an edge up to rounding, like copies of real images, counts as on the edge.
        squared += rounding
        precise[columns] |= (squared < real_radii[rows]).any(axis=0)
        recalled[rows] |= (squared < fake_radii[columns]).any(axis=1)
        dense = squared < dense_radii[rows]
        inside_balls += np.count_nonzero(dense)
        covered[rows] |= dense.any(axis=1)
    return {
        "precision": float(precise.mean()),
        "recall": float(recalled.mean()),
        "density": float(inside_balls / (density_k * len(fake))),
        "coverage": float(covered.mean()),
    }
