"""Shapes, parameter counts, what the networks are made of and what they start from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans.architectures import (
    ARCHITECTURES,
    anime,
    conv4,
    dcgan,
    get_architecture,
    residual64,
    resnet,
)

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
RNG = np.random.default_rng(0)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def images_of(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def shapes(model, kind):
    return [layer.output.shape[1:] for layer in model.layers if isinstance(layer, kind)]


# --- all families ---


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("size", [(64, 64, 3), (96, 64, 3), (28, 28, 1), (48, 80, 1), (6, 14, 3)])
def test_any_accepted_size(name, size):
    module = get_architecture(name)
    generator = module.build_generator(size, 5, base_filters=2)
    images = generator(RNG.normal(size=(2, 5)), training=True)
    assert images.shape == (2, *size)
    assert np.abs(images).max() <= 1
    assert module.build_critic(size, base_filters=2, normalization="layer")(images).shape == (2, 1)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_images_and_scores_are_float32_under_mixed_precision(name, bfloat16):
    module = get_architecture(name)
    generator = module.build_generator((16, 16, 3), 5, 4)
    critic = module.build_critic((16, 16, 3), 4)
    assert (generator.name, critic.name) == ("generator", "critic")
    images = generator(RNG.normal(size=(2, 5)))
    assert (images.dtype, critic(images).dtype) == (tf.float32, tf.float32)
    assert generator.layers[-2].compute_dtype == "bfloat16"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_initial_weights_are_a_function_of_the_seed(name):
    module = get_architecture(name)
    for build in (
        lambda s: module.build_critic((32, 32, 1), 4, seed=s),
        lambda s: module.build_generator((32, 32, 1), 3, 4, seed=s),
    ):
        one, same, other = (build(s).get_weights() for s in (1, 1, 2))
        for a, b, c in zip(one, same, other, strict=True):
            np.testing.assert_array_equal(a, b)
            if a.std() > 0:  # not a constant bias
                assert not np.array_equal(a, c)
        kernels = [a for a in one if a.ndim > 1]
        assert len({kernel.ravel()[0] for kernel in kernels}) == len(kernels)


@pytest.mark.parametrize("size", [(16, 16, 3), (64, 64, 3)])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_under_the_penalty_a_score_is_its_images_own(name, size):
    module = get_architecture(name)
    critic = module.build_critic(size, 4, module.critic_normalization("wgan-gp", size))
    images = images_of(3, *size)
    alone = [critic(images[i : i + 1], training=True)[0, 0] for i in range(3)]
    together = critic(images, training=True)[:, 0]
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-6)
    assert np.ptp(alone) > 1e-4  # nor is it a constant


def test_default_normalization_of_the_critic():
    methods = ("wgan-gp", "wgan", "dcgan")

    def defaults(module, side):
        return [module.critic_normalization(method, (side, side, 3)) for method in methods]

    assert defaults(dcgan, 64) == ["layer", "batch", "batch"]
    assert defaults(anime, 64) == ["none"] * 3
    assert defaults(conv4, 32) == ["instance"] * 3
    assert defaults(residual64, 64) == ["layer"] * 3
    assert defaults(resnet, 32) == ["none"] * 3
    assert defaults(resnet, 64) == ["layer"] * 3
    for side in (32, 64):  # which build_critic takes by itself
        named = resnet.build_critic((side, side, 3), 4, defaults(resnet, side)[0])
        assert kinds(resnet.build_critic((side, side, 3), 4)) == kinds(named)


def test_unknown_names():
    with pytest.raises(ValueError, match="architecture must be one of dcgan, anime"):
        get_architecture("dcgn")
    for name in ARCHITECTURES:
        build = get_architecture(name).build_critic
        with pytest.raises(ValueError, match="^normalization must be one of none, .*'bach'$"):
            build((6, 6, 3), 4, "bach")  # even where nothing would be normalized
        if name in ("conv4", "residual64"):
            build((12, 12, 3), 4, "published")
        else:
            with pytest.raises(ValueError, match="layer, instance. Received: 'published'$"):
                build((12, 12, 3), 4, "published")


# --- dcgan and anime ---


def test_anime_has_the_published_parameter_counts():
    assert anime.build_generator((64, 64, 3), 128).count_params() == 11_971_779
    assert anime.build_critic((64, 64, 3)).count_params() == 4_363_585


@pytest.mark.parametrize("f", [64, 32])
def test_dcgan_parameter_counts_of_the_fashion_mnist_preset(f):
    kernels = 16 * (8 * f * 4 * f + 4 * f * 2 * f + 2 * f * f + f)  # 4x4, the same in both
    norms = 8 * f + 4 * f + 2 * f + f
    generator = dcgan.build_generator((64, 64, 1), 100, f)
    assert trainable(generator) == 100 * 16 * 8 * f + kernels + 1 + 2 * norms
    assert generator.count_params() - trainable(generator) == 2 * norms
    biases, dense = norms, 16 * 8 * f + 1
    for normalization, weights in [("batch", 4), ("layer", 2)]:
        critic = dcgan.build_critic((64, 64, 1), f, normalization)
        assert critic.count_params() == kernels + biases + dense + weights * (norms - f)


def test_dcgan_is_the_published_ladder():
    generator = dcgan.build_generator((64, 64, 3), 100, base_filters=64)
    ladder = [(8, 8, 256), (16, 16, 128), (32, 32, 64), (64, 64, 3)]
    assert shapes(generator, CONVOLUTIONS) == ladder
    critic = dcgan.build_critic((64, 64, 3), base_filters=64)
    ladder = [(32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert shapes(critic, CONVOLUTIONS) == ladder


def test_normalization_is_not_on_the_first_layer_of_dcgans_critic():
    critic = dcgan.build_critic((32, 32, 3), 4, "batch")
    assert kinds(critic)[1:3] == ["Conv2D", "LeakyReLU"]
    assert kinds(critic).count("BatchNormalization") == 2


# --- conv4 ---


@pytest.mark.parametrize(
    "channels, generator, critic", [(1, 12_133_633, 10_511_617), (3, 12_141_827, 10_519_809)]
)
def test_conv4_has_the_published_parameter_counts(channels, generator, critic):
    shape = (32, 32, channels)
    assert trainable(conv4.build_generator(shape, 100)) == generator
    assert trainable(conv4.build_critic(shape)) == critic
    assert trainable(conv4.build_critic(shape, normalization="published")) == critic


def test_conv4_has_only_convolutions():
    generator = conv4.build_generator((32, 32, 3), 100, 8)
    ladder = [(4, 4, 32), (8, 8, 16), (16, 16, 8), (32, 32, 3)]
    assert shapes(generator, CONVOLUTIONS) == ladder
    step = ["Conv2DTranspose", "BatchNormalization", "ReLU"]
    last = ["Conv2DTranspose", "Activation"]
    assert kinds(generator) == ["InputLayer", "Reshape", *step * 3, *last]

    critic = conv4.build_critic((32, 32, 3), 8, "published")
    ladder = [(16, 16, 8), (8, 8, 16), (4, 4, 32), (1, 1, 1)]
    assert shapes(critic, CONVOLUTIONS) == ladder
    first, middle = (
        [convolution, "GroupNormalization", "LeakyReLU"]
        for convolution in ("Conv2D", "SpectralConv2D")
    )
    assert kinds(critic) == ["InputLayer", *first, *middle * 2, "Conv2D", "Reshape"]


# --- residual64 ---


@pytest.mark.parametrize(
    "side, generator, critic",
    [
        (32, (662_147, 660_739), (416_513, 416_385)),
        (64, (867_587, 865_923), (621_697, 621_569)),
        (128, (1_073_027, 1_071_107), (826_881, 826_753)),
        (256, (1_278_467, 1_276_291), (1_032_065, 1_031_937)),
    ],
)
def test_residual64_has_the_published_parameter_counts(side, generator, critic):
    for model, counts in [
        (residual64.build_generator((side, side, 3), 100), generator),
        (residual64.build_critic((side, side, 3), normalization="published"), critic),
    ]:
        assert (model.count_params(), trainable(model)) == counts


def test_residual64_adds_before_it_normalizes():
    critic = residual64.build_critic((16, 16, 3), 4)
    end = ["GroupNormalization", "LeakyReLU"]
    blocks = ["Conv2D", *end, "Conv2D", *end, "Conv2D", "Add", *end, "Flatten", "Dense"]
    assert kinds(critic) == ["InputLayer", *blocks]
    slopes = [layer.negative_slope for layer in critic.layers if "re_lu" in layer.name]
    assert slopes == pytest.approx([0.3] * 3)
    # Without the convolution's share, the sum is what the convolution reads.
    last = [layer for layer in critic.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    last.set_weights([np.zeros_like(weight) for weight in last.get_weights()])
    add = critic.get_layer(index=kinds(critic).index("Add"))
    probe = keras.Model(critic.input, [last.input, add.output])
    read, total = probe(images_of(2, 16, 16, 3))
    np.testing.assert_array_equal(read, total)


def test_published_residual64_mixes_the_images_of_a_batch():
    critic = residual64.build_critic((16, 16, 3), 4, "published")
    assert kinds(critic)[2] == "BatchNormalization"
    assert kinds(critic).count("GroupNormalization") == 2
    images = images_of(3, 16, 16, 3)
    alone, together = critic(images[:1], training=True), critic(images, training=True)
    assert abs(alone[0, 0] - together[0, 0]) > 1e-3
