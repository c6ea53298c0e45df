"""The three networks of an adversarial model, and the images that they make."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from gans.architectures import get_architecture
from gans.architectures.batch_norm import as_keras_layer
from gans.architectures.blocks import synchronize_batch_norm
from gans.generators.files import save_generator
from gans.generators.making import images_of, to_bytes
from gans.model.given_networks import (
    check_critic,
    check_generator,
    copy_of,
    image_shape_of,
    options_for,
    serialized,
)
from gans.model.precision import resolve_precision
from gans.model.resumable import ResumableModel
from utils.checks import one_of
from utils.latent import sample
from utils.options.model import ModelOptions


class GeneratorAndCritic(ResumableModel):
    """A generator, its moving average and a critic, with all their variables from the start.

    A subclass says which options it takes, which defaults differ from theirs, and `describe`s what
    they make of it. Its arguments are those of `utils.options.model.documented`.

    Attributes:
        options: As given, with what it leaves open: base_filters, critic_normalization, precision.
        image_shape: (H, W, C).
        generator: The network that is trained.
        ema_generator: The moving average of its weights.
        critic: Its opponent.

    Call arguments:
        inputs: Noise, float32 [N, noise_dim].
        training: Whether batch normalization uses the batch's statistics.

    Returns:
        Images float32 [N, H, W, C] in [-1, 1] from the current generator (not the EMA).

    Raises:
        ValueError: If an argument is out of range.
    """

    options_class: ClassVar[type[ModelOptions]]
    published: ClassVar[dict[str, Any]]  # defaults of the paper that the options do not have
    default_name: ClassVar[str]

    def __init__(
        self,
        image_shape: tuple[int, int, int] | None = None,
        *,
        generator: keras.Model | None = None,
        critic: keras.Model | None = None,
        name: str | None = None,
        **options: Any,
    ):
        options = options_for(self.options_class, self.published, options, generator, critic)
        method, logs = self.describe(options)
        super().__init__(logs, name=name or self.default_name)
        self.method = method
        self.image_shape = image_shape_of(image_shape, options.noise_dim, generator, critic)
        if len(self.image_shape) != 3 or self.image_shape[2] not in (1, 3):
            raise ValueError(
                "image_shape must be (H, W, C) with 1 or 3 channels. "
                f"Received: {self.image_shape}"
            )
        # What get_config says of them; the networks themselves are saved once, with their weights.
        self._own = {name: serialized(network)
                     for name, network in [("generator", generator), ("critic", critic)]
                     if network is not None}  # fmt: skip
        self.options = options = self._completed(options)
        module = get_architecture(options.architecture)
        with _dtype_policy(options.precision):
            self.generator = generator if generator is not None else module.build_generator(
                self.image_shape, options.noise_dim, options.base_filters, 2 * options.seed
            )  # fmt: skip
            # The critic's seed differs: equal layers of the two networks must not start equal.
            self.critic = critic if critic is not None else module.build_critic(
                self.image_shape, options.base_filters, options.critic_normalization,
                2 * options.seed + 1,
            )  # fmt: skip
        if generator is not None:
            check_generator(generator, options.noise_dim, self.image_shape)
        if critic is not None:
            check_critic(critic, self.image_shape, has_penalty=method == "wgan-gp")
        if options.synchronized_batch_norm:
            synchronize_batch_norm(self.generator)
            synchronize_batch_norm(self.critic)
        if generator is None:
            self.ema_generator = keras.models.clone_model(
                self.generator, clone_function=as_keras_layer
            )
        else:
            self.ema_generator = copy_of(generator, options.noise_dim)
        self.ema_generator.set_weights(self.generator.get_weights())
        self.built = True

    def _completed(self, options: ModelOptions) -> ModelOptions:
        """The options, with those that the architecture or the machine decides."""
        found: dict[str, Any] = {"precision": resolve_precision(options.precision)}
        if len(self._own) < 2:
            module = get_architecture(options.architecture)
            found["base_filters"] = options.base_filters or module.BASE_FILTERS
            if "critic" not in self._own:
                normalization = options.critic_normalization
                found["critic_normalization"] = normalization or module.critic_normalization(
                    self.method, self.image_shape
                )
                one_of(*module.CRITIC_NORMALIZATIONS).check(
                    f"critic_normalization with architecture {options.architecture}",
                    found["critic_normalization"],
                )
        return dataclasses.replace(options, **found)

    @staticmethod
    def describe(options: ModelOptions) -> tuple[str, list[str]]:
        """The method, "wgan-gp", "wgan" or "dcgan", and the names of what a step logs."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("generator", "critic") and name in vars(self):
            raise ValueError(
                f"{name} must be given when the model is made, {type(self).__name__}({name}=...): "
                f"set later, it would not be saved. Received: {value!r}"
            )
        super().__setattr__(name, value)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.generator(inputs, training=training)

    def scores(
        self, real_images: tf.Tensor, fake_images: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The critic's scores of reals and of fakes [N, H, W, C], while training: float32 [N, 1].

        One pass if each image is scored by itself. Batch normalization must not mix real and fake
        images, and the published critics count their calls.
        """
        if self.options.critic_normalization not in ("none", "layer", "instance"):
            return self.critic(real_images, training=True), self.critic(fake_images, training=True)
        scores = self.critic(tf.concat([real_images, fake_images], axis=0), training=True)
        return tuple(tf.split(scores, 2))

    def get_config(self) -> dict[str, Any]:
        config = {"image_shape": self.image_shape, **vars(self.options), **self._own}
        if "critic" in self._own:  # there is no such thing
            del config["critic_normalization"]
        if len(self._own) == 2:
            del config["architecture"], config["base_filters"]
        return {**config, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        own = {name: keras.saving.deserialize_keras_object(config[name])
               for name in ("generator", "critic") if name in config}  # fmt: skip
        return cls(**{**config, **own})

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
            seed: Image i depends only on (seed, i), whatever n is.
            truncation: None, or a bound on the noise's components (at least 0.01): less variety,
                more typical images.
            batch_size: Images made at a time.
            first: Index of the first image.

        Returns:
            uint8 [n, H, W, C] in 0..255.

        Raises:
            ValueError: If n or batch_size is below 1, or the seed or truncation is out of range.
        """
        options = self.options
        noise = sample(n, options.noise_dim, seed, options.noise, truncation, first)
        return images_of(self._generate_batch, noise, batch_size)

    @tf.function(autograph=False, reduce_retracing=True)
    def _generate_batch(self, noise: tf.Tensor) -> tf.Tensor:
        return to_bytes(self.ema_generator(noise, training=False))

    def save_generator(self, path: str | Path) -> None:
        """Writes the EMA generator: .keras, .h5, .onnx, .tflite, or else a SavedModel folder.

        See `gans.generators.files.save_generator`.
        """
        save_generator(self.ema_generator, path)


@contextlib.contextmanager
def _dtype_policy(precision: str) -> Iterator[None]:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
