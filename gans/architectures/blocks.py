"""Layers and initial weights that several architectures share."""

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from gans.architectures.batch_norm import BatchNormalization

NORMALIZATIONS = ("none", "batch", "layer", "instance")
# The papers' codes use it too. Keras' 1e-3 exceeds the variance that remains in a critic whose
# weights are clipped to 0.01: such a critic tells nothing apart for hundreds of updates.
EPSILON = 1e-5
_KERNELS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Dense)


def layer_seed(seed: int, index: int) -> int:
    """The initializer seed of a network's `index`-th layer: different for each, below 2**31."""
    return (seed * 1_000_003 + index) % (2**31 - 1)


def glorot_uniform(seed: int, index: int) -> keras.Initializer:
    """Keras' default initial kernel, for a network's `index`-th layer.

    One seeded initializer would give equal weights to all layers of one shape.
    """
    return keras.initializers.GlorotUniform(seed=layer_seed(seed, index))


def initialize_weights(model: keras.Model, seed: int = 0) -> None:
    """Gives one network DCGAN's initial weights, in place.

    Radford, Metz and Chintala 2016, section 4 (https://arxiv.org/abs/1511.06434): kernels of 2-D
    convolutions and transpose convolutions are drawn from normal(0, 0.02), and so are those of
    dense layers, which are convolutions of a 1x1 image. Gains of batch normalization are drawn from
    normal(1, 0.02), as in the paper's code. All biases of these layers become 0. Other layers stay
    as they are: a gain of layer or instance normalization stays 1.

    Args:
        model: A built model; models inside it are included.
        seed: Not negative. Each layer's draw is a function of (seed, position of the layer).

    Raises:
        ValueError: If the seed is negative, or the model or one of its layers has no weights yet.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative. Received: {seed}")
    for index, layer in enumerate(_leaves(model)):
        if not layer.built:
            raise ValueError(
                "model must be built before its weights are set: call it once, or call "
                f"model.build(input_shape). Received: {model.name!r}, whose {layer.name!r} is not "
                "built"
            )
        if isinstance(layer, _KERNELS):
            weight, mean, bias = layer.kernel, 0.0, layer.bias
        elif isinstance(layer, keras.layers.BatchNormalization):
            weight, mean, bias = layer.gamma, 1.0, layer.beta
        else:
            continue
        if weight is not None:  # batch normalization may lack a gain
            draw = np.random.default_rng([seed, index]).standard_normal(weight.shape, np.float32)
            weight.assign(np.float32(mean) + np.float32(0.02) * draw)
        if bias is not None:
            bias.assign(np.zeros(bias.shape, np.float32))


def ladder(base_filters: int, doublings: int, largest: int) -> list[int]:
    """Filters from the image inward, doubled up to `largest` times the first."""
    return [base_filters * min(2**level, largest) for level in range(doublings)]


def generator_of(noise: keras.KerasTensor, h: keras.KerasTensor) -> keras.Model:
    """The model from noise to tanh of the last feature maps."""
    # float32 in every precision: these images are what people and metrics see.
    images = keras.layers.Activation("tanh", dtype="float32", name="images")(h)
    return keras.Model(noise, images, name="generator")


def _leaves(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def check_normalization(name: str, names: Sequence[str] = NORMALIZATIONS) -> None:
    """Raises a ValueError unless `name` is one of a family's normalizations, `names`."""
    if name not in names:
        raise ValueError(f"normalization must be one of {', '.join(names)}. Received: {name!r}")


def normalization_layer(name: str) -> Callable:
    """A normalization layer by name, or the identity for "none".

    "layer" (over H, W and C with one gain and bias a channel, as in the WGAN-GP reference code)
    and "instance" (over H and W) treat each image alone, which the gradient penalty needs;
    "batch" mixes the images of a batch.

    Raises:
        ValueError: If `name` is not one of `NORMALIZATIONS`.
    """
    check_normalization(name)
    if name == "none":
        return lambda images: images
    if name == "batch":
        return BatchNormalization(epsilon=EPSILON)
    groups = 1 if name == "layer" else -1
    return keras.layers.GroupNormalization(groups=groups, epsilon=EPSILON)


def synchronize_batch_norm(model: keras.Model) -> None:
    """Lets a network's batch normalization take its statistics over all replicas, in place."""
    for layer in _leaves(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
