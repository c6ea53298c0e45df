"""The built-in faces."""

import numpy as np
import pytest
from PIL import Image

from utils.data.sources.faces import NUM_FACES, draw_face


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (48, 80), (17, 23), (1, 1), (256, 256)])
def test_shape_and_type(size):
    face = draw_face(3, size)
    assert face.shape == (*size, 3)
    assert face.dtype == np.uint8
    assert face.flags.writeable


def test_same_seed_and_index_same_bits():
    np.testing.assert_array_equal(draw_face(11, seed=2), draw_face(11, seed=2))


def test_every_index_and_seed_is_another_face():
    faces = [draw_face(index, (32, 32), seed).tobytes() for seed in (0, 1) for index in range(100)]
    assert len(set(faces)) == len(faces)


def test_last_index_draws():
    assert draw_face(NUM_FACES - 1, (16, 16)).std() > 10


def test_negative_index_is_refused():
    with pytest.raises(ValueError):
        draw_face(-1)


@pytest.mark.parametrize("size", [(64, 64), (256, 256)])
def test_other_sizes_show_the_same_face(size):
    """Reduced to one size, each of 20 faces is nearest to itself, and close."""
    small = np.stack([_reduced(draw_face(i, (32, 32))) for i in range(20)])
    large = np.stack([_reduced(draw_face(i, size)) for i in range(20)])
    distances = np.abs(large[:, None] - small[None]).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(distances.argmin(axis=1), np.arange(20))
    assert np.diag(distances).max() < 4  # of 255


@pytest.mark.parametrize(
    ("size", "middle"), [((96, 64), np.s_[15:79]), ((64, 96), np.s_[:, 16:80])]
)
def test_non_square_fits_the_head(size, middle):
    """The middle square of it looks like the square face: nothing is squeezed."""
    for index in range(10):
        part = _reduced(draw_face(index, size)[middle])
        square = _reduced(draw_face(index, (64, 64)))
        assert np.corrcoef(part.ravel(), square.ravel())[0, 1] > 0.6


def test_edges_are_anti_aliased():
    """Nearest-pixel edges would leave only the few dozen colors that the face is painted with."""
    for index in range(5):
        assert len(np.unique(draw_face(index).reshape(-1, 3), axis=0)) > 200


def test_faces_vary_everywhere_and_stay_centered():
    faces = np.stack([draw_face(i, (32, 32)) for i in range(200)]).astype(float)
    assert faces.std(axis=0).min() > 15
    skin_like = faces[:, 14:20, 13:19].mean(axis=(1, 2))  # red above blue: skin, nearly always
    assert (skin_like[:, 0] > skin_like[:, 2]).mean() > 0.95


def _reduced(face: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] to float [16, 16, 3]."""
    return np.asarray(Image.fromarray(face).resize((16, 16), Image.Resampling.BOX), float)
