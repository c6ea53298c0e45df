"""Image grids and PNG files."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from utils.visualization import image_grid, save_image
from utils.visualization.grids import split_grid, to_uint8


def _images(count: int, height: int = 3, width: int = 4, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, height, width, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_layout_is_pixel_exact(channels):
    images = _images(5, channels=channels)
    grid = image_grid(images, columns=3, padding=2, background=7)
    expected = np.full((2 * 5 + 2, 3 * 6 + 2, channels), 7, np.uint8)
    for i, image in enumerate(images):
        row, column = divmod(i, 3)
        expected[2 + 5 * row : 5 + 5 * row, 2 + 6 * column : 6 + 6 * column] = image
    assert grid.dtype == np.uint8
    np.testing.assert_array_equal(grid, expected)


def test_without_padding_images_touch():
    images = _images(4)
    grid = image_grid(images, padding=0)
    np.testing.assert_array_equal(grid[:3, :4], images[0])
    np.testing.assert_array_equal(grid[3:, 4:], images[3])


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (5, 3, 2), (9, 3, 3), (10, 4, 3)]
)
def test_default_is_nearly_square(count, columns, rows):
    assert image_grid(_images(count), padding=1).shape == (4 * rows + 1, 5 * columns + 1, 3)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), {}, "uint8"),
        (np.zeros((4, 4, 3), np.uint8), {}, r"\[N, H, W, C\]"),
        (np.zeros((2, 4, 4, 2), np.uint8), {}, "C 1 or 3"),
        (np.zeros((0, 4, 4, 3), np.uint8), {}, "at least one"),
        (_images(2), {"columns": 0}, "columns=0"),
        (_images(2), {"padding": -1}, "padding=-1"),
        (_images(2), {"background": 256}, "background=256"),
    ],
)
def test_bad_input_is_refused_in_one_line(images, options, message):
    with pytest.raises(ValueError, match=message) as error:
        image_grid(images, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("count", "columns", "padding"), [(1, 1, 2), (5, 3, 2), (6, 2, 0), (7, 7, 5)]
)
def test_split_grid_inverts_image_grid(count, columns, padding, channels):
    images = _images(count, channels=channels)
    cells = split_grid(image_grid(images, columns, padding, background=9), (3, 4), padding)
    np.testing.assert_array_equal(cells[:count], images)
    assert (cells[count:] == 9).all()
    assert len(cells) == -(-count // columns) * columns


@pytest.mark.parametrize("shape", [(12, 20, 3), (13, 20, 3), (12, 19), (2, 2, 3), (0, 20, 3)])
def test_what_is_no_grid_of_such_images_is_not_split(shape):
    """12 by 20 is one of 3x4 images with 2 pixels around; the size asked for is 4x3."""
    with pytest.raises(ValueError, match="grid must be") as error:
        split_grid(np.zeros(shape, np.uint8), (4, 3))
    assert "\n" not in str(error.value)


def test_to_uint8_is_the_models_rounding():
    bytes_ = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_uint8(bytes_ / 127.5 - 1), bytes_)
    ends = to_uint8(np.array([-1.0005, -1.0, 0.0, 1.0, 1.0005], np.float64))
    np.testing.assert_array_equal(ends, [0, 0, 128, 255, 255])
    assert ends.dtype == np.uint8


@pytest.mark.parametrize("value", [-1.1, 255.0, np.nan, np.inf])
def test_to_uint8_refuses_other_ranges(value):
    with pytest.raises(ValueError, match="images must be in"):
        to_uint8(np.array([0.0, value]))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 3)])
def test_saved_image_reads_back(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    path = tmp_path / "new" / "image.png"
    save_image(array, path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), array.squeeze())
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)]
)
def test_bad_array_writes_nothing(tmp_path, array):
    with pytest.raises(ValueError, match="array must be uint8"):
        save_image(array, tmp_path / "image.png")
    assert not list(tmp_path.iterdir())


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, utils.visualization; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "utils.visualization" in loaded.split()
    assert not {"matplotlib", "tensorflow", "PIL", "numpy"} & set(loaded.split())


def test_unknown_name_is_an_attribute_error():
    import utils.visualization

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        utils.visualization.nothing  # noqa: B018
