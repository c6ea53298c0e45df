"""Are the fakes as different from one another as the real images are?"""

import numpy as np

from utils.checks import at_least
from utils.metrics.arguments import check_features
from utils.metrics.copies import closeness_threshold
from utils.metrics.distances import distance_tiles, nearest
from utils.metrics.names import SHARES_FROM

# By construction, 1% of real images are this near to another. In a sample of n the share has a
# deviation of (0.01 * 0.99 / n) ** 0.5: ten times the share is far outside chance from 100 images
# on (`SHARES_FROM`), and still early, as a generator that repeats itself goes on toward all.
COLLAPSED_ABOVE = 0.1


def diversity(fakes: np.ndarray, reals: np.ndarray, seed: int = 0, sample: int = 2000) -> dict:
    """Compares distances among fakes with those among as many reals, and detects a collapse.

    The mean distance shows how widely the fakes are spread. It says little about repetition (a
    hundred images repeated a hundred times each are spread as widely as before). The nearest other
    fake shows that: it is near-identical if it is nearer than the nearest other image of all but 1%
    of real images, in a sample of the same size (`closeness_threshold`).

    Args:
        fakes: Finite features [N, D], N at least 2, which may be float32 or a memory map.
        reals: The same [M, D].
        seed: Chooses the samples.
        sample: The most images of each set, at least 2. Both samples have the same size, because
            neighbors are nearer in a larger one.

    Returns:
        "fake_distance" and "real_distance", the mean Euclidean distance of two different images of
        the sample; "ratio", fake over real; "near_identical", the share in [0, 1] of fakes with a
        near-identical other fake; "threshold", the distance below which they are; "collapsed",
        whether that share exceeds `COLLAPSED_ABOVE` in a sample of 100 or more; and "sample", the
        size of the samples.

    Raises:
        ValueError: The features cannot be used, or each of the reals equals another.
    """
    at_least(2).check("sample", sample)
    fakes, reals = check_features(least=2, fakes=fakes, reals=reals)
    size, rng = min(sample, len(fakes), len(reals)), np.random.default_rng(seed)
    fakes, reals = (
        images[np.sort(rng.choice(len(images), size, replace=False))] for images in (fakes, reals)
    )
    threshold = closeness_threshold(reals, seed, size)
    distances, _ = nearest(fakes, fakes, same=True)
    near_identical = float((distances < threshold).mean())
    fake_distance, real_distance = mean_distance(fakes), mean_distance(reals)
    return {
        "fake_distance": fake_distance, "real_distance": real_distance,
        "ratio": fake_distance / real_distance,
        "near_identical": near_identical, "threshold": threshold,
        "collapsed": near_identical > COLLAPSED_ABOVE and size >= SHARES_FROM,
        "sample": size,
    }


def mean_distance(features: np.ndarray) -> float:
    """The mean Euclidean distance over all pairs of two of the features [n, D]."""
    total = 0.0
    for tile in distance_tiles(features, features, same=True):
        if tile.rows == tile.columns:
            np.fill_diagonal(tile.squared, 0)  # to itself; rounding would leave about 1e-7
        total += float(np.sqrt(tile.squared).sum()) * (1 if tile.rows == tile.columns else 2)
    return total / (len(features) * (len(features) - 1))
