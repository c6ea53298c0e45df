"""Precision, recall, density and coverage against the reference package and by hand."""

import numpy as np
import pytest
from golden import MANIFOLD, pair, seeded_features

from utils.metrics import distances
from utils.metrics.manifold import precision_recall_density_coverage

NAMES = ("precision", "recall", "density", "coverage")


@pytest.mark.parametrize(("case", "k"), MANIFOLD)
def test_reference_values(case, k):
    found = precision_recall_density_coverage(*pair(case), k, k)
    assert tuple(found) == NAMES
    assert tuple(found.values()) == pytest.approx(MANIFOLD[case, k], rel=1e-9)


def test_each_pair_has_its_own_k():
    found = precision_recall_density_coverage(*pair("small"))
    expected = MANIFOLD["small", 3][:2] + MANIFOLD["small", 5][2:]
    assert tuple(found.values()) == pytest.approx(expected, rel=1e-9)
    found = precision_recall_density_coverage(*pair("small"), precision_k=5, density_k=3)
    expected = MANIFOLD["small", 5][:2] + MANIFOLD["small", 3][2:]
    assert tuple(found.values()) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("tile", [3, 16, 64])
def test_tiles_of_any_size(monkeypatch, tile):
    monkeypatch.setattr(distances, "TILE", tile)
    found = precision_recall_density_coverage(*pair("small"), 5, 5)
    assert tuple(found.values()) == pytest.approx(MANIFOLD["small", 5], rel=1e-9)


def test_on_a_line():
    """Reals at 0, 1, 3 with radii 1, 1, 2; fakes at 1.5, 4, 100 with radii 2.5, 2.5, 96."""
    real, fake = np.array([[0.0], [1], [3]]), np.array([[1.5], [4], [100]])
    found = precision_recall_density_coverage(real, fake, 1, 1)
    assert found == pytest.approx(
        {
            "precision": 2 / 3,  # 1.5 lies in the balls of 1 and 3, 4 in that of 3
            "recall": 1,  # all three lie in the ball of 1.5
            "density": 3 / 3,
            "coverage": 2 / 3,  # nothing comes near 0
        }
    )


@pytest.mark.parametrize("tile", [64, 2048])
def test_an_image_on_the_edge_is_outside(monkeypatch, tile):
    """Of copies of the reals each one's k-th neighbor is on its edge: k are inside, not k + 1."""
    monkeypatch.setattr(distances, "TILE", tile)
    real = seeded_features(1, 300) * 1000 + 7
    found = precision_recall_density_coverage(real, real[::-1].copy(), 3, 5)
    assert found == {"precision": 1, "recall": 1, "density": 1, "coverage": 1}
    repeated = real[:20].repeat(6, axis=0)  # balls of radius 0 hold nothing
    found = precision_recall_density_coverage(repeated, repeated[::-1].copy(), 3, 5)
    assert found == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_sets_far_apart_share_nothing():
    real = seeded_features(1, 50)
    found = precision_recall_density_coverage(real, real + 100)
    assert set(found.values()) == {0}


def test_too_few_images_are_refused():
    real, fake = pair("small")
    with pytest.raises(ValueError, match="fake must hold at least 6 images.*Received: 5"):
        precision_recall_density_coverage(real, fake[:5])
    with pytest.raises(ValueError, match="real must hold at least 10 images.*Received: 9"):
        precision_recall_density_coverage(real[:9], fake, precision_k=9)
    with pytest.raises(ValueError, match="density_k must be a whole number of at least 1"):
        precision_recall_density_coverage(real, fake, density_k=0)
