"""The columns of a run's log: how they are called, drawn and read."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Runs = str | Path | Sequence[str | Path] | Mapping[str, str | Path]


def numeric_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The columns of numbers of a log's rows, by name; NaN where a row has none."""
    names = dict.fromkeys(name for row in rows for name in row if name != "health")
    return {name: [row.get(name, math.nan) for row in rows] for name in names}


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


def labeled_runs(runs: Runs) -> dict[str, Path]:
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


@dataclass(frozen=True)
class Panel:
    """Columns that are drawn over one y axis.

    Attributes:
        title: Above it.
        columns: What each column is called, and the name of its color in report.css.
        how: One sentence on how to read it.
        wanted: A dashed line, (height, what it is), or None.
    """

    title: str
    columns: dict[str, tuple[str, str]]
    how: str
    wanted: tuple[float, str] | None = None


PANELS = (
    Panel(
        "Wasserstein estimate",
        {"wasserstein_estimate": ("Wasserstein estimate", "blue")},
        "How far apart the critic finds real and generated images: it rises while the critic "
        "learns and falls, or stays level, as the images get better; compare it only within one "
        "run.",
    ),
    Panel(
        "Losses",
        {
            "critic_loss": ("Critic", "vermilion"),
            "discriminator_loss": ("Discriminator", "vermilion"),
            "generator_loss": ("Generator", "green"),
        },
        "Neither has to go to zero: the two networks learn against each other, and what matters "
        "is that neither curve runs away.",
    ),
    Panel(
        "Probability of being real",
        {
            "real_probability": ("Of real images", "blue"),
            "fake_probability": ("Of generated images", "orange"),
        },
        "How likely the discriminator holds images to be real: the nearer both are to 0.5, the "
        "less it can tell them apart.",
        (0.5, "undecided: 0.5"),
    ),
    Panel(
        "Gradient penalty",
        {"gradient_penalty": ("Gradient penalty", "orange")},
        "How much the critic's slope strays from 1: small and steady is good.",
    ),
    Panel(
        "Clipped weights",
        {"clipped_weights": ("Share of clipped weights", "orange")},
        "How much of the critic is at its bound: near 1, it can hardly learn more.",
    ),
    Panel(
        "Gradient norm",
        {"gradient_norm": ("Gradient norm", "purple")},
        "The critic's slope: with the gradient penalty it should stay near 1.",
    ),
    Panel(
        "Variety of the samples",
        {"sample_diversity": ("Sample diversity", "blue")},
        "How different the samples are from each other: 1 is as different as real images are, "
        "and near 0 they are all alike.",
        (1.0, "real images: 1"),
    ),
    Panel(
        "Change of the samples",
        {"sample_change": ("Sample change", "green")},
        "How far the samples moved since the row before, where 1 is the distance between two real "
        "images: near 0, more steps change nothing that can be seen.",
    ),
    Panel(
        "Distance from the average",
        {"raw_distance": ("Distance from the average", "orange")},
        "How far images of the generator itself are from those of its moving average, in the same "
        "unit: from 0.7 on, it jumps about.",
    ),
    Panel(
        "Held-out gap",
        {"held_out_gap": ("Held-out gap", "vermilion")},
        "Where the critic's score of held-out images is, between that of the images it learned "
        "from (0) and that of samples (1): rising, it learns its images by heart.",
    ),
)
