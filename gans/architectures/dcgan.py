"""The DCGAN family: 4x4 kernels, stride 2, no hidden dense layers.

Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks" (https://arxiv.org/abs/1511.06434), generalized to every size
x * 2^n by y * 2^n. Widths at each doubling from the image inward: f, 2f, 4f, 8f, 8f, ...
"""

import keras
from keras import layers

from gans.architectures.blocks import (
    NORMALIZATIONS,
    check_normalization,
    generator_of,
    initialize_weights,
    ladder,
    normalization_layer,
)
from gans.architectures.sizes import first_block

BASE_FILTERS = 32
CRITIC_NORMALIZATIONS = NORMALIZATIONS


def critic_normalization(method: str, image_shape: tuple[int, int, int]) -> str:
    """The critic's default normalization for "wgan-gp", "wgan" or "dcgan".

    Batch normalization is the published form; the gradient penalty needs each image alone.
    """
    return "layer" if method == "wgan-gp" else "batch"


def build_generator(
    image_shape: tuple[int, int, int], noise_dim: int, base_filters: int = BASE_FILTERS,
    seed: int = 0,
) -> keras.Model:
    """Noise [N, noise_dim] -> images float32 [N, H, W, C] in [-1, 1].

    A projection to about 4x4, then a 4x4 stride-2 transpose convolution for each doubling; batch
    normalization and ReLU after each but the last; tanh.

    The last hidden layer has f filters; initial weights are the paper's: see `initialize_weights`.
    Arguments and errors: see `gans.architectures`.
    """
    x, y, doublings = first_block(*image_shape[:2])
    filters = ladder(base_filters, doublings, 8)[::-1]

    noise = keras.Input((noise_dim,), name="noise")
    h = layers.Dense(x * y * filters[0], use_bias=False, name="project")(noise)
    h = layers.Reshape((x, y, filters[0]))(h)
    for level, count in enumerate([*filters[1:], image_shape[2]], start=1):
        h = layers.ReLU()(normalization_layer("batch")(h))
        h = layers.Conv2DTranspose(count, 4, 2, "same", use_bias=level == doublings)(h)
    generator = generator_of(noise, h)
    initialize_weights(generator, seed)
    return generator


def build_critic(
    image_shape: tuple[int, int, int], base_filters: int = BASE_FILTERS,
    normalization: str = "layer", seed: int = 0,
) -> keras.Model:
    """Images [N, H, W, C] in [-1, 1] -> scores float32 [N, 1], unbounded.

    A 4x4 stride-2 convolution for each halving, normalization (not on the first) and
    LeakyReLU(0.2); then one dense score.

    The first layer has f filters; initial weights are the paper's: see `initialize_weights`.
    Arguments and errors: see `gans.architectures`.
    """
    _, _, halvings = first_block(*image_shape[:2])
    check_normalization(normalization, CRITIC_NORMALIZATIONS)

    images = keras.Input(image_shape, name="images")
    h = images
    for level, count in enumerate(ladder(base_filters, halvings, 8)):
        h = layers.Conv2D(count, 4, 2, "same")(h)
        if level > 0:
            h = normalization_layer(normalization)(h)
        h = layers.LeakyReLU(0.2)(h)
    h = layers.Flatten()(h)
    scores = layers.Dense(1, dtype="float32", name="score")(h)
    critic = keras.Model(images, scores, name="critic")
    initialize_weights(critic, seed)
    return critic
