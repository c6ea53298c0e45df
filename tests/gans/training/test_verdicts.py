"""What is said of real short runs: some go wrong on purpose, others are healthy."""

import keras
import numpy as np
import pytest

from gans import DCGAN, WassersteinGAN
from utils import DataPreparator
from utils.runs.columns import numeric_columns
from utils.runs.directory import RunDirectory
from utils.runs.health import diagnose

SIDE = 16
RATE = 8e-4


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    """Makes the first so many of 1,000 pictures: a disc of any color, place and size on gray."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images = np.full((1000, SIDE, SIDE, 3), 200, np.uint8)
    for image in images:
        (row, column), radius = rng.uniform(4, SIDE - 4, 2), rng.uniform(2, 6)
        image[np.hypot(rows - row, columns - column) < radius] = rng.integers(0, 256, 3)
    folder = tmp_path_factory.mktemp("discs")

    def make(number=1000, hold_out=0.2):
        path = folder / f"{number}.npy"
        np.save(path, images[:number])
        return DataPreparator(
            path, resize=(SIDE, SIDE), batch_size=16, hold_out=hold_out,
            cache_dir=folder / "cache", show_progress=False,
        )  # fmt: skip

    return make


def verdict_on(path, data, steps, method=WassersteinGAN, compile_options=(), **options):
    """Trains into a folder, and gives the verdict at the end and the names of all before."""
    gan = method((SIDE, SIDE, 3), noise_dim=16, base_filters=8, n_critic=1, **options)
    gan.compile(**{"learning_rate": RATE, **dict(compile_options)})
    gan.train(data, steps, save_interval=steps // 8, save_path=path, quiet=True)
    rows = RunDirectory(path).read_log()
    return diagnose(numeric_columns(rows)), [row["health"] for row in rows]


@pytest.mark.parametrize(
    ("expected", "steps", "compile_options", "options"),
    [
        # What goes wrong goes far wrong: on no processor is a number near to where it is told.
        ("critic too weak", 40, {"critic_optimizer": keras.optimizers.SGD(0.0)}, {}),
        ("unstable generator", 80, {"generator_learning_rate": 100 * RATE}, {}),
        ("critic too weak", 120, {}, {"clip_value": 1e-5}),
        ("exploding gradient", 120, {"learning_rate": 4 * RATE}, {"clip_value": 10.0}),
        # A weight of 0 is refused; this one does nothing either. A generator as quick as this
        # critic would now and then bring its gradient down.
        ("exploding gradient", 80, {"learning_rate": 25 * RATE, "generator_learning_rate": RATE},
         {"gradient_penalty": 1e-9}),
    ],
    ids=["critic_rate_0", "generator_rate_100_times", "clip_1e-5", "clip_10", "no_penalty"],
)
def test_what_is_wrong_is_named(discs, tmp_path, expected, steps, compile_options, options):
    verdict, _ = verdict_on(
        tmp_path / "run", discs(), steps, compile_options=compile_options, **options
    )
    assert (verdict.name, verdict.level) == (expected, "problem"), verdict


def test_twenty_training_images_are_overfitted(discs, tmp_path):
    data = discs(40, hold_out=0.5)
    assert data.num_images == data.num_held_out == 20
    verdict, names = verdict_on(tmp_path / "run", data, 800)
    assert (verdict.name, verdict.level) == ("overfitting", "problem"), verdict
    assert "overfitting" not in names[:4]


@pytest.mark.parametrize(
    ("method", "rate", "options"),
    [(WassersteinGAN, RATE, {}), (WassersteinGAN, RATE, {"clip_value": 0.01}), (DCGAN, 2e-4, {})],
    ids=["penalty", "clipping", "dcgan"],
)
def test_healthy_runs_are_not_accused(discs, tmp_path, method, rate, options):
    rates = {"learning_rate": rate}
    verdict, names = verdict_on(tmp_path / "run", discs(), 240, method, rates, **options)
    assert verdict.level != "problem", verdict
    assert set(names) <= {"starting", "learning", "critic not yet converged", "stalled"}
