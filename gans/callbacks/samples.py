"""Sample grids from fixed noise."""

from typing import Any

import numpy as np

from gans.callbacks.interval import IntervalCallback, Schedule
from utils.run_directory import RunDirectory
from utils.visualization.grids import image_grid, save_image

GRID_IMAGES = 64


class SampleGrid(IntervalCallback):
    """samples/step-*.png every interval: the same 64 noise vectors through the EMA generator.

    Args:
        run: The run directory.
        schedule: How the run is divided.

    Attributes:
        images: Those of the last grid, uint8 [64, H, W, C].
    """

    def __init__(self, run: RunDirectory, schedule: Schedule):
        super().__init__(schedule)
        self.run = run
        self.images: np.ndarray | None = None

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        self.save(step)

    def save(self, step: int) -> None:
        """Writes the grid of the generator as it is after `step` generator steps."""
        self.images = self.model.generate(GRID_IMAGES, seed=self.model.seed)
        save_image(image_grid(self.images), self.run.sample(step))
