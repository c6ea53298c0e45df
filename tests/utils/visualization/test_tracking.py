"""Fixed noise vectors over training."""

import numpy as np
import pytest
from PIL import Image

from utils.runs.directory import RunDirectory
from utils.visualization import image_grid, save_image, track_noise

SIZE = 40  # enlarged twice


@pytest.fixture
def run(tmp_path):
    """A run of samples of ten steps, 0 to 900; image i of step s has gray level i + s / 10."""
    directory = RunDirectory(tmp_path / "run")
    directory.write_config({"model": {"image_shape": [SIZE, SIZE, 1]}})
    for step in range(0, 1000, 100):
        levels = np.arange(64, dtype=np.uint8) + step // 10
        images = np.broadcast_to(levels.reshape(-1, 1, 1, 1), (64, SIZE, SIZE, 1))
        save_image(image_grid(images), directory.sample(step))
    return directory


def _levels(picture: np.ndarray) -> list[list[int]]:
    """The gray levels of the picture's cells, row by row."""
    cell = 2 * SIZE + 2
    columns, rows = picture.shape[1] // cell, picture.shape[0] // cell
    grid = picture[picture.shape[0] - rows * cell :]
    return [
        [int(grid[row * cell + SIZE, 2 + column * cell + SIZE, 0]) for column in range(columns)]
        for row in range(rows)
    ]


def test_rows_are_vectors_and_columns_are_steps(run, tmp_path):
    picture = track_noise(str(run.path), tmp_path / "new" / "track.png", vectors=3, steps=4)
    assert _levels(picture) == [[i, i + 30, i + 60, i + 90] for i in range(3)]
    assert picture.dtype == np.uint8
    with Image.open(tmp_path / "new" / "track.png") as written:
        np.testing.assert_array_equal(np.asarray(written), picture)


def test_every_column_has_its_step_above(run):
    """There is ink above the middle of each column, and more of it for a longer number."""
    picture = track_noise(run.path, vectors=1, steps=2)
    header = picture[: picture.shape[0] - (2 * SIZE + 4)]
    numbers = header[header.shape[0] // 2 :]
    ink = [(numbers[:, 2 + left : 2 + left + 2 * SIZE] < 128).sum() for left in (0, 2 * SIZE + 2)]
    assert 5 < ink[0] < ink[1]  # "0" and "900"


def test_fewer_steps_than_asked_for_are_all_taken(run):
    for sample in run.list_samples()[3:]:
        sample.unlink()
    assert _levels(track_noise(run.path, vectors=1)) == [[0, 10, 20]]


def test_damaged_samples_are_passed_over_with_a_warning(run, caplog):
    samples = run.list_samples()
    samples[0].write_bytes(samples[0].read_bytes()[:60])
    save_image(np.zeros((30, 30), np.uint8), samples[9])  # no grid of such images
    (run.samples / "step-best.png").write_bytes(b"someone's")
    assert _levels(track_noise(run.path, vectors=1, steps=4)) == [[30, 60]]
    assert [record.args[0] for record in caplog.records] == [str(samples[0]), str(samples[9])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vectors": 0}, "vectors must be a whole number of at least 1. Received: vectors=0"),
        ({"vectors": 65}, "vectors must be at most 64"),
        ({"steps": 1}, "steps must be a whole number of at least 2. Received: steps=1"),
        ({"path": "track.gif"}, "path must end in .png"),
    ],
)
def test_bad_arguments_are_refused(run, options, message):
    with pytest.raises(ValueError, match=message):
        track_noise(run.path, **options)


def test_a_folder_without_a_run_or_samples_is_refused_in_one_line(run, tmp_path):
    path = tmp_path / "track.png"
    path.write_bytes(b"older")
    for sample in run.list_samples():
        sample.unlink()
    unnamed = RunDirectory(tmp_path / "unnamed")
    unnamed.write_config({"model": {}})
    for folder, message in [
        (tmp_path / "nothing", "run must be a run directory"),
        (run.path, "run must hold readable sample grids"),
        (unnamed.path, "run must name its model's image_shape"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            track_noise(folder, path)
        assert str(folder) in str(error.value)
        assert "\n" not in str(error.value)
    assert path.read_bytes() == b"older"
