"""Trains a tiny WGAN-GP for 20 steps under a strategy; run as a process by test_strategy.py.

    python distributed_training.py LOGICAL_CPUS DEVICES OUTPUT.npz [DEVICES OUTPUT.npz ...]

Writes all weights and the optimizers' slots. Several workers are those of TF_CONFIG. Where two
devices are asked for, it also checks what replicas do besides, and fails if they do not.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import keras
import numpy as np
import pytest
import tensorflow as tf

from gans import WassersteinGAN
from gans.distribution.strategy import open_strategy


def train(devices, output):
    strategy = open_strategy(devices)
    with strategy.scope():
        gan = WassersteinGAN(
            (8, 8, 1), noise_dim=6, base_filters=4, n_critic=2, seed=3, real_noise=0.1,
            synchronized_batch_norm=True,
        )  # fmt: skip
    gan.compile(learning_rate=1e-3)
    images = np.random.default_rng(0).uniform(-1, 1, (20, 2 * 8, 8, 8, 1)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices(images).repeat()
    gan.train(data, 20, save_interval=10, save_path=f"{output}.run", quiet=True)
    variables = list(gan.weights)
    for optimizer in (gan.critic_optimizer, gan.generator_optimizer):
        variables += optimizer.variables
    values = {}  # by position and shape, as names count the models of a process
    for i, variable in enumerate(variables):
        name = variable.name if variable is gan.step or variable.name == "log_sums" else "variable"
        values[f"{name}{i}{list(variable.shape)}"] = variable.numpy()
    np.savez(output, replicas=strategy.num_replicas_in_sync, **values)
    return strategy


def check_replicas(strategy):
    with strategy.scope():
        gan = WassersteinGAN((8, 8, 1), noise_dim=6, base_filters=4, n_critic=1,
                             precision="mixed_float16")  # fmt: skip
    with pytest.raises(ValueError, match="jit_compile must be False or 'auto'"):
        gan.compile(jit_compile=True)
    gan.compile(steps_per_execution=2)
    data = tf.data.Dataset.from_tensors(tf.zeros([4, 8, 8, 1])).repeat()
    with pytest.raises(ValueError, match="steps_per_execution must be 1"):
        gan.train(data, 2, save_interval=2, save_path="unused", quiet=True)

    # An update that overflows on one replica is passed over by both.
    gan.compile()
    before = [weight.numpy() for weight in gan.critic.weights]
    poisoned = np.zeros((2, 4, 8, 8, 1), np.float32)
    poisoned[0, 0] = np.inf
    data = tf.data.Dataset.from_tensor_slices(poisoned)
    gan.fit(data.take(1), verbose=0, shuffle=False)
    for weight, value in zip(gan.critic.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    gan.fit(data.skip(1), verbose=0, shuffle=False)
    for weight in gan.critic.weights:
        one, two = (copy.numpy() for copy in weight.value.values)
        np.testing.assert_array_equal(one, two)
        assert np.isfinite(one).all()
    assert not np.array_equal(gan.critic.weights[0].numpy(), before[0])

    # Each replica may compute its part of the batch in parts.
    images = np.random.default_rng(1).uniform(-1, 1, (8, 8, 8, 1)).astype(np.float32)
    data = tf.data.Dataset.from_tensors(images)
    changed = []
    for parts in (1, 2):
        with strategy.scope():
            keras.utils.set_random_seed(1)
            plain = keras.Sequential([keras.Input((6,)), keras.layers.Dense(64, "tanh"),
                                      keras.layers.Reshape((8, 8, 1))])  # fmt: skip
            gan = WassersteinGAN(generator=plain, noise_dim=6, base_filters=4, n_critic=1,
                                 accumulate=parts)  # fmt: skip
            descent = [keras.optimizers.SGD(0.1) for _ in range(2)]
        gan.compile(*descent)
        gan.fit(data, verbose=0, shuffle=False)
        changed.append([weight.numpy() for weight in gan.weights])
    for one, other in zip(*changed, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-6)


cpu = tf.config.list_physical_devices("CPU")[0]
logical = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[1])
tf.config.set_logical_device_configuration(cpu, logical)
for number, path in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    used = train(int(number), path)
    if number == "2":
        check_replicas(used)  # not another strategy: two in a process confuse their exchanges
