"""Batches that are computed in parts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans import DCGAN
from gans.model.accumulation import mean_over_parts
from utils.options.config import TrainingConfig

IMAGES = np.random.default_rng(1).uniform(-1, 1, (12, 8, 8, 1)).astype(np.float32)


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_the_mean_over_parts_is_that_of_the_batch(parts):
    numbers = tf.reshape(tf.range(12.0), (6, 2))
    squares, (means,) = mean_over_parts(
        parts, lambda a, b: (tf.reduce_mean(a * b), [tf.reduce_mean(b, axis=0)]), numbers, numbers
    )
    np.testing.assert_allclose(squares, np.mean(np.arange(12.0) ** 2), rtol=1e-6)
    np.testing.assert_allclose(means, [5, 6])


def test_a_batch_that_cannot_be_cut(tiny_gan):
    with pytest.raises(ValueError, match=r"accumulate must divide.*accumulate=5, 12 images"):
        tiny_gan({"run_eagerly": True}, accumulate=5).update_critic(tf.constant(IMAGES), 0)


def moved(gan, images) -> dict[str, list[np.ndarray]]:
    """What a step of plain gradient descent adds to the weights."""
    networks = {"critic": gan.critic, "generator": gan.generator}
    before = {name: network.get_weights() for name, network in networks.items()}
    gan.fit(tf.data.Dataset.from_tensors(images), verbose=0, shuffle=False)
    return {name: [new - old for new, old in zip(network.get_weights(), before[name], strict=True)]
            for name, network in networks.items()}  # fmt: skip


def descent() -> dict:
    return {"critic_optimizer": keras.optimizers.SGD(0.1),
            "generator_optimizer": keras.optimizers.SGD(0.1)}  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"clip_value": 10.0, "critic_normalization": "layer"}])
def test_the_critics_gradients_are_the_whole_batchs(tiny_gan, options):
    """To rounding: each image is scored and penalized alone, and the fakes are made as one batch.

    The generator's batch normalization takes its statistics over each part, so its differ.
    """
    whole, parts = (tiny_gan(descent(), accumulate=k, **options) for k in (1, 3))
    expected, found = moved(whole, IMAGES), moved(parts, IMAGES)
    for one, other in zip(expected["critic"], found["critic"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6 + 1e-4 * np.abs(one).max())
    assert not np.allclose(expected["generator"][0], found["generator"][0], rtol=1e-2, atol=1e-7)
    logs = [gan.get_metrics_result() for gan in (whole, parts)]
    for name in ("critic_loss", "wasserstein_estimate", "real_score", "gradient_norm"):
        np.testing.assert_allclose(logs[0][name], logs[1][name], rtol=1e-4, atol=1e-5)


def test_without_batch_normalization_so_are_the_generators(tiny_gan):
    def networks():
        keras.utils.set_random_seed(1)
        return keras.Sequential([
            keras.Input((6,)), keras.layers.Dense(64, "tanh"), keras.layers.Reshape((8, 8, 1))
        ])  # fmt: skip

    whole, parts = (tiny_gan(descent(), generator=networks(), accumulate=k) for k in (1, 4))
    for one, other in zip(moved(whole, IMAGES)["generator"], moved(parts, IMAGES)["generator"],
                          strict=True):  # fmt: skip
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6 + 1e-4 * np.abs(one).max())


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_in_mixed_precision(precision):
    gan = DCGAN((8, 8, 1), noise_dim=6, base_filters=4, accumulate=2, precision=precision)
    gan.compile()
    changes = moved(gan, IMAGES)
    assert all(np.isfinite(each).all() for network in changes.values() for each in network)
    assert np.abs(changes["critic"][0]).max() > 0


def test_statistics_of_parts_are_not_those_of_the_whole_batch():
    with pytest.raises(ValueError, match="synchronized_batch_norm must not be given with acc"):
        DCGAN((8, 8, 1), accumulate=2, synchronized_batch_norm=True)
    with pytest.raises(ValueError, match=r"accumulate must divide batch_size.*accumulate=3"):
        TrainingConfig(batch_size=8, accumulate=3)
