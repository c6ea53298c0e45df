"""Losses: pure functions of float32 score tensors of shape [N, 1] or [N], to scalars."""

import tensorflow as tf


def wasserstein_estimate(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """E[D(real)] - E[D(fake)]: the critic's estimate of the Wasserstein-1 distance.

    Up to the critic's Lipschitz constant (Arjovsky et al. 2017, equation 2,
    https://arxiv.org/abs/1701.07875).
    """
    return tf.reduce_mean(real_scores) - tf.reduce_mean(fake_scores)


def wasserstein_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """E[D(fake)] - E[D(real)]: minimized by the critic, which thereby maximizes the estimate."""
    return -wasserstein_estimate(real_scores, fake_scores)


def wasserstein_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """-E[D(fake)]: minimized by the generator."""
    return -tf.reduce_mean(fake_scores)


def nonsaturating_discriminator_loss(
    real_scores: tf.Tensor, fake_scores: tf.Tensor
) -> tf.Tensor:
    """-E[log D(real)] - E[log(1 - D(fake))] in nats, where D = sigmoid(score).

    Goodfellow et al. 2014, equation 1 (https://arxiv.org/abs/1406.2661); 2 log 2 when D is
    undecided.
    """
    return tf.reduce_mean(tf.nn.softplus(-real_scores)) + tf.reduce_mean(
        tf.nn.softplus(fake_scores)
    )


def nonsaturating_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """-E[log D(fake)] in nats: the form of section 3, which does not saturate when D is sure."""
    return tf.reduce_mean(tf.nn.softplus(-fake_scores))


def mean_probability(scores: tf.Tensor) -> tf.Tensor:
    """E[sigmoid(score)]: the probability in [0, 1] that the images are real, as D sees it."""
    return tf.reduce_mean(tf.nn.sigmoid(scores))
