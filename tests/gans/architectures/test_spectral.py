"""Spectral normalization against the singular values that NumPy finds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans.architectures import conv4
from gans.architectures.spectral import SpectralConv2D
from gans.methods.penalties import gradient_norms

RNG = np.random.default_rng(0)


def random_images(*shape):
    return tf.constant(RNG.uniform(-1, 1, shape), tf.float32)


def spectral_layer(seed=0, **options):
    layer = SpectralConv2D(5, (2, 3), use_bias=False, seed=seed, **options)
    layer.build((None, 4, 6, 4))
    layer.kernel.assign(RNG.normal(size=(2, 3, 4, 5)))
    return layer


def effective_matrix(layer):
    """The matrix [K, filters] that the layer multiplies each patch by."""
    patches = np.eye(2 * 3 * 4, dtype=np.float32).reshape(-1, 2, 3, 4)
    return np.asarray(tf.cast(layer(patches, training=False), tf.float32)).reshape(24, 5)


def test_spectral_convolution_has_largest_singular_value_1():
    layer = spectral_layer()
    images = random_images(1, 4, 6, 4)
    for _ in range(100):
        layer(images, training=True)
    matrix = np.asarray(layer.kernel).reshape(24, 5)
    values = np.linalg.svd(matrix, compute_uv=False)
    assert values[0] > 2  # there was something to do
    np.testing.assert_allclose(effective_matrix(layer), matrix / values[0], atol=1e-5)


def test_spectral_power_method_moves_only_in_training():
    layer, images = spectral_layer(), random_images(1, 4, 6, 4)
    before = np.asarray(layer.u)
    assert before.shape == (1, 5)
    assert np.linalg.norm(before) == pytest.approx(1)
    layer(images, training=False)
    layer(images)
    np.testing.assert_array_equal(layer.u, before)
    layer(images, training=True)
    matrix = np.asarray(layer.kernel).reshape(24, 5)
    step = before @ matrix.T @ matrix
    np.testing.assert_allclose(layer.u, step / np.linalg.norm(step), rtol=1e-4)


def test_spectral_gradient_flows_through_sigma():
    """A kernel's length does not matter, so the gradient is at right angles to the kernel."""
    layer, images = spectral_layer(), random_images(3, 4, 6, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(images, training=True) ** 3)
    (gradient,) = tape.gradient(loss, layer.trainable_variables)
    lengths = np.linalg.norm(gradient) * np.linalg.norm(layer.kernel)
    assert lengths > 1
    assert abs(np.sum(gradient * layer.kernel)) < 1e-4 * lengths


def test_spectral_layer_is_seeded_and_can_be_saved(tmp_path):
    np.testing.assert_array_equal(spectral_layer(1).u, spectral_layer(1).u)
    assert not np.array_equal(spectral_layer(1).u, spectral_layer(2).u)
    model = conv4.build_critic((16, 16, 3), 4, "published", seed=1)
    images = random_images(2, 16, 16, 3)
    for _ in range(3):
        model(images, training=True)
    other = conv4.build_critic((16, 16, 3), 4, "published", seed=2)
    model.save_weights(tmp_path / "critic.weights.h5")
    other.load_weights(tmp_path / "critic.weights.h5")
    model.save(tmp_path / "critic.keras")
    expected = [model(images), model(images, training=True), model(images)]
    assert not np.array_equal(expected[0], expected[2])
    for copy in (other, keras.saving.load_model(tmp_path / "critic.keras")):
        scores = [copy(images), copy(images, training=True), copy(images)]
        np.testing.assert_array_equal(scores, expected)


def test_spectral_norm_is_float32_under_mixed_precision(bfloat16):
    layer = spectral_layer()
    images = random_images(1, 4, 6, 4)
    for _ in range(100):
        layer(images, training=True)
    assert (layer(images).dtype, layer.u.dtype) == (tf.bfloat16, "float32")
    assert np.linalg.norm(layer.u) == pytest.approx(1, rel=1e-6)
    # Only the kernel itself and what is made of it are rounded, to 8 bits.
    assert np.linalg.svd(effective_matrix(layer))[1][0] == pytest.approx(1, rel=4e-3)


def test_spectral_critic_can_be_differentiated_twice_and_compiled():
    images = random_images(3, 16, 16, 3)

    def penalty_gradients(jit_compile):
        critic = conv4.build_critic((16, 16, 3), 4, "published")

        @tf.function(jit_compile=jit_compile)
        def run(images):
            with tf.GradientTape() as tape:
                penalty = tf.reduce_sum((gradient_norms(critic, images, training=True) - 1) ** 2)
            return tape.gradient(penalty, critic.trainable_variables[:-1])  # not the last bias

        return run(images)

    for plain, compiled in zip(penalty_gradients(False), penalty_gradients(True), strict=True):
        assert np.isfinite(plain).all()
        np.testing.assert_allclose(plain, compiled, rtol=1e-2, atol=1e-5)
        assert plain.shape.rank == 1 or np.abs(plain).max() > 1e-6
