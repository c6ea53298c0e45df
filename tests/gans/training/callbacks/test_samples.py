"""What is measured of samples and of held-out images."""

import math

import numpy as np
import pytest
import tensorflow as tf

from gans.training.callbacks.samples import FEWEST_HELD_OUT, Measurements, SampleGrid
from gans.training.schedule import Schedule
from utils import DataPreparator
from utils.runs.directory import RunDirectory
from utils.visualization.grids import read_cells


@pytest.fixture
def measured(tiny_gan, tmp_path):
    """Makes (SampleGrid, Measurements, model) of a run in steps of 10, on given data."""

    def make(data):
        run, schedule = RunDirectory(tmp_path / "run"), Schedule(10, 100, 8)
        samples = SampleGrid(run, schedule)
        measurements = Measurements(run, schedule, samples, data)
        model = tiny_gan()
        for callback in (samples, measurements):
            callback.set_model(model)
        return samples, measurements, model

    return make


def test_real_images_as_samples_are_as_different_as_real_ones(measured, tiny_data):
    samples, measurements, _ = measured(tiny_data)
    samples.images = tiny_data.sample(40, 3)  # all 40, as the real images are
    measurements.on_interval_end(10, {})
    assert measurements.values["sample_diversity"] == pytest.approx(1)
    assert math.isnan(measurements.values["sample_change"])  # nothing before
    samples.images = np.repeat(tiny_data.sample(1, 0), 64, axis=0)
    measurements.on_interval_end(10, {})
    assert measurements.values["sample_diversity"] == 0


def test_change_is_the_mean_distance_from_the_samples_before(measured, tiny_data):
    samples, measurements, model = measured(tiny_data)
    samples.on_interval_end(10, {})
    first = samples.images.astype(float)
    for weight in model.ema_generator.trainable_variables:
        weight.assign(weight * 2)
    samples.on_interval_end(20, {})
    measurements.on_interval_end(20, {})
    distances = np.sqrt(((samples.images - first) ** 2).sum((1, 2, 3)))
    real = tiny_data.sample(40, 0).reshape(40, -1).astype(float)
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(real) for b in real[:i]]
    expected = distances.mean() / np.mean(pairs)
    assert expected > 0
    assert measurements.values["sample_change"] == pytest.approx(expected, rel=1e-5)


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

    model.critic = critic
    samples.on_interval_end(10, {})
    measurements.on_interval_end(10, {})
    assert measurements.values["held_out_gap"] == pytest.approx((5 - 4) / (5 - 1))
    means["samples"] = 6.0  # above the training images: there is no way to be on
    measurements.on_interval_end(10, {})
    assert math.isnan(measurements.values["held_out_gap"])


def test_too_few_held_out_images_are_named_and_not_measured(
    measured, tiny_images, tmp_path, caplog
):
    np.save(tmp_path / "held.npy", tiny_images)
    data = DataPreparator(
        tmp_path / "held.npy", resize=(8, 8), batch_size=4, hold_out=0.1,
        cache_dir=tmp_path / "cache", show_progress=False,
    )  # fmt: skip
    samples, measurements, _ = measured(data)
    samples.on_interval_end(10, {})
    measurements.on_interval_end(10, {})
    assert "held_out_gap" not in measurements.values
    assert f"keeps 4 images aside, too few to see overfitting by: {FEWEST_HELD_OUT}" in caplog.text


def test_the_real_images_are_kept_as_a_grid(measured, tiny_data):
    _, measurements, _ = measured(tiny_data)
    cells = read_cells(measurements.run.real, (8, 8))
    assert {cell[..., :1].tobytes() for cell in cells} >= {
        image.tobytes() for image in tiny_data.sample(40, 0)
    }


def test_datasets_are_measured_as_well(measured, tiny_data):
    dataset = tiny_data.dataset(n_critic=2)
    samples, measurements, _ = measured(dataset)
    samples.on_interval_end(10, {})
    measurements.on_interval_end(10, {})
    assert measurements.values["sample_diversity"] > 0
