"""Draws are functions of (seed, step, purpose, iteration), and of nothing else."""

import itertools

import numpy as np
import tensorflow as tf

from gans.model.draws import Purpose, draw_seed, training_noise


def test_every_draw_has_a_seed_of_its_own():
    seeds = {
        tuple(draw_seed(seed, tf.constant(step, tf.int64), purpose, iteration).numpy())
        for seed, step, purpose, iteration in itertools.product(
            [0, 1, 2**31 - 1], [0, 1, 20_000], range(len(Purpose) + 3), range(10)
        )
    }
    assert len(seeds) == 3 * 3 * (len(Purpose) + 3) * 10  # of purposes to come too


def test_training_noise_distributions():
    seed = draw_seed(0, tf.constant(0, tf.int64), 0)
    normal = training_noise("normal", (2000, 10), seed).numpy()
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.03
    uniform = training_noise("uniform", (2000, 10), seed).numpy()
    assert uniform.min() < -0.99 and uniform.max() > 0.99 and np.abs(uniform).max() <= 1
    np.testing.assert_array_equal(normal, training_noise("normal", (2000, 10), seed))
