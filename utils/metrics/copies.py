"""Does a generator copy its training images? Nearest neighbors against images it never saw."""

import math

import numpy as np

from utils.checks import at_least
from utils.metrics.arguments import check_features
from utils.metrics.distances import nearest

_Z = 1.959963984540054  # 95% of a normal distribution lies within this many deviations


def nearer_to_training(fakes: np.ndarray, training: np.ndarray, held_out: np.ndarray,
                       seed: int = 0) -> dict:
    """The share of fakes whose nearest training image is nearer than any held-out image.

    One half if the generator knows the training images no better than others of their distribution;
    toward 1 if it copies. The nearest of many images is nearer than the nearest of few: with more
    training than held-out images the share would exceed one half without any copying, so the larger
    set is first cut, by the seed, to the size of the smaller. Copies of images that are cut away
    are missed, so more held-out images find more. A tie counts half.

    The held-out set as a yardstick follows Meehan et al. 2020, "A Non-Parametric Test to Detect
    Data-Copying in Generative Models" (https://arxiv.org/abs/2004.05675).

    Args:
        fakes: Finite features [N, D], which may be float32 or a memory map.
        training: The same [M, D] of images the generator was trained on.
        held_out: The same [K, D] of images from the same source that it never saw.
        seed: Chooses which images of the larger set are kept.

    Returns:
        "share" in [0, 1]; "low" and "high", its 95% interval; "fakes", N; and "references", the
        images kept of each real set. The interval is that of chance. Without copying, lots might
        have decided which real images are the training images, and the share's deviation over all
        such draws follows from the number of fakes that each real image is nearest to. Some are
        nearest to many, so fakes do not count as independent.

    Raises:
        ValueError: The features cannot be used.
    """
    fakes, training, held_out = check_features(fakes=fakes, training=training, held_out=held_out)
    size, rng = min(len(training), len(held_out)), np.random.default_rng(seed)
    found = [nearest(fakes, _sample(images, size, rng)) for images in (training, held_out)]
    (seen, training_index), (unseen, held_out_index) = (
        (distances[:, 0], indices[:, 0]) for distances, indices in found)
    nearer = (seen < unseen) + (seen == unseen) / 2
    hits = np.concatenate([np.bincount(training_index, nearer, size),
                           np.bincount(held_out_index, 1 - nearer, size)])
    share, total = float(nearer.mean()), len(hits)
    # Of a sum over `size` of `total` hits drawn without replacement.
    variance = total / (total - 1) * (np.square(hits).sum() - hits.sum() ** 2 / total) / 4
    reach = _Z * math.sqrt(max(float(variance), 0.0)) / len(fakes)
    return {"share": share, "low": max(share - reach, 0.0), "high": min(share + reach, 1.0),
            "fakes": len(fakes), "references": size}


def closeness_threshold(real: np.ndarray, seed: int = 0, sample: int = 2000,
                        share: float = 0.01) -> float:
    """The distance below which only `share` of real images have another real image.

    What counts as a near copy depends on the extractor and the images, so the real images decide
    it. Real images that equal another are left out: otherwise a collection that holds some files
    twice would have the threshold 0, and nothing would be near.

    Args:
        real: Finite features [N, D], N at least 2, which may be float32 or a memory map.
        seed: Chooses the sample.
        sample: How many real images are compared with all others, at least 1; all if N is less.
        share: In (0, 1).

    Returns:
        A Euclidean distance above 0, the `share` quantile (linear) of the nearest distances.

    Raises:
        ValueError: The arguments cannot be used, or every image of the sample equals another.
    """
    (real,) = check_features(least=2, real=real)
    at_least(1).check("sample", sample)
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1. Received: {share!r}")
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(real), min(sample, len(real)), replace=False))
    distances, indices = nearest(real[chosen], real, k=2)
    # An image is at distance 0 from itself, but need not be listed first if others are too.
    others = np.where(indices[:, 0] == chosen, distances[:, 1], distances[:, 0])
    if not others.any():
        raise ValueError("real must hold different images: remove the repetitions. Received: "
                         f"{len(real)} images, of which every one in the sample equals another")
    return float(np.quantile(others[others > 0], share))


def _sample(images: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` of the images, in their order, which a memory map reads fastest."""
    if size == len(images):
        return images
    return images[np.sort(rng.choice(len(images), size, replace=False))]
