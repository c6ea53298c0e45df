"""The curves of a report and of a comparison: the registry's panels with a run's numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from utils.metrics.names import NUMBERS
from utils.runs.columns import PANELS, Column, EvaluatedColumn, Panel, in_words_of
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
    drawn = []
    for panel in [*([] if judged is None else [judged.panel]), *PANELS]:
        series = [_series(columns, column, column.beside or column.label, column.color)
                  for column in panel.columns if column.name in columns]  # fmt: skip
        if series:
            drawn.append(_drawn(panel, panel.title, in_words_of(columns, panel.how), series))
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
    for panel in [*(column.panel for column in judged), *PANELS]:
        for column in panel.columns:
            series = [
                _series(columns, column, run, RUN_COLORS[i % len(RUN_COLORS)])
                | {"dashed": i >= len(RUN_COLORS)}
                for i, (run, columns) in enumerate(runs.items())
                if column.name in columns
            ]
            if series:
                drawn.append(_drawn(panel, panel.title_of(column), panel.how, series))
    return drawn


def _drawn(panel: Panel, title: str, how: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = panel.wanted and dict(zip(("value", "label"), panel.wanted, strict=True))
    return {"title": title, "how": how, "wanted": wanted, "series": series}


def _series(
    columns: Mapping[str, np.ndarray], column: Column, label: str, color: str
) -> dict[str, Any]:
    """A line over the steps that have a value, with its moving mean if there are many."""
    steps, values = columns["step"], columns[column.name]
    known = np.isfinite(values)
    is_dense = known.mean() > 0.5  # evaluations are in few rows: no mean over their neighbors
    smooth, window = None, 1
    if len(values) >= SMOOTHED_ROWS and is_dense:
        window = smoothing_window(len(values))
        smooth = _plain(centered_mean(values, window)[known])
    numbers = {"steps": [int(step) for step in steps[known]], "values": _plain(values[known])}
    return {"label": label, "color": color, **numbers, "smooth": smooth, "window": window}


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def judged_column(
    config: Mapping[str, Any], columns: Mapping[str, np.ndarray]
) -> EvaluatedColumn | None:
    """The column that the generator is judged by according to config.json, if there is one."""
    protocol = config.get("evaluation")
    name = protocol.get("evaluate_metric") if isinstance(protocol, dict) else None
    if name not in NUMBERS or name not in columns:
        return None
    return EvaluatedColumn(name, str(protocol.get("label", name)), NUMBERS[name].better)
