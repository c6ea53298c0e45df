"""The fused batch normalization, against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans.architectures import dcgan
from gans.architectures.batch_norm import BatchNormalization, as_keras_layer

IMAGES = np.random.default_rng(0).normal(3.0, 2.0, (4, 3, 5, 6)).astype(np.float32)


def layers_alike(**options):
    """Ours and Keras' with the same weights."""
    ours = BatchNormalization(epsilon=1e-5, **options)
    theirs = keras.layers.BatchNormalization(epsilon=1e-5, **options)
    for layer in (ours, theirs):
        layer.build(IMAGES.shape)
    rng = np.random.default_rng(1)
    weights = [rng.uniform(0.5, 2, weight.shape) for weight in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


def outputs_and_gradients(layer):
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=True)
        total = tf.reduce_sum(tf.sin(outputs))
    return outputs, *tape.gradient(total, [images, *layer.trainable_variables])


def test_values_gradients_and_statistics_are_keras():
    ours, theirs = layers_alike(momentum=0.9)
    for a, b in zip(*map(outputs_and_gradients, (ours, theirs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    np.testing.assert_allclose(ours(IMAGES), theirs(IMAGES), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_low_precision_keeps_float32_statistics(precision):
    ours, theirs = layers_alike(dtype=f"mixed_{precision}", momentum=0.9)
    for each in (ours, theirs):
        assert each(IMAGES, training=True).dtype == precision
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-2)


def test_weights_of_keras_layers_load_by_name(tmp_path):
    generator = dcgan.build_generator((16, 16, 3), 8, 4, seed=1)
    plain = keras.models.clone_model(generator, clone_function=as_keras_layer)
    assert not any(isinstance(layer, BatchNormalization) for layer in plain.layers)
    assert [layer.name for layer in plain.layers] == [layer.name for layer in generator.layers]
    plain.set_weights([np.full(w.shape, i) for i, w in enumerate(plain.get_weights())])
    plain.save_weights(tmp_path / "g.weights.h5")
    generator.load_weights(tmp_path / "g.weights.h5")
    for a, b in zip(generator.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
