"""Columns of logs as they are drawn, wherever that is: in which colors, how smoothed."""

import math

import numpy as np

# Okabe and Ito's palette, distinguishable with every common color blindness.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "gray": "#666666",
}
SMOOTHED_ROWS = 10  # with this many rows a smoothed line is drawn; fewer are marked by dots


def smoothing_window(rows: int) -> int:
    """How many rows a moving mean takes over a column with this many: about their root, and odd."""
    return 2 * round(math.sqrt(rows) / 2) + 1


def centered_mean(values: np.ndarray, window: int) -> np.ndarray:
    """[N]: the mean of the finite values among the `window` (odd) around each; fewer at the ends.

    NaN where the value itself is not finite.
    """
    finite = np.isfinite(values)
    reach = window // 2

    def window_sums(x: np.ndarray) -> np.ndarray:
        sums = np.concatenate([[0.0], np.cumsum(x)])
        ends = np.arange(len(x))
        return sums[np.minimum(ends + reach + 1, len(x))] - sums[np.maximum(ends - reach, 0)]

    with np.errstate(invalid="ignore", divide="ignore"):
        means = window_sums(np.where(finite, values, 0.0)) / window_sums(finite)
    return np.where(finite, means, np.nan)
