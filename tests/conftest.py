"""Tiny networks and images, shared by the tests."""

import os
import signal

# Before NumPy or TensorFlow is imported. Networks here are tiny: a second thread would add nothing
# but the time in which it waits for the first.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from commands import SERVER

SHAPE = (8, 8, 1)

# A shell's background job ignores Ctrl-C, and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish():
    SERVER.end()


@pytest.fixture
def tiny_gan():
    """Makes a compiled WassersteinGAN on 8x8 gray images; arguments override the defaults."""
    from gans import WassersteinGAN

    def make(compile_options=None, **options):
        defaults = {
            "image_shape": SHAPE,
            "noise_dim": 6,
            "base_filters": 4,
            "n_critic": 1,
            "seed": 3,
        }
        gan = WassersteinGAN(**{**defaults, **options})
        gan.compile(**(compile_options or {}))
        return gan

    return make


@pytest.fixture
def tiny_images():
    """uint8 [40, 8, 8, 1]: distinct images of blurred noise."""
    rng = np.random.default_rng(5)
    blocks = rng.integers(0, 256, (40, 4, 4, 1)).astype(np.uint8)
    return blocks.repeat(2, axis=1).repeat(2, axis=2)


@pytest.fixture
def tiny_data(tiny_images, tmp_path):
    """A DataPreparator of `tiny_images` with batches of 4."""
    from utils import DataPreparator

    np.save(tmp_path / "images.npy", tiny_images)
    return DataPreparator(
        tmp_path / "images.npy",
        resize=SHAPE[:2],
        batch_size=4,
        cache_dir=tmp_path / "cache",
        show_progress=False,
    )


@pytest.fixture
def source(tmp_path, tiny_images):
    """Arguments for a run of train_generator.py on `tiny_images` that takes seconds."""
    np.save(tmp_path / "images.npy", tiny_images)
    return [
        "--source", str(tmp_path / "images.npy"), "--cache_dir", str(tmp_path / "cache"),
        "--resize", "8", "8", "--base_filters", "4", "--noise_dim", "6", "--batch_size", "8",
        "--n_critic", "1", "--deterministic",
    ]
