"""Where the last rows of a log's column are heading, and whether that may be chance."""

import math

import numpy as np

# A trend compares the last quarter of the rows with the quarter before it, but at most this many
# rows: what happened long ago says nothing about now.
MOST_ROWS_OF_A_WINDOW = 10
# It counts if it exceeds twice its standard error and this share of the level: by statistics alone,
# the smallest drift of a long run would be a trend.
SMALLEST_TREND = 0.02


def window(values: np.ndarray) -> int:
    """How many of the last rows stand for the present."""
    return max(2, min(MOST_ROWS_OF_A_WINDOW, len(values) // 4))


def level(values: np.ndarray) -> float:
    """The mean of the finite values in the last rows; NaN if there are none."""
    return _mean(values[-window(values) :])


def trend(values: np.ndarray) -> float:
    """Relative change of the last rows' mean from the rows before; 0 if it may be chance."""
    rows = window(values)
    before = _mean(values[-2 * rows : -rows])
    change, scale = level(values) - before, abs(before)
    error = noise(values) * math.sqrt(2 / rows)
    if not scale or not abs(change) > max(2 * error, SMALLEST_TREND * scale):
        return 0.0
    return change / scale


def noise(values: np.ndarray) -> float:
    """The deviation of a row around the trend, from second differences, which have no trend."""
    bends = np.abs(np.diff(values[-4 * MOST_ROWS_OF_A_WINDOW :], n=2))
    bends = bends[np.isfinite(bends)]
    # For independent rows with a normal deviation of 1 their median is 0.674 * sqrt(1 + 4 + 1).
    return float(np.median(bends)) / (0.674 * math.sqrt(6)) if len(bends) else math.inf


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan
