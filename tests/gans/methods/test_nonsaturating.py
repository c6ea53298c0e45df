"""The non-saturating baseline: its losses, its step, and that runs treat it like the others."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans import DCGAN, model_class
from gans.model.draws import Purpose, draw_seed
from utils.runs.directory import RunDirectory


@pytest.fixture
def tiny_dcgan():
    def make(compile_options=None, **options):
        defaults = {"image_shape": (8, 8, 1), "noise_dim": 6, "base_filters": 4, "seed": 3}
        gan = DCGAN(**{**defaults, **options})
        gan.compile(**(compile_options or {}))
        return gan

    return make


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.uniform(-1, 1, (count, 8, 8, 1)), tf.float32)


def fit(gan, data, steps=1):
    dataset = tf.data.Dataset.from_tensors(data).repeat()
    return gan.fit(dataset, steps_per_epoch=steps, verbose=0, shuffle=False).history


def noise_of(gan, purpose, iteration=0):
    seed = draw_seed(gan.options.seed, tf.constant(0, tf.int64), purpose, iteration)
    return tf.random.stateless_normal([4, gan.options.noise_dim], seed, alg="philox")


def test_a_step_is_the_papers_algorithm(tiny_dcgan):
    """Cross entropies as Keras has them, with gradient descent, give the same weights."""
    options = {
        "critic_optimizer": keras.optimizers.SGD(0.1),
        "generator_optimizer": keras.optimizers.SGD(0.2),
    }
    gan = tiny_dcgan(options, n_critic=2)
    plain = tiny_dcgan(n_critic=2)
    real = images(8)
    fit(gan, real)

    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    def descend(network, rate, loss_of):
        with tf.GradientTape() as tape:
            loss = loss_of()
        weights = network.trainable_variables
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(rate * gradient)

    def scores(noise):
        return plain.critic(plain.generator(noise, training=True), training=True)

    for iteration in range(2):
        noise, batch = noise_of(plain, Purpose.CRITIC_NOISE, iteration), real[4 * iteration :][:4]

        def discriminator_loss(noise=noise, batch=batch):
            real_scores, fake_scores = plain.critic(batch, training=True), scores(noise)
            real_loss = entropy(tf.ones_like(real_scores), real_scores)
            return real_loss + entropy(tf.zeros_like(fake_scores), fake_scores)

        descend(plain.critic, 0.1, discriminator_loss)

    def generator_loss():
        fake_scores = scores(noise_of(plain, Purpose.GENERATOR_NOISE))
        return entropy(tf.ones_like(fake_scores), fake_scores)

    descend(plain.generator, 0.2, generator_loss)
    for network in ("critic", "generator"):
        ours = getattr(gan, network).trainable_variables
        theirs = getattr(plain, network).trainable_variables
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_default_optimizer_and_networks_are_the_papers(tiny_dcgan):
    gan = tiny_dcgan()
    for optimizer in (gan.critic_optimizer, gan.generator_optimizer):
        assert isinstance(optimizer, keras.optimizers.Adam)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)
        np.testing.assert_allclose(optimizer.learning_rate, 2e-4, rtol=1e-6)
    large = DCGAN((32, 32, 1), base_filters=2)
    kinds = [type(layer).__name__ for layer in large.critic.layers]
    assert kinds.count("BatchNormalization") == 2  # not on the first of three


def test_logs_are_losses_and_probabilities(tiny_dcgan):
    gan = tiny_dcgan()
    score = gan.critic.get_layer("score")
    score.kernel.assign(np.zeros(score.kernel.shape))  # a discriminator that is undecided
    logs = {name: values[0] for name, values in fit(gan, images(4)).items()}
    assert set(logs) == {
        "discriminator_loss", "generator_loss", "real_probability", "fake_probability"}
    np.testing.assert_allclose(logs["discriminator_loss"], 2 * np.log(2), rtol=1e-5)
    for name in ("real_probability", "fake_probability"):
        assert logs[name] == pytest.approx(0.5)


def test_a_discriminator_learns_to_tell_images_from_fakes(tiny_dcgan):
    gan = tiny_dcgan({"learning_rate": 1e-2, "generator_learning_rate": 1e-9})
    fit(gan, tf.ones([8, 8, 8, 1]), steps=30)
    gan.reset_metrics()
    logs = fit(gan, tf.ones([8, 8, 8, 1]))
    assert logs["real_probability"][0] > 0.8 and logs["fake_probability"][0] < 0.2


def test_a_run_of_it_resumes_and_is_plotted(tiny_dcgan, tiny_data, tmp_path):
    whole = tiny_dcgan()
    whole.train(tiny_data, 4, save_interval=2, save_path=tmp_path / "whole", quiet=True)
    part = tiny_dcgan()
    part.train(tiny_data, 2, save_interval=2, save_path=tmp_path / "part", quiet=True)
    resumed = tiny_dcgan()
    run = resumed.train(
        tiny_data, 4, save_interval=2, save_path=tmp_path / "part", quiet=True, resume=True)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(run.directory.read_log()[0]) >= {"discriminator_loss", "real_probability"}
    assert run.directory.training_plot.stat().st_size > 0
    assert run.directory.generator_keras.is_file()
    assert not run.directory.best_generator.exists()


def test_the_best_generator_of_a_dcgan_is_unknown(tiny_dcgan, tiny_data, tmp_path):
    with pytest.raises(ValueError, match="save_best_only needs a model that logs wasserstein_es"):
        tiny_dcgan().train(tiny_data, 2, save_path=tmp_path / "run", save_best_only=True)
    assert not RunDirectory(tmp_path / "run").path.exists()


def test_its_whole_model_is_saved_and_loaded(tiny_dcgan, tmp_path):
    gan = tiny_dcgan({"optimizer": "rmsprop"})
    fit(gan, images(4), steps=2)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert isinstance(loaded, DCGAN) and loaded.get_config() == gan.get_config()
    assert isinstance(loaded.generator_optimizer, keras.optimizers.RMSprop)
    for each in (gan, loaded):
        fit(each, images(4, seed=1))
    for a, b in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_model_class():
    from gans import WassersteinGAN

    assert [model_class(method) for method in ("dcgan", "wgan", "wgan-gp")] == [
        DCGAN, WassersteinGAN, WassersteinGAN]
    with pytest.raises(ValueError, match="method must be one of .* Received: 'gan'"):
        model_class("gan")
