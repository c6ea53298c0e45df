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
from utils.runs.columns import EvaluatedColumn
from utils.visualization.columns import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PURPLE,
    SMOOTHED_ROWS,
    VERMILION,
    centered_mean,
    smoothing_window,
)

DOTS_PER_INCH = 100

Columns = Mapping[str, np.ndarray]  # of a log, by name; what draws them returns what to explain


def plot_training(
    columns: Mapping[str, Sequence[float]],
    path: str | Path,
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


def save_figure(figure: Figure, path: str | Path) -> None:
    """Writes a figure as PNG, whole or not at all; missing parent folders are created."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)


def training_figure(
    columns: Mapping[str, Sequence[float]], evaluated: EvaluatedColumn | None = None
) -> Figure:
    """Draws a training run in up to four panels over the generator steps.

    Of a Wasserstein GAN the panels are the Wasserstein estimate, the losses, and what holds the
    critic's slope (the gradient penalty, or the share of clipped weights) with the norm of its
    gradient; of a DCGAN, the losses and the discriminator's probabilities. What was not logged
    is left out. Light lines are as logged, strong ones a moving mean. Above all is the number
    that the generator is judged by, where it is.

    Args:
        columns: The columns of log.csv by name, each one number a row; NaN where a row has none.
            "step" is needed; "wasserstein_estimate", "critic_loss", "discriminator_loss",
            "generator_loss", "real_probability" and "fake_probability" (in [0, 1]),
            "gradient_penalty", "gradient_norm" and "clipped_weights" (in [0, 1]) are drawn.
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
        raise ValueError(f"columns must be equally long. Received lengths: {lengths}")

    drawn = {name for name, column in values.items() if np.isfinite(column).any()}
    panels = [
        draw
        for draw, names in [
            (partial(_draw_evaluations, evaluated), {evaluated.name} if evaluated else set()),
            (draw_estimate, {"wasserstein_estimate"}),
            (draw_losses, {"critic_loss", "discriminator_loss", "generator_loss"}),
            (draw_probabilities, {"real_probability", "fake_probability"}),
            (_draw_slope, {"gradient_penalty", "clipped_weights", "gradient_norm"}),
        ]
        if names & drawn
    ]
    height = 0.9 + 2.3 * max(1, len(panels))
    figure = Figure(figsize=(8, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    # Margins in inches; matplotlib's own layouts take several times as long to compute.
    figure.subplots_adjust(0.13, 0.55 / height, 0.9, 1 - 0.3 / height, hspace=0.22)
    axes = figure.subplots(max(1, len(panels)), 1, sharex=True, squeeze=False)[:, 0]
    for draw, panel in zip(panels, axes, strict=False):
        add_grid(panel)
        add_legend(panel, draw(panel, {name: values[name] for name in {"step"} | drawn}))
    if not panels:
        axes[0].text(0.5, 0.5, "nothing logged yet", transform=axes[0].transAxes, ha="center")
    axes[-1].set_xlabel("generator step")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    figure.align_ylabels()
    return figure


def _draw_evaluations(
    evaluated: EvaluatedColumn, panel: Axes, values: Columns
) -> Sequence[Artist]:
    """The number at the steps where it was taken, the best one, and what real images get."""
    known = np.isfinite(values[evaluated.name])
    steps, column = values["step"][known], values[evaluated.name][known]
    best = evaluated.best(column)
    panel.plot(steps, column, color=BLUE, linewidth=1.3, marker="o", ms=3.5)
    panel.axvline(
        steps[best], color=VERMILION, linestyle=":",
        label=f"best: {column[best]:.4g} at step {steps[best]:.0f}",
    )  # fmt: skip
    if math.isfinite(evaluated.real):
        panel.axhline(
            evaluated.real, color=GRAY, linestyle="--", label=f"real images: {evaluated.real:.4g}"
        )
    panel.set_ylabel(textwrap.fill(evaluated.label, 22))
    return panel.get_lines()


def draw_estimate(panel: Axes, values: Columns) -> Sequence[Artist]:
    """What the critic can tell of the distance from real to generated images."""
    draw_line(panel, values, "wasserstein_estimate", BLUE)
    light, *strong = panel.get_lines()
    if strong:
        light.set_label("as logged")
    panel.set_ylabel("Wasserstein estimate\n(score units)")
    return panel.get_lines()


def draw_losses(panel: Axes, values: Columns) -> Sequence[Artist]:
    """Both networks' losses; a DCGAN's are cross entropies, and in other units."""
    for name, color in [
        ("critic_loss", VERMILION),
        ("discriminator_loss", VERMILION),
        ("generator_loss", GREEN),
    ]:
        if name in values:
            draw_line(panel, values, name, color)
    unit = "nats" if "discriminator_loss" in values else "score units"
    panel.set_ylabel(f"loss\n({unit})")
    return panel.get_lines()


def draw_probabilities(panel: Axes, values: Columns) -> Sequence[Artist]:
    """How likely the discriminator holds real and generated images to be real."""
    for name, color in [("real_probability", BLUE), ("fake_probability", ORANGE)]:
        if name in values:
            draw_line(panel, values, name, color)
    panel.axhline(0.5, color=GRAY, linestyle=":", label="undecided: 0.5")
    panel.set_ylim(0, 1)
    panel.set_ylabel("discriminator's\nprobability of 'real'")
    return panel.get_lines()


def _draw_slope(panel: Axes, values: Columns) -> Sequence[Artist]:
    """The constraint below, on the left axis; above, on the right one, the norm it acts on."""
    right = panel.twinx() if "gradient_norm" in values else None
    for name, label in [
        ("gradient_penalty", "gradient penalty"),
        ("clipped_weights", "clipped weights\n(share of all)"),
    ]:
        if name in values:
            draw_line(panel, values, name, ORANGE)
            panel.set_ylabel(label)
    lines = list(panel.get_lines())
    if right is not None:
        draw_line(right, values, "gradient_norm", PURPLE)
        right.set_ylabel("gradient norm\n(score / pixel value)")
        if "gradient_penalty" in values:
            right.axhline(1, color=GRAY, linestyle=":", label="norm wanted: 1")
        low, high = panel.get_ylim()
        panel.set(ylim=(low, 2 * high - low), yticks=_ticks(low, high))
        low, high = right.get_ylim()
        right.set(ylim=(2 * low - high, high), yticks=_ticks(low, high))
        lines += right.get_lines()
    return lines


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, and none outside, where the other line is drawn."""
    return [tick for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]


def draw_line(panel: Axes, values: Columns, name: str, color: str) -> None:
    """A column as logged and, if it has rows enough, its moving mean over about sqrt(N) rows."""
    steps, label = values["step"], name.replace("_", " ").capitalize()
    column = np.where(np.isfinite(values[name]), values[name], np.nan)
    if len(column) < SMOOTHED_ROWS:
        panel.plot(steps, column, color=color, label=label, linewidth=1.3, marker="o", ms=3.5)
        return
    panel.plot(steps, column, color=color, linewidth=0.8, alpha=0.35)
    window = smoothing_window(len(column))
    mean, label = centered_mean(column, window), f"{label} (mean of {window} rows)"
    panel.plot(steps, mean, color=color, label=label, linewidth=1.6)


def add_grid(panel: Axes) -> None:
    panel.grid(color="#DDDDDD", linewidth=0.6)
    panel.set_axisbelow(True)


def add_legend(panel: Axes, lines: Sequence[Artist], columns: int = 3) -> None:
    # Above the axes: no line is hidden, and no time goes into a search for an empty corner.
    panel.legend(
        handles=[line for line in lines if not line.get_label().startswith("_")],
        loc="lower right",
        bbox_to_anchor=(1, 1.01),
        ncols=columns,
        frameon=False,
        fontsize=8,
        borderaxespad=0,
    )
