"""The columns of log.csv, each once: its names, unit and color, and how it is read.

A row also holds the number that the generator is judged by (`EvaluatedColumn`), and the verdict.
`labeled_runs` says what the runs are called whose columns are compared.
"""

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERDICT = "health"  # the only column of text: what `utils.runs.health` calls the run
Runs = str | Path | Sequence[str | Path] | Mapping[str, str | Path]


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes:
        name: Its name in the log.
        label: Its name for people.
        color: Of its line: a name of `utils.visualization.columns.PALETTE`, and of report.css.
        unit: What it is measured in, or "".
        beside: What it is called below its panel's title, beside the panel's other columns.
    """

    name: str
    label: str
    color: str = "gray"
    unit: str = ""
    beside: str = ""


@dataclass(frozen=True)
class Panel:
    """Columns that are drawn over one y axis.

    Attributes:
        title: Above it, or along its axis.
        how: One sentence on how to read it.
        columns: In the order of their drawing.
        wanted: A dashed line as (height, label), or None.
        limits: The ends of the y axis, or None: as the values are.
        of_samples: Whether images are measured; otherwise `train_step` logs it.
    """

    title: str
    how: str
    columns: tuple[Column, ...]
    wanted: tuple[float, str] | None = None
    limits: tuple[float, float] | None = None
    of_samples: bool = False

    @property
    def names(self) -> set[str]:
        """Of its columns in the log."""
        return {column.name for column in self.columns}

    def title_of(self, column: Column) -> str:
        """What one of its columns is called where it stands alone."""
        if len(self.columns) == 1:
            return self.title
        return f"{self.title}: {column.beside[0].lower()}{column.beside[1:]}"


ESTIMATE = Panel(
    "Wasserstein estimate",
    "How far apart the critic finds real and generated images: it rises while the critic learns "
    "and falls, or stays level, as the images get better; compare it only within one run.",
    (Column("wasserstein_estimate", "Wasserstein estimate", "blue", "score units"),),
)
LOSSES = Panel(
    "Losses",
    "Neither has to go to zero: the two networks learn against each other, and what matters is "
    "that neither curve runs away.",
    (
        Column("critic_loss", "Critic loss", "vermilion", "score units", "Critic"),
        Column("discriminator_loss", "Discriminator loss", "vermilion", "nats", "Discriminator"),
        Column("generator_loss", "Generator loss", "green", beside="Generator"),  # unit: as theirs
    ),
)
PROBABILITIES = Panel(
    "Probability of being real",
    "The probability of being real that the discriminator gives to images: the nearer both are to "
    "0.5, the less it can tell them apart.",
    (
        Column("real_probability", "Real probability", "blue", beside="Real images"),
        Column("fake_probability", "Fake probability", "orange", beside="Generated images"),
    ),
    wanted=(0.5, "undecided: 0.5"),
    limits=(0, 1),
)
PENALTY = Panel(
    "Gradient penalty", "How much the critic's slope strays from 1: small and steady is good.",
    (Column("gradient_penalty", "Gradient penalty", "orange"),),
)
CLIPPING = Panel(
    "Clipped weights",
    "How much of the critic is at its bound: near 1, it can hardly learn any more.",
    (Column("clipped_weights", "Clipped weights", "orange", "share of all"),),
)
NORM = Panel(
    "Gradient norm", "The critic's slope: with the gradient penalty it should stay near 1.",
    (Column("gradient_norm", "Gradient norm", "purple", "score / pixel value"),),
)
_REAL_DISTANCE = "distance between real images"
PANELS = (
    ESTIMATE,
    LOSSES,
    PROBABILITIES,
    PENALTY,
    CLIPPING,
    NORM,
    Panel(
        "Variety of the samples",
        "How different the samples are from each other: at 1 they differ as much as real images, "
        "and near 0 they are all alike.",
        (Column("sample_diversity", "Sample diversity", "blue", _REAL_DISTANCE),),
        wanted=(1.0, "real images: 1"),
        of_samples=True,
    ),
    Panel(
        "Change of the samples",
        "How far the samples moved since the previous row, where 1 is the distance between two "
        "real images: near 0, more steps change nothing visible.",
        (Column("sample_change", "Sample change", "green", _REAL_DISTANCE),),
        of_samples=True,
    ),
    Panel(
        "Distance from the average",
        "How far images of the generator itself are from those of its moving average, in the same "
        "unit: above 0.7, it jumps about.",
        (Column("raw_distance", "Distance from the average", "orange", _REAL_DISTANCE),),
        of_samples=True,
    ),
    Panel(
        "Held-out gap",
        "The critic's score of held-out images, on a scale from the images it learned from (0) to "
        "samples (1): if it rises, the critic learns its images by heart.",
        (Column("held_out_gap", "Held-out gap", "vermilion"),),
        of_samples=True,
    ),
)
NOT_DRAWN = (
    Column("step", "Generator step"),
    Column("seconds", "Training so far", unit="s"),
    Column("steps_per_second", "Generator steps a second"),
    Column("images_per_second", "Real images a second"),
    Column("real_score", "Score of real images", unit="score units"),
    Column("fake_score", "Score of generated images", unit="score units"),
)
_DRAWN = tuple(column for panel in PANELS for column in panel.columns)
COLUMNS = {column.name: column for column in NOT_DRAWN + _DRAWN}
TRAINING = {name for panel in PANELS if not panel.of_samples for name in panel.names}


@dataclass(frozen=True)
class EvaluatedColumn:
    """A column of numbers that generators were judged by.

    Attributes:
        name: Its name in the log.
        label: Its name for people.
        better: "lower" or "higher": which is better.
        real: The value for real images; NaN if unknown.
    """

    name: str
    label: str
    better: str
    real: float = math.nan

    def best(self, values: Sequence[float]) -> int | None:
        """The index of the best finite value, the first among equals; None if there is none."""
        sign = 1 if self.better == "lower" else -1
        finite = [index for index, value in enumerate(values) if math.isfinite(value)]
        return min(finite, key=lambda index: sign * values[index], default=None)

    @property
    def panel(self) -> Panel:
        """The panel that shows it."""
        return Panel(
            self.label,
            "The number that the generator is judged by, from many of its images against real "
            f"ones: {self.better} is better.",
            (Column(self.name, self.label, "blue"),),
        )


def numeric_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The numeric columns of a log's rows, by name; NaN where a row has no number."""
    names = dict.fromkeys(name for row in rows for name in row if name != VERDICT)
    return {name: [row.get(name, math.nan) for row in rows] for name in names}


def is_dcgan(names: Collection[str]) -> bool:
    """Whether columns of these names are in the log of a DCGAN."""
    return any(name in names for name in PROBABILITIES.names)


def in_words_of(names: Collection[str], text: str) -> str:
    """A text on a run with columns of these names: a DCGAN's critic is called discriminator."""
    if not is_dcgan(names):
        return text
    return text.replace("critic", "discriminator").replace("--n_discriminator", "--n_critic")


def labeled_runs(runs: Runs) -> dict[str, Path]:
    """The run directories by label."""
    if isinstance(runs, (str, os.PathLike)):
        runs = [runs]
    if not isinstance(runs, (Mapping, Sequence)) or not runs:
        raise ValueError(
            f"runs must be one run directory, several, or several by label. Received: {runs!r}"
        )
    if isinstance(runs, Mapping):
        return {str(label): Path(run) for label, run in runs.items()}
    paths = [Path(run) for run in runs]
    names = [path.resolve().name for path in paths]
    if len(set(names)) < len(names):  # the folders above them distinguish them
        names = [str(path) for path in paths]
    if len(set(names)) < len(names):
        raise ValueError(f"runs must be different run directories. Received: {', '.join(names)}")
    return dict(zip(names, paths, strict=True))
