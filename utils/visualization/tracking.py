"""What became of fixed noise vectors over a training run, in one picture."""

from pathlib import Path

import numpy as np

from utils.runs.directory import RunDirectory
from utils.visualization.grids import read_cells, require_png, save_image, spread
from utils.visualization.labeled import labeled_grid


def track_noise(
    run: str | Path, path: str | Path | None = None, vectors: int = 6, steps: int = 8
) -> np.ndarray:
    """Follows fixed noise vectors over training, from the sample grids that a run has written.

    One picture: a row for each noise vector, a column for each step, with the step above it. Of
    more than `steps` samples, evenly spread ones are taken, including the first and the last.
    Unreadable samples are skipped, with a warning. Small images are enlarged by a whole factor.

    Args:
        run: A run directory, with config.json and samples/.
        path: The PNG to write, or None. Missing parent folders are created.
        vectors: Noise vectors, from the first image of the grids on.
        steps: The most columns; 2 or more.

    Returns:
        The picture, uint8 [height, width, 3].

    Raises:
        ValueError: If there is no run with samples in the folder, or an argument is out of range.
    """
    require_png(path)
    for argument, value, least in [("vectors", vectors, 1), ("steps", steps, 2)]:
        if not isinstance(value, int) or value < least:
            raise ValueError(
                f"{argument} must be a whole number of at least {least}. "
                f"Received: {argument}={value!r}"
            )
    directory = RunDirectory(run)
    image_size = _image_size(directory)
    samples = directory.samples_by_step()
    columns = {step: read_cells(samples[step], image_size) for step in spread([*samples], steps)}
    columns = {step: cells for step, cells in columns.items() if cells is not None}
    if not columns:
        raise ValueError(
            "run must hold readable sample grids, samples/step-*.png: train until the first are "
            f"written. Received: '{run}' with {len(samples)} of them"
        )
    available = min(len(cells) for cells in columns.values())
    if vectors > available:
        raise ValueError(
            f"vectors must be at most {available}, the number of images in a sample grid. "
            f"Received: vectors={vectors}"
        )
    images = np.stack([cells[:vectors] for cells in columns.values()], axis=1)
    picture = labeled_grid(images, [f"{step:,}" for step in columns], columns_title="step")
    if path is not None:
        save_image(picture, path)
    return picture


def _image_size(directory: RunDirectory) -> tuple[int, int]:
    """(H, W) of the run's images."""
    if not directory.config.is_file():
        raise ValueError(
            "run must be a run directory, with the config.json that training writes. "
            f"Received: '{directory.path}'"
        )
    shape = directory.read_config()["model"].get("image_shape")
    try:
        height, width, _ = (int(size) for size in shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"run must name its model's image_shape in {directory.config}. Received: {shape!r}"
        ) from None
    return height, width
