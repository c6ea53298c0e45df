"""Networks of one's own: they train, resume, are saved and loaded, or are refused in one line."""

import json
import shutil

import keras
import numpy as np
import pytest
from fitting import batches, fit
from keras import layers

from gans import DCGAN, SavedGenerator, WassersteinGAN
from utils.runs.directory import RunDirectory


def own_generator(noise_dim=5, channels=1, activation="tanh"):
    return keras.Sequential(
        [
            keras.Input((noise_dim,)),
            layers.Dense(4 * 4 * 3),
            layers.Reshape((4, 4, 3)),
            layers.BatchNormalization(),
            layers.Conv2DTranspose(channels, 4, 2, "same", activation=activation),
        ],
        name="my_generator",
    )


def own_critic(normalization=None, outputs=1):
    hidden = [normalization] if normalization else []
    return keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3, 2), *hidden, layers.Flatten(),
         layers.Dense(outputs)],
        name="my_critic",
    )  # fmt: skip


@keras.saving.register_keras_serializable(package="tests")
class OwnCritic(keras.Model):
    """A subclass of keras.Model, which has no shapes before it is called."""

    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.units = units
        self.hidden, self.score = layers.Dense(units), layers.Dense(1)

    def call(self, images):
        return self.score(keras.ops.tanh(self.hidden(keras.ops.reshape(images, (-1, 64)))))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def own_gan(kind=WassersteinGAN, **options):
    keras.utils.set_random_seed(1)
    gan = kind(generator=own_generator(), critic=OwnCritic(), seed=3,
               **{"n_critic": 1, **options})  # fmt: skip
    gan.compile()
    return gan


@pytest.mark.parametrize("kind", [WassersteinGAN, DCGAN])
def test_they_decide_the_shapes_and_train(kind):
    gan = own_gan(kind)
    assert gan.image_shape == (8, 8, 1) and gan.options.noise_dim == 5
    before = [weight.copy() for weight in gan.get_weights()]
    fit(gan, batches(1), steps=2)
    assert any((a != b).any() for a, b in zip(before, gan.get_weights(), strict=True))
    assert gan.generate(3).shape == (3, 8, 8, 1)


def test_one_of_them_beside_an_architecture():
    gan = WassersteinGAN((8, 8, 1), critic=own_critic(), base_filters=4, noise_dim=6)
    assert gan.options.base_filters == 4 and gan.critic.name == "my_critic"
    assert "critic_normalization" not in gan.get_config()
    gan = WassersteinGAN(generator=own_generator(), base_filters=4)
    assert gan.options.critic_normalization == "layer" and gan.image_shape == (8, 8, 1)


def test_a_saved_model_is_loaded_with_its_own_networks(tmp_path):
    gan = own_gan()
    fit(gan, batches(1), steps=2)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert loaded.generator.name == "my_generator" and isinstance(loaded.critic, OwnCritic)
    for a, b in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for each in (gan, loaded):
        fit(each, batches(1, seed=4), steps=2)
    for a, b in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_of_them_is_resumed_and_its_generators_are_read(tiny_data, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    options = {"save_interval": 2, "quiet": True}
    own_gan().train(tiny_data, 4, save_path=whole, **options)
    own_gan().train(tiny_data, 2, save_path=parts, **options)
    own_gan().train(tiny_data, 4, save_path=parts, resume=True, **options)
    expected = SavedGenerator(whole / "generator.keras").generate(4)
    np.testing.assert_array_equal(
        SavedGenerator(parts / "generator.keras").generate(4), expected)
    model = json.loads((whole / "config.json").read_text())["model"]
    checkpoint = RunDirectory(whole).checkpoint(4)
    np.testing.assert_array_equal(
        SavedGenerator.of_run(model, checkpoint).generate(4), expected)
    card = (whole / "MODEL_CARD.md").read_text()
    assert "networks of its author's own" in card and "dcgan" not in card
    assert "my_generator" in card
    with pytest.raises(ValueError, match="critic must be the saved run's to resume it"):
        other = WassersteinGAN(generator=own_generator(), critic=own_critic(), seed=3, n_critic=1)
        other.compile()
        other.train(tiny_data, 6, save_path=parts, resume=True, **options)
    shutil.rmtree(whole)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: {"generator": own_generator(), "noise_dim": 7},
         "noise_dim must be that of the networks given, 5, or be left out. Received: 7"),
        (lambda: {"generator": own_generator(), "image_shape": (16, 16, 1)},
         r"generator must give float32 images \[N, 16, 16, 1\] of noise \[N, 5\]"),
        (lambda: {"generator": own_generator(channels=2), "critic": own_critic()},
         "image_shape must be .* with 1 or 3 channels"),
        (lambda: {"generator": "dcgan"}, "generator must be a keras.Model. Received: str"),
        (lambda: {"critic": own_critic(outputs=2), "image_shape": (8, 8, 1)},
         r"critic must give float32 scores \[N, 1\]"),
        (lambda: {"critic": own_critic(), "image_shape": (16, 16, 1)},
         r"critic must take one input \[N, 16, 16, 1\]"),
        (lambda: {"critic": own_critic(layers.BatchNormalization(name="bn")),
                  "image_shape": (8, 8, 1)},
         "batch normalization under the gradient penalty.*Received: a critic with the layer bn"),
        (lambda: {"critic": own_critic(), "critic_normalization": "layer"},
         "critic_normalization must be left out with networks of your own"),
        (lambda: {"generator": own_generator(), "critic": own_critic(), "base_filters": 8},
         "base_filters must be left out with networks of your own"),
        (lambda: {"generator": own_generator(), "precision": "mixed_bfloat16"},
         "precision must be that of the networks given, float32"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        WassersteinGAN(**make())


def test_batch_normalization_in_a_critic_is_allowed_under_clipping():
    critic = own_critic(layers.BatchNormalization())
    gan = WassersteinGAN((8, 8, 1), critic=critic, clip_value=0.01, base_filters=4, n_critic=1)
    gan.compile()
    fit(gan, batches(1), steps=1)
    assert max(np.abs(weight).max() for weight in critic.trainable_variables) <= np.float32(0.01)


def test_a_network_that_is_set_later_is_refused():
    """It would train, and be lost when the model is saved and loaded."""
    gan = own_gan()
    with pytest.raises(ValueError, match="generator must be given when the model is made"):
        gan.generator = own_generator()
    fit(gan, batches(1))
