"""The non-saturating GAN that Wasserstein GANs are compared with."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from gans.methods.losses import (
    mean_probability,
    nonsaturating_discriminator_loss,
    nonsaturating_generator_loss,
)
from gans.model.adversarial import AdversarialModel
from gans.model.draws import Purpose
from utils.options.model import ModelOptions, documented


@keras.saving.register_keras_serializable(package="gans")
@documented
class DCGAN(AdversarialModel):
    """DCGAN (Radford et al. 2016), trained with the non-saturating loss (Goodfellow et al. 2014).

    The same networks as those of `WassersteinGAN`; the critic's score is here the logit of a
    *discriminator's* probability that an image is real. The defaults are the paper's: `noise_dim`
    100; Adam with learning rate 2e-4, beta_1 0.5 and beta_2 0.999.

    Args:
ARGUMENTS

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].

    Returns:
        Images float32 [N, H, W, C] in [-1, 1].

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> gan = DCGAN(image_shape=(64, 64, 1))
        >>> gan.compile()
        >>> gan.train(data, train_steps=20_000, save_path="runs/dcgan")

    References:
        https://arxiv.org/abs/1511.06434, https://arxiv.org/abs/1406.2661
    """

    options_class: ClassVar = ModelOptions
    published: ClassVar = {"noise_dim": 100}
    default_name: ClassVar = "dcgan"
    progress_logs: ClassVar = {"D(real)": "real_probability", "D(fake)": "fake_probability"}

    @staticmethod
    def describe(options: ModelOptions) -> tuple[str, list[str]]:
        return "dcgan", ["discriminator_loss", "generator_loss", "real_probability",
                         "fake_probability"]  # fmt: skip

    @property
    def optimizer_defaults(self) -> dict[str, Any]:
        return {"optimizer": "adam", "learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}

    def train_step(self, real_images: tf.Tensor) -> dict[str, tf.Tensor]:
        """`n_critic` discriminator updates, each on fresh images, then one generator update.

        Args:
            real_images: float32 [n_critic * N, H, W, C] in [-1, 1].

        Returns:
            The means of the logs since the last `reset_metrics`, float32 scalars.

        Raises:
            ValueError: If the number of images is not a known multiple of n_critic.
        """
        for iteration, images in enumerate(self.real_batches(real_images)):
            logs = self.update_discriminator(images, iteration)
        logs["generator_loss"] = self.update_generator(
            images.shape[0], nonsaturating_generator_loss
        )
        return self.finish_step(logs)

    def update_discriminator(
        self, real_images: tf.Tensor, iteration: int
    ) -> dict[str, tf.Tensor]:
        """One discriminator update on real images float32 [N, H, W, C] and as many fakes."""
        noise = self.training_noise(real_images.shape[0], Purpose.CRITIC_NOISE, iteration)
        fake_images = self.generator(noise, training=True)

        def loss_of(reals, fakes):
            real_scores, fake_scores = self.scores(reals, fakes)
            loss = nonsaturating_discriminator_loss(real_scores, fake_scores)
            return loss, {
                "discriminator_loss": loss,
                "real_probability": mean_probability(real_scores),
                "fake_probability": mean_probability(fake_scores),
            }

        return self.minimize(
            self.critic, self.critic_optimizer, loss_of, real_images, fake_images
        )
