"""Sample grids from fixed noise."""

from typing import Any

from gans.callbacks.interval import IntervalCallback, Schedule
from utils.run_directory import RunDirectory
from utils.visualization.grids import image_grid, save_image

GRID_IMAGES = 64


class SampleGrid(IntervalCallback):
    """samples/step-*.png every interval: the same 64 noise vectors through the EMA generator.

    Args:
        run: The run directory.
        schedule: How the run is divided.
    """

    def __init__(self, run: RunDirectory, schedule: Schedule):
        super().__init__(schedule)
        self.run = run

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        self.save(step)

    def save(self, step: int) -> None:
        """Writes the grid of the generator as it is after `step` generator steps."""
        images = self.model.generate(GRID_IMAGES, seed=self.model.seed)
        save_image(image_grid(images), self.run.sample(step))
