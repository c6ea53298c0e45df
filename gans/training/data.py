"""`TrainingData`: what a model is trained on, whatever it was given as."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gans.distribution.strategy import check_batch_size, distributed_dataset
from gans.generators.making import to_bytes
from utils.data.stream import split_among_replicas


class TrainingData:
    """The images of a run, of a `DataPreparator`. Nothing after this asks what they were given as.

    Attributes:
        image_shape: (H, W, C).
        batch_size: Images of one update, on all replicas together.
        num_held_out: Images that are kept aside.
        description: Facts for config.json, or None.
        digest: Of the images, or None where nobody knows it.
        seed: Of their order, or None.
        skipped: [(name, reason)] of what could not be used.
    """

    @staticmethod
    def of(data: Any, model: keras.Model) -> "TrainingData":
        """From a `DataPreparator` or an infinite `tf.data.Dataset`.

        Raises ValueError if it ends, lacks the model's image shape, or its batches cannot be
        divided among the update steps and the replicas.
        """
        kind = _Stream if isinstance(data, tf.data.Dataset) else TrainingData
        made = kind(data, model)
        if made.image_shape != model.image_shape:
            raise ValueError(f"data must have images of the model's shape {model.image_shape}. "
                             f"Received: {made.image_shape}")
        check_batch_size(made.batch_size, model.distribute_strategy)
        return made

    def __init__(self, data: Any, model: keras.Model):
        self._data, self._model = data, model
        self.image_shape, self.batch_size = tuple(data.image_shape), data.batch_size
        self.num_held_out, self.skipped = data.num_held_out, data.skipped
        self.description, self.digest, self.seed = data.describe(), data.digest, data.seed

    @property
    def preparator(self) -> Any:
        """The `DataPreparator`, whose images can be judged by; raises ValueError without one."""
        return self._data

    def elements(self, start_step: int) -> Any:
        """What `fit` takes from a step on; under a strategy, each worker's own part of it."""
        if self._model.replicas == 1:
            return self._part(start_step, 1, range(1))
        part = functools.partial(self._part, start_step)
        return distributed_dataset(self._model.distribute_strategy, part)

    def real_images(self, most: int, seed: int) -> np.ndarray:
        """Real images to look at, uint8 [n, H, W, C]; fewer than `most` where there are fewer."""
        return self._data.sample(min(most, self._data.num_images), seed)

    def held_out(self, most: int) -> np.ndarray:
        """Images that are not trained on, uint8 [n, H, W, C]."""
        return self._data.held_out(most)

    def _part(self, start_step: int, num_replicas: int, replicas: range) -> tf.data.Dataset:
        return self._data.dataset(
            self._model.options.n_critic, start_step, num_replicas=num_replicas, replicas=replicas
        )


class _Stream(TrainingData):
    """A dataset, of which nothing is known but its elements."""

    def __init__(self, data: tf.data.Dataset, model: keras.Model):
        if data.cardinality() >= 0:
            raise ValueError("data must be an infinite dataset: add .repeat(). "
                             f"Received: {int(data.cardinality())} elements")
        self._data, self._model = data, model
        self.image_shape = tuple(data.element_spec.shape[1:])
        self.batch_size = model.batch_size(data.element_spec)
        self.num_held_out, self.skipped = 0, []
        self.description = self.digest = self.seed = None

    @property
    def preparator(self) -> Any:
        raise ValueError(
            "data must be a DataPreparator if evaluate_every is given, because a dataset does not "
            "say which images it has. Received: a tf.data.Dataset"
        )

    def real_images(self, most: int, seed: int) -> np.ndarray:
        return np.asarray(to_bytes(next(iter(self._data))[:most]))

    def _part(self, start_step: int, num_replicas: int, replicas: range) -> tf.data.Dataset:
        return split_among_replicas(
            self._data.skip(start_step), self._model.options.n_critic, num_replicas, replicas
        )
