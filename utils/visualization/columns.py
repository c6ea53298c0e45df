"""Columns of logs, and the runs they are of, before anything draws them: needs NumPy alone."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Okabe and Ito's palette, told apart under every common colour blindness.
BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
GREEN, PURPLE, GREY = "#009E73", "#CC79A7", "#666666"
SMOOTHED_ROWS = 10  # from so many rows on a smoothed line is drawn; fewer are marked by dots

Runs = str | Path | Sequence[str | Path] | Mapping[str, str | Path]


@dataclass(frozen=True)
class EvaluatedColumn:
    """A column of numbers that generators were judged by.

    Attributes:
        name: Its name in the log.
        label: What a person reads.
        better: "lower" or "higher": which is better.
        real: The number that real images get; NaN where that is not known.
    """

    name: str
    label: str
    better: str
    real: float = math.nan

    def best(self, values: Sequence[float]) -> int | None:
        """The index of the best finite value, the first of equal ones; None if there is none."""
        sign = 1 if self.better == "lower" else -1
        finite = [index for index, value in enumerate(values) if math.isfinite(value)]
        return min(finite, key=lambda index: sign * values[index], default=None)


def labelled_runs(runs: Runs) -> dict[str, Path]:
    """The run directories by what to call them."""
    if isinstance(runs, (str, os.PathLike)):
        runs = [runs]
    if not isinstance(runs, (Mapping, Sequence)) or not runs:
        raise ValueError(
            f"runs must be a run directory, several, or several by label. Received: {runs!r}"
        )
    if isinstance(runs, Mapping):
        return {str(label): Path(run) for label, run in runs.items()}
    paths = [Path(run) for run in runs]
    names = [path.resolve().name for path in paths]
    if len(set(names)) < len(names):  # the folders above tell them apart
        names = [str(path) for path in paths]
    if len(set(names)) < len(names):
        raise ValueError(f"runs must be different run directories. Received: {', '.join(names)}")
    return dict(zip(names, paths, strict=True))


def smoothing_window(rows: int) -> int:
    """How many rows a moving mean over a column of so many takes: about their root, and odd."""
    return 2 * round(math.sqrt(rows) / 2) + 1


def centred_mean(values: np.ndarray, window: int) -> np.ndarray:
    """[N]: the mean of the finite values among the `window` (odd) around each; fewer at the ends.

    NaN where a value is not finite itself.
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
