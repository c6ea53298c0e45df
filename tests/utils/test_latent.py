import numpy as np
import pytest

from utils.latent import along, interpolate, lerp, loop, sample, slerp, traversal


@pytest.mark.parametrize("noise", ["normal", "uniform"])
@pytest.mark.parametrize("truncation", [None, 0.5])
def test_a_vector_depends_on_seed_and_index_only(noise, truncation):
    rows = sample(9, 5, 7, noise, truncation)
    np.testing.assert_array_equal(sample(3, 5, 7, noise, truncation), rows[:3])
    np.testing.assert_array_equal(sample(4, 5, 7, noise, truncation, first=5), rows[5:])
    assert not np.array_equal(rows, sample(9, 5, 8, noise, truncation))
    assert len(np.unique(rows)) == rows.size
    assert rows.dtype == np.float32


def test_truncation_bounds_and_keeps_the_shape_within():
    rows = sample(500, 20, truncation=0.7)
    assert np.abs(rows).max() <= 0.7
    # A normal cut at t has the variance 1 - 2 t phi(t) / (2 Phi(t) - 1); 0.1549 at 0.7.
    assert abs(rows.var() - 0.1549) < 0.006
    uniform = sample(500, 20, noise="uniform", truncation=0.3)
    assert 0.29 < np.abs(uniform).max() <= 0.3


def test_lerp_is_the_published_average():
    start, end = sample(2, 6)
    np.testing.assert_allclose(lerp(start, end, 0.25), 0.25 * end + 0.75 * start, rtol=1e-6)
    ways = lerp(start, end, np.array([0, 0.5, 1]))
    np.testing.assert_array_equal(ways[[0, 2]], [start, end])
    assert ways.dtype == np.float32


def test_slerp_turns_at_constant_speed_between_vectors_of_one_length():
    start, end = np.array([3.0, 0, 0]), np.array([0, 3.0, 0])
    ways = slerp(start, end, np.linspace(0, 1, 4))
    angles = np.deg2rad([0, 30, 60, 90])
    expected = 3 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    np.testing.assert_allclose(ways, expected, atol=1e-6)


def test_slerp_keeps_the_length_of_noise_where_lerp_does_not():
    start, end = sample(2, 1000, seed=3)
    assert abs(np.linalg.norm(slerp(start, end, 0.5)) / np.sqrt(1000) - 1) < 0.05
    assert abs(np.linalg.norm(lerp(start, end, 0.5)) / np.sqrt(500) - 1) < 0.05


@pytest.mark.parametrize("factor", [1, 2.5, -1, 0])
def test_slerp_of_one_line_is_the_line(factor):
    start = sample(1, 6)[0]
    ways = slerp(start, factor * start, np.linspace(0, 1, 5))
    np.testing.assert_array_equal(ways, lerp(start, factor * start, np.linspace(0, 1, 5)))


@pytest.mark.parametrize("spherical", [False, True])
def test_interpolation_passes_through_its_points(spherical):
    points = sample(3, 6)
    ways = interpolate(points, 5, spherical)
    assert ways.shape == (2, 5, 6)
    np.testing.assert_allclose(ways[:, 0], points[:2], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ways[:, -1], points[1:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("noise", "truncation", "deviation"),
    [("normal", None, 1), ("normal", 0.7, 0.1549**0.5), ("uniform", None, 1 / 3**0.5),
     ("uniform", 0.3, 0.3 / 3**0.5)],
)  # fmt: skip
def test_every_vector_of_a_loop_is_distributed_as_a_sample(noise, truncation, deviation):
    rows = loop(3, 4000, turns=3, seed=1, noise=noise, truncation=truncation)
    np.testing.assert_allclose(rows.std(axis=1), deviation, rtol=0.05)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=0.05)
    bound = truncation or {"normal": np.inf, "uniform": 1.0}[noise]
    assert np.abs(rows).max() <= bound + 1e-6


def test_a_loop_is_closed_and_smooth():
    rows = loop(400, 50, turns=4, seed=2)
    steps = np.linalg.norm(rows - np.roll(rows, 1, axis=0), axis=1)
    turns = np.linalg.norm(np.diff(rows, 2, axis=0), axis=1)
    assert steps.max() < 2 * steps.min()  # the step from the last to the first among them
    assert turns.max() < 0.1 * steps.max()
    np.testing.assert_allclose(rows[::2], loop(200, 50, turns=4, seed=2), atol=1e-5)


def test_traversal_varies_two_components():
    vector = sample(1, 6)[0]
    values = np.linspace(-1, 1, 3)
    grid = traversal(vector, across=0, down=5, values=values)
    assert grid.shape == (3, 3, 6)
    np.testing.assert_array_equal(grid[1, :, 0], values)
    np.testing.assert_array_equal(grid[:, 2, 5], values)
    np.testing.assert_array_equal(grid[2, 1, 1:5], vector[1:5])


def test_along_moves_by_distances():
    vector, directions = np.zeros(4), np.eye(4)[:2]
    moved = along(vector, directions, [-2, 0, 3])
    np.testing.assert_array_equal(moved[1], [[0, -2, 0, 0], [0, 0, 0, 0], [0, 3, 0, 0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample(1, 2, truncation=0), "truncation must be at least 0.01"),
        (lambda: sample(1, 2, seed=-1), "seed must not be negative. Received: -1"),
        (lambda: loop(2, 2, 1, noise="pink"), "noise must be one of normal, uniform"),
        (lambda: loop(0, 2, 1), "frames must be at least 1. Received: 0"),
        (lambda: interpolate(np.zeros((1, 2)), 3, True), "points must be at least 2. Received: 1"),
        (lambda: interpolate(np.zeros((2, 2)), 1, True), "frames must be at least 2. Received: 1"),
        (lambda: traversal(np.zeros(3), 0, 3, [0]), "components of the noise, 0 to 2. Received: 0 "
                                                    "and 3"),
        (lambda: traversal(np.zeros(3), 1, 1, [0]), "components of the noise, 0 to 2. Received: 1 "
                                                    "and 1"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
