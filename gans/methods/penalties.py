"""What keeps a critic Lipschitz: pure functions. A critic is any callable, images to scores."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

Critic = Callable[..., tf.Tensor]


def clip_weights(weights: Iterable[keras.Variable], clip_value: float) -> None:
    """Clips every weight into [-clip_value, clip_value].

    Arjovsky et al. 2017, "Wasserstein GAN", Algorithm 1 (https://arxiv.org/abs/1701.07875).
    """
    for weight in weights:
        weight.assign(tf.clip_by_value(weight.value, -clip_value, clip_value))


def clipped_share(weights: Iterable[keras.Variable], clip_value: float) -> tf.Tensor:
    """The share of weights that lie on the bound, a float32 scalar in [0, 1]."""
    flat = tf.concat([tf.reshape(weight.value, [-1]) for weight in weights], axis=0)
    return tf.reduce_mean(tf.cast(tf.abs(flat) >= clip_value, tf.float32))


def gradient_norms(critic: Critic, images: tf.Tensor, **call_arguments: Any) -> tf.Tensor:
    """The L2 norm of the critic's gradient at each image, over all of H, W and C.

    Args:
        critic: Callable, images to scores [N, 1] or [N].
        images: float32 [N, H, W, C].
        **call_arguments: Passed on to the critic (`training`).

    Returns:
        float32 [N].
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        # The sum's gradient holds each image's own, because no score depends on another image.
        total = tf.reduce_sum(critic(images, **call_arguments))
    gradients = tf.cast(tape.gradient(total, images), tf.float32)
    # The square root's derivative is infinite at zero: without epsilon a flat critic gives NaN.
    return tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3]) + 1e-12)


def interpolate(
    real_images: tf.Tensor, fake_images: tf.Tensor, alpha: tf.Tensor
) -> tf.Tensor:
    """alpha * real + (1 - alpha) * fake: float32 [N, H, W, C], alpha [N, 1, 1, 1] in [0, 1]."""
    return alpha * real_images + (1.0 - alpha) * fake_images


def gradient_penalty(norms: tf.Tensor, one_sided: bool = False) -> tf.Tensor:
    """The gradient penalty, without its weight: E[(norm - 1)^2].

    Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", Algorithm 1
    (https://arxiv.org/abs/1704.00028).

    Args:
        norms: `gradient_norms` at interpolates of real and fake images, float32 [N].
        one_sided: Penalize only norms above 1 (section 4 of the paper).

    Returns:
        float32 scalar.
    """
    excess = tf.nn.relu(norms - 1.0) if one_sided else norms - 1.0
    return tf.reduce_mean(tf.square(excess))
