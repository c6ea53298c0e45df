"""What a run's health rests on besides its logs: measurements of samples and held-out images."""

import logging
import math
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from gans.generators.making import to_bytes
from gans.training.data import TrainingData
from gans.training.schedule import Interval, Schedule
from utils.latent import sample
from utils.metrics.diversity import mean_distance
from utils.runs.directory import RunDirectory
from utils.visualization.grids import image_grid, read_cells, save_image

GRID_IMAGES = 64

FEWEST_HELD_OUT = 8  # the mean score of fewer is chance
SCORED = 256  # the most training and held-out images that the critic scores
SEED = 0  # of those images: all runs on a collection are measured by the same ones

logger = logging.getLogger("gans")


@dataclass
class SampleGrid:
    """Writes samples/step-*.png every interval: 64 fixed noise vectors, by the EMA generator."""

    model: keras.Model
    run: RunDirectory

    def __call__(self, interval: Interval) -> None:
        interval.samples = self.model.generate(GRID_IMAGES, seed=self.model.options.seed)
        save_image(image_grid(interval.samples), self.run.sample(interval.step))


class Measurements:
    """Measures every interval's samples.

    All pixel distances are Euclidean, in units of the mean distance between two real images.

    The values are "sample_diversity", the mean distance between two samples; "sample_change", the
    mean distance of samples from those of the same noise an interval before, NaN where there is
    none; "raw_distance", where the samples are of an average (EMA), that from those of the
    generator itself; and, with held-out images, "held_out_gap": where the critic's mean score of
    these is on the way from that of training images (0) to that of samples (1), NaN where it does
    not score training images above samples. The run directory gets a grid of the real images.
    """

    def __init__(
        self, model: keras.Model, run: RunDirectory, schedule: Schedule, data: TrainingData
    ):
        self.model, self.run, self.schedule = model, run, schedule
        real = data.real_images(GRID_IMAGES, SEED)
        save_image(image_grid(real), run.real)
        self._unit = _mean_pixel_distance(real) or math.nan
        self._image_size = real.shape[1:3]
        self._training = self._held_out = None
        if 0 < data.num_held_out < FEWEST_HELD_OUT:
            logger.warning("hold_out keeps %d images aside, too few for overfitting to show: %d "
                           "are needed", data.num_held_out, FEWEST_HELD_OUT)
        elif data.num_held_out:
            self._held_out = data.held_out(SCORED)
            self._training = data.real_images(SCORED, SEED)

    def __call__(self, interval: Interval) -> None:
        images = interval.samples
        interval.values["sample_diversity"] = _mean_pixel_distance(images) / self._unit
        interval.values["sample_change"] = self._change(interval.step, images)
        if self.model.options.ema_decay:
            raw = self._raw_images(len(images))
            interval.values["raw_distance"] = self._distance(images, raw)
        if self._held_out is not None:
            interval.values["held_out_gap"] = self._held_out_gap(images)

    def _change(self, step: int, images: np.ndarray) -> float:
        # Read again, not remembered: a resumed run begins with what an earlier one made.
        interval = self.schedule.save_interval
        before = self.run.sample(step - (step % interval or interval))
        cells = read_cells(before, self._image_size) if before.is_file() else None
        if cells is None or len(cells) != len(images):
            return math.nan
        return self._distance(images, cells[..., : images.shape[-1]])

    def _raw_images(self, count: int) -> np.ndarray:
        model = self.model
        noise = sample(count, model.options.noise_dim, model.options.seed, model.options.noise)
        return np.asarray(to_bytes(model.generator(noise, training=False)))

    def _distance(self, some: np.ndarray, others: np.ndarray) -> float:
        difference = (some.astype(np.float32) - others).reshape(len(some), -1)
        return float(np.linalg.norm(difference, axis=1).mean()) / self._unit

    def _held_out_gap(self, samples: np.ndarray) -> float:
        training, held_out, fake = (
            self._mean_score(images) for images in (self._training, self._held_out, samples)
        )
        return (training - held_out) / (training - fake) if training > fake else math.nan

    def _mean_score(self, images: np.ndarray) -> float:
        scores = [
            self.model.critic(tf.cast(part, tf.float32) / 127.5 - 1.0, training=False)
            for part in np.split(images, range(GRID_IMAGES, len(images), GRID_IMAGES))
        ]
        return float(tf.reduce_mean(tf.concat(scores, 0)))


def _mean_pixel_distance(images: np.ndarray) -> float:
    """The mean distance between two of the images; NaN for a single image."""
    if len(images) < 2:
        return math.nan
    return mean_distance(images.reshape(len(images), -1).astype(np.float64))
