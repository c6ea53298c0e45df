"""New images from a generator: image i of a seed is the same, whatever else is made with it.

The same but for rounding: its place in a batch may turn a value into the next of the 256.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import gans.architectures.spectral  # noqa: F401  a saved network may have its layers
from gans.generators.files import load_generator_weights
from gans.generators.making import images_of, to_bytes
from gans.model.sealed import is_finite, require_whole
from utils.foreign_networks import bounded_variables, load_network
from utils.latent import NOISES, sample
from utils.runs.trust import require_trust

# What "model" of config.json holds beside options: facts, and options of training alone that an
# earlier version had.
NO_OPTIONS = ("method", "critic_optimizer", "generator_optimizer", "penalty_every", "penalty_share")

_NOT_FINITE = "images are not finite"


class SavedGenerator:
    """A trained generator, read from a file, to make images with.

    Args:
        path: A .keras or .h5 file, or a SavedModel folder, as a run leaves them.
        noise: "normal" or "uniform", the noise that it was trained with.
        trust: Whether to read a SavedModel that was not written on this machine. It may run any
            code; a .keras or .h5 file cannot.

    Attributes:
        noise: As given.
        noise_dim: Length of a noise vector.
        image_shape: (H, W, C) of its images.
        batch: Noise float32 [N, noise_dim] to images uint8 [N, H, W, C], as one `tf.function`.

    Raises:
        ValueError: If the file is missing, cannot be read, is not a generator or needs trust.
    """

    def __init__(self, path: str | Path, noise: str = "normal", trust: bool = False):
        path = Path(path)
        if noise not in NOISES:
            raise ValueError(f"noise must be one of {', '.join(NOISES)}. Received: {noise!r}")
        is_file = path.suffix in (".keras", ".h5") and path.is_file()
        if not is_file and not (path / "saved_model.pb").is_file():
            raise ValueError(
                "path must be an existing .keras or .h5 file or SavedModel folder. "
                f"Received: '{path}'"
            )
        if not is_file:
            require_trust(path, trust)
        try:
            require_whole(path)
            network, shapes = _read(path)
        # A damaged file may raise anything in the libraries that read it.
        except Exception as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise ValueError(
                f"path must be an undamaged saved generator. Received: '{path}' ({reason})"
            ) from error
        self._set_up(network, noise, shapes, str(path))

    @classmethod
    def of_run(
        cls, model: dict[str, Any], file: str | Path, raw: bool = False, trust: bool = False
    ) -> "SavedGenerator":
        """A generator of a run, from any of its files.

        Args:
            model: "model" of the run's config.json.
            file: A whole generator, or a .weights.h5 of the run.
            raw: From a checkpoint, take the generator without averaging.
            trust: Of a SavedModel, as for the class.

        Raises:
            ValueError: If the options are not a model's, or the file cannot be read, belongs to
                another model or needs trust.
        """
        from gans import model_class

        if not str(file).endswith(".weights.h5"):
            return cls(file, model.get("noise", "normal"), trust)
        try:
            kind = model_class(model["method"])
            options = {name: value for name, value in model.items() if name not in NO_OPTIONS}
            with bounded_variables(Path(file), networks=3):  # the critic and the raw one too
                generator = kind.from_config(options).ema_generator
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                "model must be what a run writes into its config.json. "
                f"Received: one that gives {type(error).__name__}: {error}"
            ) from error
        load_generator_weights(generator, file, raw)
        self = cls.__new__(cls)
        shapes = (generator.input_shape, generator.output_shape)
        self._set_up(generator, model["noise"], shapes, str(file))
        return self

    def _set_up(self, network: Callable, noise: str, shapes: tuple, path: str) -> None:
        if isinstance(network, keras.Model) and not is_finite(network):
            raise ValueError(_not_finite(path, "weights"))
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
        self._network, self._path = network, path
        self.batch = tf.function(lambda x: to_bytes(_finite(network(x, training=False))),
                                 autograph=False)

    def generate(
        self, n: int, seed: int = 0, truncation: float | None = None, batch_size: int = 64,
        first: int = 0,
    ) -> np.ndarray:
        """Images `first` to `first + n` of a seed, uint8 [n, H, W, C] in 0..255.

        Arguments and errors are those of `utils.latent.sample`.
        """
        noise = sample(n, self.noise_dim, seed, self.noise, truncation, first)
        return self.images(noise, batch_size)

    def images(self, noise: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """The images of noise vectors.

        Args:
            noise: float32 [..., noise_dim], such as `utils.latent` makes.
            batch_size: Images made at a time.

        Returns:
            uint8 [..., H, W, C] in 0..255.

        Raises:
            ValueError: If the generator makes values that are not finite.
        """
        try:
            images = images_of(self.batch, noise.reshape(-1, self.noise_dim), batch_size)
        except tf.errors.InvalidArgumentError as error:
            if _NOT_FINITE not in error.message:
                raise
            raise ValueError(_not_finite(self._path, "images")) from None
        return images.reshape(*noise.shape[:-1], *self.image_shape)

    def keras_model(self) -> keras.Model:
        """The generator as a model, noise [N, noise_dim] to images [N, H, W, C] in [-1, 1].

        Raises:
            ValueError: If it was read from a SavedModel, which has no layers.
        """
        if not isinstance(self._network, keras.Model):
            raise ValueError(
                "GENERATOR must be a .keras or .h5 file or a run directory, to look into its "
                "layers. Received: a SavedModel"
            )
        return self._network

    def first_kernel(self) -> np.ndarray:
        """The weights K of the first layer, whose output is noise K + bias.

        Returns:
            float32 [noise_dim, outputs].

        Raises:
            ValueError: As `keras_model`, or if the first layer is neither dense nor a transpose
                convolution.
        """
        layer = self._first_layer()
        if isinstance(layer, keras.layers.Dense):
            return layer.kernel.numpy()
        return np.moveaxis(layer.kernel.numpy(), 3, 0).reshape(self.noise_dim, -1)

    def first_activations(self, noise: np.ndarray) -> np.ndarray:
        """The first layer's output for noise [N, noise_dim], normalized and activated.

        Raises:
            ValueError: As `first_kernel`.
        """
        model, first = self.keras_model(), self._first_layer()
        output = first.output
        for layer in model.layers[model.layers.index(first) + 1 :]:
            if hasattr(layer, "kernel"):
                break
            output = layer.output
        return np.asarray(keras.Model(model.input, output)(noise, training=False), np.float32)

    def _first_layer(self) -> keras.layers.Layer:
        layers = [layer for layer in self.keras_model().layers if layer.weights]
        known = keras.layers.Dense | keras.layers.Conv2DTranspose
        if not layers or not isinstance(layers[0], known):
            kind = type(layers[0]).__name__ if layers else "no layer with weights"
            raise ValueError(
                "GENERATOR must begin with a dense layer or a transpose convolution to find "
                f"directions in its noise. Received: one that begins with {kind}"
            )
        return layers[0]


def _finite(images: tf.Tensor) -> tf.Tensor:
    """The images; an error in the graph if they are not finite, which bytes would not show."""
    return tf.debugging.check_numerics(images, _NOT_FINITE)


def _not_finite(path: str, what: str) -> str:
    return (
        f"path must be a generator whose {what} are finite: take an earlier checkpoint (--step) or "
        f"the best generator (--best) of its run. Received: '{path}', whose training diverged or "
        "which was damaged"
    )


def _read(path: Path) -> tuple[Callable[[tf.Tensor], tf.Tensor], tuple]:
    """The network as a function, and its input and output shapes."""
    if path.is_dir():
        loaded = tf.saved_model.load(path)
        signature = loaded.signatures["serving_default"]
        taken = next(iter(signature.structured_input_signature[1].values())).shape
        given = next(iter(signature.structured_outputs.values())).shape
        # Not `loaded.serve` itself, which does not keep the variables alive.
        return lambda rows, training: loaded.serve(rows), (taken, given)
    network = load_network(path)
    return network, (network.input_shape, network.output_shape)
