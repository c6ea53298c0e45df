"""The Inception Score: is each image recognizable, and are all together varied?"""

import itertools

import numpy as np

from utils.checks import at_least
from utils.metrics.arguments import check_features


def inception_score(logits: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """exp(E KL(p(y|x) || p(y))), the mean and deviation over consecutive parts of the images.

    Salimans et al. 2016, "Improved Techniques for Training GANs"
    (https://arxiv.org/abs/1606.03498); it ignores the real images, and depends on how many images a
    part holds.

    Args:
        logits: Finite class scores before the softmax [N, K], in the order the images were made:
            images sorted by class must be shuffled first. The FID's Inception has K = 1008.
        splits: How many parts, from 1 to N; as in the authors' code part i is the images from
            i N / splits to (i + 1) N / splits, rounded down.

    Returns:
        (mean, deviation with ddof 0), the mean from 1 to K.

    Raises:
        ValueError: The logits or `splits` cannot be used.
    """
    at_least(1).check("splits", splits)
    (logits,) = check_features(least=splits, logits=logits)
    edges = np.arange(splits + 1) * len(logits) // splits
    scores = [_score(logits[a:b]) for a, b in itertools.pairwise(edges)]
    return float(np.mean(scores)), float(np.std(scores))


def _score(logits: np.ndarray) -> float:
    logits = np.asarray(logits, np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)  # the exponential cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    marginal = p.mean(axis=0)
    # E KL = E sum p log p - sum q log q. A class that underflows to 0 adds 0 to either sum.
    log_marginal = np.log(np.where(marginal > 0, marginal, 1))
    return float(np.exp((p * log_p).sum(axis=1).mean() - marginal @ log_marginal))
