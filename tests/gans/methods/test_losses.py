import numpy as np
import tensorflow as tf

from gans.methods.losses import (
    mean_probability,
    nonsaturating_discriminator_loss,
    nonsaturating_generator_loss,
    wasserstein_critic_loss,
    wasserstein_estimate,
    wasserstein_generator_loss,
)


def test_losses_are_differences_of_means():
    real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[-1.0], [0.0]])
    np.testing.assert_allclose(wasserstein_estimate(real, fake), 2.5)
    np.testing.assert_allclose(wasserstein_critic_loss(real, fake), -2.5)
    np.testing.assert_allclose(wasserstein_generator_loss(fake), 0.5)


def test_nonsaturating_losses_are_cross_entropies_of_the_probabilities():
    probabilities = np.array([[0.9], [0.5]]), np.array([[0.2], [0.6]])
    real, fake = (tf.constant(np.log(p / (1 - p)), tf.float32) for p in probabilities)
    expected = -np.log([0.9, 0.5]).mean() - np.log([0.8, 0.4]).mean()
    np.testing.assert_allclose(nonsaturating_discriminator_loss(real, fake), expected, rtol=1e-6)
    np.testing.assert_allclose(
        nonsaturating_generator_loss(fake), -np.log([0.2, 0.6]).mean(), rtol=1e-6)
    np.testing.assert_allclose(mean_probability(real), 0.7, rtol=1e-6)


def test_nonsaturating_losses_stay_finite_where_the_discriminator_is_sure():
    sure = tf.constant([1e4])
    assert nonsaturating_generator_loss(-sure) == 1e4
    assert nonsaturating_discriminator_loss(sure, -sure) == 0
