"""The residual networks of the WGAN-GP paper.

Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", appendix F
(https://arxiv.org/abs/1704.00028), without labels. Two forms: with fewer than four doublings the
one for CIFAR-10 (published at 32x32 with f = 128), with more the one for 64x64 pixels (published
with 64 "dim", which is f = 128 here), each generalized to every size x * 2^n by y * 2^n.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import keras
from keras import layers

from gans.architectures.blocks import (
    NORMALIZATIONS,
    check_normalization,
    generator_of,
    layer_seed,
    normalization_layer,
)
from gans.architectures.sizes import first_block

BASE_FILTERS = 128
CRITIC_NORMALIZATIONS = NORMALIZATIONS


def critic_normalization(method: str, image_shape: tuple[int, int, int]) -> str:
    """The critic's default normalization, whatever the method: as published for the size."""
    return "layer" if _is_large(first_block(*image_shape[:2])[2]) else "none"


def _is_large(doublings: int) -> bool:
    """Whether images with this many doublings have the 64x64 form."""
    return doublings >= 4


def _filters(base_filters: int, level: int) -> int:
    """Filters of the 64x64 form, `level` doublings in from the image: f/2, f, 2f, 4f, 4f, ..."""
    return max(base_filters * 2 ** min(level, 3) // 2, 1)


def _seeds(seed: int) -> Iterator[int]:
    return (layer_seed(seed, index) for index in itertools.count())


def _scaling(seeds: Iterator[int], scale: float = 1.0) -> keras.Initializer:
    """Uniform with variance 2 scale / (fan_in + fan_out); with scale 1 it is Glorot's."""
    return keras.initializers.VarianceScaling(scale, "fan_avg", "uniform", seed=next(seeds))


def _convolution(filters: int, size: int, seeds: Iterator[int], scale: float = 1.0, **options: Any):
    kernel = _scaling(seeds, scale)
    return layers.Conv2D(filters, size, padding="same", kernel_initializer=kernel, **options)


def _residual_block(
    h: keras.KerasTensor, filters: int, normalization: str, seeds: Iterator[int],
    resample: str | None = None, first_bias: bool = True,
) -> keras.KerasTensor:
    """norm - ReLU - 3x3 - norm - ReLU - 3x3, plus the input, at twice ("up") or half the size.

    Up-sampling repeats each pixel before the first convolution, down-sampling takes the mean of 2x2
    pixels after the second. The shortcut is a 1x1 convolution where size or width changes. It
    commutes with both, so it is computed where the image is small: a quarter of the work.
    """
    width, shortcut = h.shape[-1], h
    if resample == "down":
        shortcut = layers.AveragePooling2D(2)(shortcut)
    if resample is not None or width != filters:
        shortcut = _convolution(filters, 1, seeds)(shortcut)
    if resample == "up":
        shortcut = layers.UpSampling2D(2)(shortcut)

    h = layers.ReLU()(normalization_layer(normalization)(h))
    if resample == "up":
        h = layers.UpSampling2D(2)(h)
    hidden = width if resample == "down" else filters
    h = _convolution(hidden, 3, seeds, scale=2.0, use_bias=first_bias)(h)
    h = layers.ReLU()(normalization_layer(normalization)(h))
    h = _convolution(filters, 3, seeds, scale=2.0)(h)
    if resample == "down":
        h = layers.AveragePooling2D(2)(h)
    return layers.Add()([shortcut, h])


def _first_block_of_small_critic(
    images: keras.KerasTensor, filters: int, seeds: Iterator[int]
) -> keras.KerasTensor:
    """A residual block at half the size that leaves the image itself as it is: no first ReLU."""
    shortcut = _convolution(filters, 1, seeds)(layers.AveragePooling2D(2)(images))
    h = layers.ReLU()(_convolution(filters, 3, seeds, scale=2.0)(images))
    h = _convolution(filters, 3, seeds, scale=2.0)(h)
    return layers.Add()([shortcut, layers.AveragePooling2D(2)(h)])


def build_generator(
    image_shape: tuple[int, int, int], noise_dim: int, base_filters: int = BASE_FILTERS,
    seed: int = 0,
) -> keras.Model:
    """Noise [N, noise_dim] -> images float32 [N, H, W, C] in [-1, 1].

    Dense to about 4x4, a residual block with batch normalization for each doubling, batch
    normalization, ReLU, a 3x3 convolution to the image, tanh. Filters: f everywhere in the 32x32
    form; f/2, f, 2f, 4f, 4f, ... from the image inward in the 64x64 form.

    Initial weights are uniform, of variance 4 / (fan_in + fan_out) for the 3x3 convolutions inside
    residual blocks and half of it elsewhere. Arguments and errors: see `gans.architectures`.
    """
    x, y, doublings = first_block(*image_shape[:2])
    large = _is_large(doublings)
    filters = [_filters(base_filters, level) if large else base_filters
               for level in reversed(range(doublings))]
    seeds = _seeds(seed)

    noise = keras.Input((noise_dim,), name="noise")
    h = layers.Dense(x * y * filters[0], kernel_initializer=_scaling(seeds))(noise)
    h = layers.Reshape((x, y, filters[0]))(h)
    for count in filters:
        h = _residual_block(h, count, "batch", seeds, "up", first_bias=not large)
    h = layers.ReLU()(normalization_layer("batch")(h))
    h = _convolution(image_shape[2], 3, seeds)(h)
    return generator_of(noise, h)


def build_critic(
    image_shape: tuple[int, int, int], base_filters: int = BASE_FILTERS,
    normalization: str | None = None, seed: int = 0,
) -> keras.Model:
    """Images [N, H, W, C] in [-1, 1] -> scores float32 [N, 1], unbounded.

    32x32 form, all of f filters: a residual block that halves the image, without normalization;
    further ones until n - 1 halvings are done; two without halving; ReLU; the mean over H and W;
    dense 1, linear. 64x64 form: a 3x3 convolution to f/2 filters; a residual block of f, 2f, 4f,
    4f, ... filters for each halving; flatten; dense 1, linear.

    Initial weights are as the generator's. Arguments and errors: see `gans.architectures`. The
    normalization is in the residual blocks; None takes `critic_normalization`, as published.
    """
    _, _, halvings = first_block(*image_shape[:2])
    if normalization is None:
        normalization = critic_normalization("wgan-gp", image_shape)
    check_normalization(normalization, CRITIC_NORMALIZATIONS)
    seeds = _seeds(seed)

    images = keras.Input(image_shape, name="images")
    if _is_large(halvings):
        h = _convolution(_filters(base_filters, 0), 3, seeds)(images)
        for level in range(1, halvings + 1):
            # The published blocks have no bias that a normalization would undo.
            h = _residual_block(h, _filters(base_filters, level), normalization, seeds, "down",
                                first_bias=normalization == "none")
        h = layers.Flatten()(h)
    else:
        h = _first_block_of_small_critic(images, base_filters, seeds)
        for resample in ["down"] * (halvings - 2) + [None, None]:
            h = _residual_block(h, base_filters, normalization, seeds, resample)
        h = layers.GlobalAveragePooling2D()(layers.ReLU()(h))
    scores = layers.Dense(1, dtype="float32", kernel_initializer=_scaling(seeds), name="score")(h)
    return keras.Model(images, scores, name="critic")
