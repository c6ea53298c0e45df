"""The 5x5 family of a published WGAN for anime faces, generalized to other sizes.

At 64x64x3 with 128 noise components and 32 base filters it is the published design, with its
11,971,779 generator and 4,363,585 critic parameters. Widths at each doubling from the image inward:
2f, 4f, 8f, 16f, 16f, ... in the generator; f, 2f, 4f, 8f, 16f, 16f, ... in the critic.
"""

import keras
from keras import layers

from gans.architectures.blocks import (
    NORMALIZATIONS,
    check_normalization,
    generator_of,
    glorot_uniform,
    ladder,
    normalization_layer,
)
from gans.architectures.sizes import first_block

BASE_FILTERS = 32
CRITIC_NORMALIZATIONS = NORMALIZATIONS


def critic_normalization(method: str, image_shape: tuple[int, int, int]) -> str:
    """The critic's default normalization: none, whatever the method, as published."""
    return "none"


def build_generator(
    image_shape: tuple[int, int, int], noise_dim: int, base_filters: int = BASE_FILTERS,
    seed: int = 0,
) -> keras.Model:
    """Noise [N, noise_dim] -> images float32 [N, H, W, C] in [-1, 1].

    Dense to about 4x4x16f, then BatchNorm - ReLU - 5x5 Conv2DTranspose blocks: one at stride 2
    for each doubling and two more at stride 1 (f filters, then C); tanh.

    The last hidden layer has f filters; initial weights are Glorot uniform, the published code's
    default. Arguments and errors: see `gans.architectures`.
    """
    x, y, doublings = first_block(*image_shape[:2])
    upsampling = ladder(2 * base_filters, doublings, 8)[::-1]

    noise = keras.Input((noise_dim,), name="noise")
    h = layers.Dense(x * y * upsampling[0], kernel_initializer=glorot_uniform(seed, 0))(noise)
    h = layers.Reshape((x, y, upsampling[0]))(h)
    for index, count in enumerate([*upsampling, base_filters, image_shape[2]], start=1):
        h = layers.ReLU()(normalization_layer("batch")(h))
        strides, kernel = 2 if index <= doublings else 1, glorot_uniform(seed, index)
        h = layers.Conv2DTranspose(count, 5, strides, "same", kernel_initializer=kernel)(h)
    return generator_of(noise, h)


def build_critic(
    image_shape: tuple[int, int, int], base_filters: int = BASE_FILTERS,
    normalization: str = "none", seed: int = 0,
) -> keras.Model:
    """Images [N, H, W, C] in [-1, 1] -> scores float32 [N, 1], unbounded.

    LeakyReLU(0.2) - 5x5 Conv2D blocks, one at stride 2 for each halving and a last one at stride
    1; flatten; dense 1, linear. The first LeakyReLU acts on the image, as published.

    The first layer has f filters; each convolution but the first is normalized ("none" as
    published); initial weights are Glorot uniform. Arguments and errors: see `gans.architectures`.
    """
    _, _, halvings = first_block(*image_shape[:2])
    check_normalization(normalization, CRITIC_NORMALIZATIONS)

    images = keras.Input(image_shape, name="images")
    h = images
    for level, count in enumerate(ladder(base_filters, halvings + 1, 16)):
        h = layers.LeakyReLU(0.2)(h)
        strides, kernel = 2 if level < halvings else 1, glorot_uniform(seed, level)
        h = layers.Conv2D(count, 5, strides, "same", kernel_initializer=kernel)(h)
        if level > 0:
            h = normalization_layer(normalization)(h)
    h = layers.Flatten()(h)
    kernel = glorot_uniform(seed, halvings + 1)
    scores = layers.Dense(1, dtype="float32", kernel_initializer=kernel, name="score")(h)
    return keras.Model(images, scores, name="critic")
