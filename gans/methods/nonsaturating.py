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
from gans.model.draws import CRITIC_NOISE


@keras.saving.register_keras_serializable(package="gans")
class DCGAN(AdversarialModel):
    """DCGAN (Radford et al. 2016), trained with the non-saturating loss (Goodfellow et al. 2014).

    The same networks as those of `WassersteinGAN`; the critic's score is here the logit of a
    *discriminator's* probability that an image is real. Its optimizers are by default the
    paper's: Adam with learning rate 2e-4, beta_1 0.5 and beta_2 0.999.

    Args:
        image_shape: (H, W, C); C is 1 or 3.
        noise_dim: Length of a noise vector.
        architecture: "dcgan", "anime", "conv4", "residual64" or "resnet".
        n_critic: Discriminator updates for each generator update.
        noise: "normal" (standard) or "uniform" (in [-1, 1]).
        real_noise: Share in [0, 1) of uniform noise in [-1, 1] that real images are mixed with.
        ema_decay: Decay of the generator's moving average, warmed up; 0 turns it off.
        seed: Seed of the initial weights and of every draw while training.
        base_filters: Width of the networks; None takes the architecture's own.
        critic_normalization: "none", "batch", "layer", "instance", or "published" (conv4,
            residual64); None takes the architecture's own.
        precision: "float32", "mixed_bfloat16", "mixed_float16" or "auto".
        synchronized_batch_norm: Whether batch normalization takes its statistics over all replicas
            of a distribution strategy, instead of each one's own part of the batch.
        name: Name of the model.

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].

    Returns:
        Images float32 [N, H, W, C] in [-1, 1].

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> gan = DCGAN(image_shape=(64, 64, 1))
        >>> gan.compile()
        >>> gan.train(data, train_steps=20_000, save_path="runs/dcgan")

    References:
        https://arxiv.org/abs/1511.06434, https://arxiv.org/abs/1406.2661
    """

    progress_logs: ClassVar = {"D(real)": "real_probability", "D(fake)": "fake_probability"}

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (64, 64, 3),
        noise_dim: int = 100,
        architecture: str = "dcgan",
        n_critic: int = 1,
        noise: str = "normal",
        real_noise: float = 0.0,
        ema_decay: float = 0.9999,
        seed: int = 0,
        base_filters: int | None = None,
        critic_normalization: str | None = None,
        precision: str = "float32",
        synchronized_batch_norm: bool = False,
        name: str = "dcgan",
    ):
        super().__init__(
            method="dcgan",
            image_shape=image_shape,
            noise_dim=noise_dim,
            architecture=architecture,
            base_filters=base_filters,
            critic_normalization=critic_normalization,
            n_critic=n_critic,
            noise=noise,
            real_noise=real_noise,
            ema_decay=ema_decay,
            seed=seed,
            precision=precision,
            synchronized_batch_norm=synchronized_batch_norm,
            logs=["discriminator_loss", "generator_loss", "real_probability", "fake_probability"],
            name=name,
        )

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
        noise = self.training_noise(real_images.shape[0], CRITIC_NOISE, iteration)
        fake_images = self.generator(noise, training=True)
        with tf.GradientTape() as tape:
            real_scores, fake_scores = self.scores(real_images, fake_images)
            loss = nonsaturating_discriminator_loss(real_scores, fake_scores)
        self.minimize(tape, loss, self.critic, self.critic_optimizer)
        return {
            "discriminator_loss": loss,
            "real_probability": mean_probability(real_scores),
            "fake_probability": mean_probability(fake_scores),
        }
