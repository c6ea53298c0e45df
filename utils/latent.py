"""Noise, and ways through it: pure functions of arrays, with NumPy alone.

A noise vector is a row float32 [noise_dim]; a generator makes an image of each.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

NOISES = ("normal", "uniform")
# Below this angle in radians, or this near to opposite, sin(angle) is not a safe divisor.
_PARALLEL = 1e-4


def sample(n: int, noise_dim: int, seed: int = 0, noise: str = "normal",
           truncation: float | None = None, first: int = 0) -> np.ndarray:
    """Noise vectors `first` to `first + n` of a seed.

    Args:
        n: Number of vectors, at least 1.
        noise_dim: Their length.
        seed: Vector i depends only on (seed, i), whatever n is.
        noise: "normal" (standard normal) or "uniform" (in [-1, 1]).
        truncation: None, or a bound of at least 0.01: normal components are drawn again until
            they lie within it (Brock et al. 2019, https://arxiv.org/abs/1809.11096, section 3.1);
            uniform ones are drawn from it.
        first: Index of the first vector.

    Returns:
        float32 [n, noise_dim].

    Raises:
        ValueError: If n is below 1, the noise is unknown, the truncation is below 0.01, or the
            seed is negative.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more. Received: {n}")
    _check(noise, seed, truncation)
    rows = np.empty((n, noise_dim), np.float32)
    for i in range(n):
        rng = np.random.default_rng([seed, first + i])
        if noise == "uniform":
            bound = 1.0 if truncation is None else min(truncation, 1.0)
            rows[i] = rng.uniform(-bound, bound, noise_dim)
            continue
        rows[i] = rng.standard_normal(noise_dim)
        if truncation is not None:
            while (outside := np.abs(rows[i]) > truncation).any():
                rows[i][outside] = rng.standard_normal(outside.sum())
    return rows


def lerp(start: np.ndarray, end: np.ndarray, alpha: np.ndarray | float) -> np.ndarray:
    """The straight line alpha * v1 + (1 - alpha) * v2, from v2, the start, to v1, the end.

    The way for uniform noise. In its middle, normal noise comes too near to zero, where the
    generator has hardly been trained.

    Args:
        start: [noise_dim].
        end: [noise_dim].
        alpha: A number or [N]; 0 gives the start and 1 the end.

    Returns:
        float32 [noise_dim], or [N, noise_dim].
    """
    alpha = np.asarray(alpha, np.float64)[..., None]
    return (alpha * end + (1 - alpha) * start).astype(np.float32)


def slerp(start: np.ndarray, end: np.ndarray, alpha: np.ndarray | float) -> np.ndarray:
    """The arc, sin((1 - alpha) w) / sin(w) * start + sin(alpha w) / sin(w) * end.

    w is the angle between the two (Shoemake 1985; for noise White 2016,
    https://arxiv.org/abs/1609.04468): lengths stay those of normal noise all the way. If the two
    are parallel, opposite or zero, no arc is unique, and the line is taken.

    Args and returns: as `lerp`.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    cosine = 1.0 if lengths == 0 else np.clip(start @ end / lengths, -1, 1)
    angle = math.acos(cosine)
    if not _PARALLEL < angle < math.pi - _PARALLEL:
        return lerp(start, end, alpha)
    alpha = np.asarray(alpha, np.float64)[..., None]
    along = np.sin((1 - alpha) * angle) * start + np.sin(alpha * angle) * end
    return (along / math.sin(angle)).astype(np.float32)


def interpolate(points: np.ndarray, frames: int, spherical: bool) -> np.ndarray:
    """The way from each point to the next, both ends among its frames.

    Args:
        points: [K, noise_dim], K at least 2.
        frames: Vectors from one point to the next, including both; at least 2.
        spherical: Whether to use `slerp` instead of `lerp`.

    Returns:
        float32 [K - 1, frames, noise_dim].

    Raises:
        ValueError: If there are too few points or frames.
    """
    if len(points) < 2:
        raise ValueError(f"points must be at least 2. Received: {len(points)}")
    if frames < 2:
        raise ValueError(f"frames must be at least 2. Received: {frames}")
    way, alpha = slerp if spherical else lerp, np.linspace(0, 1, frames)
    return np.stack([way(points[i], points[i + 1], alpha) for i in range(len(points) - 1)])


def loop(frames: int, noise_dim: int, turns: int, seed: int = 0, noise: str = "normal",
         truncation: float | None = None) -> np.ndarray:
    """A smooth closed way through noise; each vector is distributed like those of `sample`.

    Each component is a periodic Gaussian process of time t in [0, 1), sum over h = 1 ... turns of
    a_h cos(2 pi h t) + b_h sin(2 pi h t), a and b normal with variance 1 / turns: standard normal
    at every t, and as smooth as its fastest cosine. The normal distribution function turns these
    into uniform numbers, and its quantiles into truncated ones.

    Args:
        frames: Vectors, evenly spaced in time; the one after the last would be the first again.
        noise_dim: Their length.
        turns: How often the fastest part goes around: more turns show more different images.
        seed, noise, truncation: As for `sample`.

    Returns:
        float32 [frames, noise_dim].

    Raises:
        ValueError: As `sample`, or if frames or turns are below 1.
    """
    _check(noise, seed, truncation)
    for argument, value in [("frames", frames), ("turns", turns)]:
        if value < 1:
            raise ValueError(f"{argument} must be at least 1. Received: {value}")
    angles = 2 * np.pi * np.outer(np.arange(frames) / frames, np.arange(1, turns + 1))
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)  # [frames, 2 * turns]
    rng = np.random.default_rng([seed, 0, 1])  # differs from every vector of this seed
    weights = rng.standard_normal((2 * turns, noise_dim))
    rows = waves @ weights / math.sqrt(turns)
    if noise == "normal" and truncation is None:
        return rows.astype(np.float32)
    shares = np.vectorize(NormalDist().cdf, otypes=[float])(rows)
    if noise == "uniform":
        bound = 1.0 if truncation is None else min(truncation, 1.0)
        return ((2 * shares - 1) * bound).astype(np.float32)
    below = NormalDist().cdf(-truncation)
    shares = below + shares * (1 - 2 * below)
    return np.vectorize(NormalDist().inv_cdf, otypes=[float])(shares).astype(np.float32)


def traversal(vector: np.ndarray, across: int, down: int, values: np.ndarray) -> np.ndarray:
    """Copies of one vector in which two components take all pairs of values.

    Args:
        vector: [noise_dim].
        across: The component that differs from column to column.
        down: The component that differs from row to row.
        values: [N], from left to right and from top to bottom.

    Returns:
        float32 [N, N, noise_dim], rows first.

    Raises:
        ValueError: If a component is not one of the vector's, or both are the same.
    """
    inside = range(len(vector))
    if across not in inside or down not in inside or across == down:
        raise ValueError("across and down must be two components of the noise, 0 to "
                         f"{len(vector) - 1}. Received: {across} and {down}")
    count = len(values)
    grid = np.tile(np.asarray(vector, np.float32), (count, count, 1))
    grid[:, :, across] = values
    grid[:, :, down] = np.asarray(values)[:, None]
    return grid


def along(vector: np.ndarray, directions: np.ndarray, distances: Sequence[float]) -> np.ndarray:
    """One vector moved along directions: vector + distance * direction.

    Args:
        vector: [noise_dim].
        directions: [K, noise_dim], of length 1.
        distances: [N].

    Returns:
        float32 [K, N, noise_dim].
    """
    steps = np.asarray(distances)[None, :, None] * directions[:, None]
    return (np.asarray(vector) + steps).astype(np.float32)


def _check(noise: str, seed: int, truncation: float | None) -> None:
    if noise not in NOISES:
        raise ValueError(f"noise must be one of {', '.join(NOISES)}. Received: {noise!r}")
    if seed < 0:
        raise ValueError(f"seed must not be negative. Received: {seed}")
    if truncation is not None and not truncation >= 0.01:
        raise ValueError(f"truncation must be at least 0.01, or None. Received: {truncation}")
