import numpy as np
import tensorflow as tf

from gans.losses import (
    wasserstein_critic_loss,
    wasserstein_estimate,
    wasserstein_generator_loss,
)


def test_losses_are_differences_of_means():
    real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[-1.0], [0.0]])
    np.testing.assert_allclose(wasserstein_estimate(real, fake), 2.5)
    np.testing.assert_allclose(wasserstein_critic_loss(real, fake), -2.5)
    np.testing.assert_allclose(wasserstein_generator_loss(fake), 0.5)
