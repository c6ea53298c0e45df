"""The wide 4x4 family without dense layers of a published WGAN-GP for CIFAR-10 and CelebA.

At 32x32 with 100 noise components it is the published design, generalized to every size x * 2^n by
y * 2^n: the x by y first block is the kernel of the generator's first and of the critic's last
convolution. Widths at each doubling from the image inward: f, 2f, 4f, 4f, ...
"""

import keras
from keras import layers

from gans.architectures.blocks import (
    NORMALIZATIONS,
    check_normalization,
    generator_of,
    initialize_weights,
    ladder,
    layer_seed,
    normalization_layer,
)
from gans.architectures.sizes import first_block
from gans.architectures.spectral import SpectralConv2D

BASE_FILTERS = 256
CRITIC_NORMALIZATIONS = (*NORMALIZATIONS, "published")


def critic_normalization(method: str, image_shape: tuple[int, int, int]) -> str:
    """The critic's default normalization: "instance", whatever the method."""
    return "instance"


def build_generator(
    image_shape: tuple[int, int, int], noise_dim: int, base_filters: int = BASE_FILTERS,
    seed: int = 0,
) -> keras.Model:
    """Noise [N, noise_dim] -> images float32 [N, H, W, C] in [-1, 1].

    The noise as a 1x1 image; a transpose convolution from it to the first block (about 4x4,
    stride 1, no padding), then a 4x4 stride-2 transpose convolution for each doubling; batch
    normalization and ReLU after each but the last; tanh.

    The last hidden layer has f filters; initial weights are DCGAN's: see `initialize_weights`.
    Arguments and errors: see `gans.architectures`.
    """
    x, y, doublings = first_block(*image_shape[:2])
    filters = ladder(base_filters, doublings, 4)[::-1]

    noise = keras.Input((noise_dim,), name="noise")
    h = layers.Reshape((1, 1, noise_dim))(noise)
    h = layers.Conv2DTranspose(filters[0], (x, y), 1, "valid")(h)
    for count in [*filters[1:], image_shape[2]]:
        h = layers.ReLU()(normalization_layer("batch")(h))
        h = layers.Conv2DTranspose(count, 4, 2, "same")(h)
    generator = generator_of(noise, h)
    initialize_weights(generator, seed)
    return generator


def build_critic(
    image_shape: tuple[int, int, int], base_filters: int = BASE_FILTERS,
    normalization: str = "instance", seed: int = 0,
) -> keras.Model:
    """Images [N, H, W, C] in [-1, 1] -> scores float32 [N, 1], unbounded.

    A 4x4 stride-2 convolution, normalization and LeakyReLU(0.2) for each halving; then one
    convolution without padding from the first block (about 4x4) to the score.

    The first layer has f filters; initial weights are DCGAN's. Arguments and errors: see
    `gans.architectures`. The normalization "instance" is the published paper's form; "published",
    the published code's, also divides the kernels of all convolutions but the first and the last by
    their spectral norm.
    """
    x, y, halvings = first_block(*image_shape[:2])
    check_normalization(normalization, CRITIC_NORMALIZATIONS)
    spectral = normalization == "published"

    images = keras.Input(image_shape, name="images")
    h = images
    for level, count in enumerate(ladder(base_filters, halvings, 4)):
        if spectral and level > 0:
            own = layer_seed(seed, level)
            h = SpectralConv2D(count, 4, strides=2, padding="same", seed=own)(h)
        else:
            h = layers.Conv2D(count, 4, 2, "same")(h)
        h = normalization_layer("instance" if spectral else normalization)(h)
        h = layers.LeakyReLU(0.2)(h)
    h = layers.Conv2D(1, (x, y), 1, "valid", dtype="float32")(h)
    scores = layers.Reshape((1,), dtype="float32", name="score")(h)
    critic = keras.Model(images, scores, name="critic")
    initialize_weights(critic, seed)
    return critic
