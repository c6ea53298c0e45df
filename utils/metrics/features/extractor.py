"""From images to features: the Inception network of the FID, or any Keras model."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from utils.checks import one_of
from utils.data.array_rows import filled
from utils.files import expanded
from utils.foreign_networks import load_network
from utils.metrics.distances import spans
from utils.metrics.features import inception
from utils.metrics.features.inception_weights import one_line, read_inception_weights
from utils.metrics.features.resizing import RESIZE_MODES, resize


class FeatureExtractor:
    """Features of uint8 images by one network, after one kind of resize.

    Args:
        network: Turns images float32 [N, H, W, C] in 0..255, H and W given or None, into one array.
        name: Its name in results.
        sha256: Digest of the file that its weights were read from.
        resize_mode: "tf1" or "clean": see `utils.metrics.features.resizing`.
        is_fid: Whether the weights are those that define the FID: only then is a result called FID
            or Inception Score.
        head: float32 [D, K]: the class logits are features @ head. None without logits.
        batch_size: Images at a time.

    Attributes:
        dimensions: D, the length of a feature vector.
    """

    def __init__(self, network: keras.Model, name: str, sha256: str, resize_mode: str = "tf1",
                 is_fid: bool = False, head: np.ndarray | None = None, batch_size: int = 32):
        one_of(*RESIZE_MODES).check("resize_mode", resize_mode)
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more. Received: {batch_size}")
        _, *size, channels = network.input_shape
        self.name, self.sha256, self.resize_mode = name, sha256, resize_mode
        self.is_fid, self.head, self.batch_size = is_fid, head, batch_size
        self.dimensions = int(np.prod(network.output_shape[1:]))
        self._size, self._channels = tuple(size), channels

        @tf.function(autograph=False)  # one trace, because every batch is whole
        def run(images: tf.Tensor) -> tf.Tensor:
            return tf.reshape(network(images, training=False), (batch_size, -1))

        self._run = run

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """uint8 [N, H, W, C], C 1 or 3, to features float32 [N, D].

        Raises:
            ValueError: If the images are not of this kind, a batch does not fit in memory, or a
                feature is not finite.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise ValueError("images must be uint8 [N, H, W, C] with C 1 or 3. Received: "
                             f"{images.dtype} {list(images.shape)}")
        if images.shape[-1] == 1 and self._channels == 3:
            images = images.repeat(3, axis=-1)
        if images.shape[-1] != self._channels:
            raise ValueError(
                f"images must have {self._channels} channel for the feature network {self.name}: "
                f"prepare them with to_grayscale. Received: {images.shape[-1]} channels"
            )
        features = np.empty((len(images), self.dimensions), np.float32)
        size = images.shape[1:3] if None in self._size else self._size
        try:
            for rows in spans(len(images), self.batch_size):
                batch = filled(resize(images[rows], size, self.resize_mode), self.batch_size)
                with _exact_float32():
                    features[rows] = self._run(batch).numpy()[: rows.stop - rows.start]
        except tf.errors.ResourceExhaustedError as error:
            raise ValueError(f"batch_size must be low enough for the memory that {self.name} "
                             f"needs: lower it. Received: {self.batch_size}") from error
        if not np.isfinite(features).all():
            raise ValueError("the feature network must give finite features: take other weights. "
                             f"Received: NaN or infinity for some image from {self.name}")
        return features

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Class logits float32 [N, K], without bias, of features [N, D]."""
        return features @ self.head

    def protocol(self) -> dict[str, Any]:
        """What a result must state about it."""
        return {
            "extractor": self.name,
            "fid_weights": self.is_fid,
            "weights_sha256": self.sha256,
            "resize_mode": self.resize_mode,
            "feature_size": None if None in self._size else list(self._size),
            "dimensions": self.dimensions,
        }


@contextlib.contextmanager
def _exact_float32() -> Iterator[None]:
    """Keeps recent GPUs from rounding float32 products to 10 bits, which would change features."""
    rounded = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(rounded)


def open_extractor(features: str | Path | None = None, inception_weights: str | Path | None = None,
                   resize_mode: str = "tf1", batch_size: int = 32) -> FeatureExtractor:
    """`keras_extractor` of features where they are given, else `inception_extractor`."""
    if features is not None:
        return keras_extractor(features, resize_mode, batch_size)
    return inception_extractor(inception_weights, resize_mode, batch_size)


def inception_extractor(weights: str | Path | None = None, resize_mode: str = "tf1",
                        batch_size: int = 32) -> FeatureExtractor:
    """The FID's network with 2,048 pool features.

    Args:
        weights: As for `read_inception_weights`.
        resize_mode: "tf1" (the FID's own) or "clean".
        batch_size: Images at a time.

    Raises:
        ValueError: As `read_inception_weights`, or if the weights do not fit.
    """
    weights = read_inception_weights(weights)
    network = inception.build_inception()
    inception.set_weights(network, weights.arrays)
    images = keras.Input(network.input_shape[1:])
    scaled = keras.Model(images, network((images - 128.0) / 128.0))
    return FeatureExtractor(scaled, weights.name, weights.sha256, resize_mode, weights.is_fid,
                            weights.head, batch_size)


def keras_extractor(path: str | Path, resize_mode: str = "tf1",
                    batch_size: int = 32) -> FeatureExtractor:
    """A saved Keras model as the feature extractor; its output is flattened.

    Args:
        path: A .keras file: images float32 [N, H, W, C] in 0..255 to one array. Scaling that the
            model needs must be part of it (`keras.layers.Rescaling`). Its code is not run: a model
            with Lambda layers is refused.
        resize_mode: "tf1" or "clean", to the model's own input size if it has one.
        batch_size: Images at a time.

    Raises:
        ValueError: If the file is missing, or cannot be read or used.
    """
    path = expanded(path, "features")
    if path.suffix != ".keras" or not path.is_file():
        raise ValueError(f"features must be an existing .keras file. Received: '{path}'")
    try:
        network = load_network(path)
    # A damaged file may raise anything in the libraries that read it.
    except Exception as error:
        raise ValueError(f"features must be an undamaged Keras model. Received: '{path}' "
                         f"({one_line(error)})") from error
    shapes = [getattr(network, name, None) for name in ("input_shape", "output_shape")]
    images, output = (shape if isinstance(shape, tuple) else () for shape in shapes)
    is_of_images = len(images) == 4 and images[3] in (1, 3) and images[1:3].count(None) != 1
    if not is_of_images or len(output) < 2 or None in output[1:]:
        raise ValueError(
            "features must be a model of images [N, H, W, C], C 1 or 3, with one output of a fixed "
            f"size. Received: '{path}' with input {shapes[0]} and output {shapes[1]}"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return FeatureExtractor(network, path.stem, digest, resize_mode, batch_size=batch_size)
