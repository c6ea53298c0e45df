"""Copies of training images are told from images that are merely good."""

import numpy as np
import pytest

from utils.metrics.copies import closeness_threshold, nearer_to_training, wilson_interval


def images(seed, count, d=6):
    return np.random.default_rng(seed).normal(size=(count, d))


@pytest.mark.parametrize(
    ("successes", "trials", "expected"),
    [
        (81, 263, (0.2553, 0.3662)),  # these four: Newcombe 1998, table I
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (5, 10, (0.2366, 0.7634)),
    ],
)
def test_wilson_intervals(successes, trials, expected):
    assert wilson_interval(successes, trials) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0.5, 1), (3, 7), (99.5, 100)])
def test_a_wilson_interval_ends_where_the_share_is_1_96_deviations_away(successes, trials):
    for end in wilson_interval(successes, trials):
        deviation = np.sqrt(end * (1 - end) / trials)
        assert abs(successes / trials - end) == pytest.approx(1.95996 * deviation, rel=1e-5)


def test_wilson_intervals_lie_in_the_unit_interval():
    for trials in range(1, 60):
        for successes in (0, trials / 2, trials):
            low, high = wilson_interval(successes, trials)
            assert 0 <= low <= successes / trials <= high <= 1


def test_a_generator_that_copies_nothing_is_at_one_half():
    result = nearer_to_training(images(0, 2000), images(1, 1500), images(2, 1500))
    assert result["low"] < 0.5 < result["high"] and result["high"] - result["low"] < 0.05


def test_more_training_images_alone_are_no_sign_of_copying():
    fakes, training, held_out = images(0, 2000), images(1, 3000), images(2, 500)
    result = nearer_to_training(fakes, training, held_out)
    assert result["references"] == 500 and result["low"] < 0.5 < result["high"]
    reverse = nearer_to_training(fakes, held_out, training)
    assert reverse["low"] < 0.5 < reverse["high"]
    assert result == nearer_to_training(fakes, training, held_out)
    assert result["share"] != nearer_to_training(fakes, training, held_out, seed=1)["share"]


def test_copies_are_found():
    training, held_out = images(1, 500), images(2, 400)
    copied = training + images(3, 500) * 0.01
    result = nearer_to_training(copied, training, held_out)
    # Of the 500 that were copied 400 are compared with; the others are as near as to held-out ones.
    assert result["fakes"] == 500 and result["share"] == pytest.approx(0.9, abs=0.04)
    assert nearer_to_training(copied, held_out, training)["share"] < 0.14


def test_ties_count_half():
    training, held_out = np.array([[0.0], [10]]), np.array([[2.0], [10]])
    fakes = np.array([[1.0], [10], [-5], [2.5]])  # tie, tie, training, held out
    result = nearer_to_training(fakes, training, held_out)
    assert result["share"] == 0.5
    assert (result["low"], result["high"]) == wilson_interval(2, 4)
    assert nearer_to_training(fakes, training, training)["share"] == 0.5


def test_only_the_share_of_real_images_is_nearer_than_the_threshold():
    real = images(4, 800)
    threshold = closeness_threshold(real, sample=800, share=0.05)
    gaps = np.linalg.norm(real[:, None] - real[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert (gaps.min(axis=1) < threshold).mean() == pytest.approx(0.05, abs=2e-3)
    assert closeness_threshold(real, sample=300, share=0.05) == pytest.approx(threshold, rel=0.15)
    assert closeness_threshold(real, seed=1, sample=300) != closeness_threshold(real, sample=300)


def test_repeated_real_images_do_not_make_the_threshold_zero():
    real = images(5, 300)
    repeated = np.concatenate([real, real[:40], real[:40], real[:40]])
    assert closeness_threshold(repeated, share=0.1) > 0
    # Without the 40 the threshold is the one of the images that are there once.
    gaps = np.linalg.norm(real[40:, None] - real[None], axis=2)
    gaps[np.arange(260), np.arange(40, 300)] = np.inf
    expected = np.quantile(gaps.min(axis=1), 0.1)
    assert closeness_threshold(repeated, share=0.1) == pytest.approx(expected, rel=1e-9)


def test_wrong_arguments_get_one_clear_line():
    real = images(6, 10)
    with pytest.raises(ValueError, match="held_out must have 6 features.*received 5"):
        nearer_to_training(real, real, images(7, 10, d=5))
    with pytest.raises(ValueError, match="share must lie between 0 and 1; received 1"):
        closeness_threshold(real, share=1)
    with pytest.raises(ValueError, match="real must hold at least 2 images.*received 1"):
        closeness_threshold(real[:1])
    with pytest.raises(ValueError, match="real must hold different images"):
        closeness_threshold(real[:1].repeat(5, axis=0))
    with pytest.raises(ValueError, match="trials must be an integer of at least 1; received 0"):
        wilson_interval(0, 0)
    with pytest.raises(ValueError, match="successes must lie from 0 to 4 trials; received 5"):
        wilson_interval(5, 4)
