"""Draws are functions of (seed, step, purpose, iteration), and of nothing else."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from gans.noise import draw_seed, generation_noise, training_noise


def test_every_draw_has_a_seed_of_its_own():
    seeds = {
        tuple(draw_seed(seed, tf.constant(step, tf.int64), purpose, iteration).numpy())
        for seed, step, purpose, iteration in itertools.product(
            [0, 1, 2**31 - 1], [0, 1, 20_000], range(3), range(10)
        )
    }
    assert len(seeds) == 3 * 3 * 3 * 10


def test_replicas_draw_different_noise():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    one = strategy.run(lambda: draw_seed(1, tf.constant(4, tf.int64), 0))
    np.testing.assert_array_equal(one, draw_seed(1, tf.constant(4, tf.int64), 0))

    class Replica:
        replica_id_in_sync_group = 1

    original = tf.distribute.get_replica_context
    tf.distribute.get_replica_context = Replica
    try:
        other = draw_seed(1, tf.constant(4, tf.int64), 0)
    finally:
        tf.distribute.get_replica_context = original
    assert tuple(other.numpy()) != tuple(one.numpy())


def test_training_noise_distributions():
    seed = draw_seed(0, tf.constant(0, tf.int64), 0)
    normal = training_noise("normal", (2000, 10), seed).numpy()
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.03
    uniform = training_noise("uniform", (2000, 10), seed).numpy()
    assert uniform.min() < -0.99 and uniform.max() > 0.99 and np.abs(uniform).max() <= 1
    np.testing.assert_array_equal(normal, training_noise("normal", (2000, 10), seed))


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("truncation", [None, 0.5])
def test_generated_row_depends_on_seed_and_index_only(kind, truncation):
    rows = generation_noise(kind, 9, 5, seed=7, truncation=truncation)
    np.testing.assert_array_equal(generation_noise(kind, 3, 5, 7, truncation), rows[:3])
    np.testing.assert_array_equal(generation_noise(kind, 4, 5, 7, truncation, first=5), rows[5:])
    assert not np.array_equal(rows, generation_noise(kind, 9, 5, 8, truncation))
    assert len(np.unique(rows)) == rows.size
    assert rows.dtype == np.float32


def test_truncation_bounds_and_keeps_the_shape_within():
    rows = generation_noise("normal", 500, 20, seed=0, truncation=0.7)
    assert np.abs(rows).max() <= 0.7
    # A normal cut at t has the variance 1 - 2 t phi(t) / (2 Phi(t) - 1); 0.1549 at 0.7.
    assert abs(rows.var() - 0.1549) < 0.006
    uniform = generation_noise("uniform", 500, 20, seed=0, truncation=0.3)
    assert 0.29 < np.abs(uniform).max() <= 0.3


def test_bad_arguments():
    with pytest.raises(ValueError, match="truncation must be at least 0.01"):
        generation_noise("normal", 1, 2, seed=0, truncation=0)
    with pytest.raises(ValueError, match="seed must not be negative"):
        generation_noise("normal", 1, 2, seed=-1)
