"""Layers that several architectures share."""

import itertools
from collections.abc import Callable, Iterator

import keras

NORMALIZATIONS = ("none", "batch", "layer", "instance")


def normal_initializers(seed: int, stddev: float = 0.02) -> Iterator[keras.Initializer]:
    """Endless normal(0, stddev) initializers, each with a seed of its own drawn from `seed`.

    One seeded initializer would give equal weights to all layers of one shape.
    """
    for index in itertools.count():
        yield keras.initializers.RandomNormal(0.0, stddev, seed=layer_seed(seed, index))


def layer_seed(seed: int, index: int) -> int:
    """The initializer seed of a network's `index`-th layer: different for each, below 2**31."""
    return (seed * 1_000_003 + index) % (2**31 - 1)


def normalization_layer(name: str) -> Callable:
    """A normalisation layer by name, or the identity for "none".

    "layer" (over H, W and C with one gain and bias a channel, as in the WGAN-GP reference code)
    and "instance" (over H and W) treat each image alone, which the gradient penalty needs;
    "batch" mixes the images of a batch.

    Raises:
        ValueError: If `name` is not one of `NORMALIZATIONS`.
    """
    if name == "none":
        return lambda images: images
    if name == "batch":
        return keras.layers.BatchNormalization()
    if name == "layer":
        return keras.layers.GroupNormalization(groups=1)
    if name == "instance":
        return keras.layers.GroupNormalization(groups=-1)
    raise ValueError(
        f"normalization must be one of {', '.join(NORMALIZATIONS)}. Received: {name!r}"
    )
