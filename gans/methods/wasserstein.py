"""The Wasserstein GAN, with a gradient penalty or with weight clipping."""

import math
from typing import Any, ClassVar

import keras
import tensorflow as tf

from gans.methods.lazy_penalty import MEASURED_IMAGES, lazy_penalty
from gans.methods.losses import (
    wasserstein_critic_loss,
    wasserstein_estimate,
    wasserstein_generator_loss,
)
from gans.methods.penalties import clip_weights, clipped_share, gradient_norms, interpolate
from gans.model.adversarial import AdversarialModel
from gans.model.draws import CRITIC_NOISE, INTERPOLATION, draw_seed, interpolation_weights, own_part


@keras.saving.register_keras_serializable(package="gans")
class WassersteinGAN(AdversarialModel):
    """WGAN-GP (Gulrajani et al. 2017, Algorithm 1) or WGAN (Arjovsky et al. 2017, Algorithm 1).

    Its optimizers are by default the papers': Adam with learning rate 1e-4, beta_1 0.5 and beta_2
    0.9 under the penalty, RMSprop with learning rate 5e-5 under clipping. Exactly one of
    `gradient_penalty` and `clip_value` is in force: giving a `clip_value` selects weight clipping.

    Args:
        image_shape: (H, W, C); C is 1 or 3.
        noise_dim: Length of a noise vector.
        architecture: "dcgan", "anime", "conv4", "residual64" or "resnet".
        n_critic: Critic updates for each generator update.
        gradient_penalty: Weight of the penalty; None or a `clip_value` turns it off.
        clip_value: Bound c of the critic's weights, clipped into [-c, c] after each update.
        noise: "normal" (standard) or "uniform" (in [-1, 1]).
        real_noise: Share in [0, 1) of uniform noise in [-1, 1] that real images are mixed with.
        ema_decay: Decay of the generator's moving average, warmed up; 0 turns it off.
        seed: Seed of the initial weights and of every draw while training.
        base_filters: Width of the networks; None takes the architecture's own.
        critic_normalization: "none", "layer", "instance", under clipping "batch", or "published"
            (conv4, residual64: as the published code has it); None takes the architecture's own
            for the method.
        one_sided: Penalize only gradient norms above 1.
        penalty_every: k: the penalty acts in every k-th critic update, with k times its weight.
        penalty_share: Share in (0, 1] of a batch's interpolates that it is taken at.
        precision: "float32", "mixed_bfloat16", "mixed_float16" or "auto".
        synchronized_batch_norm: Whether batch normalization takes its statistics over all replicas
            of a distribution strategy, instead of each one's own part of the batch.
        name: Name of the model.

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].

    Returns:
        Images float32 [N, H, W, C] in [-1, 1].

    Raises:
        ValueError: If both `gradient_penalty` and `clip_value` are None, if the critic would
            have batch normalization under the penalty, or if another argument is out of its range.

    Example:
        >>> gan = WassersteinGAN(image_shape=(64, 64, 3))
        >>> gan.compile()
        >>> gan.fit(dataset, steps_per_epoch=500, epochs=20)  # [n_critic * N, 64, 64, 3]
        >>> images = gan.generate(16, seed=1)

    References:
        https://arxiv.org/abs/1701.07875, https://arxiv.org/abs/1704.00028; `penalty_every`:
        https://arxiv.org/abs/1912.04958
    """

    progress_logs: ClassVar = {"Wasserstein": "wasserstein_estimate"}

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (64, 64, 3),
        noise_dim: int = 128,
        architecture: str = "dcgan",
        n_critic: int = 5,
        gradient_penalty: float | None = 10.0,
        clip_value: float | None = None,
        noise: str = "normal",
        real_noise: float = 0.0,
        ema_decay: float = 0.9999,
        seed: int = 0,
        base_filters: int | None = None,
        critic_normalization: str | None = None,
        one_sided: bool = False,
        penalty_every: int = 1,
        penalty_share: float = 1.0,
        precision: str = "float32",
        synchronized_batch_norm: bool = False,
        name: str = "wasserstein_gan",
    ):
        if clip_value is not None:
            gradient_penalty = None
        if (clip_value is None) == (gradient_penalty is None):
            raise ValueError(
                "gradient_penalty and clip_value must not both be None: one of them keeps the "
                "critic Lipschitz. Received: gradient_penalty=None, clip_value=None"
            )
        for argument, value in [
            ("gradient_penalty", gradient_penalty),
            ("clip_value", clip_value),
        ]:
            if value is not None and not value > 0:
                raise ValueError(f"{argument} must be positive. Received: {value}")
        for argument, value, rule, holds in [
            ("penalty_every", penalty_every, "1 or more", penalty_every >= 1),
            ("penalty_share", penalty_share, "in (0, 1]", 0 < penalty_share <= 1),
        ]:
            if not holds:
                raise ValueError(f"{argument} must be {rule}. Received: {value}")
            if value != 1 and clip_value is not None:
                raise ValueError(
                    f"{argument} must be left out with a clip_value, under which there is no "
                    f"penalty. Received: {value}"
                )
        if critic_normalization == "batch" and clip_value is None:
            raise ValueError(
                "critic_normalization must not be 'batch' under the gradient penalty, which is "
                "each image's own: take 'layer', 'instance' or 'none'. Received: 'batch'"
            )
        super().__init__(
            method="wgan-gp" if clip_value is None else "wgan",
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
            logs=[
                "wasserstein_estimate",
                "critic_loss",
                "generator_loss",
                "real_score",
                "fake_score",
                "gradient_norm",
                "gradient_penalty" if clip_value is None else "clipped_weights",
            ],
            name=name,
        )
        if penalty_every > 1 and any(
            isinstance(layer, keras.layers.BatchNormalization) and layer.synchronized
            for layer in self.critic.layers
        ):
            raise ValueError(
                "penalty_every must be 1 with synchronized_batch_norm and a critic that has batch "
                "normalization, whose exchange cannot be in some updates only. "
                f"Received: {penalty_every}"
            )
        self.gradient_penalty = gradient_penalty
        self.clip_value = clip_value
        self.one_sided = one_sided
        self.penalty_every = penalty_every
        self.penalty_share = penalty_share

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "gradient_penalty": self.gradient_penalty,
            "clip_value": self.clip_value,
            "one_sided": self.one_sided,
            "penalty_every": self.penalty_every,
            "penalty_share": self.penalty_share,
        }

    @property
    def optimizer_defaults(self) -> dict[str, Any]:
        if self.clip_value is None:
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
        batch_size = real_images.shape[0]
        noise = self.training_noise(batch_size, CRITIC_NOISE, iteration)
        fake_images = self.generator(noise, training=True)
        seed = draw_seed(self.seed, self.step.value, INTERPOLATION, iteration)
        alpha = own_part(interpolation_weights(batch_size * self.replicas, seed))
        interpolates = interpolate(real_images, fake_images, alpha)

        with tf.GradientTape() as tape:
            real_scores, fake_scores = self.scores(real_images, fake_images)
            loss = objective = wasserstein_critic_loss(real_scores, fake_scores)
            if self.clip_value is None:
                added, penalty, norm = self.penalize(interpolates, iteration)
                loss += self.gradient_penalty * added
                objective += self.gradient_penalty * penalty
        self.minimize(tape, loss, self.critic, self.critic_optimizer)

        logs = {
            "wasserstein_estimate": wasserstein_estimate(real_scores, fake_scores),
            "critic_loss": objective,
            "real_score": tf.reduce_mean(real_scores),
            "fake_score": tf.reduce_mean(fake_scores),
        }
        if self.clip_value is None:
            logs["gradient_penalty"] = penalty
        else:
            weights = self.critic.trainable_variables
            clip_weights(weights, self.clip_value)
            logs["clipped_weights"] = clipped_share(weights, self.clip_value)
            # Clipping does not need the norm; a few images show it at little cost.
            norms = gradient_norms(self.critic, interpolates[:MEASURED_IMAGES], training=False)
            norm = tf.reduce_mean(norms)
        logs["gradient_norm"] = norm
        return logs

    def penalize(self, interpolates: tf.Tensor, iteration: int) -> tuple[tf.Tensor, ...]:
        """The penalty to add to this update's loss, the penalty, and the mean norm: scalars."""
        count = math.ceil(self.penalty_share * interpolates.shape[0])
        return lazy_penalty(
            self.critic,
            interpolates[:count],
            self.penalty_every,
            self.step.value * self.n_critic + iteration,
            self.one_sided,
            is_logged=iteration == self.n_critic - 1,  # a step logs its last update
        )
