"""What the curves of a report show: which columns belong together, and how each is read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from utils.metrics.names import NUMBERS
from utils.visualization.columns import (
    SMOOTHED_ROWS,
    EvaluatedColumn,
    centred_mean,
    smoothing_window,
)


@dataclass(frozen=True)
class Panel:
    """Columns that are drawn over one y axis.

    Attributes:
        title: Above it.
        columns: What each column is called, and the name of its colour in report.css.
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
# The colours of runs that are compared, in turn.
RUN_COLOURS = ("blue", "vermilion", "green", "orange", "purple", "grey")


def panels_of(
    columns: Mapping[str, np.ndarray], judged: EvaluatedColumn | None
) -> list[dict[str, Any]]:
    """The panels of one run, as report.js draws them.

    Args:
        columns: Columns of its log, float [rows] by name; "step" is among them.
        judged: The column of the number that its generator is judged by.
    """
    panels = [] if judged is None else [_judged_panel(judged)]
    drawn = []
    for panel in [*panels, *PANELS]:
        series = [
            _series(columns["step"], columns[name], label, colour)
            for name, (label, colour) in panel.columns.items()
            if name in columns
        ]
        if series:
            drawn.append(_drawn(panel, panel.title, series))
    return drawn


def compared_panels(
    runs: Mapping[str, Mapping[str, np.ndarray]], judged: Sequence[EvaluatedColumn]
) -> list[dict[str, Any]]:
    """One panel for each column, with a line for each run that has it.

    Args:
        runs: Columns of logs by the run's name.
        judged: The columns of numbers that the generators are judged by.
    """
    drawn = []
    for panel in [*map(_judged_panel, judged), *PANELS]:
        for name, (label, _) in panel.columns.items():
            series = [
                _series(columns["step"], columns[name], run, RUN_COLOURS[i % len(RUN_COLOURS)])
                | {"dashed": i >= len(RUN_COLOURS)}
                for i, (run, columns) in enumerate(runs.items())
                if name in columns
            ]
            if series:
                drawn.append(_drawn(panel, column_title(panel, label), series))
    return drawn


def column_title(panel: Panel, label: str) -> str:
    """What a column is called where it stands alone."""
    if len(panel.columns) == 1:
        return panel.title
    return f"{panel.title}: {label[0].lower()}{label[1:]}"


def _judged_panel(judged: EvaluatedColumn) -> Panel:
    return Panel(
        judged.label,
        {judged.name: (judged.label, "blue")},
        "The number that the generator is judged by, from many of its images against real ones: "
        f"{judged.better} is better.",
    )


def _drawn(panel: Panel, title: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = None if panel.wanted is None else dict(
        zip(("value", "label"), panel.wanted, strict=True)
    )  # fmt: skip
    return {"title": title, "how": panel.how, "wanted": wanted, "series": series}


def _series(
    steps: np.ndarray, values: np.ndarray, label: str, colour: str
) -> dict[str, Any]:
    """A line over the steps that have a value, with its moving mean where there are many."""
    known = np.isfinite(values)
    is_dense = known.mean() > 0.5  # evaluations stand in few rows: no mean over their neighbours
    smooth, window = None, 1
    if len(values) >= SMOOTHED_ROWS and is_dense:
        window = smoothing_window(len(values))
        smooth = _plain(centred_mean(values, window)[known])
    return {
        "label": label,
        "colour": colour,
        "steps": [int(step) for step in steps[known]],
        "values": _plain(values[known]),
        "smooth": smooth,
        "window": window,
    }


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def judged_column(
    config: Mapping[str, Any], columns: Mapping[str, np.ndarray]
) -> EvaluatedColumn | None:
    """The column that the run's config.json says its generator is judged by, if it is there."""
    protocol = config.get("evaluation")
    if not isinstance(protocol, dict) or protocol.get("evaluate_metric") not in NUMBERS:
        return None
    found = NUMBERS[protocol["evaluate_metric"]]
    name = protocol["evaluate_metric"]
    if name not in columns:
        return None
    extractor = SimpleNamespace(
        name=protocol.get("extractor", "another network"),
        is_fid=bool(protocol.get("fid_weights")),
        resize_mode=protocol.get("resize_mode"),
    )
    return EvaluatedColumn(name, found.label(extractor), found.better, math.nan)
