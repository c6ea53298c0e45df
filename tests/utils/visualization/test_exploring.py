"""Labeled rows and columns of images."""

import numpy as np
import pytest

from utils.visualization.exploring import (
    direction_rows,
    interpolation_strip,
    real_and_generated,
    traversal_grid,
)
from utils.visualization.labeled import CELL_PIXELS, GAP, PADDING, labeled_grid

SIZE = 16
CELL = CELL_PIXELS + PADDING


def levels(shape):
    """Images of one gray level each, all different and none of them white or black."""
    count = int(np.prod(shape))
    values = np.arange(10, 10 + count, dtype=np.uint8).reshape(*shape, 1, 1, 1)
    return np.broadcast_to(values, (*shape, SIZE, SIZE, 1))


def cells(picture):
    """The gray levels of the images in a picture, from left to right and from top to bottom."""
    found = []
    for level in range(10, 30):
        ys, xs = np.nonzero((picture == level).all(axis=-1))
        if len(ys) >= CELL_PIXELS**2:
            found.append((np.median(ys) // 8, np.median(xs), level))  # text has a few of them too
    return [level for _, _, level in sorted(found)]


def test_images_stand_in_their_rows_and_columns():
    picture = labeled_grid(levels((2, 3)), ["a", "b", "c"], ["one", "two"], "top", "side")
    assert cells(picture) == [10, 11, 12, 13, 14, 15]
    assert picture.dtype == np.uint8 and picture.shape[-1] == 3
    plain = labeled_grid(levels((2, 3)), ["a", "b", "c"])
    assert plain.shape[1] == 3 * CELL + PADDING and cells(plain) == [10, 11, 12, 13, 14, 15]


def test_labels_are_written_beside_the_images():
    picture = labeled_grid(levels((2, 2)), ["a", ""], ["", "two"])
    plain = labeled_grid(levels((2, 2)), ["", ""], ["", "   "])
    top = picture.shape[0] - 2 * CELL
    left = picture.shape[1] - 2 * CELL
    assert (picture[:top, left : left + CELL] < 128).sum() > 5  # "a"
    assert (picture[:top, left + CELL :] < 128).sum() == 0
    assert (picture[top : top + CELL, : left - PADDING] < 128).sum() == 0
    assert (picture[top + CELL :, : left - PADDING] < 128).sum() > 5  # "two"
    assert plain.shape[1] <= picture.shape[1]


def test_labels_that_would_touch_are_left_out():
    crowded = labeled_grid(levels((1, 3)), ["1,000,000,000"] * 3)
    single = labeled_grid(levels((1, 3)), ["", "1,000,000,000", ""])
    np.testing.assert_array_equal(crowded, single)


def test_a_strip_has_its_ends_beside_it():
    images = levels((2, 4))
    picture = interpolation_strip(images, ["3", "7", "11"])
    plain = labeled_grid(images, [""] * 4, ["3 to 7", "7 to 11"])
    assert picture.shape[1] == plain.shape[1] + 2 * (CELL + GAP)
    row = picture[picture.shape[0] - CELL - 20, :, 0]  # through the first way
    inside = row[(row >= 10) & (row < 18)]
    expected = np.repeat([10, 10, 11, 12, 13, 13], CELL_PIXELS)
    np.testing.assert_array_equal(inside, expected)


def test_traversals_and_directions_keep_the_order():
    assert cells(traversal_grid(levels((3, 3)), np.linspace(-1, 1, 3), 0, 5)) == list(range(10, 19))
    assert cells(direction_rows(levels((2, 3)), [-4, 0, 4])) == list(range(10, 16))


@pytest.mark.parametrize("channels", [1, 3])
def test_channels(channels):
    images = np.full((1, 1, 80, 70, channels), 90, np.uint8)
    picture = labeled_grid(images, ["a"])
    assert (picture == 90).all(axis=-1).sum() >= 80 * 70  # not enlarged


def test_real_images_stand_on_the_left():
    real, fake = levels((5,)), levels((5,)) + np.uint8(8)
    assert cells(real_and_generated(real, fake)) == [10, 11, 12, 18, 19, 20, 13, 14, 21, 22]
