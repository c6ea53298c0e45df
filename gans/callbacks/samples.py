"""Sample grids from fixed noise."""

from typing import Any

from gans.callbacks.interval import IntervalCallback
from utils.run_directory import RunDirectory
from utils.visualization.grids import image_grid, save_image

GRID_IMAGES = 64


class SampleGrid(IntervalCallback):
    """samples/step-*.png every interval: the same 64 noise vectors through the EMA generator.

    Args:
        run: The run directory.
        save_interval: Generator steps of an interval.
        train_steps: The run's last generator step.
    """

    def __init__(self, run: RunDirectory, save_interval: int, train_steps: int):
        super().__init__(save_interval, train_steps)
        self.run = run

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        images = self.model.generate(GRID_IMAGES, seed=self.model.seed)
        save_image(image_grid(images), self.run.sample(step))
