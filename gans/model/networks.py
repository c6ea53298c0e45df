"""The three networks of an adversarial model, and the images that they make."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gans.architectures import get_architecture
from gans.architectures.batch_norm import as_keras_layer
from gans.architectures.blocks import synchronize_batch_norm
from gans.generators.files import save_generator
from gans.generators.making import images_of, to_bytes
from gans.model.precision import resolve_precision
from gans.model.resumable import ResumableModel
from utils.latent import NOISES, sample

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


class GeneratorAndCritic(ResumableModel):
    """A generator, its moving average and a critic, which exist with all variables from the start.

    Args:
        method: "wgan-gp", "wgan" or "dcgan": what the architecture's default normalization is for.
        image_shape: (H, W, C); C is 1 or 3. Which H and W work depends on the architecture.
        noise_dim: Length of a noise vector.
        architecture: Name of a module in `gans.architectures`.
        base_filters: Width of the networks; None takes the architecture's own.
        critic_normalization: "none", "batch", "layer", "instance", or "published" where the
            architecture has it; None takes the architecture's own for the method.
        n_critic: Critic updates for each generator update.
        noise: "normal" (standard) or "uniform" (in [-1, 1]).
        real_noise: Share in [0, 1) of uniform noise in [-1, 1] that real images are mixed with
            before the critic sees them.
        ema_decay: Decay of the moving average of the generator's weights, in [0, 1); 0 turns it
            off. Warmed up: min(ema_decay, (1 + t) / (10 + t)) after t generator steps.
        seed: Seed of the initial weights and of every draw while training.
        precision: "float32", "mixed_bfloat16" or "mixed_float16", of both networks, or "auto": see
            `gans.model.precision`. Scores, losses, penalty norms and EMA stay float32.
        synchronized_batch_norm: Whether batch normalization takes its statistics over all replicas
            of a distribution strategy, instead of each one's own part of the batch.
        logs: Names of what a step logs.
        name: Name of the model.

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].
        training: Whether batch normalization uses the batch's statistics.

    Returns:
        Images float32 [N, H, W, C] in [-1, 1] from the generator as it is now (not the EMA).

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        *,
        method: str,
        image_shape: tuple[int, int, int],
        noise_dim: int,
        architecture: str,
        base_filters: int | None,
        critic_normalization: str | None,
        n_critic: int,
        noise: str,
        real_noise: float,
        ema_decay: float,
        seed: int,
        precision: str,
        synchronized_batch_norm: bool,
        logs: Sequence[str],
        name: str | None = None,
    ):
        super().__init__(logs, name=name)
        module = get_architecture(architecture)
        if base_filters is None:
            base_filters = module.BASE_FILTERS
        image_shape = tuple(image_shape)
        _require(len(image_shape) == 3 and image_shape[2] in (1, 3), "image_shape",
                 "be (H, W, C) with 1 or 3 channels", image_shape)
        for argument, value in [
            ("noise_dim", noise_dim),
            ("base_filters", base_filters),
            ("n_critic", n_critic),
        ]:
            _require(value >= 1, argument, "be 1 or more", value)
        _require(noise in NOISES, "noise", f"be one of {', '.join(NOISES)}", noise)
        for argument, value in [("real_noise", real_noise), ("ema_decay", ema_decay)]:
            _require(0 <= value < 1, argument, "be in [0, 1)", value)
        _require(0 <= seed < 2**31, "seed", "be in [0, 2^31)", seed)
        _require(precision in (*PRECISIONS, "auto"), "precision",
                 f"be one of {', '.join(PRECISIONS)}, auto", precision)
        precision = resolve_precision(precision)
        if critic_normalization is None:
            critic_normalization = module.critic_normalization(method, image_shape)
        _require(critic_normalization in module.CRITIC_NORMALIZATIONS, "critic_normalization",
                 f"be one of {', '.join(module.CRITIC_NORMALIZATIONS)} with architecture "
                 f"{architecture}", critic_normalization)
        self.method = method
        self._init_config = {
            "image_shape": image_shape,
            "noise_dim": noise_dim,
            "architecture": architecture,
            "base_filters": base_filters,
            "critic_normalization": critic_normalization,
            "n_critic": n_critic,
            "noise": noise,
            "real_noise": real_noise,
            "ema_decay": ema_decay,
            "seed": seed,
            "precision": precision,
            "synchronized_batch_norm": synchronized_batch_norm,
        }
        self.image_shape = image_shape
        self.noise_dim = noise_dim
        self.n_critic = n_critic
        self.noise = noise
        self.real_noise = real_noise
        self.ema_decay = ema_decay
        self.seed = seed
        self.precision = precision

        with _dtype_policy(precision):
            # The critic's seed differs: equal layers of the two networks must not start equal.
            self.generator = module.build_generator(image_shape, noise_dim, base_filters, 2 * seed)
            self.critic = module.build_critic(
                image_shape, base_filters, critic_normalization, 2 * seed + 1
            )
            if synchronized_batch_norm:
                synchronize_batch_norm(self.generator)
                synchronize_batch_norm(self.critic)
            self.ema_generator = keras.models.clone_model(
                self.generator, clone_function=as_keras_layer
            )
        self.ema_generator.set_weights(self.generator.get_weights())
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.generator(inputs, training=training)

    def scores(
        self, real_images: tf.Tensor, fake_images: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The critic's scores of reals and of fakes [N, H, W, C], while training: float32 [N, 1].

        In one pass where each image is scored by itself. Batch normalization must not tell real
        from fake by mixing them, and the published critics count their calls.
        """
        if self._init_config["critic_normalization"] not in ("none", "layer", "instance"):
            return self.critic(real_images, training=True), self.critic(fake_images, training=True)
        scores = self.critic(tf.concat([real_images, fake_images], axis=0), training=True)
        return tuple(tf.split(scores, 2))

    def get_config(self) -> dict[str, Any]:
        return {**self._init_config, "name": self.name}

    def generate(
        self,
        n: int,
        seed: int = 0,
        truncation: float | None = None,
        batch_size: int = 64,
        first: int = 0,
    ) -> np.ndarray:
        """New images from the EMA generator.

        Args:
            n: Number of images.
            seed: Image i depends on (seed, i) only, whatever n is.
            truncation: None, or a bound on the noise's components (at least 0.01): less variety,
                more typical images.
            batch_size: Images made at a time.
            first: Index of the first image.

        Returns:
            uint8 [n, H, W, C] in 0..255.

        Raises:
            ValueError: If n or batch_size is below 1, or the seed or truncation is out of range.
        """
        noise = sample(n, self.noise_dim, seed, self.noise, truncation, first)
        return images_of(self._generate_batch, noise, batch_size)

    @tf.function(autograph=False, reduce_retracing=True)
    def _generate_batch(self, noise: tf.Tensor) -> tf.Tensor:
        return to_bytes(self.ema_generator(noise, training=False))

    def save_generator(self, path: str | Path) -> None:
        """Writes the EMA generator: .keras, .h5, .onnx, .tflite, or else a SavedModel folder.

        See `gans.generators.files.save_generator`.
        """
        save_generator(self.ema_generator, path)


def _require(condition: bool, argument: str, rule: str, received: Any) -> None:
    if not condition:
        raise ValueError(f"{argument} must {rule}. Received: {received!r}")


@contextlib.contextmanager
def _dtype_policy(precision: str) -> Iterator[None]:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
