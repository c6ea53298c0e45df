"""The 64-filter family of a published WGAN-GP for folders of any images.

Every hidden layer has the same few filters, so the networks grow with the size by a constant
number of weights a doubling. At 32 to 256 pixels and 100 noise components, with normalization
"published", they have the published design's parameter counts.
"""

import itertools

import keras
from keras import layers

from gans.architectures.blocks import (
    EPSILON,
    NORMALIZATIONS,
    check_normalization,
    generator_of,
    glorot_uniform,
    normalization_layer,
)
from gans.architectures.sizes import first_block

BASE_FILTERS = 64
CRITIC_NORMALIZATIONS = (*NORMALIZATIONS, "published")


def critic_normalization(method: str, image_shape: tuple[int, int, int]) -> str:
    """The critic's default normalization: "layer", whatever the method."""
    return "layer"


def build_generator(
    image_shape: tuple[int, int, int], noise_dim: int, base_filters: int = BASE_FILTERS,
    seed: int = 0,
) -> keras.Model:
    """Noise [N, noise_dim] -> images float32 [N, H, W, C] in [-1, 1].

    Dense to about 4x4 with f/4 filters, a 3x3 convolution to f; a 5x5 stride-2 transpose
    convolution and a 5x5 convolution for each doubling; batch normalization and LeakyReLU(0.3)
    after each of these; a 7x7 convolution to the image; tanh.

    Initial weights are Glorot uniform, the published code's default. Arguments and errors: see
    `gans.architectures`.
    """
    x, y, doublings = first_block(*image_shape[:2])
    dense_filters = max(base_filters // 4, 1)
    position = itertools.count()

    def convolution(kind, filters, kernel_size, strides=1):
        initializer = glorot_uniform(seed, next(position))
        return kind(filters, kernel_size, strides, "same", kernel_initializer=initializer)

    def normalized(h):
        return layers.LeakyReLU(0.3)(normalization_layer("batch")(h))

    noise = keras.Input((noise_dim,), name="noise")
    initializer = glorot_uniform(seed, next(position))
    h = layers.Dense(x * y * dense_filters, kernel_initializer=initializer)(noise)
    h = layers.Reshape((x, y, dense_filters))(normalized(h))
    h = normalized(convolution(layers.Conv2D, base_filters, 3)(h))
    for _ in range(doublings):
        h = normalized(convolution(layers.Conv2DTranspose, base_filters, 5, 2)(h))
        h = normalized(convolution(layers.Conv2D, base_filters, 5)(h))
    h = convolution(layers.Conv2D, image_shape[2], 7)(h)
    return generator_of(noise, h)


def build_critic(
    image_shape: tuple[int, int, int], base_filters: int = BASE_FILTERS,
    normalization: str = "layer", seed: int = 0,
) -> keras.Model:
    """Images [N, H, W, C] in [-1, 1] -> scores float32 [N, 1], unbounded.

    A 5x5 stride-2 convolution; for each further halving another one and a 5x5 convolution whose
    input is added to its output; normalization (of the sum, where there is one) and
    LeakyReLU(0.3) after each; flatten; dense 1, linear.

    Initial weights are Glorot uniform. Arguments and errors: see `gans.architectures`.

    With the normalization "published", batch normalization follows the first convolution and layer
    normalization the others. An image's score then depends on the other images of its batch, so the
    gradient penalty is no longer each image's own; that is why "layer" is the default.
    """
    _, _, halvings = first_block(*image_shape[:2])
    check_normalization(normalization, CRITIC_NORMALIZATIONS)
    is_published = normalization == "published"
    first, others = ("batch", "layer") if is_published else (normalization, normalization)
    position = itertools.count()

    def convolution(strides):
        initializer = glorot_uniform(seed, next(position))
        return layers.Conv2D(base_filters, 5, strides, "same", kernel_initializer=initializer)

    def normalized(h, name=others):
        if name == "batch":  # Keras' own: a penalty needs the second derivative
            h = layers.BatchNormalization(epsilon=EPSILON)(h)
        else:
            h = normalization_layer(name)(h)
        return layers.LeakyReLU(0.3)(h)

    images = keras.Input(image_shape, name="images")
    h = normalized(convolution(2)(images), first)
    for _ in range(halvings - 1):
        h = normalized(convolution(2)(h))
        h = normalized(layers.Add()([h, convolution(1)(h)]))
    h = layers.Flatten()(h)
    last = glorot_uniform(seed, next(position))
    scores = layers.Dense(1, dtype="float32", kernel_initializer=last, name="score")(h)
    return keras.Model(images, scores, name="critic")
