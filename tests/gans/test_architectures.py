"""Shapes, parameter counts and what the networks are made of."""

import keras
import numpy as np
import pytest

from gans.architectures import (
    ARCHITECTURES,
    anime,
    dcgan,
    first_block,
    get_architecture,
    nearest_sizes,
)


def test_anime_has_the_published_parameter_counts():
    assert anime.build_generator((64, 64, 3), 128).count_params() == 11_971_779
    assert anime.build_critic((64, 64, 3)).count_params() == 4_363_585


def test_dcgan_is_the_published_ladder():
    generator = dcgan.build_generator((64, 64, 3), 100, base_filters=64)
    shapes = [layer.output.shape[1:] for layer in generator.layers if "conv" in layer.name]
    assert shapes == [(8, 8, 256), (16, 16, 128), (32, 32, 64), (64, 64, 3)]
    critic = dcgan.build_critic((64, 64, 3), base_filters=64)
    shapes = [layer.output.shape[1:] for layer in critic.layers if "conv" in layer.name]
    assert shapes == [(32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)]


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("size", [(64, 64, 3), (96, 64, 3), (28, 28, 1), (48, 80, 1), (6, 14, 3)])
def test_any_accepted_size(name, size):
    module = get_architecture(name)
    generator = module.build_generator(size, 5, base_filters=2)
    images = generator(np.random.default_rng(0).normal(size=(2, 5)), training=True)
    assert images.shape == (2, *size)
    assert np.abs(images).max() <= 1
    assert module.build_critic(size, base_filters=2, normalization="layer")(images).shape == (2, 1)


def test_first_block():
    assert first_block(64, 64) == (4, 4, 4)
    assert first_block(96, 64) == (6, 4, 4)
    assert first_block(28, 28) == (7, 7, 2)
    assert first_block(24, 24) == (6, 6, 2)  # not 3x3
    assert first_block(24, 40) == (3, 5, 3)  # the only form
    assert first_block(256, 256) == (4, 4, 6)


@pytest.mark.parametrize("size", [(30, 64), (64, 16), (7, 7), (100, 100), (1, 1), (64, 63)])
def test_other_sizes_are_refused_with_the_nearest(size):
    near = nearest_sizes(*size)
    with pytest.raises(ValueError, match=rf"{size[0]}x{size[1]}.*{near[0][0]}x{near[0][1]}"):
        dcgan.build_generator((*size, 3), 8)
    for height, width in near:
        first_block(height, width)


def test_nearest_sizes():
    assert nearest_sizes(64, 64)[0] == (64, 64)
    assert nearest_sizes(100, 100)[0] == (96, 96)
    assert nearest_sizes(65, 47)[0] == (64, 48)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_initial_weights_are_a_function_of_the_seed(name):
    module = get_architecture(name)
    one, same, other = (module.build_critic((32, 32, 1), 4, seed=s) for s in (1, 1, 2))
    for a, b, c in zip(one.get_weights(), same.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        if a.std() > 0:  # not a constant bias
            assert not np.array_equal(a, c)


def test_dcgan_initial_weights_are_normal_002():
    kernels = [w for w in dcgan.build_generator((64, 64, 3), 128).get_weights() if w.ndim > 1]
    for kernel in kernels:
        assert abs(kernel.std() - 0.02) < 0.002
    assert len({kernel.ravel()[0] for kernel in kernels}) == len(kernels)


def test_normalization_is_not_on_the_critics_first_layer():
    critic = dcgan.build_critic((32, 32, 3), 4, "batch")
    kinds = [type(layer).__name__ for layer in critic.layers]
    assert kinds[1:3] == ["Conv2D", "LeakyReLU"]
    assert kinds.count("BatchNormalization") == 2


def test_unknown_names():
    with pytest.raises(ValueError, match="architecture must be one of dcgan, anime"):
        get_architecture("dcgn")
    with pytest.raises(ValueError, match="normalization must be one of"):
        dcgan.build_critic((32, 32, 3), 4, "bach")


def test_layer_normalization_is_over_the_whole_image():
    layer = keras.layers.GroupNormalization(groups=1)
    x = np.random.default_rng(0).normal(3, 2, (2, 4, 4, 5)).astype(np.float32)
    out = np.asarray(layer(x))
    np.testing.assert_allclose(out.reshape(2, -1).mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(out.reshape(2, -1).std(1), 1, atol=1e-3)
