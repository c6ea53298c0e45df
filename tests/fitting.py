"""Batches of random images, and steps of `fit` on them, for several tests."""

import numpy as np
import tensorflow as tf


def batches(count, seed=0, batch_size=4, shape=(8, 8, 1)):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.uniform(-1, 1, (count * batch_size, *shape)), tf.float32)


def dataset(images):
    return tf.data.Dataset.from_tensors(images).repeat()


def fit(gan, images, steps=1):
    gan.fit(dataset(images), steps_per_epoch=steps, verbose=0, shuffle=False)
