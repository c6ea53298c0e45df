"""The kernel distance (KID): the squared maximum mean discrepancy of a polynomial kernel."""

import numpy as np

from utils.checks import at_least
from utils.metrics.arguments import check_features
from utils.metrics.distances import spans
from utils.process import progress_bar

_ROWS = 2048  # and columns: 34 MB of kernel values at a time


def kernel_distance(real: np.ndarray, fake: np.ndarray, show_progress: bool = False) -> float:
    """The unbiased estimate of MMD^2 over all pairs, with the kernel (x.y / D + 1)^3.

    Binkowski et al. 2018, "Demystifying MMD GANs" (https://arxiv.org/abs/1801.01401), who call it
    KID where the features are those of the FID's Inception network; Gretton et al. 2012, equation
    3, for the estimate. Unlike the Fréchet distance, its expectation does not depend on the number
    of images. It is noisier with fewer, and below 0 about half of the time if both sets have the
    same distribution.

    Args:
        real: Finite features [N, D], N at least 2, which may be float32 or a memory map.
        fake: The same [M, D].
        show_progress: Show a progress bar of the images in the three sums.

    Raises:
        ValueError: The features cannot be used.
    """
    real, fake = check_features(least=2, real=real, fake=fake)
    total = 2 * len(real) + len(fake)
    with progress_bar("Kernel distance", total, show_progress) as bar:
        return _squared_mmd(real, fake, bar)


def kernel_distance_of_subsets(real: np.ndarray, fake: np.ndarray, subsets: int = 100,
                               subset_size: int = 1000, seed: int = 0,
                               show_progress: bool = False) -> tuple[float, float]:
    """`kernel_distance` averaged over random subsets, with the standard error of that mean.

    The protocol of Binkowski et al. 2018 (https://arxiv.org/abs/1801.01401). The standard error
    shows how far other subsets of the same images would move the mean. It does not include the
    effect of other images, which dominates if the subsets together exceed the sets.

    Args:
        real: Finite features [N, D], which may be float32 or a memory map.
        fake: The same [M, D].
        subsets: How many, at least 2. Each is drawn without replacement, independently of the
            others.
        subset_size: Images of each set in a subset, from 2 to the smaller of N and M.
        seed: Seed of the draws.
        show_progress: Show a progress bar of the images in the three sums of each subset.

    Returns:
        (mean, standard error: the deviation over subsets, ddof 1, over the root of their number).

    Raises:
        ValueError: The features or numbers cannot be used.
    """
    at_least(2).check("subsets", subsets)
    at_least(2).check("subset_size", subset_size)
    real, fake = check_features(least=subset_size, real=real, fake=fake)
    rng = np.random.default_rng(seed)
    values = []
    with progress_bar("Kernel subsets", 3 * subsets * subset_size, show_progress) as bar:
        for _ in range(subsets):
            drawn = [features[rng.choice(len(features), subset_size, replace=False)]
                     for features in (real, fake)]
            values.append(_squared_mmd(*drawn, bar))
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(subsets))


def _squared_mmd(real: np.ndarray, fake: np.ndarray, bar) -> float:
    n, m = len(real), len(fake)
    within_real = _kernel_sum(real, None, bar) / (n * (n - 1))
    within_fake = _kernel_sum(fake, None, bar) / (m * (m - 1))
    return within_real + within_fake - 2 * _kernel_sum(real, fake, bar) / (n * m)


def _kernel_sum(x: np.ndarray, y: np.ndarray | None, bar) -> float:
    """The kernel's sum over all pairs of x and y or, without y, over all pairs within x."""
    others = x if y is None else y
    total = 0.0
    for rows in spans(len(x), _ROWS):
        left = np.asarray(x[rows], np.float64)
        for columns in spans(len(others), _ROWS):
            if y is None and columns.start < rows.start:
                continue  # equal to its mirror image, which counts twice
            values = left @ np.asarray(others[columns], np.float64).T
            values /= x.shape[1]
            values += 1
            cubes = values * values
            cubes *= values
            if y is None and columns == rows:
                total += float(cubes.sum() - np.trace(cubes))
            else:
                total += float(cubes.sum()) * (2 if y is None else 1)
        bar.update(len(left))
    return total
