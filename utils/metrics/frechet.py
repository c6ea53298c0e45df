"""The Fréchet distance of two sets of features, and its value for infinitely many fakes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from utils.checks import at_least
from utils.metrics.arguments import check_features
from utils.metrics.distances import spans
from utils.process import progress_bar

_ROWS = 2048  # added at a time: 67 MB at 2,048 features


class Moments:
    """Count, mean and covariance of features that arrive in parts, in float64.

    Each part is centered by its own mean, and parts are merged by the formulae of Chan, Golub and
    LeVeque 1983 ("Algorithms for Computing the Sample Variance"): no large sums cancel, and the
    division into parts changes only the rounding.

    Args:
        dimensions: Features per image, D.

    Raises:
        ValueError: `dimensions` is not a positive integer.
    """

    def __init__(self, dimensions: int):
        at_least(1).check("dimensions", dimensions)
        self.dimensions = int(dimensions)
        self.count = 0
        self._mean = np.zeros(dimensions)
        self._scatter = np.zeros((dimensions, dimensions))  # the sum of (x - mean)(x - mean)^T

    @classmethod
    def of(cls, features: np.ndarray) -> "Moments":
        """The moments of finite features [N, D], which may be a memory map. Raises: ValueError."""
        (features,) = check_features(features=features)
        moments = cls(features.shape[1])
        moments.add(features)
        return moments

    def add(self, features: np.ndarray) -> None:
        """Adds finite features [n, D], in blocks. Raises: ValueError, and then adds none."""
        (features,) = check_features(width=self.dimensions, features=features)
        for rows in spans(len(features), _ROWS):
            block = np.asarray(features[rows], np.float64)
            total = self.count + len(block)
            mean = block.mean(axis=0)
            step = mean - self._mean
            block = block - mean
            self._scatter += block.T @ block
            self._scatter += np.outer(step, step * (self.count * len(block) / total))
            self._mean += step * (len(block) / total)
            self.count = total

    @property
    def mean(self) -> np.ndarray:
        """float64 [D]. Raises ValueError while there are no features."""
        self._demand(1, "mean")
        return self._mean.copy()

    @property
    def covariance(self) -> np.ndarray:
        """float64 [D, D], unbiased (ddof 1). Raises ValueError for fewer than two images."""
        self._demand(2, "covariance")
        return self._scatter / (self.count - 1)

    def _demand(self, least: int, what: str) -> None:
        if self.count < least:
            raise ValueError(f"the {what} needs features of at least {least} images: add more. "
                             f"Received: {self.count}")


def frechet_distance(a: Moments, b: Moments) -> float:
    """The squared Fréchet distance of two Gaussians, |m_a - m_b|^2 + tr(A + B - 2 (AB)^(1/2)).

    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium" (https://arxiv.org/abs/1706.08500), who call it FID where the features are those of
    their Inception network. It is symmetric. Sets smaller than D have singular covariances, which
    is harmless here but makes the distance large: its upward bias is about a constant / N.

    Args:
        a: Moments of at least two images, D dimensions.
        b: The same of the other set.

    Returns:
        A float of at least 0, never NaN.

    Raises:
        ValueError: A set has fewer than two images, or the dimensions differ.
    """
    if a.dimensions != b.dimensions:
        raise ValueError("a and b must have the same number of features an image: take both from "
                         f"the same extractor. Received: {a.dimensions} and {b.dimensions}")
    return _distance_from(a)(b)


@dataclass(frozen=True)
class Extrapolation:
    """A distance at infinitely many images, and the values that it was extrapolated from.

    Attributes:
        value: The line's distance at 1/N = 0; noise may put it below 0.
        sizes: The numbers of fakes N, ascending.
        distances: The Fréchet distance of the first N fakes, for each of `sizes`.
    """

    value: float
    sizes: tuple[int, ...]
    distances: tuple[float, ...]


def frechet_at_infinity(real: Moments, fakes: np.ndarray, seed: int = 0, sizes: int = 15,
                        show_progress: bool = False) -> Extrapolation:
    """The Fréchet distance that infinitely many fakes would have: a line in 1/N through subsets.

    Chong and Forsyth 2020, "Effectively Unbiased FID and Inception Score and where to find them"
    (https://arxiv.org/abs/1911.07023): the bias is C / N to first order, and C depends on the
    generator, so two generators cannot be ranked at a finite N. The bias from the number of real
    images remains.

    Args:
        real: The real images' moments, D dimensions.
        fakes: Finite features [N, D], which may be a memory map; at least 2 D + 2 of them. With
            fewer, subsets have singular covariances, the bias is not a line in 1/N, and the value
            is off to either side. In Gaussians of flat, exponential and power-law spectra it was
            too low by a quarter of the bias with 2 D fakes, and off by a tenth with 4 D.
        seed: Seed of the order of the fakes; the subsets are the beginnings of that order.
        sizes: How many subsets, evenly spaced from `smallest_subset` to N.
        show_progress: Show a progress bar of fakes.

    Returns:
        The extrapolated value, and the subsets' sizes and distances.

    Raises:
        ValueError: The features or `sizes` cannot be used, or there are too few fakes.
    """
    width = real.dimensions
    at_least(2).check("sizes", sizes)
    (fakes,) = check_features(least=2 * width + 2, width=width, fakes=fakes)
    order = np.random.default_rng(seed).permutation(len(fakes))
    first = smallest_subset(len(fakes), width)
    counts = np.unique(np.linspace(first, len(fakes), sizes).round().astype(np.int64))
    distance, moments, distances = _distance_from(real), Moments(width), []
    with progress_bar("Fréchet at infinity", len(fakes), show_progress) as bar:
        for count in counts:
            moments.add(fakes[order[moments.count : count]])
            distances.append(distance(moments))
            bar.update(moments.count - bar.n)
    _, value = np.polyfit(1 / counts, distances, 1)
    return Extrapolation(float(value), tuple(counts.tolist()), tuple(distances))


def smallest_subset(total: int, dimensions: int) -> int:
    """The size of the smallest subset that `frechet_at_infinity` takes, of `total` fakes.

    The paper takes 5,000 of at most 50,000 at 2,048 dimensions, which is 2.4 for each dimension.
    Other dimensions keep that ratio, because second-order bias falls with (D / N)^2. But half of
    the fakes always suffice: over less than a factor of two in N, noise decides the slope.
    """
    paper = 5000 if total >= 10_000 else 0
    return max(total // 10, min(12 * dimensions // 5, total // 2), paper)


def _distance_from(a: Moments) -> Callable[[Moments], float]:
    """The distance to `a` as a function, so that its covariance's root is computed only once."""
    mean, covariance = a.mean, a.covariance
    # A = F F^T, and then AB has the eigenvalues of the symmetric F^T B F. Rounding makes those
    # that should be zero slightly negative: their roots would be the NaN of a general matrix root.
    values, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(values, 0))

    def distance(b: Moments) -> float:
        step, other = mean - b.mean, b.covariance
        roots = np.sqrt(np.maximum(np.linalg.eigvalsh(factor.T @ other @ factor), 0))
        value = step @ step + np.trace(covariance) + np.trace(other) - 2 * roots.sum()
        return max(float(value), 0.0)

    return distance
