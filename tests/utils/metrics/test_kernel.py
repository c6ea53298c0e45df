"""The kernel distance against its definition and reference values."""

import numpy as np
import pytest
from golden import CASES, KERNEL, pair, seeded_features

from utils.metrics import kernel
from utils.metrics.kernel import kernel_distance, kernel_distance_of_subsets


@pytest.mark.parametrize("case", CASES)
def test_reference_values(case):
    assert kernel_distance(*pair(case)) == pytest.approx(KERNEL[case], rel=1e-6)


@pytest.mark.parametrize("rows", [1, 7, 16, 2048])
def test_the_definition_in_blocks_of_any_size(monkeypatch, rows):
    monkeypatch.setattr(kernel, "_ROWS", rows)
    x, y = (np.random.default_rng(seed).normal(size=(n, 3)) for seed, n in ((0, 16), (1, 13)))

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    expected = (
        np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
        + np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
        - 2 * np.mean([k(a, b) for a in x for b in y])
    )
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-10)
    assert kernel_distance(y, x) == pytest.approx(expected, rel=1e-10)


def test_the_estimate_is_unbiased():
    """Sets of one distribution are at zero on average, however small they are."""
    rng = np.random.default_rng(0)
    values = [kernel_distance(*rng.normal(size=(2, 10, 4))) for _ in range(2000)]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error and min(values) < 0 < max(values)


def test_subsets_of_everything_are_the_full_estimate():
    real, fake = seeded_features(1, 60), seeded_features(2, 60, shift=0.3)
    mean, error = kernel_distance_of_subsets(real, fake, subsets=3, subset_size=60)
    assert mean == pytest.approx(kernel_distance(real, fake), rel=1e-9)
    assert error < 1e-9  # without replacement there is only one such subset


def test_more_subsets_have_a_smaller_standard_error():
    real, fake = pair("far")
    few = kernel_distance_of_subsets(real, fake, 10, 50)
    many = kernel_distance_of_subsets(real, fake, 160, 50)
    assert many[1] == pytest.approx(few[1] / 4, rel=0.5)
    assert many[0] == pytest.approx(KERNEL["far"], abs=4 * many[1])


def test_subsets_are_drawn_by_the_seed():
    real, fake = pair("near")
    runs = [kernel_distance_of_subsets(real, fake, 5, 50, seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_too_few_images_are_refused():
    real, fake = pair("small")
    with pytest.raises(ValueError, match="fake must hold at least 35 images.*Received: 30"):
        kernel_distance_of_subsets(real, fake, subset_size=35)
    with pytest.raises(ValueError, match="subsets must be a whole number of at least 2"):
        kernel_distance_of_subsets(real, fake, subsets=1, subset_size=5)
    with pytest.raises(ValueError, match="real must hold at least 2 images.*Received: 1"):
        kernel_distance(real[:1], fake)
