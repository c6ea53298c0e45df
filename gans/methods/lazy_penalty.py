"""The gradient penalty in some of the critic's updates only."""

import tensorflow as tf

from gans.methods.penalties import Critic, gradient_norms, gradient_penalty

MEASURED_IMAGES = 8  # where the norm is for the log only: enough to show it, at little cost


def lazy_penalty(
    critic: Critic,
    interpolates: tf.Tensor,
    every: int,
    update: tf.Tensor,
    one_sided: bool = False,
    is_logged: bool = True,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradient penalty of every k-th update, k times as large.

    Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.1 and
    appendix B (https://arxiv.org/abs/1912.04958): the critic needs a penalty less often than it
    needs its loss, and k times the penalty in one of k updates pulls as much.

    Args:
        critic: Callable, images and `training` to scores [N, 1].
        interpolates: float32 [N, H, W, C].
        every: k, 1 or more.
        update: int64 scalar, critic updates done before this one: the first has the penalty.
        one_sided: As of `gradient_penalty`.
        is_logged: Whether the last two results are needed in an update without the penalty.

    Returns:
        float32 scalars: what to add to the loss (k times the penalty, or 0), the penalty without
        k, and the mean gradient norm. In an update without the penalty the last two are measured
        at `MEASURED_IMAGES` interpolates and have no gradient.
    """

    def measure(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        norms = gradient_norms(critic, images, training=True)
        return gradient_penalty(norms, one_sided), tf.reduce_mean(norms)

    def act() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        penalty, norm = measure(interpolates)
        return every * penalty, penalty, norm

    def rest() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        zero = tf.zeros([])
        if not is_logged:
            return zero, zero, zero
        return zero, *map(tf.stop_gradient, measure(interpolates[:MEASURED_IMAGES]))

    # A condition in the graph, so that the work is not done, which is half of an update's.
    return act() if every == 1 else tf.cond(update % every == 0, act, rest)
