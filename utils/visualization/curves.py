"""The plot of a training run, drawn from the columns of its log."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from utils.files import atomic_path
from utils.runs.columns import (
    CLIPPING,
    COLUMNS,
    ESTIMATE,
    LOSSES,
    NORM,
    PENALTY,
    PROBABILITIES,
    Column,
    EvaluatedColumn,
    Panel,
)
from utils.visualization.columns import PALETTE, SMOOTHED_ROWS, centered_mean, smoothing_window

DOTS_PER_INCH = 100

Columns = Mapping[str, np.ndarray]  # of a log, by name; drawing functions return what to explain


def plot_training(
    columns: Mapping[str, Sequence[float]], path: str | Path,
    evaluated: EvaluatedColumn | None = None,
) -> None:
    """Writes the plot of a training run as PNG, whole or not at all.

    Args:
        columns: As for `training_figure`.
        path: The file. Missing parent folders are created.
        evaluated: As for `training_figure`.

    Raises:
        ValueError: As `training_figure`.
    """
    save_figure(training_figure(columns, evaluated), path)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, which belongs to no window."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Writes a figure as PNG, whole or not at all; missing parent folders are created."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)


def training_figure(
    columns: Mapping[str, Sequence[float]], evaluated: EvaluatedColumn | None = None
) -> Figure:
    """Draws a training run in up to four panels over the generator steps.

    For a Wasserstein GAN the panels are the Wasserstein estimate, the losses, and what limits the
    critic's slope (the gradient penalty, or the share of clipped weights) with the norm of its
    gradient; for a DCGAN, the losses and the discriminator's probabilities. What was not logged is
    left out. Light lines are as logged, strong ones a moving mean. At the top is the number that
    the generator is judged by, if there is one.

    Args:
        columns: The columns of log.csv by name, each one number a row; NaN where a row has none.
            "step" is needed; those are drawn that `utils.runs.columns.TRAINING` names.
        evaluated: The column to draw as the number that the generator is judged by.

    Returns:
        A matplotlib figure that belongs to no window and to no global state.

    Raises:
        ValueError: If "step" is missing or the columns differ in length.
    """
    if "step" not in columns:
        raise ValueError(f"columns must have 'step'. Received: {', '.join(columns) or 'none'}")
    values = {name: np.asarray(column, float) for name, column in columns.items()}
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns must have equal lengths. Received: {lengths}")

    drawn = {name for name, column in values.items() if np.isfinite(column).any()}
    panels = [
        draw
        for draw, names in [
            (partial(_draw_evaluations, evaluated), {evaluated.name} if evaluated else set()),
            *((partial(draw_panel, panel), panel.names)
              for panel in (ESTIMATE, LOSSES, PROBABILITIES)),
            (_draw_slope, PENALTY.names | CLIPPING.names | NORM.names),
        ]
        if names & drawn
    ]  # fmt: skip
    height = 0.9 + 2.3 * max(1, len(panels))
    figure = new_figure(8, height)
    # Margins in inches; matplotlib's own layouts take several times as long to compute.
    figure.subplots_adjust(0.13, 0.55 / height, 0.87, 1 - 0.3 / height, hspace=0.22)
    axes = figure.subplots(max(1, len(panels)), 1, sharex=True, squeeze=False)[:, 0]
    for draw, each in zip(panels, axes, strict=False):
        add_grid(each)
        add_legend(each, draw(each, {name: values[name] for name in {"step"} | drawn}))
    if not panels:
        axes[0].text(0.5, 0.5, "nothing logged yet", transform=axes[0].transAxes, ha="center")
    label_steps(axes[-1])
    figure.align_ylabels()
    return figure


def _draw_evaluations(evaluated: EvaluatedColumn, axes: Axes, values: Columns) -> Sequence[Artist]:
    """The number at the steps where it was taken, the best one, and what real images get."""
    known = np.isfinite(values[evaluated.name])
    steps, column = values["step"][known], values[evaluated.name][known]
    best = evaluated.best(column)
    axes.plot(steps, column, color=PALETTE["blue"], linewidth=1.3, marker="o", ms=3.5)
    label = f"best: {column[best]:.4g} at step {steps[best]:.0f}"
    axes.axvline(steps[best], color=PALETTE["vermilion"], linestyle=":", label=label)
    if math.isfinite(evaluated.real):
        label = f"real images: {evaluated.real:.4g}"
        axes.axhline(evaluated.real, color=PALETTE["gray"], linestyle="--", label=label)
    _label_axis(axes, evaluated.panel, values)
    return axes.get_lines()


def draw_panel(panel: Panel, axes: Axes, values: Columns) -> Sequence[Artist]:
    """Those of a panel's columns that are logged, and the line of what is wanted of them."""
    for column in panel.columns:
        if column.name in values:
            draw_line(axes, values, column)
    if len(panel.columns) == 1:
        light, *strong = axes.get_lines()
        if strong:
            light.set_label("as logged")
    if panel.wanted is not None:
        height, label = panel.wanted
        axes.axhline(height, color=PALETTE["gray"], linestyle=":", label=label)
    if panel.limits is not None:
        axes.set_ylim(panel.limits)
    _label_axis(axes, panel, values)
    return axes.get_lines()


