"""TensorBoard events: the logs and the sample grid of every interval."""

import math

import tensorflow as tf

from gans.training.schedule import Interval
from utils.files import full_disk_named
from utils.runs.directory import RunDirectory
from utils.visualization.grids import image_grid


class TensorBoardLog:
    """Writes all numbers of a record as events, and the sample grid where it has samples.

    NaN, which stands for what is not known, is left out.
    """

    def __init__(self, run: RunDirectory):
        self.run = run
        with full_disk_named(run.tensorboard):
            self._writer = tf.summary.create_file_writer(str(run.tensorboard))

    def __call__(self, interval: Interval) -> None:
        with full_disk_named(self.run.tensorboard):
            self._write(interval)

    def _write(self, interval: Interval) -> None:
        with self._writer.as_default(step=interval.step):
            for name, value in {**interval.logs, **interval.values}.items():
                if not math.isnan(value):
                    tf.summary.scalar(name, value)
            if interval.samples is not None:
                tf.summary.image("samples", image_grid(interval.samples)[None])
        self._writer.flush()
