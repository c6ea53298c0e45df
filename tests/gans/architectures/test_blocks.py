"""Initial weights and normalization layers."""

import keras
import numpy as np
import pytest

from gans.architectures import conv4, dcgan
from gans.architectures.blocks import initialize_weights, normalization_layer

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def test_initialize_weights_is_dcgans():
    inputs = keras.Input((8, 8, 64))
    h = keras.layers.Conv2D(64, 3)(inputs)
    h = keras.layers.GroupNormalization(groups=1)(h)
    inner = keras.Sequential(
        [keras.Input((6, 6, 64)), keras.layers.Conv2DTranspose(64, 3), keras.layers.Dense(1000)]
    )
    h = keras.layers.BatchNormalization()(inner(h))
    model = keras.Model(inputs, h)
    model.set_weights([np.full(w.shape, 7.0) for w in model.get_weights()])
    initialize_weights(model, seed=3)
    drawn = {}
    for layer in [*model.layers, *inner.layers]:
        for variable in [] if isinstance(layer, keras.Model) else layer.weights:
            value = np.asarray(variable)
            if isinstance(layer, keras.layers.GroupNormalization) or "moving" in variable.name:
                np.testing.assert_array_equal(value, 7.0)
            elif variable.name in ("bias", "beta"):
                np.testing.assert_array_equal(value, 0.0)
            else:
                mean = 1.0 if variable.name == "gamma" else 0.0
                assert value.std() == pytest.approx(0.02, rel=0.1)
                assert value.mean() == pytest.approx(mean, abs=5 * 0.02 / np.sqrt(value.size))
                # normal: 0.27 percent are beyond three deviations, of a uniform none
                assert 0 < np.mean(np.abs(value - mean) > 0.06) < 0.01
                drawn[layer.name] = value
    assert len(drawn) == 4
    assert len({round(float(value.ravel()[0] % 1), 6) for value in drawn.values()}) == 4

    weights = model.get_weights()
    keras.utils.set_random_seed(1)
    initialize_weights(model, seed=3)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    with pytest.raises(ValueError, match="^model must be built .* is not built$"):
        initialize_weights(keras.Sequential([keras.layers.Dense(3)]))
    with pytest.raises(ValueError, match="^seed must not be negative. Received: -1$"):
        initialize_weights(model, seed=-1)


@pytest.mark.parametrize("module", [dcgan, conv4])
def test_dcgan_and_conv4_start_as_dcgan(module):
    generator = module.build_generator((32, 32, 3), 128, 64)
    for model in (generator, module.build_critic((32, 32, 3), 64)):
        for layer in model.layers:
            if isinstance(layer, (*CONVOLUTIONS, keras.layers.Dense)):
                assert np.asarray(layer.kernel).std() == pytest.approx(0.02, rel=0.1)
            elif isinstance(layer, keras.layers.BatchNormalization):
                assert np.asarray(layer.gamma).std() == pytest.approx(0.02, rel=0.3)
            elif isinstance(layer, keras.layers.GroupNormalization):
                np.testing.assert_array_equal(layer.gamma, 1.0)


@pytest.mark.parametrize(
    ("name", "axes"), [("layer", (1, 2, 3)), ("instance", (1, 2)), ("batch", (0, 1, 2))]
)
@pytest.mark.parametrize("scale", [2, 0.02])  # the smaller as in a critic with clipped weights
def test_normalization_layers(name, axes, scale):
    x = np.random.default_rng(0).normal(3 * scale, scale, (2, 4, 4, 5)).astype(np.float32)
    out = np.asarray(normalization_layer(name)(x, training=True))
    np.testing.assert_allclose(out.mean(axes), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axes), 1, atol=0.05)
