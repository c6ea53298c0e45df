"""Pictures of what a generator's noise means: images along ways through it, labeled."""

import math
from collections.abc import Sequence

import numpy as np

from utils.visualization.labeled import labeled_grid


def interpolation_strip(images: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The ways from image to image, one row each, with both ends beside it.

    Args:
        images: uint8 [K - 1, frames, H, W, C], a generator's images of `utils.latent.interpolate`.
        names: The names of the K ends.

    Returns:
        uint8 [height, width, 3]; above each frame is alpha, the fraction of the way covered.
    """
    frames = images.shape[1]
    with_ends = np.concatenate([images[:, :1], images, images[:, -1:]], axis=1)
    labels = ["from", *(f"{alpha:.2g}" for alpha in np.linspace(0, 1, frames)), "to"]
    rows = [f"{names[i]} to {names[i + 1]}" for i in range(len(names) - 1)]
    return labeled_grid(with_ends, labels, rows, gaps_after=(0, frames))


def traversal_grid(images: np.ndarray, values: np.ndarray, across: int, down: int) -> np.ndarray:
    """What two components of the noise do, one along the rows and one along the columns.

    Args:
        images: uint8 [N, N, H, W, C], a generator's images of `utils.latent.traversal`.
        values: The N values of both.
        across: The component that differs from column to column.
        down: The component that differs from row to row.

    Returns:
        uint8 [height, width, 3].
    """
    labels = [_signed(value) for value in values]
    return labeled_grid(images, labels, labels, f"component {across}", f"component {down}")


def direction_rows(images: np.ndarray, distances: Sequence[float]) -> np.ndarray:
    """What directions in noise change, one row each.

    Args:
        images: uint8 [K, N, H, W, C], a generator's images of `utils.latent.along`.
        distances: How far each column is along the direction, in standard deviations of a component
            of the noise.

    Returns:
        uint8 [height, width, 3].
    """
    labels = [_signed(distance) for distance in distances]
    rows = [f"direction {i + 1}" for i in range(len(images))]
    title = "along the direction, in standard deviations of the noise"
    return labeled_grid(images, labels, rows, title)


def real_and_generated(real: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Real images beside as many generated ones, in two squares.

    Args:
        real: uint8 [N, H, W, C].
        generated: uint8 [N, H, W, C].

    Returns:
        uint8 [height, width, 3].
    """
    columns = math.ceil(math.sqrt(len(real)))
    rows = math.ceil(len(real) / columns)
    white = np.full((rows * columns - len(real), *real.shape[1:]), 255, np.uint8)
    halves = [np.concatenate([images, white]).reshape(rows, columns, *real.shape[1:])
              for images in (real, generated)]  # fmt: skip
    blank = [""] * (columns - 1)
    labels = ["real", *blank, "generated", *blank]
    return labeled_grid(np.concatenate(halves, axis=1), labels, gaps_after=(columns - 1,))


def _signed(value: float) -> str:
    return f"{value:+.2g}" if abs(value) > 1e-9 else "0"
