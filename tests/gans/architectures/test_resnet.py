"""The residual networks against the published code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans.architectures import resnet

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def shapes(model, kind):
    return [layer.output.shape[1:] for layer in model.layers if isinstance(layer, kind)]


def conv(size, inputs, filters, bias=True):
    return size * size * inputs * filters + (filters if bias else 0)


def test_resnet_parameter_counts_at_32():
    # Batch normalization has 4 weights a channel, 2 of them trainable.
    up = conv(3, 128, 128) * 2 + conv(1, 128, 128) + 2 * 4 * 128
    generator = (128 + 1) * 4 * 4 * 128 + 3 * up + 4 * 128 + conv(3, 128, 3)
    assert resnet.build_generator((32, 32, 3), 128).count_params() == generator

    first = conv(3, 3, 128) + conv(3, 128, 128) + conv(1, 3, 128)
    down = conv(3, 128, 128) * 2 + conv(1, 128, 128)
    plain = conv(3, 128, 128) * 2
    assert resnet.build_critic((32, 32, 3)).count_params() == first + down + 2 * plain + 129


def test_resnet_parameter_counts_at_64():
    def block(inputs, hidden, filters, normalization):
        return (
            normalization * (inputs + hidden)
            + conv(3, inputs, hidden, bias=False)
            + conv(3, hidden, filters)
            + conv(1, inputs, filters)
        )

    widths = [(512, 512), (512, 256), (256, 128), (128, 64)]
    blocks = sum(block(inputs, filters, filters, 4) for inputs, filters in widths)
    generator = (128 + 1) * 4 * 4 * 512 + blocks + 4 * 64 + conv(3, 64, 3)
    assert resnet.build_generator((64, 64, 3), 128).count_params() == generator

    widths = [(64, 128), (128, 256), (256, 512), (512, 512)]
    blocks = sum(block(inputs, inputs, filters, 2) for inputs, filters in widths)
    critic = conv(3, 3, 64) + blocks + 4 * 4 * 512 + 1
    assert resnet.build_critic((64, 64, 3)).count_params() == critic
    # Where nothing is normalized, no bias is missing.
    no_norms = critic - 2 * 2 * (64 + 128 + 256 + 512) + (64 + 128 + 256 + 512)
    assert resnet.build_critic((64, 64, 3), normalization="none").count_params() == no_norms


def test_resnet_sizes_and_widths():
    add = keras.layers.Add
    assert shapes(resnet.build_generator((32, 32, 3), 9, 4), add) == [
        (8, 8, 4), (16, 16, 4), (32, 32, 4),
    ]
    assert shapes(resnet.build_critic((32, 32, 3), 4), add) == [
        (16, 16, 4), (8, 8, 4), (8, 8, 4), (8, 8, 4),
    ]
    assert shapes(resnet.build_critic((6, 14, 3), 4), add) == [(3, 7, 4)] * 3
    assert shapes(resnet.build_generator((128, 128, 3), 9, 4), add) == [
        (8, 8, 16), (16, 16, 16), (32, 32, 8), (64, 64, 4), (128, 128, 2),
    ]
    assert shapes(resnet.build_critic((128, 128, 3), 4), add) == [
        (64, 64, 4), (32, 32, 8), (16, 16, 16), (8, 8, 16), (4, 4, 16),
    ]


@pytest.mark.parametrize("resample", ["up", "down", None])
@pytest.mark.parametrize("filters", [3, 5])
def test_resnet_block_is_the_published_one(resample, filters):
    """The published code's order: repeat, then convolve; convolve, then take the mean."""
    inputs = keras.Input((4, 6, 3))
    output = resnet._residual_block(inputs, filters, "none", resnet._seeds(0), resample)
    block = keras.Model(inputs, output)
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 4, 6, 3)), tf.float32)
    kernels = [layer.kernel for layer in block.layers if isinstance(layer, keras.layers.Conv2D)]
    shortcut = [kernel.value for kernel in kernels if kernel.shape[0] == 1]
    first, second = (kernel.value for kernel in kernels if kernel.shape[0] == 3)

    def repeated(h):
        return tf.repeat(tf.repeat(h, 2, 1), 2, 2) if resample == "up" else h

    def pooled(h):
        corners = [h[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return sum(corners) / 4.0 if resample == "down" else h

    h = tf.nn.conv2d(repeated(tf.nn.relu(images)), first, 1, "SAME")
    h = pooled(tf.nn.conv2d(tf.nn.relu(h), second, 1, "SAME"))
    assert len(shortcut) == (0 if resample is None and filters == 3 else 1)
    if shortcut:
        h += pooled(tf.nn.conv2d(repeated(images), shortcut[0], 1, "SAME"))
    else:
        h += images
    np.testing.assert_allclose(block(images), h, rtol=1e-4, atol=1e-5)


def test_first_block_of_the_small_resnet_critic_sees_the_image():
    inputs = keras.Input((4, 4, 3))
    output = resnet._first_block_of_small_critic(inputs, 5, resnet._seeds(0))
    block = keras.Model(inputs, output)
    kernels = [layer for layer in block.layers if isinstance(layer, keras.layers.Conv2D)]
    for layer in kernels:
        if layer.kernel_size == (3, 3):
            layer.kernel.assign(tf.zeros_like(layer.kernel))
    images = -np.ones((1, 4, 4, 3), np.float32)  # which a ReLU would make 0
    images[0, 0, 0] = 3.0  # and which makes the first 2x2 pixels 0 in the mean
    shortcut = next(layer for layer in kernels if layer.kernel_size == (1, 1))
    mean = np.array([[0.0, -1.0], [-1.0, -1.0]])[None, :, :, None]
    expected = mean * np.asarray(shortcut.kernel).sum(axis=(0, 1, 2))
    np.testing.assert_allclose(block(images), expected, atol=1e-6)


def test_resnet_starts_with_the_published_variances():
    for model in (resnet.build_critic((64, 64, 3), 64), resnet.build_generator((32, 32, 3), 64)):
        for layer in model.layers:
            if not isinstance(layer, (*CONVOLUTIONS, keras.layers.Dense)):
                continue
            kernel = np.asarray(layer.kernel)
            size = np.prod(kernel.shape[:-2])
            inputs, filters = kernel.shape[-2:]
            outside = size == 1 or 3 in (inputs, filters)
            variance = (2.0 if outside else 4.0) / (size * (inputs + filters))
            assert kernel.std() == pytest.approx(np.sqrt(variance), rel=0.1)
            assert np.abs(kernel).max() <= np.sqrt(3 * variance)  # uniform
