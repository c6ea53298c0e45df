"""Tiles of distances give what the whole matrix would."""

import tracemalloc

import numpy as np
import pytest

from utils.metrics import distances
from utils.metrics.distances import distance_tiles, nearest


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def all_distances(queries, references):
    """By subtraction, float64 [N, M]."""
    difference = queries[:, None].astype(np.float64) - references[None].astype(np.float64)
    return np.sqrt((difference**2).sum(axis=2))


@pytest.mark.parametrize("tile", [1, 7, 64, 2048])
@pytest.mark.parametrize("k", [1, 3, 9])
def test_the_nearest_are_those_of_the_whole_matrix(monkeypatch, tile, k):
    monkeypatch.setattr(distances, "TILE", tile)
    queries, references = normal(0, 30, 5), normal(1, 41, 5)
    matrix = all_distances(queries, references)
    found, indices = nearest(queries, references, k)
    assert found.dtype == np.float64 and indices.dtype == np.int64
    np.testing.assert_array_equal(indices, np.argsort(matrix, axis=1)[:, :k])
    np.testing.assert_allclose(found, np.sort(matrix, axis=1)[:, :k], rtol=1e-12)


@pytest.mark.parametrize("tile", [5, 16, 2048])
def test_an_element_is_not_its_own_neighbor(monkeypatch, tile):
    monkeypatch.setattr(distances, "TILE", tile)
    features = normal(2, 33, 4)
    matrix = all_distances(features, features) + np.diag(np.full(33, np.inf))
    found, indices = nearest(features, features, 4, same=True)
    np.testing.assert_array_equal(indices, np.argsort(matrix, axis=1)[:, :4])
    np.testing.assert_allclose(found, np.sort(matrix, axis=1)[:, :4], rtol=1e-12)
    found, indices = nearest(features, features, 32, same=True)  # all the others
    everyone = np.sort(np.column_stack([indices, np.arange(33)]), axis=1)
    assert np.isfinite(found).all() and (everyone == np.arange(33)).all()


def test_equal_elements_are_neighbors_at_exactly_zero():
    features = normal(3, 12, 200).astype(np.float32) * 50
    twice = np.concatenate([features, features])
    found, indices = nearest(twice, twice, 2, same=True)
    np.testing.assert_array_equal(indices[:, 0], (np.arange(24) + 12) % 24)
    assert (found[:, 0] == 0).all() and (found[:, 1] > 1).all()


def test_small_distances_far_from_the_origin_are_right():
    features = normal(4, 50, 8) + 1e6
    found, _ = nearest(features, features, 2, same=True)
    matrix = np.sort(all_distances(features, features), axis=1)
    np.testing.assert_allclose(found, matrix[:, 1:3], rtol=1e-9)
    (tile,) = distance_tiles(features, features)
    np.testing.assert_allclose(tile.squared, all_distances(features, features) ** 2, atol=1e-8)


def test_no_tile_is_negative_or_further_off_than_it_says(monkeypatch):
    monkeypatch.setattr(distances, "TILE", 20)
    features = normal(5, 50, 300).repeat(2, axis=0) * np.geomspace(1, 100, 300)
    matrix = all_distances(features, features) ** 2
    tiles = list(distance_tiles(features, features, same=True))
    assert len(tiles) == 15  # of 25: those below the diagonal are the same
    for rows, columns, squared, rounding in tiles:
        assert squared.min() >= 0 and rounding < 1e-9 * matrix.max()
        assert np.abs(squared - matrix[rows, columns]).max() <= rounding


def test_memory_maps_and_float32_are_taken_as_they_are(tmp_path):
    features = normal(6, 60, 16).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    stored = np.load(tmp_path / "features.npy", mmap_mode="r")
    for one, other in zip(nearest(stored, stored, 3, same=True),
                          nearest(features.astype(np.float64), features, 4), strict=True):
        np.testing.assert_array_equal(one, other[:, 1:])


def test_memory_does_not_grow_with_the_matrix():
    queries, references = normal(7, 3000, 8), normal(8, 16_000, 8)  # 384 MB of float64 distances
    tracemalloc.start()
    nearest(queries, references, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150e6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(3), np.zeros((3, 1))), "queries must be an array.*Received: shape .3,."),
        ((np.zeros((3, 2)), np.zeros((3, 1))), "references must have 2 features.*Received: 1"),
        ((np.zeros((0, 2)), np.zeros((3, 2))), "queries must hold at least 1 images.*Received: 0"),
        ((np.zeros((3, 2), complex), np.zeros((3, 2))), "queries must.*complex128"),
        ((np.zeros((3, 2)), [[0, 0], [0, np.nan]]), "references must be finite.*row 1 of 2"),
        ((np.zeros((3, 2)), np.zeros((3, 2)), 0), "k must be a whole number.*Received: 0"),
        ((np.zeros((3, 2)), np.zeros((3, 2)), 4), "k must be at most 3.*Received: 4"),
        ((np.zeros((3, 2)), np.zeros((3, 2)), 3, True), "k must be at most 2.*others.*Received: 3"),
        ((np.zeros((3, 2)), np.zeros((4, 2)), 1, True), "same=True demands.*Received: 3 and 4"),
    ],
)
def test_wrong_arguments_get_one_clear_line(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        nearest(*arguments)
    assert "\n" not in str(caught.value)
