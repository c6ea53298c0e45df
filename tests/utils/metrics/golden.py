"""Reference values of the metrics, and the seeded features that they belong to.

FID in float64 with ddof 1, the unbiased polynomial kernel distance over all pairs, and the values
of the package prdc 0.2 for k = 3 and k = 5. Copied from the reference implementations: never to be
computed again with this project's code.
"""

import functools

import numpy as np


def seeded_features(seed, n, d=64, shift=0.0, scale=1.0):
    """float32 [n, d], correlated and normally distributed."""
    mixing = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    normal = np.random.default_rng(seed).normal(size=(n, d))
    return ((normal @ mixing) * scale + shift).astype(np.float32)


@functools.cache
def pair(name):
    """The (real, fake) features of a case, which cannot be written to."""
    sets = {
        "near": lambda: (seeded_features(1, 2000), seeded_features(2, 2000, 64, 0.05, 1.02)),
        "far": lambda: (seeded_features(1, 2000), seeded_features(3, 1500, 64, 0.5, 0.6)),
        "collapsed": lambda: (seeded_features(1, 2000), seeded_features(4, 20).repeat(100, 0)),
        "small": lambda: (seeded_features(5, 40), seeded_features(6, 30)),
    }[name]()
    for features in sets:
        features.flags.writeable = False
    return sets


CASES = ("near", "far", "collapsed", "small")

FRECHET = {
    "near": 0.885772817300392,
    "far": 26.617838282863488,
    "collapsed": 45.4582806855006,
    "small": 42.34361559964765,
}

KERNEL = {
    "near": 0.007933853201698149,
    "far": 0.9800659078620879,
    "collapsed": 0.3527641827291008,
    "small": 0.003009502737978842,
}

# precision, recall, density and coverage, for each (case, k)
MANIFOLD = {
    ("near", 3): (0.653, 0.769, 0.8036666666666666, 0.8235),
    ("near", 5): (0.751, 0.853, 0.7857000000000001, 0.939),
    ("far", 3): (0.978, 0.0, 2.553111111111111, 0.5825),
    ("far", 5): (0.992, 0.0, 2.6940000000000004, 0.726),
    ("collapsed", 3): (0.65, 0.0, 0.6166666666666667, 0.0185),
    ("collapsed", 5): (0.75, 0.0, 0.7200000000000001, 0.036),
    ("small", 3): (0.8333333333333334, 0.75, 0.9666666666666666, 0.775),
    ("small", 5): (0.9666666666666667, 0.85, 1.1199999999999999, 0.975),
}
