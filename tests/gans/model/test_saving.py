"""What is saved and loaded: whole models, weights, generators."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from fitting import batches, fit

PUBLISHED_CONV4 = {
    "architecture": "conv4",
    "critic_normalization": "published",  # whose power method has a state
    "image_shape": (16, 16, 1),
    "n_critic": 1,
    "real_noise": 0.1,
}


@pytest.mark.parametrize(
    "options",
    [{}, {"clip_value": 0.01}, {"precision": "mixed_float16"}, PUBLISHED_CONV4],
    ids=["penalty", "clipping", "float16", "conv4"],
)
def test_loaded_model_trains_on_identically(tiny_gan, tmp_path, options):
    gan = tiny_gan({"learning_rate": 1e-3, "decay_rate": 0.9}, **options)
    fit(gan, batches(2, shape=gan.image_shape), steps=3)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert loaded.get_config() == gan.get_config()
    for each in (gan, loaded):
        fit(each, batches(2, seed=1, shape=gan.image_shape), steps=3)
    assert len(gan.weights) == len(loaded.weights) > 0
    for a, b in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(gan.critic_optimizer.variables, loaded.critic_optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_round_trip_holds_optimizers_ema_and_step(tiny_gan, tmp_path):
    gan = tiny_gan()
    fit(gan, batches(2), steps=3)
    gan.save_weights(tmp_path / "gan.weights.h5")
    other = tiny_gan(seed=9)
    other.load_weights(tmp_path / "gan.weights.h5")
    assert int(other.step) == 3
    for a, b in zip(gan.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("critic_optimizer", "generator_optimizer"):
        ours, theirs = getattr(gan, name).variables, getattr(other, name).variables
        assert any(np.asarray(v).any() for v in ours)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_weights_of_another_model_are_refused(tiny_gan, tmp_path):
    tiny_gan().save_weights(tmp_path / "gan.weights.h5")
    for options in ({"clip_value": 0.01}, {"base_filters": 8}, {"architecture": "anime"}):
        with pytest.raises(ValueError, match=r"gan.weights.h5 must be a .weights.h5 file"):
            tiny_gan(**options).load_weights(tmp_path / "gan.weights.h5")
    with pytest.raises(ValueError, match="none.weights.h5 must be"):
        tiny_gan().load_weights(tmp_path / "none.weights.h5")


def test_a_new_process_loads_a_model_after_importing_the_class(tiny_gan, tmp_path):
    tiny_gan().save(tmp_path / "gan.keras")
    code = (
        "import sys, keras\n"
        "from gans import WassersteinGAN\n"
        "assert isinstance(keras.models.load_model(sys.argv[1]), WassersteinGAN)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "gan.keras")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[3])


@pytest.mark.parametrize("name", ["g.keras", "g.h5", "saved_model"])
def test_saved_generator_gives_the_same_images(tiny_gan, tmp_path, name):
    gan = tiny_gan()
    fit(gan, batches(2), steps=2)
    gan.save_generator(tmp_path / name)
    noise = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    if name == "saved_model":
        loaded = tf.saved_model.load(tmp_path / name)
        images = loaded.serve(noise)
    else:
        images = keras.models.load_model(tmp_path / name)(noise)
    np.testing.assert_allclose(images, gan.ema_generator(noise, training=False), atol=1e-6)
