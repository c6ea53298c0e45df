"""TensorBoard events: the logs and the sample grid of every interval."""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from gans.training.callbacks.interval import IntervalCallback
from gans.training.callbacks.metrics_log import MetricsLog
from gans.training.schedule import Schedule
from utils.runs.directory import RunDirectory


class TensorBoardLog(IntervalCallback):
    """Writes the interval's row and sample grid as events; comes after log and samples.

    Args:
        run: The run directory.
        log: Its log.
        schedule: How the run is divided.
    """

    def __init__(self, run: RunDirectory, log: MetricsLog, schedule: Schedule):
        super().__init__(schedule)
        self.run = run
        self.log = log
        self._writer = tf.summary.create_file_writer(str(run.tensorboard))

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        row = self.log.rows[-1]
        self.write(step, {k: v for k, v in row.items() if k not in ("step", "health")})
        with self._writer.as_default(step=step):
            grid = np.asarray(Image.open(self.run.sample(step)))
            tf.summary.image("samples", grid.reshape(1, *grid.shape[:2], -1))
        self._writer.flush()

    def write(self, step: int, values: dict[str, float]) -> None:
        """Writes scalars of a step; NaN, which stands for what is not known, is left out."""
        with self._writer.as_default(step=step):
            for name, value in values.items():
                if not math.isnan(value):
                    tf.summary.scalar(name, value)
        self._writer.flush()
