"""The Inception-v3 network that defines the Fréchet inception distance, in Keras.

It is the network of TensorFlow's classify_image_graph_def.pb of 2015, which is not the Inception-v3
of keras.applications: average pools do not count the padding, the last block has a max pool in its
pool branch, and there are 1008 classes.

References: Szegedy et al. 2016 (https://arxiv.org/abs/1512.00567); Heusel et al. 2017, who took
its 2,048 pool features for the FID (https://arxiv.org/abs/1706.08500).
"""

import functools
import itertools
from collections.abc import Iterator, Mapping

import keras
import numpy as np
from keras import layers

INPUT_SIZE = 299
FEATURES = 2048
CLASSES = 1008
EPSILON = 1e-3  # of the batch normalizations

# What a branch does, one after another: a convolution (height, width, filters, stride), a pool,
# or a split into convolutions side by side. Stride 2 has no padding, stride 1 keeps the size.
_AVERAGE, _MAX, _MAX_STRIDE_2 = "average", "max", "max, stride 2"
_SPLIT = [(1, 3, 384, 1), (3, 1, 384, 1)]


def _block_35(pool_filters: int) -> dict[str, list]:
    return {
        "": [(1, 1, 64, 1)],
        "tower": [(1, 1, 48, 1), (5, 5, 64, 1)],
        "tower_1": [(1, 1, 64, 1), (3, 3, 96, 1), (3, 3, 96, 1)],
        "tower_2": [_AVERAGE, (1, 1, pool_filters, 1)],
    }


def _block_17(filters: int) -> dict[str, list]:
    row, column = (1, 7, filters, 1), (7, 1, filters, 1)
    return {
        "": [(1, 1, 192, 1)],
        "tower": [(1, 1, filters, 1), row, (7, 1, 192, 1)],
        "tower_1": [(1, 1, filters, 1), column, row, column, (1, 7, 192, 1)],
        "tower_2": [_AVERAGE, (1, 1, 192, 1)],
    }


def _block_8(pool: str) -> dict[str, list]:
    return {
        "": [(1, 1, 320, 1)],
        "tower": [(1, 1, 384, 1), _SPLIT],
        "tower_1": [(1, 1, 448, 1), (3, 3, 384, 1), _SPLIT],
        "tower_2": [pool, (1, 1, 192, 1)],
    }


_BLOCKS = {  # their branches, by node names of the frozen graph, in the order of concatenation
    "mixed": _block_35(32),
    "mixed_1": _block_35(64),
    "mixed_2": _block_35(64),
    "mixed_3": {
        "": [(3, 3, 384, 2)],
        "tower": [(1, 1, 64, 1), (3, 3, 96, 1), (3, 3, 96, 2)],
        "pool": [_MAX_STRIDE_2],
    },
    "mixed_4": _block_17(128),
    "mixed_5": _block_17(160),
    "mixed_6": _block_17(160),
    "mixed_7": _block_17(192),
    "mixed_8": {
        "tower": [(1, 1, 192, 1), (3, 3, 320, 2)],
        "tower_1": [(1, 1, 192, 1), (1, 7, 192, 1), (7, 1, 192, 1), (3, 3, 192, 2)],
        "pool": [_MAX_STRIDE_2],
    },
    "mixed_9": _block_8(_AVERAGE),
    "mixed_10": _block_8(_MAX),
}


def build_inception() -> keras.Model:
    """The network without weights: images [N, 299, 299, 3], (x - 128) / 128, to features [N, 2048].

    The batch normalizations are part of the convolutions: see `set_weights`.
    """
    images = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="images")
    h = _convolution(images, "conv", 3, 3, 32, 2, "valid")
    h = _convolution(h, "conv_1", 3, 3, 32, 1, "valid")
    h = _convolution(h, "conv_2", 3, 3, 64, 1)
    h = layers.MaxPooling2D(3, 2)(h)
    h = _convolution(h, "conv_3", 1, 1, 80, 1)
    h = _convolution(h, "conv_4", 3, 3, 192, 1, "valid")
    h = layers.MaxPooling2D(3, 2)(h)
    for block, branches in _BLOCKS.items():
        outputs = []
        for tower, operations in branches.items():
            outputs += _branch(h, f"{block}/{tower}".rstrip("/"), operations)
        h = layers.Concatenate()(outputs)
    return keras.Model(images, layers.GlobalAveragePooling2D()(h), name="inception_2015")


