"""The training algorithm, against the papers' own and closed forms."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from comparing import assert_same_images
from fitting import batches, dataset, fit

from gans import WassersteinGAN
from gans.model.draws import Purpose, draw_seed


@pytest.fixture
def tiny_gan(tiny_gan):
    """With two critic updates a step."""
    return functools.partial(tiny_gan, n_critic=2)


def sgd():
    return {
        "critic_optimizer": keras.optimizers.SGD(0.1),
        "generator_optimizer": keras.optimizers.SGD(0.2),
    }


def noise_of(gan, step, purpose, iteration=0):
    seed = draw_seed(gan.options.seed, tf.constant(step, tf.int64), purpose, iteration)
    return tf.random.stateless_normal([4, gan.options.noise_dim], seed, alg="philox"), seed


@pytest.mark.parametrize("clip_value", [None, 0.02])
def test_a_step_is_the_papers_algorithm(tiny_gan, clip_value):
    """Both algorithms written out plainly, with gradient descent, give the same weights."""
    options = {"critic_normalization": "none", "clip_value": clip_value}
    gan = tiny_gan(sgd(), **options)
    plain = tiny_gan(sgd(), **options)
    images = batches(2)
    fit(gan, images)

    for iteration in range(2):
        real = images[4 * iteration : 4 * iteration + 4]
        noise, _ = noise_of(plain, 0, Purpose.CRITIC_NOISE, iteration)
        fake = plain.generator(noise, training=True)
        alpha = tf.random.stateless_uniform(
            [4, 1, 1, 1], noise_of(plain, 0, Purpose.INTERPOLATION, iteration)[1], alg="philox"
        )
        between = alpha * real + (1 - alpha) * fake
        weights = plain.critic.trainable_variables
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(plain.critic(fake)) - tf.reduce_mean(plain.critic(real))
            if clip_value is None:
                with tf.GradientTape() as inner:
                    inner.watch(between)
                    scores = plain.critic(between)
                gradient = tf.reshape(inner.gradient(scores, between), [4, -1])
                loss += 10.0 * tf.reduce_mean((tf.norm(gradient, axis=1) - 1.0) ** 2)
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            new = weight.value - 0.1 * gradient
            weight.assign(new if clip_value is None else tf.clip_by_value(new, -0.02, 0.02))
    weights = plain.generator.trainable_variables
    with tf.GradientTape() as tape:
        fakes = plain.generator(noise_of(plain, 0, Purpose.GENERATOR_NOISE)[0], training=True)
        loss = -tf.reduce_mean(plain.critic(fakes))
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign_sub(0.2 * gradient)

    for network in ("critic", "generator"):
        for ours, theirs in zip(
            getattr(gan, network).get_weights(), getattr(plain, network).get_weights(), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_updates_of_a_step_each_on_fresh_images(tiny_gan, monkeypatch):
    gan = tiny_gan({"run_eagerly": True}, n_critic=3)
    seen = []
    update = WassersteinGAN.update_critic
    monkeypatch.setattr(
        WassersteinGAN,
        "update_critic",
        lambda self, images, i: (seen.append(images.numpy()), update(self, images, i))[1],
    )
    images = batches(3)
    fit(gan, images, steps=2)
    assert int(gan.critic_optimizer.iterations) == 6
    assert int(gan.generator_optimizer.iterations) == 2
    assert int(gan.step) == 2
    np.testing.assert_array_equal(np.concatenate(seen[:3]), images)


def test_clipping_holds_after_every_update(tiny_gan, monkeypatch):
    gan = tiny_gan({"learning_rate": 0.05, "run_eagerly": True}, clip_value=0.01)
    updates = []
    update = WassersteinGAN.update_critic

    def update_and_look(self, images, iteration):
        logs = update(self, images, iteration)
        weights = np.concatenate([w.numpy().ravel() for w in gan.critic.trainable_variables])
        updates.append((np.abs(weights).max(), (np.abs(weights) == np.float32(0.01)).mean()))
        return logs

    monkeypatch.setattr(WassersteinGAN, "update_critic", update_and_look)
    fit(gan, batches(2), steps=3)
    assert len(updates) == 6
    for largest, clipped in updates:
        assert largest <= np.float32(0.01)
        assert clipped > 0.1  # the bound is in force


def test_ema_closed_form(tiny_gan):
    gan = tiny_gan(ema_decay=0.25)
    expected = [w.copy() for w in gan.generator.get_weights()]
    for t in range(4):
        fit(gan, batches(2))
        decay = min(0.25, (1 + t) / (10 + t))
        expected = [
            decay * e + (1 - decay) * w
            for e, w in zip(expected, gan.generator.get_weights(), strict=True)
        ]
    for ours, theirs in zip(gan.ema_generator.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_no_ema_is_the_generator(tiny_gan):
    gan = tiny_gan(ema_decay=0.0)
    fit(gan, batches(2))
    for ours, theirs in zip(
        gan.ema_generator.get_weights(), gan.generator.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_learning_rates_fall_every_thousand_generator_steps(tiny_gan):
    gan = tiny_gan({"learning_rate": 1e-3, "generator_learning_rate": 5e-4, "decay_rate": 0.5})
    gan.critic_optimizer.iterations.assign(2 * 2000)  # n_critic = 2
    gan.generator_optimizer.iterations.assign(2000)
    np.testing.assert_allclose(gan.critic_optimizer.learning_rate, 0.25e-3, rtol=1e-5)
    np.testing.assert_allclose(gan.generator_optimizer.learning_rate, 1.25e-4, rtol=1e-5)


def test_optimizers_by_name(tiny_gan):
    gan = tiny_gan({"optimizer": "adam", "beta_1": 0.1, "beta_2": 0.8}, clip_value=0.01)
    for optimizer in (gan.critic_optimizer, gan.generator_optimizer):
        assert isinstance(optimizer, keras.optimizers.Adam)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.1, 0.8)
    assert isinstance(tiny_gan({"optimizer": "rmsprop"}).critic_optimizer, keras.optimizers.RMSprop)
    with pytest.raises(ValueError, match="optimizer must be one of adam, rmsprop. Received: 'sgd'"):
        tiny_gan({"optimizer": "sgd"})
    with pytest.raises(ValueError, match="critic_optimizer must be a Keras optimizer or None"):
        tiny_gan({"critic_optimizer": "adam"})
    with pytest.raises(ValueError, match=r"beta_2 must be a number in \[0, 1\). Received: 1.0"):
        tiny_gan({"beta_2": 1.0})


def test_real_noise_is_mixed_into_what_the_critic_sees(tiny_gan, monkeypatch):
    gan = tiny_gan({"run_eagerly": True}, real_noise=0.1)
    seen = []
    update = WassersteinGAN.update_critic
    monkeypatch.setattr(
        WassersteinGAN,
        "update_critic",
        lambda self, images, i: (seen.append(images.numpy()), update(self, images, i))[1],
    )
    images = batches(2).numpy()
    fit(gan, images, steps=2)
    noise = (np.stack(seen).reshape(2, *images.shape) - 0.9 * images) / 0.1  # of two steps
    assert np.abs(noise).max() <= 1 + 1e-5
    assert abs(noise.mean()) < 0.1 and abs(noise.std() - np.sqrt(1 / 3)) < 0.05
    assert len(np.unique(noise.round(5))) > 0.99 * noise.size  # fresh in every step and update


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_set_step_moves_the_decay_too(tiny_gan, precision):
    gan = tiny_gan({"learning_rate": 1e-3, "decay_rate": 0.5}, precision=precision)
    gan.set_step(3000)
    assert int(gan.step) == 3000
    for optimizer in (gan.critic_optimizer, gan.generator_optimizer):
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        np.testing.assert_allclose(optimizer.learning_rate, 1.25e-4, rtol=1e-5)


def test_default_optimizers_are_the_papers(tiny_gan):
    adam = tiny_gan().critic_optimizer
    assert isinstance(adam, keras.optimizers.Adam)
    assert (adam.beta_1, adam.beta_2) == (0.5, 0.9)
    np.testing.assert_allclose(adam.learning_rate, 1e-4, rtol=1e-6)
    rmsprop = tiny_gan(clip_value=0.01).critic_optimizer
    assert isinstance(rmsprop, keras.optimizers.RMSprop)
    np.testing.assert_allclose(rmsprop.learning_rate, 5e-5, rtol=1e-6)


def test_logs(tiny_gan):
    gan = tiny_gan()
    images = batches(2)
    history = gan.fit(dataset(images), steps_per_epoch=1, verbose=0, shuffle=False).history
    logs = {name: values[0] for name, values in history.items()}
    np.testing.assert_allclose(
        logs["wasserstein_estimate"], logs["real_score"] - logs["fake_score"], atol=1e-5
    )
    np.testing.assert_allclose(
        logs["critic_loss"],
        -logs["wasserstein_estimate"] + 10 * logs["gradient_penalty"],
        rtol=1e-4,
    )
    assert "clipped_weights" not in logs
    clipped = tiny_gan(clip_value=0.01)
    history = clipped.fit(dataset(images), steps_per_epoch=1, verbose=0, shuffle=False).history
    assert 0 < history["clipped_weights"][0] <= 1
    assert "gradient_penalty" not in history


def test_generate(tiny_gan):
    gan = tiny_gan()
    images = gan.generate(10, seed=4, batch_size=8)
    assert images.shape == (10, 8, 8, 1) and images.dtype == np.uint8
    assert_same_images(images[:3], gan.generate(3, seed=4, batch_size=8))
    assert not np.array_equal(images, gan.generate(10, seed=5, batch_size=8))
    with pytest.raises(ValueError, match="n must be 1 or more"):
        gan.generate(0)


def test_generate_covers_the_range_of_uint8(tiny_gan):
    gan = tiny_gan()
    last = gan.ema_generator.layers[-2]
    for bias, value in [(100.0, 255), (-100.0, 0)]:
        last.bias.assign(np.full(last.bias.shape, bias))
        assert (gan.generate(2) == value).all()


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_keeps_scores_float32(tiny_gan, precision):
    gan = tiny_gan(precision=precision)
    history = gan.fit(dataset(batches(2)), steps_per_epoch=5, verbose=0, shuffle=False).history
    assert all(np.isfinite(value[0]) for value in history.values())
    assert gan.critic.layers[1].compute_dtype == precision.removeprefix("mixed_")
    assert gan.critic(batches(1)).dtype == "float32"
    assert gan.generator(tf.zeros([1, 6])).dtype == "float32"
    assert all(weight.dtype in ("float32", "int64") for weight in gan.weights)
    assert keras.config.dtype_policy().name == "float32"  # nothing global is left behind


def test_steps_do_not_depend_on_steps_per_execution(tiny_gan):
    one, four = tiny_gan(), tiny_gan({"steps_per_execution": 4})
    for gan in (one, four):
        fit(gan, batches(2), steps=4)
    for a, b in zip(one.get_weights(), four.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_xla_gives_the_same_step(tiny_gan, monkeypatch):
    rng = np.random.default_rng(0)  # XLA draws other numbers: give both the same
    noise = tf.constant(rng.normal(size=(4, 6)), tf.float32)
    alpha = tf.constant(rng.uniform(size=(4, 1, 1, 1)), tf.float32)
    monkeypatch.setattr(WassersteinGAN, "training_noise", lambda *_: noise)
    monkeypatch.setattr("gans.methods.wasserstein.interpolation_weights", lambda *_: alpha)
    plain, compiled = tiny_gan(sgd()), tiny_gan({**sgd(), "jit_compile": True})
    for gan in (plain, compiled):
        fit(gan, batches(2))
    assert compiled.jit_compile and not plain.jit_compile
    for a, b in zip(plain.get_weights(), compiled.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_compilation_is_by_default_for_gpus_only(tiny_gan):
    assert tiny_gan().jit_compile == bool(tf.config.list_physical_devices("GPU"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gradient_penalty": 5.0, "clip_value": 0.1}, "must not both be given"),
        ({"gradient_penalty": -1.0}, "gradient_penalty must be a positive number. Received: -1.0"),
        ({"clip_value": 0.0}, "clip_value must be a positive number"),
        ({"critic_normalization": "batch"}, "must not be batch under the gradient penalty"),
        ({"architecture": "dcgn"}, "architecture must be one of dcgan, anime"),
        ({"image_shape": (8, 8)}, "image_shape must be"),
        ({"image_shape": (8, 8, 4)}, "image_shape must be"),
        ({"image_shape": (9, 8, 1)}, "Nearest sizes"),
        ({"n_critic": 0}, "n_critic must be a whole number of at least 1"),
        ({"noise": "gauss"}, "noise must be one of normal, uniform"),
        ({"ema_decay": 1.0}, "ema_decay must be a number in"),
        ({"critic_normalization": "published"}, "published needs architecture conv4 or residual64"),
        ({"one_sided": True, "clip_value": 0.1}, "one_sided needs the gradient penalty"),
        ({"real_noise": 1.0}, "real_noise must be a number in"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"precision": "float64"}, "precision must be one of"),
    ],
)
def test_bad_arguments(tiny_gan, options, message):
    with pytest.raises(ValueError, match=message):
        tiny_gan(**options)


def test_bad_learning_rate_and_batches(tiny_gan):
    with pytest.raises(ValueError, match="learning_rate must be a positive number"):
        tiny_gan({"learning_rate": 0.0})
    with pytest.raises(ValueError, match="n_critic=2.*Received: shape"):
        fit(tiny_gan(), batches(1, batch_size=3))


@pytest.mark.parametrize("normalization", ["none", "layer", "instance", "batch"])
def test_reals_and_fakes_are_scored_as_in_two_passes(tiny_gan, normalization):
    gan = tiny_gan(critic_normalization=normalization, clip_value=0.1)
    for i, weight in enumerate(gan.critic.trainable_variables):
        weight.assign(0.3 * np.random.default_rng(i).normal(size=weight.shape))
    images = batches(2)
    real, fake = images[:4], 3.0 * images[4:]
    weights = gan.critic.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        scores = gan.scores(real, fake)
        two = [gan.critic(each, training=True) for each in (real, fake)]
        losses = [tf.reduce_sum(tf.sin(a) + 2 * tf.cos(b)) for a, b in (scores, two)]
    for ours, theirs in zip(scores, two, strict=True):
        assert ours.shape == (4, 1) and ours.dtype == "float32"
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    for a, b in zip(*(tape.gradient(loss, weights) for loss in losses), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
