"""The Fréchet distance against closed forms and reference values."""

import numpy as np
import pytest
from golden import CASES, FRECHET, pair, seeded_features

from utils.metrics.frechet import (
    Extrapolation,
    Moments,
    frechet_at_infinity,
    frechet_distance,
    smallest_subset,
)


def with_moments(mean, covariance, count=100, seed=0):
    """Features [count, D] that have exactly this mean and covariance (ddof 1)."""
    x = np.random.default_rng(seed).normal(size=(count, len(mean)))
    x -= x.mean(axis=0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return x @ np.linalg.cholesky(np.asarray(covariance, float)).T + mean


def distance(a, b):
    return frechet_distance(Moments.of(a), Moments.of(b))


@pytest.mark.parametrize("case", CASES)
def test_reference_values(case):
    real, fake = pair(case)
    assert distance(real, fake) == pytest.approx(FRECHET[case], rel=1e-6)
    assert distance(fake, real) == pytest.approx(FRECHET[case], rel=1e-6)


def test_gaussians_with_commuting_covariances():
    """|m_a - m_b|^2 + sum (s_a - s_b)^2, with s the deviations along common axes."""
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    a = with_moments([1, 2, 3], axes @ np.diag([1, 4, 9]) @ axes.T)
    b = with_moments([1, 0, 4], axes @ np.diag([4, 0.25, 9]) @ axes.T, count=70)
    assert distance(a, b) == pytest.approx(4 + 1 + 1 + 1.5**2, rel=1e-9)


def test_gaussians_in_two_dimensions():
    """There tr (AB)^(1/2) is the root of tr(AB) + 2 (det A det B)^(1/2), commuting or not."""
    a, b = np.array([[2, 1], [1, 3]]), np.array([[4, -1], [-1, 1]])
    root = np.sqrt(np.trace(a @ b) + 2 * np.sqrt(np.linalg.det(a) * np.linalg.det(b)))
    expected = 2 + np.trace(a) + np.trace(b) - 2 * root
    found = distance(with_moments([0, 0], a), with_moments([1, 1], b))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("count", [2, 10, 500])
def test_identical_sets_are_at_zero(count):
    features = seeded_features(1, count) + 100
    assert 0 <= distance(features, features) < 1e-5


@pytest.mark.parametrize("counts", [(2, 2), (2, 50), (30, 300)])
def test_singular_covariances_give_no_nan(counts):
    real, fake = (seeded_features(seed, count) for seed, count in enumerate(counts))
    fake[:, :10] = 0  # and features that are always zero, as after a ReLU
    assert np.isfinite(distance(real, fake)) and distance(real, fake) > 0
    assert distance(np.zeros((3, 64)), np.zeros((3, 64))) == 0
    assert distance(np.zeros((3, 64)), np.ones((3, 64))) == pytest.approx(64)


def test_moments_are_those_of_numpy():
    features = seeded_features(3, 5000)
    moments = Moments.of(features)
    features = features.astype(np.float64)
    assert moments.count == 5000
    np.testing.assert_allclose(moments.mean, features.mean(axis=0), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(features.T), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("size", [1, 7, 300])
def test_the_parts_that_features_come_in_change_nothing(size):
    features = seeded_features(3, 300, d=8) + 1e5  # a large mean, which cancels in naive sums
    moments = Moments(8)
    for start in range(0, 300, size):
        moments.add(features[start : start + size])
    expected = np.cov(features.astype(np.float64).T)
    np.testing.assert_allclose(moments.covariance, expected, rtol=1e-9, atol=1e-12)


def test_adding_changes_neither_the_features_nor_what_was_read_before():
    features = np.random.default_rng(0).normal(size=(20, 3))
    kept, moments = features.copy(), Moments.of(features)
    mean, covariance = moments.mean, moments.covariance
    before = mean.copy(), covariance.copy()
    moments.add(features + 5)
    np.testing.assert_array_equal(features, kept)
    np.testing.assert_array_equal(mean, before[0])
    np.testing.assert_array_equal(covariance, before[1])


def test_too_little_or_unlike_features_are_refused():
    moments = Moments(3)
    with pytest.raises(ValueError, match="mean needs .* 1 images: add more. Received: 0"):
        _ = moments.mean
    moments.add(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="covariance needs .* 2 images: add more. Received: 1"):
        _ = moments.covariance
    with pytest.raises(ValueError, match="3 features an image.*Received: 4"):
        moments.add(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="finite.*row 1 of 2"):
        moments.add([[0, 0, 0], [0, np.inf, 0]])
    assert moments.count == 1
    with pytest.raises(ValueError, match="Received: 3 and 4"):
        frechet_distance(moments, Moments(4))
    with pytest.raises(ValueError, match="dimensions must be a whole number"):
        Moments(2.5)


@pytest.mark.parametrize("spectrum", [np.ones(40), 1 / np.arange(1, 41)])
@pytest.mark.parametrize("count", [100, 200])
def test_extrapolation_is_nearer_to_the_truth_than_the_largest_sample(spectrum, count):
    """The fakes have 1.2 times the reals' deviations: the distance is the sum of (0.2 s)^2."""
    real = Moments.of(with_moments(np.zeros(40), np.diag(spectrum), count=200))
    truth = 0.04 * spectrum.sum()
    errors = []
    for seed in range(12):
        normal = np.random.default_rng(seed).normal(size=(count, 40))
        line = frechet_at_infinity(real, 1.2 * normal * np.sqrt(spectrum), seed)
        errors.append((line.distances[-1] - truth, line.value - truth))
    biased, extrapolated = np.mean(errors, axis=0)
    assert biased > 0 and abs(extrapolated) < 0.3 * biased


def test_extrapolation_is_a_line_through_nested_subsets():
    real, fakes = Moments.of(seeded_features(1, 500)), seeded_features(2, 300)
    line = frechet_at_infinity(real, fakes, seed=4, sizes=6)
    assert isinstance(line, Extrapolation) and line.sizes == (150, 180, 210, 240, 270, 300)
    assert line.distances[-1] == pytest.approx(frechet_distance(real, Moments.of(fakes)), rel=1e-9)
    order = np.random.default_rng(4).permutation(300)
    part = frechet_distance(real, Moments.of(fakes[order[:180]]))
    assert line.distances[1] == pytest.approx(part, rel=1e-9)
    design = np.stack([1 / np.array(line.sizes), np.ones(6)], axis=1)
    expected = np.linalg.lstsq(design, np.array(line.distances), rcond=None)[0][1]
    assert line.value == pytest.approx(expected, rel=1e-9)
    assert line == frechet_at_infinity(real, fakes, seed=4, sizes=6)
    assert line.value != frechet_at_infinity(real, fakes, seed=5, sizes=6).value


@pytest.mark.parametrize(
    ("total", "dimensions", "expected"),
    [
        (50_000, 2048, 5000),  # the paper's
        (10_000, 2048, 5000),
        (10_000, 64, 5000),
        (100_000, 64, 10_000),
        (5000, 2048, 2500),  # more than 2048, or covariances would be singular
        (1000, 64, 153),
        (5000, 64, 500),
    ],
)
def test_the_smallest_subset(total, dimensions, expected):
    assert smallest_subset(total, dimensions) == expected


def test_extrapolation_says_how_many_images_it_needs():
    real = Moments.of(seeded_features(1, 500))
    with pytest.raises(ValueError, match="fakes must hold at least 130 images.*Received: 129"):
        frechet_at_infinity(real, seeded_features(2, 129))
    with pytest.raises(ValueError, match="sizes must be a whole number of at least 2"):
        frechet_at_infinity(real, seeded_features(2, 130), sizes=1)
    assert len(frechet_at_infinity(real, seeded_features(2, 130)).sizes) == 15