def _branch(h: keras.KerasTensor, scope: str, operations: list) -> list[keras.KerasTensor]:
    """The outputs of a branch: one, or two where it ends in a split."""
    convolutions = _scope_names(f"{scope}/conv")
    for operation in operations:
        if operation == _AVERAGE:
            # TensorFlow divides by the number of pixels inside the image, as required here.
            h = layers.AveragePooling2D(3, 1, "same")(h)
        elif operation == _MAX:
            h = layers.MaxPooling2D(3, 1, "same")(h)
        elif operation == _MAX_STRIDE_2:
            h = layers.MaxPooling2D(3, 2)(h)
        elif operation == _SPLIT:
            names = _scope_names(f"{scope}/mixed/conv")
            return [_convolution(h, next(names), *shape) for shape in _SPLIT]
        else:
            h = _convolution(h, next(convolutions), *operation)
    return [h]


def _scope_names(name: str) -> Iterator[str]:
    """conv, conv_1, conv_2, ...: as TensorFlow names the nodes of a graph."""
    return (f"{name}_{count}" if count else name for count in itertools.count())


def _convolution(h: keras.KerasTensor, name: str, height: int, width: int, filters: int,
                 stride: int, padding: str | None = None) -> keras.KerasTensor:
    padding = padding or ("same" if stride == 1 else "valid")
    name = name.replace("/", ".")  # not allowed in Keras names
    return layers.Conv2D(filters, (height, width), stride, padding, activation="relu", name=name)(h)


@functools.cache
def layer_names() -> tuple[str, ...]:
    """Node names of the 94 convolutions in the frozen graph, in the order of definition."""
    names = ["conv", "conv_1", "conv_2", "conv_3", "conv_4"]
    for block, branches in _BLOCKS.items():
        for tower, operations in branches.items():
            scope = f"{block}/{tower}".rstrip("/")
            count = sum(isinstance(operation, tuple) for operation in operations)
            names += itertools.islice(_scope_names(f"{scope}/conv"), count)
            if _SPLIT in operations:
                names += itertools.islice(_scope_names(f"{scope}/mixed/conv"), len(_SPLIT))
    return tuple(names)


def set_weights(network: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Fills the network, each batch normalization being folded into its convolution.

    relu(gamma * (conv(x) - mean) / sqrt(variance + 1e-3) + beta) is a convolution with a scaled
    kernel and a bias. The result is the same to rounding, and a third of the work between the
    products is saved.

    Args:
        network: The network of `build_inception`.
        arrays: "NAME/kernel" [h, w, in, out] and "NAME/gamma", "/beta", "/moving_mean" and
            "/moving_variance" [out] for each name of `layer_names`; others are ignored.

    Raises:
        ValueError: If an array is missing, has another shape, is not finite, or is a variance below
            0.
    """
    for name in layer_names():
        layer = network.get_layer(name.replace("/", "."))
        shape = tuple(layer.kernel.shape)
        kernel, gamma, beta, mean, variance = (
            _array(arrays, f"{name}/{part}", shape if part == "kernel" else shape[3:])
            for part in ("kernel", "gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        layer.kernel.assign(kernel * scale)
        layer.bias.assign(beta - mean * scale)


def _array(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(arrays[name]) if name in arrays else None
    if array is None:
        received = "none"
    elif array.dtype.kind not in "fiu":
        received = f"{array.dtype} instead of numbers"
    elif array.shape != shape:
        received = f"shape {array.shape}"
    elif not np.isfinite(array).all():
        received = "numbers that are not finite"
    elif name.endswith("variance") and array.min() < 0:
        received = "numbers below 0"
    else:
        return array.astype(np.float64)
    raise ValueError(f"inception_weights must hold {name}, finite, of shape {shape}. Received: "
                     f"{received}")
