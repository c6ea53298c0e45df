"""A generator that repeats itself is told from one that does not."""

import numpy as np
import pytest
from golden import pair, seeded_features

from utils.metrics import distances
from utils.metrics.diversity import diversity


def test_other_real_images_are_as_diverse():
    for seed in range(3):
        result = diversity(seeded_features(10 + seed, 1000), seeded_features(20 + seed, 1000))
        assert result["ratio"] == pytest.approx(1, abs=0.02)
        assert result["near_identical"] < 0.05 and result["collapsed"] is False


def test_repetition_is_a_collapse_though_the_spread_is_that_of_the_reals():
    real, collapsed = pair("collapsed")
    result = diversity(collapsed, real)
    assert result["collapsed"] is True and result["near_identical"] == 1
    assert result["ratio"] > 0.9
    noisy = collapsed + np.random.default_rng(0).normal(size=collapsed.shape) * 0.05
    assert diversity(noisy, real)["collapsed"] is True


@pytest.mark.parametrize(("repeated", "collapsed"), [(20, False), (400, True)])
def test_some_repetition_is_no_collapse(repeated, collapsed):
    fakes = seeded_features(3, 1000)
    fakes[:repeated] = fakes[0]
    result = diversity(fakes, seeded_features(4, 1000))
    assert result["near_identical"] == pytest.approx(repeated / 1000, abs=0.03)
    assert result["collapsed"] is collapsed


def test_repeated_files_among_the_reals_do_not_hide_a_collapse():
    reals = seeded_features(4, 500)
    reals[:50] = reals[50:100]
    assert diversity(seeded_features(3, 20).repeat(25, axis=0), reals)["collapsed"] is True
    assert diversity(seeded_features(3, 500), reals)["collapsed"] is False


@pytest.mark.parametrize("tile", [30, 2048])
def test_the_mean_distance_is_over_all_pairs_of_two(monkeypatch, tile):
    monkeypatch.setattr(distances, "TILE", tile)
    fakes, reals = seeded_features(1, 100) * 0.5 + 40, seeded_features(2, 100)
    result = diversity(fakes, reals)
    for name, features in (("fake_distance", fakes), ("real_distance", reals)):
        gaps = np.linalg.norm(features[:, None].astype(float) - features[None], axis=2)
        assert result[name] == pytest.approx(gaps.sum() / (100 * 99), rel=1e-9)
    assert result["ratio"] == result["fake_distance"] / result["real_distance"]


def test_samples_have_the_same_size():
    fakes, reals = seeded_features(1, 300), seeded_features(2, 200)
    assert diversity(fakes, reals)["sample"] == 200
    small = diversity(fakes, reals, sample=100)
    assert small["sample"] == 100 and small == diversity(fakes, reals, sample=100)
    assert small != diversity(fakes, reals, seed=1, sample=100)


def test_wrong_arguments_get_one_clear_line():
    real = seeded_features(1, 20)
    with pytest.raises(ValueError, match="fakes must hold at least 2 images.*Received: 1"):
        diversity(real[:1], real)
    with pytest.raises(ValueError, match="sample must be a whole number of at least 2"):
        diversity(real, real, sample=1)
    with pytest.raises(ValueError, match="different images"):
        diversity(real, real[:1].repeat(20, axis=0))
