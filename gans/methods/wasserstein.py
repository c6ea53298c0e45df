"""The Wasserstein GAN, with a gradient penalty or with weight clipping."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from gans.methods.losses import (
    wasserstein_critic_loss,
    wasserstein_estimate,
    wasserstein_generator_loss,
)
from gans.methods.penalties import (
    clip_weights,
    clipped_share,
    gradient_norms,
    gradient_penalty,
    interpolate,
)
from gans.model.adversarial import AdversarialModel
from gans.model.draws import Purpose, draw_seed, interpolation_weights, own_part
from utils.options.model import WassersteinOptions, documented

MEASURED_IMAGES = 8  # where the norm is for the log only: enough to show it, at little cost


@keras.saving.register_keras_serializable(package="gans")
@documented
class WassersteinGAN(AdversarialModel):
    """WGAN-GP (Gulrajani et al. 2017, Algorithm 1) or WGAN (Arjovsky et al. 2017, Algorithm 1).

    Exactly one of `gradient_penalty` and `clip_value` is in force: giving a `clip_value` selects
    weight clipping. The defaults are the papers': `n_critic` 5; Adam with learning rate 1e-4,
    beta_1 0.5 and beta_2 0.9 under the penalty, RMSprop with learning rate 5e-5 under clipping.

    Args:
ARGUMENTS

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].

    Returns:
        Images float32 [N, H, W, C] in [-1, 1].

    Raises:
        ValueError: If an option does not keep its rule, if both `gradient_penalty` and
            `clip_value` are given, or if the critic would have batch normalization under the
            penalty.

    Example:
        >>> gan = WassersteinGAN(image_shape=(64, 64, 3))
        >>> gan.compile()
        >>> gan.fit(dataset, steps_per_epoch=500, epochs=20)  # [n_critic * N, 64, 64, 3]
        >>> images = gan.generate(16, seed=1)

    References:
        https://arxiv.org/abs/1701.07875, https://arxiv.org/abs/1704.00028
    """

    options_class: ClassVar = WassersteinOptions
    published: ClassVar = {"n_critic": 5}
    default_name: ClassVar = "wasserstein_gan"
    progress_logs: ClassVar = {"Wasserstein": "wasserstein_estimate"}

    @staticmethod
    def describe(options: WassersteinOptions) -> tuple[str, list[str]]:
        logs = ["wasserstein_estimate", "critic_loss", "generator_loss", "real_score",
                "fake_score", "gradient_norm"]  # fmt: skip
        if options.clip_value is None:
            return "wgan-gp", [*logs, "gradient_penalty"]
        return "wgan", [*logs, "clipped_weights"]

    @property
    def optimizer_defaults(self) -> dict[str, Any]:
        if self.options.clip_value is None:
            return {"optimizer": "adam", "learning_rate": 1e-4, "beta_1": 0.5, "beta_2": 0.9}
        return {"optimizer": "rmsprop", "learning_rate": 5e-5, "beta_1": 0.5, "beta_2": 0.9}

    def train_step(self, real_images: tf.Tensor) -> dict[str, tf.Tensor]:
        """`n_critic` critic updates, each on fresh images, then one generator update.

        Args:
            real_images: float32 [n_critic * N, H, W, C] in [-1, 1].

        Returns:
            The means of the logs since the last `reset_metrics`, float32 scalars.

        Raises:
            ValueError: If the number of images is not a known multiple of n_critic.
        """
        for iteration, images in enumerate(self.real_batches(real_images)):
            logs = self.update_critic(images, iteration)
        logs["generator_loss"] = self.update_generator(images.shape[0], wasserstein_generator_loss)
        return self.finish_step(logs)

    def update_critic(self, real_images: tf.Tensor, iteration: int) -> dict[str, tf.Tensor]:
        """One critic update on real images float32 [N, H, W, C] and as many fakes."""
        options, batch_size = self.options, real_images.shape[0]
        noise = self.training_noise(batch_size, Purpose.CRITIC_NOISE, iteration)
        fake_images = self.generator(noise, training=True)
        seed = draw_seed(options.seed, self.step.value, Purpose.INTERPOLATION, iteration)
        alpha = own_part(interpolation_weights(batch_size * self.replicas, seed))
        interpolates = interpolate(real_images, fake_images, alpha)

        def loss_of(reals, fakes, interpolates):
            real_scores, fake_scores = self.scores(reals, fakes)
            loss = wasserstein_critic_loss(real_scores, fake_scores)
            logs = {"wasserstein_estimate": wasserstein_estimate(real_scores, fake_scores)}
            if options.clip_value is None:
                norms = gradient_norms(self.critic, interpolates, training=True)
                penalty = gradient_penalty(norms, options.one_sided)
                loss += options.gradient_penalty * penalty
                logs |= {"gradient_norm": tf.reduce_mean(norms), "gradient_penalty": penalty}
            return loss, logs | {
                "critic_loss": loss,
                "real_score": tf.reduce_mean(real_scores),
                "fake_score": tf.reduce_mean(fake_scores),
            }

        logs = self.minimize(
            self.critic, self.critic_optimizer, loss_of, real_images, fake_images, interpolates
        )
        if options.clip_value is not None:
            weights = self.critic.trainable_variables
            clip_weights(weights, options.clip_value)
            logs["clipped_weights"] = clipped_share(weights, options.clip_value)
            # Clipping does not need the norm: it is logged from a few images, at little cost.
            norms = gradient_norms(self.critic, interpolates[:MEASURED_IMAGES], training=False)
            logs["gradient_norm"] = tf.reduce_mean(norms)
        return logs
