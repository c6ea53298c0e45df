"""The penalty in some updates and on some images only, against the formula written out."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from fitting import batches, dataset, fit

from gans.methods.lazy_penalty import MEASURED_IMAGES, lazy_penalty
from gans.methods.penalties import gradient_norms, gradient_penalty
from gans.model.draws import (
    CRITIC_NOISE,
    INTERPOLATION,
    draw_seed,
    interpolation_weights,
    training_noise,
)

BATCH = 5


@pytest.mark.parametrize(
    ("every", "share", "images", "weights"),
    [(1, 1.0, 5, [10] * 6), (2, 1.0, 5, [20, 0, 20, 0, 20, 0]), (3, 0.5, 3, [30, 0, 0] * 2),
     (1, 0.2, 1, [10] * 6), (1, 0.21, 2, [10] * 6), (100, 1.0, 5, [1000, 0, 0, 0, 0, 0])],
)  # fmt: skip
def test_updates_have_the_penalty_or_none(tiny_gan, every, share, images, weights):
    """Two steps of three updates; the generator stands still."""
    optimizers = {
        "critic_optimizer": keras.optimizers.SGD(0.01),
        "generator_optimizer": keras.optimizers.SGD(0.0),
    }
    options = {"n_critic": 3, "penalty_every": every, "penalty_share": share}
    gan, plain = tiny_gan(optimizers, **options), tiny_gan(optimizers, **options)
    data = batches(3, batch_size=BATCH)
    fit(gan, data, steps=2)

    for update, weight in enumerate(weights):
        step, iteration = divmod(update, 3)
        real = data[BATCH * iteration : BATCH * (iteration + 1)]
        noise, alpha = (
            draw_seed(plain.seed, tf.constant(step, tf.int64), purpose, iteration)
            for purpose in (CRITIC_NOISE, INTERPOLATION)
        )
        fake = plain.generator(training_noise("normal", (BATCH, 6), noise), training=True)
        alpha = interpolation_weights(BATCH, alpha)[:images]
        between = alpha * real[:images] + (1 - alpha) * fake[:images]
        variables = plain.critic.trainable_variables
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(plain.critic(fake)) - tf.reduce_mean(plain.critic(real))
            norms = gradient_norms(plain.critic, between)
            loss += weight * tf.reduce_mean((norms - 1.0) ** 2)
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.01 * gradient)
    for ours, theirs in zip(gan.critic.get_weights(), plain.critic.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_work_is_left_out_and_logs_stay_measurements():
    calls = []

    def seen(images):
        calls.append(len(images))
        return images

    @tf.custom_gradient
    def recorded(images):
        images_seen = tf.ensure_shape(tf.numpy_function(seen, [images], tf.float32), images.shape)
        return images_seen, lambda upstream: upstream

    def critic(images, training):
        return tf.reduce_sum(recorded(images) ** 2, axis=[1, 2, 3])

    images = tf.random.stateless_uniform([20, 4, 4, 1], [1, 2])
    few = gradient_norms(critic, images[:MEASURED_IMAGES], training=True)
    norms = gradient_norms(critic, images, training=True)

    @tf.function
    def run(update, is_logged):
        return lazy_penalty(critic, images, 4, update, is_logged=is_logged)

    for update, is_logged, images_seen, expected in [
        (0, True, [20], (4 * gradient_penalty(norms), gradient_penalty(norms), norms)),
        (1, True, [MEASURED_IMAGES], (0.0, gradient_penalty(few), few)),
        (7, False, [], (0.0, 0.0, [0.0])),
        (8, False, [20], (4 * gradient_penalty(norms), gradient_penalty(norms), norms)),
    ]:
        calls.clear()
        added, penalty, norm = run(tf.constant(update, tf.int64), is_logged)
        assert calls == images_seen
        np.testing.assert_allclose(added, expected[0], rtol=1e-5)
        np.testing.assert_allclose(penalty, expected[1], rtol=1e-5)
        np.testing.assert_allclose(norm, np.mean(expected[2]), rtol=1e-5)


@pytest.mark.parametrize("compile_options", [{}, {"run_eagerly": True}, {"jit_compile": True}])
def test_logs_are_of_the_objective_in_every_step(tiny_gan, compile_options):
    gan = tiny_gan(compile_options, penalty_every=4, penalty_share=0.5)
    for _ in range(4):
        history = gan.fit(dataset(batches(2)), steps_per_epoch=1, verbose=0, shuffle=False).history
        logs = {name: values[0] for name, values in history.items()}
        assert logs["gradient_norm"] > 0
        np.testing.assert_allclose(
            logs["critic_loss"], 10 * logs["gradient_penalty"] - logs["wasserstein_estimate"],
            rtol=1e-4,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty_every": 0}, "penalty_every must be 1 or more. Received: 0"),
        ({"penalty_share": 0.0}, r"penalty_share must be in \(0, 1\]. Received: 0.0"),
        ({"penalty_share": 1.1}, r"penalty_share must be in \(0, 1\]. Received: 1.1"),
        ({"penalty_every": 2, "clip_value": 0.1}, "penalty_every must be left out with a clip"),
    ],
)
def test_bad_penalties(tiny_gan, options, message):
    with pytest.raises(ValueError, match=message):
        tiny_gan(**options)
    assert tiny_gan(penalty_every=3, penalty_share=0.5).get_config()["penalty_every"] == 3
