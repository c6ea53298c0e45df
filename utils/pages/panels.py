"""What the curves of a report show: which columns belong together, and how each is read."""
import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from utils.metrics.names import NUMBERS
from utils.runs.columns import PANELS, EvaluatedColumn, Panel
from utils.visualization.columns import SMOOTHED_ROWS, centered_mean, smoothing_window

# The colors of runs that are compared, in turn.
RUN_COLORS = ("blue", "vermilion", "green", "orange", "purple", "gray")


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
            _series(columns["step"], columns[name], label, color)
            for name, (label, color) in panel.columns.items()
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
                _series(columns["step"], columns[name], run, RUN_COLORS[i % len(RUN_COLORS)])
                | {"dashed": i >= len(RUN_COLORS)}
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
    steps: np.ndarray, values: np.ndarray, label: str, color: str
) -> dict[str, Any]:
    """A line over the steps that have a value, with its moving mean where there are many."""
    known = np.isfinite(values)
    is_dense = known.mean() > 0.5  # evaluations stand in few rows: no mean over their neighbors
    smooth, window = None, 1
    if len(values) >= SMOOTHED_ROWS and is_dense:
        window = smoothing_window(len(values))
        smooth = _plain(centered_mean(values, window)[known])
    return {
        "label": label,
        "color": color,
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
