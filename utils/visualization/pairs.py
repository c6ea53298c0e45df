"""The fakes closest to real images, each above the image that it is close to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from utils.visualization.curves import new_figure, save_figure

# Inches: a cell, the margin that holds the rows' titles, and what the picture's title needs.
_CELL, _LEFT, _NARROWEST = 1.15, 0.5, 3.6


def save_closest_pairs(
    pairs: Sequence[dict[str, Any]], fakes: Any, training: Any, held_out: Any, title: str,
    path: str | Path, training_name: str = "training",
) -> None:
    """Writes a picture of pairs as PNG: fakes, below them training images, then held-out ones.

    Args:
        pairs: "closest" of an evaluation's "copies": numbers of the images, and distances.
        fakes: The `ImageSet` that gathers fakes by number.
        training: The same for real images that the generator learned from.
        held_out: The same for real images that it did not; None without them.
        title: The title of the picture.
        path: The file. Missing parent folders are created.
        training_name: The name of the training images in the picture.
    """
    rows = [("fake", fakes, "fake", None),
            (f"nearest\n{training_name}", training, "training", "distance")]  # fmt: skip
    if held_out is not None:
        rows.append(("nearest\nheld-out", held_out, "held_out", "held_out_distance"))
    right, height = _LEFT + _CELL * len(pairs), 0.5 + (_CELL + 0.1) * len(rows)
    width = max(right + 0.1, _NARROWEST)
    figure = new_figure(width, height)
    figure.subplots_adjust(_LEFT / width, 0.1 / height, right / width, 1 - 0.4 / height, 0.08, 0.16)
    axes = figure.subplots(len(rows), len(pairs), squeeze=False)
    for row, (name, images, key, distance) in zip(axes, rows, strict=True):
        for cell, pair in zip(row, pairs, strict=True):
            image = images.gather(np.array([pair[key]]))[0]
            cell.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray",
                        vmin=0, vmax=255, interpolation="nearest")  # fmt: skip
            cell.set(xticks=[], yticks=[])
            text = f"no. {pair[key]}" if distance is None else f"{pair[distance]:.3g} away"
            cell.set_title(text, fontsize=7, pad=2)
        row[0].set_ylabel(name, fontsize=8)
    figure.suptitle(title, fontsize=9, y=0.99)
    save_figure(figure, path)
