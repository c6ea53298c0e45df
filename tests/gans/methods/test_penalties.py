"""The gradient penalty and weight clipping, against closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans.architectures import dcgan
from gans.methods.penalties import (
    clip_weights,
    clipped_share,
    gradient_norms,
    gradient_penalty,
    interpolate,
)


def images(count, shape=(4, 6, 3), seed=0):
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, (count, *shape)), tf.float32)


@pytest.mark.parametrize("scale", [0.01, 0.5, 3.0])
def test_penalty_of_a_linear_critic(scale):
    weights = images(1, seed=1)[0] * scale  # D(x) = w.x has the gradient w everywhere
    norms = gradient_norms(lambda x: tf.tensordot(x, weights, 3), images(5))
    expected = np.linalg.norm(weights)
    np.testing.assert_allclose(norms, np.full(5, expected), rtol=1e-5)
    np.testing.assert_allclose(gradient_penalty(norms), (expected - 1) ** 2, rtol=1e-4)
    one_sided = gradient_penalty(norms, one_sided=True)
    np.testing.assert_allclose(one_sided, max(expected - 1, 0) ** 2, rtol=1e-4)


def test_norm_is_over_height_width_and_channels():
    x = images(2)
    norms = gradient_norms(lambda x: 0.5 * tf.reduce_sum(x**2, axis=[1, 2, 3]), x)
    np.testing.assert_allclose(norms, np.linalg.norm(x.numpy().reshape(2, -1), axis=1), rtol=1e-5)


def test_flat_critic_has_finite_penalty_gradient():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        norms = gradient_norms(lambda x: weight * tf.reduce_sum(x, axis=[1, 2, 3]), images(3))
        penalty = gradient_penalty(norms)
    np.testing.assert_allclose(penalty, 1.0, atol=1e-5)
    assert np.isfinite(tape.gradient(penalty, weight))


@pytest.mark.parametrize("normalization", ["none", "layer", "instance"])
def test_penalty_of_an_image_depends_on_no_other_image(normalization):
    critic = dcgan.build_critic((16, 16, 3), 4, normalization)
    # Untrained biases are zero: give every weight a value.
    for i, weight in enumerate(critic.weights):
        weight.assign_add(0.2 * np.random.default_rng(i).normal(size=weight.shape))
    x = images(6, (16, 16, 3))
    norms = gradient_norms(critic, x, training=True).numpy()
    order = [3, 0, 5, 1, 4, 2]
    permuted = gradient_norms(critic, tf.gather(x, order), training=True)
    np.testing.assert_allclose(permuted, norms[order], rtol=1e-4)
    others = tf.concat([x[:1], images(5, (16, 16, 3), seed=9)], 0)
    changed = gradient_norms(critic, others, training=True)
    np.testing.assert_allclose(changed[0], norms[0], rtol=1e-4)


def test_batch_normalization_would_break_that():
    critic = dcgan.build_critic((16, 16, 3), 4, "batch")
    x = images(6, (16, 16, 3))
    others = tf.concat([x[:1], images(5, (16, 16, 3), seed=9)], 0)
    norm = gradient_norms(critic, x, training=True)[0].numpy()
    assert abs(gradient_norms(critic, others, training=True)[0] - norm) > 1e-3 * norm


def test_interpolates_lie_between():
    real, fake = images(3), images(3, seed=1)
    alpha = tf.reshape(tf.constant([0.0, 1.0, 0.25]), [3, 1, 1, 1])
    x = interpolate(real, fake, alpha)
    np.testing.assert_array_equal(x[0], fake[0])
    np.testing.assert_array_equal(x[1], real[1])
    np.testing.assert_allclose(x[2], 0.25 * real[2] + 0.75 * fake[2], rtol=1e-6)


def test_clipping():
    weights = [keras.Variable([-3.0, -0.01, 0.005]), keras.Variable([[0.02]])]
    clip_weights(weights, 0.01)
    np.testing.assert_allclose(weights[0], [-0.01, -0.01, 0.005])
    np.testing.assert_allclose(weights[1], [[0.01]])
    np.testing.assert_allclose(clipped_share(weights, 0.01), 0.75)
