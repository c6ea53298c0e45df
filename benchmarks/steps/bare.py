"""A WGAN-GP or WGAN step as one writes it by hand: one tf.function, no `fit`, no package."""

from collections.abc import Callable

import keras
import tensorflow as tf


def bare_step(
    generator: keras.Model,
    critic: keras.Model,
    images: tf.Tensor,
    noise_dim: int,
    n_critic: int,
    clip_value: float | None,
    penalty_weight: float = 10.0,
    ema_decay: float = 0.9999,
) -> Callable[[], None]:
    """The mathematics of `WassersteinGAN.train_step` with the same layers and default optimizers.

    Args:
        generator: Built, as the critic.
        critic: Images to scores [N, 1].
        images: float32 [n_critic * N, H, W, C].
        noise_dim: Length of a noise vector.
        n_critic: Critic updates in the step.
        clip_value: Bound of the critic's weights; None: the gradient penalty.
        penalty_weight: Its weight.
        ema_decay: Decay of the generator's moving average.

    Returns:
        What makes one step and waits for it.
    """
    if clip_value is None:
        optimizers = [keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9) for _ in range(2)]
    else:
        optimizers = [keras.optimizers.RMSprop(5e-5) for _ in range(2)]
    average = [tf.Variable(weight) for weight in generator.weights]
    size = images.shape[0] // n_critic
    for optimizer, network in zip(optimizers, (critic, generator), strict=True):
        optimizer.build(network.trainable_variables)

    @tf.function(autograph=False)
    def step() -> tf.Tensor:
        for real in tf.split(images, n_critic):
            fake = generator(tf.random.normal([size, noise_dim]), training=True)
            alpha = tf.random.uniform([size, 1, 1, 1])
            between = alpha * real + (1.0 - alpha) * fake
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(critic(fake, training=True)) - tf.reduce_mean(
                    critic(real, training=True)
                )
                if clip_value is None:
                    with tf.GradientTape(watch_accessed_variables=False) as inner:
                        inner.watch(between)
                        scores = critic(between, training=True)
                    slopes = inner.gradient(scores, between)
                    norms = tf.sqrt(tf.reduce_sum(slopes**2, axis=[1, 2, 3]) + 1e-12)
                    loss += penalty_weight * tf.reduce_mean((norms - 1.0) ** 2)
            weights = critic.trainable_variables
            optimizers[0].apply(tape.gradient(loss, weights), weights)
            if clip_value is not None:
                for weight in weights:
                    weight.assign(tf.clip_by_value(weight.value, -clip_value, clip_value))
        with tf.GradientTape() as tape:
            fake = generator(tf.random.normal([size, noise_dim]), training=True)
            generator_loss = -tf.reduce_mean(critic(fake, training=True))
        weights = generator.trainable_variables
        optimizers[1].apply(tape.gradient(generator_loss, weights), weights)
        for mean, weight in zip(average, generator.weights, strict=True):
            mean.assign_add((1.0 - ema_decay) * (weight.value - mean))
        return loss

    return lambda: step().numpy()
