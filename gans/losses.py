"""Losses: pure functions of float32 score tensors of shape [N, 1] or [N], to scalars."""

import tensorflow as tf


def wasserstein_estimate(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """E[D(real)] - E[D(fake)]: the critic's estimate of the Wasserstein-1 distance.

    Up to the critic's Lipschitz constant (Arjovsky et al. 2017, equation 2,
    https://arxiv.org/abs/1701.07875).
    """
    return tf.reduce_mean(real_scores) - tf.reduce_mean(fake_scores)


def wasserstein_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """E[D(fake)] - E[D(real)]: minimised by the critic, which so maximises the estimate."""
    return -wasserstein_estimate(real_scores, fake_scores)


def wasserstein_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """-E[D(fake)]: minimised by the generator."""
    return -tf.reduce_mean(fake_scores)
