"""The generator in the formats of other programs, written only if these can run it."""

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from utils.files import UNFINISHED, full_disk_named, lack_of_room
from utils.latent import sample
from utils.process import quiet_stderr

EXAMPLES = 16  # noise vectors that are compared
TOLERANCE = 1e-4  # of images in [-1, 1]


class _Format(NamedTuple):
    """A format: the ending of its files, the packages it needs, and how to run such a file."""

    ending: str
    packages: tuple[str, ...]
    run: Callable[[Path, np.ndarray], np.ndarray]


def _run_onnx(path: Path, noise: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: noise})[0]


def _run_litert(path: Path, noise: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path)).get_signature_runner()
    (name,) = runner.get_input_details()
    (images,) = runner(**{name: noise}).values()
    return images


FORMATS = {  # by their names in Keras' export
    "onnx": _Format(".onnx", ("onnx", "tf2onnx", "onnxruntime"), _run_onnx),
    "litert": _Format(".tflite", ("ai_edge_litert",), _run_litert),
}


def export_generator(generator: keras.Model, path: str | Path) -> float:
    """Writes a generator as ONNX or LiteRT, after running the file and comparing images with Keras.

    Weights and arithmetic of the file are float32. A mixed-precision generator is exported, and
    compared, as its float32 copy.

    Args:
        generator: Noise float32 [N, noise_dim] to images [N, H, W, C] in [-1, 1].
        path: Ends in .onnx or .tflite.

    Returns:
        The largest absolute difference of 16 images, below 1e-4.

    Raises:
        ValueError: If the ending is unknown, a package that the format needs is not installed, the
            format cannot hold this generator, or its images differ.
        DiskFullError: If there is no room for the file.
    """
    path, names = Path(path), {form.ending: name for name, form in FORMATS.items()}
    name = names.get(path.suffix)
    if name is None:
        raise ValueError(f"path must end in {', '.join(names)}. Received: '{path}'")
    require_packages(name)
    noise = sample(EXAMPLES, generator.input_shape[1])
    in_float32 = _in_float32(generator)
    expected = np.asarray(in_float32(noise, training=False))
    if all(layer.compute_dtype == "float32" for layer in generator.layers):
        expected = np.asarray(generator(noise, training=False))
    with (
        full_disk_named(path),
        tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent) as folder,
    ):
        written = Path(folder) / path.name
        try:
            with quiet_stderr():
                in_float32.export(written, format=name, verbose=False)
                images = FORMATS[name].run(written, noise)
        # Converters raise all kinds of errors for operations that they do not know.
        except Exception as error:
            if lack_of_room(error):
                raise
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            message = f"export to {name} failed for this generator. Received: {reason}"
            raise ValueError(message) from error
        difference = float(np.abs(images - expected).max())
        if not difference < TOLERANCE:  # NaN compares as false
            raise ValueError(
                f"export to {name} failed for this generator: its images must be those of Keras. "
                f"Received: a difference of up to {difference:.2g}"
            )
        written.replace(path)
    print(f"{path}: images differ from those of Keras by at most {difference:.1g}")
    return difference


def require_packages(name: str) -> None:
    """Raises ValueError if a package that a format of this name needs is not installed."""
    missing = [each for each in FORMATS[name].packages if not importlib.util.find_spec(each)]
    if missing:
        packages = " ".join(missing).replace("_", "-")
        raise ValueError(f"export to {name} needs more packages: pip install {packages}")


class _Upsampling(keras.layers.Layer):
    """Nearest-neighbor upsampling by whole factors as one operation.

    Keras' own is two repetitions. After them LiteRT no longer knows the shape, and leaves the next
    convolution to TensorFlow, which is not there.
    """

    def __init__(self, size: tuple[int, int], **options: Any):
        super().__init__(**options)
        self.size = size

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        height, width = inputs.shape[1:3]
        return tf.image.resize(inputs, (self.size[0] * height, self.size[1] * width), "nearest")


def _in_float32(generator: keras.Model) -> keras.Model:
    """The same generator, float32 in every layer: onnxruntime knows no mixed bfloat16."""

    def layer_in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest":
            return _Upsampling(layer.size, name=layer.name)
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    clone = keras.models.clone_model(generator, clone_function=layer_in_float32)
    clone.set_weights(generator.get_weights())
    return clone
