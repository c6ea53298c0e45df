"""New images from a generator: image i of a seed is the same whatever else is made with it."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import gans.architectures.spectral  # noqa: F401  a saved network may have its layers
from gans.generator_files import load_generator_weights
from gans.noise import NOISES, generation_noise


def generate_images(
    batch_of: Callable[[tf.Tensor], tf.Tensor],
    image_shape: tuple[int, int, int],
    noise: str,
    noise_dim: int,
    n: int,
    seed: int = 0,
    truncation: float | None = None,
    batch_size: int = 64,
    first: int = 0,
) -> np.ndarray:
    """Images `first` to `first + n` of a seed.

    Args:
        batch_of: Noise float32 [batch_size, noise_dim] to images uint8 [batch_size, H, W, C].
        image_shape: (H, W, C).
        noise: "normal" or "uniform".
        noise_dim: Length of a noise vector.
        n: Number of images.
        seed: Image i depends on (seed, i) only.
        truncation: None, or a bound on the noise's components (at least 0.01).
        batch_size: Images made at a time.
        first: Index of the first image.

    Returns:
        uint8 [n, H, W, C] in 0..255.

    Raises:
        ValueError: If n or batch_size is below 1, or the seed or truncation is out of range.
    """
    for argument, value in [("n", n), ("batch_size", batch_size)]:
        if value < 1:
            raise ValueError(f"{argument} must be 1 or more. Received: {value}")
    images = np.empty((n, *image_shape), np.uint8)
    for start in range(0, n, batch_size):
        # Always a whole batch: one trace, and the same arithmetic for every image.
        rows = generation_noise(noise, batch_size, noise_dim, seed, truncation, first + start)
        count = min(batch_size, n - start)
        images[start : start + count] = batch_of(tf.constant(rows))[:count]
    return images


def to_bytes(images: tf.Tensor) -> tf.Tensor:
    """Images in [-1, 1] as uint8: round((x + 1) * 127.5), and what lies outside at the ends."""
    return tf.saturate_cast(tf.round((images + 1.0) * 127.5), tf.uint8)


class SavedGenerator:
    """A trained generator, read from a file, to make images with.

    Args:
        path: A .keras or .h5 file, or a SavedModel folder, as a run leaves them.
        noise: "normal" or "uniform", as it was trained with.

    Attributes:
        noise: As given.
        noise_dim: Length of a noise vector.
        image_shape: (H, W, C) of its images.

    Raises:
        ValueError: If there is no such file, or it cannot be read or is no generator.
    """

    def __init__(self, path: str | Path, noise: str = "normal"):
        path = Path(path)
        if noise not in NOISES:
            raise ValueError(f"noise must be one of {', '.join(NOISES)}. Received: {noise!r}")
        if not (path.suffix in (".keras", ".h5") and path.is_file()) and not _is_saved_model(path):
            raise ValueError(
                "path must be a .keras or .h5 file or a SavedModel folder that exists. "
                f"Received: '{path}'"
            )
        try:
            network, shapes = _read(path)
        # A damaged file may raise anything in the libraries that read it.
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise ValueError(
                f"path must be an undamaged saved generator. Received: '{path}' ({reason})"
            ) from error
        self._set_up(network, noise, shapes, str(path))

    @classmethod
    def of_run(cls, model: dict[str, Any], checkpoint: str | Path) -> "SavedGenerator":
        """The EMA generator of a run that has not ended.

        Args:
            model: "model" of the run's config.json.
            checkpoint: The run's last .weights.h5.

        Raises:
            ValueError: If the options are not a model's, or the checkpoint cannot be read or is of
                another model.
        """
        from gans import model_class

        options = {name: value for name, value in model.items() if name not in
                   ("method", "critic_optimizer", "generator_optimizer")}  # fmt: skip
        try:
            generator = model_class(model["method"])(**options).ema_generator
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                "model must be what a run writes into its config.json. "
                f"Received: one that gives {type(error).__name__}: {error}"
            ) from error
        load_generator_weights(generator, checkpoint)
        self = cls.__new__(cls)
        shapes = (generator.input_shape, generator.output_shape)
        self._set_up(generator, options["noise"], shapes, str(checkpoint))
        return self

    def _set_up(self, network: Callable, noise: str, shapes: tuple, path: str) -> None:
        inputs, outputs = (tuple(shape) for shape in shapes)
        sizes = (*inputs[1:], *outputs[1:])
        if (
            (len(inputs), len(outputs)) != (2, 4)
            or not all(isinstance(size, int) for size in sizes)
            or outputs[3] not in (1, 3)
        ):
            raise ValueError(
                "path must be a generator, noise [N, noise_dim] to images [N, H, W, C]. "
                f"Received: '{path}', which takes {inputs} and gives {outputs}"
            )
        self.noise, self.noise_dim, self.image_shape = noise, inputs[1], outputs[1:]
        self._batch = tf.function(lambda rows: to_bytes(network(rows)), autograph=False)

    def generate(
        self,
        n: int,
        seed: int = 0,
        truncation: float | None = None,
        batch_size: int = 64,
        first: int = 0,
    ) -> np.ndarray:
        """Images uint8 [n, H, W, C] in 0..255: see `generate_images`."""
        return generate_images(
            self._batch, self.image_shape, self.noise, self.noise_dim,
            n, seed, truncation, batch_size, first,
        )  # fmt: skip


def _is_saved_model(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


def _read(path: Path) -> tuple[Callable[[tf.Tensor], tf.Tensor], tuple]:
    """The network as a function, and the shapes that it takes and gives."""
    if path.is_dir():
        loaded = tf.saved_model.load(path)
        signature = loaded.signatures["serving_default"]
        taken = next(iter(signature.structured_input_signature[1].values())).shape
        given = next(iter(signature.structured_outputs.values())).shape
        # Not `loaded.serve` itself, which does not keep the variables alive.
        return lambda rows: loaded.serve(rows), (taken, given)
    network = keras.models.load_model(path, compile=False)
    return functools.partial(network, training=False), (network.input_shape, network.output_shape)