def _draw_slope(axes: Axes, values: Columns) -> Sequence[Artist]:
    """The constraint, low on the left axis, and the norm that it acts on, high on the right one."""
    norm = NORM.columns[0]
    right = axes.twinx() if norm.name in values else None
    for panel in (PENALTY, CLIPPING):
        if panel.names & values.keys():
            draw_line(axes, values, panel.columns[0])
            _label_axis(axes, panel, values)
    lines = list(axes.get_lines())
    if right is not None:
        draw_line(right, values, norm)
        _label_axis(right, NORM, values)
        if PENALTY.names & values.keys():
            right.axhline(1, color=PALETTE["gray"], linestyle=":", label="target norm: 1")
        low, high = axes.get_ylim()
        axes.set(ylim=(low, 2 * high - low), yticks=_ticks(low, high))
        low, high = right.get_ylim()
        right.set(ylim=(2 * low - high, high), yticks=_ticks(low, high))
        lines += right.get_lines()
    return lines


def _label_axis(axes: Axes, panel: Panel, values: Columns) -> None:
    """The panel's title, and the unit of what is drawn."""
    units = [column.unit for column in panel.columns if column.unit and column.name in values]
    unit = f"\n({units[0]})" if units else ""
    axes.set_ylabel(f"{textwrap.fill(panel.title, 22)}{unit}")


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, and none outside, where the other line is."""
    return [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]


def draw_line(axes: Axes, values: Columns, column: Column) -> None:
    """A column as logged and, if it has enough rows, its moving mean over about sqrt(N) rows."""
    steps, label, color = values["step"], column.label, PALETTE[column.color]
    logged = np.where(np.isfinite(values[column.name]), values[column.name], np.nan)
    if len(logged) < SMOOTHED_ROWS:
        axes.plot(steps, logged, color=color, label=label, linewidth=1.3, marker="o", ms=3.5)
        return
    axes.plot(steps, logged, color=color, linewidth=0.8, alpha=0.35)
    window = smoothing_window(len(logged))
    mean, label = centered_mean(logged, window), f"{label} (mean of {window} rows)"
    axes.plot(steps, mean, color=color, label=label, linewidth=1.6)


def label_steps(axes: Axes) -> None:
    """Names the x axis, whose ticks are whole numbers."""
    axes.set_xlabel(COLUMNS["step"].label.lower())
    axes.xaxis.get_major_locator().set_params(integer=True)


def add_grid(axes: Axes) -> None:
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)


def add_legend(axes: Axes, lines: Sequence[Artist], columns: int = 3) -> None:
    # Above the axes, it hides no line, and no time is spent looking for an empty corner.
    axes.legend(
        handles=[line for line in lines if not line.get_label().startswith("_")], loc="lower right",
        bbox_to_anchor=(1, 1.01), ncols=columns, frameon=False, fontsize=8, borderaxespad=0,
    )
