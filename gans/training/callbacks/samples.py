"""What a run's health rests on and no training step logs: of samples, and of held-out images."""

import logging
import math
from typing import Any

import numpy as np
import tensorflow as tf

from gans.generators.making import to_bytes
from gans.training.callbacks.interval import IntervalCallback
from gans.training.schedule import Schedule
from utils.latent import sample
from utils.metrics.diversity import mean_distance
from utils.runs.directory import RunDirectory
from utils.visualization.grids import image_grid, read_cells, save_image

GRID_IMAGES = 64

FEWEST_HELD_OUT = 8  # the mean score of fewer is chance
SCORED = 256  # training and held-out images, at most, that the critic is asked about
SEED = 0  # of those: all runs on the same images are measured by the same

logger = logging.getLogger("gans")


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
        self.images = self.model.generate(GRID_IMAGES, seed=self.model.options.seed)
        save_image(image_grid(self.images), self.run.sample(step))


class Measurements(IntervalCallback):
    """Measures every interval's samples; comes after `SampleGrid`, whose images it takes.

    All pixel distances are Euclidean, in units of the mean distance between two real images.

    Args:
        run: The run directory, which gets a grid of the real images.
        schedule: How the run is divided.
        samples: What makes the samples.
        data: What the model is trained on. Only a `DataPreparator` has held-out images.

    Attributes:
        values: Of the last interval: "sample_diversity", the mean distance between two samples;
            "sample_change", the mean distance of samples from those of the same noise an interval
            before, NaN where there is none; "raw_distance", where the samples are of an average
            (EMA), that from those of the generator itself; and, with held-out images,
            "held_out_gap": where the critic's mean score of these is on the way from that of
            training images (0) to that of samples (1), NaN where it does not score training
            images above samples.
    """

    def __init__(self, run: RunDirectory, schedule: Schedule, samples: SampleGrid, data: Any):
        super().__init__(schedule)
        self.run = run
        self.samples = samples
        self.values: dict[str, float] = {}
        real = _real_images(data)
        save_image(image_grid(real), run.real)
        self._unit = _mean_pixel_distance(real) or math.nan
        self._image_size = real.shape[1:3]
        self._training = self._held_out = None
        held_out = getattr(data, "num_held_out", 0)
        if 0 < held_out < FEWEST_HELD_OUT:
            logger.warning(
                "hold_out keeps %d images aside, too few to see overfitting by: %d are needed",
                held_out, FEWEST_HELD_OUT,
            )  # fmt: skip
        elif held_out:
            self._held_out = data.held_out(SCORED)
            self._training = data.sample(min(SCORED, data.num_images), SEED)

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        images = self.samples.images
        self.values = {
            "sample_diversity": _mean_pixel_distance(images) / self._unit,
            "sample_change": self._change(step, images),
        }
        if self.model.options.ema_decay:
            self.values["raw_distance"] = self._distance(images, self._raw_images(len(images)))
        if self._held_out is not None:
            self.values["held_out_gap"] = self._held_out_gap(images)

    def _change(self, step: int, images: np.ndarray) -> float:
        # Read again, and not remembered: a resumed run begins with what an earlier one made.
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


def _real_images(data: Any) -> np.ndarray:
    """As many real images as samples, uint8 [n, H, W, C], or fewer where there are fewer."""
    if not isinstance(data, tf.data.Dataset):
        return data.sample(min(GRID_IMAGES, data.num_images), SEED)
    return np.asarray(to_bytes(next(iter(data))[:GRID_IMAGES]))


def _mean_pixel_distance(images: np.ndarray) -> float:
    """The mean distance between two of the images; NaN where there is one only."""
    if len(images) < 2:
        return math.nan
    return mean_distance(images.reshape(len(images), -1).astype(np.float64))
