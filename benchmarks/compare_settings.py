"""Compares training settings at equal cost on Fashion-MNIST 32x32: prints one table.

    python benchmarks/compare_settings.py --seconds 400

Each setting trains for the same CPU time (of all cores together, so that other work on the
machine does not count), then makes 5,000 images. They are judged by the Fréchet distance to 5,000
test images in the 64 features of a small classifier, trained here on the dataset's labels: it
ranks these settings, and is no FID. Needs the four idx files of Fashion-MNIST in one folder, such
as Debian's package dataset-fashion-mnist installs.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import gzip

import keras
import numpy as np
from keras import layers

from gans import model_class
from utils import DataPreparator
from utils.visualization import image_grid, save_image

# name: method, arguments of the model, learning rate
SETTINGS = {
    "64 filters, n_critic 5, 1e-4": ("wgan-gp", {"base_filters": 64, "n_critic": 5}, 1e-4),
    "32 filters, n_critic 2, 2e-4": ("wgan-gp", {"n_critic": 2}, 2e-4),
    "32 filters, n_critic 1, 2e-4": ("wgan-gp", {"n_critic": 1}, 2e-4),
    "32 filters, n_critic 1, 4e-4": ("wgan-gp", {"n_critic": 1}, 4e-4),
    "resnet, 32 filters, n_critic 1, 2e-4": (
        "wgan-gp", {"architecture": "resnet", "base_filters": 32, "n_critic": 1}, 2e-4),
    "clipping, 32 filters, n_critic 5, 5e-5": ("wgan", {"n_critic": 5, "clip_value": 0.01}, 5e-5),
    "clipping, 32 filters, n_critic 1, 2e-4": ("wgan", {"n_critic": 1, "clip_value": 0.01}, 2e-4),
    "DCGAN, 32 filters, 2e-4": ("dcgan", {}, 2e-4),
}


class StopAfter(keras.callbacks.Callback):
    """Ends training after so many seconds of CPU time of all cores."""

    def __init__(self, seconds: float):
        super().__init__()
        self.end = time.process_time() + seconds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if time.process_time() > self.end:
            self.model.stop_training = True


def read_idx(path: Path, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def read_images(folder: Path, split: str) -> np.ndarray:
    """uint8 [N, 32, 32, 1], padded with black."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    return np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))


def train_extractor(folder: Path) -> keras.Model:
    """uint8 images -> 64 features, of a classifier trained for three passes."""
    keras.utils.set_random_seed(0)  # one judge for all tables of a machine
    images = keras.Input((32, 32, 1))
    h = layers.Rescaling(1 / 255)(images)
    for filters, strides in ((32, 2), (64, 2), (64, 1)):
        h = layers.Conv2D(filters, 3, strides, activation="relu")(h)
    features = layers.Dense(64, activation="relu")(layers.Flatten()(h))
    classifier = keras.Model(images, layers.Dense(10)(features))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile("adam", loss, jit_compile=False)
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz", 8)
    classifier.fit(read_images(folder, "train"), labels, batch_size=128, epochs=3, verbose=2)
    extractor = keras.Model(images, features)
    extractor.compile(jit_compile=False)
    return extractor


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between the normal distributions fitted to two sets of features [N, D]."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    covariances = np.cov(a.T), np.cov(b.T)
    values, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    product = np.linalg.eigvalsh(root @ covariances[1] @ root)
    trace_of_root = np.sqrt(np.maximum(product, 0)).sum()
    squared_means = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(squared_means + sum(np.trace(c) for c in covariances) - 2 * trace_of_root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--seconds", type=float, default=400, help="CPU seconds a setting")
    parser.add_argument("--only", nargs="+", default=list(SETTINGS), choices=list(SETTINGS),
                        metavar="NAME", help="settings to compare (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grids", help="folder for a sample grid of each setting")
    arguments = parser.parse_args()

    folder = Path(arguments.source)
    extractor = train_extractor(folder)
    test = extractor.predict(read_images(folder, "t10k"), 500, verbose=0)
    data = DataPreparator(folder, resize=(32, 32), crop="pad", background=(0, 0, 0))
    print(f"\n{'setting':42} {'steps':>6} {'EMA':>7} {'raw':>7}")
    print(f"{'real test images, the other 5,000':42} {'':6} "
          f"{frechet_distance(test[:5000], test[5000:]):7.1f}")
    for name in arguments.only:
        method, options, rate = SETTINGS[name]
        gan = model_class(method)(
            data.image_shape, noise_dim=128, seed=arguments.seed, **options
        )
        gan.compile(learning_rate=rate)
        gan.fit(data.dataset(gan.n_critic), steps_per_epoch=10**6, verbose=0, shuffle=False,
                callbacks=[StopAfter(arguments.seconds)])
        distances = []
        for network in (gan.ema_generator, gan.generator):
            gan.ema_generator.set_weights(network.get_weights())
            images = gan.generate(5000, seed=1)
            if arguments.grids and network is gan.ema_generator:
                file = name.replace(", ", "_").replace(" ", "-") + ".png"
                save_image(image_grid(images[:64]), Path(arguments.grids) / file)
            distances.append(
                frechet_distance(test[:5000], extractor.predict(images, 500, verbose=0))
            )
        print(f"{name:42} {int(gan.step):6} {distances[0]:7.1f} {distances[1]:7.1f}", flush=True)


if __name__ == "__main__":
    main()
