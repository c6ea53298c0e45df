"""What is measured of samples and of held-out images."""

import math

import numpy as np
import pytest
import tensorflow as tf

from gans.training.callbacks.samples import FEWEST_HELD_OUT, Measurements, SampleGrid
from gans.training.data import TrainingData
from gans.training.schedule import Interval, Schedule
from utils import DataPreparator
from utils.runs.directory import RunDirectory
from utils.visualization.grids import read_cells


@pytest.fixture
def measured(tiny_gan, tmp_path):
    """Makes (SampleGrid, Measurements, model) of a run in steps of 10, on given data."""

    def make(data):
        run, schedule, model = RunDirectory(tmp_path / "run"), Schedule(10, 100, 8), tiny_gan()
        measurements = Measurements(model, run, schedule, TrainingData.of(data, model))
        return SampleGrid(model, run), measurements, model

    return make


def values_of(*actions, step=10, samples=None):
    """What a record holds that went through these."""
    interval = Interval(step, {}, samples)
    for action in actions:
        action(interval)
    return interval.values


def test_real_images_as_samples_are_as_different_as_real_ones(measured, tiny_data):
    _, measurements, _ = measured(tiny_data)
    # all 40, as the real images are
    values = values_of(measurements, samples=tiny_data.sample(40, 3))
    assert values["sample_diversity"] == pytest.approx(1)
    assert math.isnan(values["sample_change"])  # nothing before
    same = np.repeat(tiny_data.sample(1, 0), 64, axis=0)
    assert values_of(measurements, samples=same)["sample_diversity"] == 0


def test_change_is_the_mean_distance_from_the_samples_before(measured, tiny_data):
    samples, measurements, model = measured(tiny_data)
    first, second = Interval(10, {}), Interval(20, {})
    samples(first)
    for weight in model.ema_generator.trainable_variables:
        weight.assign(weight * 2)
    samples(second)
    measurements(second)
    difference = second.samples - first.samples.astype(float)
    distances = np.sqrt((difference**2).sum((1, 2, 3)))
    real = tiny_data.sample(40, 0).reshape(40, -1).astype(float)
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(real) for b in real[:i]]
    expected = distances.mean() / np.mean(pairs)
    assert expected > 0
    assert second.values["sample_change"] == pytest.approx(expected, rel=1e-5)


def test_the_gap_is_the_place_between_training_images_and_samples(measured, tiny_images, tmp_path):
    np.save(tmp_path / "held.npy", tiny_images)
    data = DataPreparator(
        tmp_path / "held.npy", resize=(8, 8), batch_size=4, hold_out=0.5,
        cache_dir=tmp_path / "cache", show_progress=False,
    )  # fmt: skip
    samples, measurements, model = measured(data)
    means = {"training": 5.0, "held_out": 4.0, "samples": 1.0}
    sets = {"training": data.sample(20, 0), "held_out": data.held_out(20)}
    known = {image.tobytes(): means[name] for name, images in sets.items() for image in images}

    def critic(images, training):
        assert training is False
        bytes_ = np.round((images.numpy() + 1) * 127.5).astype(np.uint8)
        return tf.constant([[known.get(image.tobytes(), means["samples"])] for image in bytes_])

    vars(model)["critic"] = critic  # which a user cannot
    gap = values_of(samples, measurements)["held_out_gap"]
    assert gap == pytest.approx((5 - 4) / (5 - 1))
    means["samples"] = 6.0  # above the training images: there is no way to be on
    assert math.isnan(values_of(samples, measurements)["held_out_gap"])


def test_too_few_held_out_images_are_named_and_not_measured(
    measured, tiny_images, tmp_path, caplog
):
    np.save(tmp_path / "held.npy", tiny_images)
    data = DataPreparator(
        tmp_path / "held.npy", resize=(8, 8), batch_size=4, hold_out=0.1,
        cache_dir=tmp_path / "cache", show_progress=False,
    )  # fmt: skip
    samples, measurements, _ = measured(data)
    assert "held_out_gap" not in values_of(samples, measurements)
    expected = f"keeps 4 images aside, too few for overfitting to show: {FEWEST_HELD_OUT}"
    assert expected in caplog.text


def test_the_real_images_are_kept_as_a_grid(measured, tiny_data):
    _, measurements, _ = measured(tiny_data)
    cells = read_cells(measurements.run.real, (8, 8))
    assert {cell[..., :1].tobytes() for cell in cells} >= {
        image.tobytes() for image in tiny_data.sample(40, 0)
    }


def test_datasets_are_measured_as_well(measured, tiny_data):
    dataset = tiny_data.dataset(n_critic=2)
    samples, measurements, _ = measured(dataset)
    assert values_of(samples, measurements)["sample_diversity"] > 0
