"""Trains a tiny WGAN-GP on one device, on several or with several workers; run by tests.

    python distributed_training.py OUTPUT.npz [LOGICAL_CPUS]

with TF_CONFIG for several workers. Writes the weights and optimizers' slots after 20 steps.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import tensorflow as tf

from gans import WassersteinGAN
from gans.callbacks import train
from gans.distribution import open_strategy

output, cpus = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    device, [tf.config.LogicalDeviceConfiguration()] * cpus
)
strategy = open_strategy("all")
with strategy.scope():
    gan = WassersteinGAN(
        (8, 8, 1), noise_dim=6, base_filters=4, n_critic=2, seed=3, real_noise=0.1,
        synchronized_batch_norm=True,
    )  # fmt: skip
gan.compile(learning_rate=1e-3)
images = np.random.default_rng(0).uniform(-1, 1, (20, 2 * 8, 8, 8, 1)).astype(np.float32)
data = tf.data.Dataset.from_tensor_slices(images).repeat()
train(gan, data, 20, save_interval=5, save_path=f"{output}.run", quiet=True)
variables = {variable.path: variable for variable in gan.weights}
for name in ("critic_optimizer", "generator_optimizer"):
    variables |= {f"{name}/{v.path}": v for v in getattr(gan, name).variables}
np.savez(output, **{name.replace("/", "|"): v.numpy() for name, v in variables.items()})
print(strategy.num_replicas_in_sync, {k: float(v) for k, v in gan.get_metrics_result().items()})
