"""The losses of one run, or of several side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.runs.columns import (
    ESTIMATE,
    LOSSES,
    PROBABILITIES,
    Panel,
    Runs,
    labeled_runs,
    numeric_columns,
)
from utils.runs.directory import RunDirectory
from utils.visualization.curves import (
    Columns,
    add_grid,
    add_legend,
    draw_panel,
    label_steps,
    new_figure,
    save_figure,
)
from utils.visualization.grids import require_png


def plot_loss(runs: Runs, path: str | Path | None = None) -> Figure:
    """Draws the losses of runs over their generator steps, a column for each run.

    The upper row has the losses of both networks. The lower row has what says more about the
    images: a Wasserstein GAN's estimate of the distance, or a DCGAN's probabilities. Losses of
    different methods have different units, so every column has its own y axes. Light lines are as
    logged, strong ones a moving mean.

    Args:
        runs: A run directory, several, or several by the labels to write above them; without
            labels these are the folders' names.
        path: The PNG to write, or None. Missing parent folders are created.

    Returns:
        A matplotlib figure that belongs to no window and to no global state; a notebook shows
        it where it is a cell's last value.

    Raises:
        ValueError: If no run is given, or one lacks a readable log with at least one row.
    """
    require_png(path)
    logs = {label: _read_columns(run) for label, run in labeled_runs(runs).items()}
    width, height = 1 + 4.6 * len(logs), 6.2
    figure = new_figure(width, height)
    # Margins in inches, as in the plot of a training run.
    figure.subplots_adjust(
        0.9 / width, 0.55 / height, 1 - 0.15 / width, 1 - 0.85 / height, wspace=0.3, hspace=0.28
    )
    axes = figure.subplots(2, len(logs), sharex="col", squeeze=False)
    for (label, values), (upper, lower) in zip(logs.items(), axes.T, strict=True):
        upper.set_title(label, fontweight="bold", pad=34)  # above the legend
        _draw_first(upper, values, [LOSSES], 1)
        _draw_first(lower, values, [ESTIMATE, PROBABILITIES], 2)
        label_steps(lower)
    figure.align_ylabels()
    if path is not None:
        save_figure(figure, path)
    return figure


def _read_columns(run: Path) -> dict[str, np.ndarray]:
    """The columns of a run's log.csv with any number, float [rows] by name."""
    try:
        rows = RunDirectory(run).read_log()
    except ValueError as error:
        raise ValueError(
            "runs must be run directories with the log.csv that training writes. "
            f"Received: '{run}' ({error})"
        ) from None
    if not rows:
        raise ValueError(
            "runs must be run directories with a log.csv of at least one row: train until the "
            f"first interval ends. Received: '{run}'"
        )
    columns = {name: np.array(column) for name, column in numeric_columns(rows).items()}
    return {name: column for name, column in columns.items() if np.isfinite(column).any()}


def _draw_first(axes: Axes, values: Columns, choices: Sequence[Panel], legend_columns: int) -> None:
    """Draws the first of the panels of which the run has logged a column."""
    add_grid(axes)
    for panel in choices:
        if panel.names & values.keys():
            add_legend(axes, draw_panel(panel, axes, values), legend_columns)
            return
    axes.text(0.5, 0.5, "nothing logged", transform=axes.transAxes, ha="center")
