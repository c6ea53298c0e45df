"""Copies of training images are told from images that are merely good."""

import numpy as np
import pytest

from utils.metrics.copies import closeness_threshold, nearer_to_training


def images(seed, count, d=6):
    return np.random.default_rng(seed).normal(size=(count, d))


def test_the_interval_holds_the_share_of_chance_in_as_many_cases_as_it_says():
    # In 32 dimensions some real images are nearest to many fakes: counting these as independent,
    # as a binomial interval does, missed one half in a third of the cases.
    missed = 0
    for seed in range(60):
        sets = [images((seed, i), count, 32) for i, count in enumerate((400, 100, 100))]
        result = nearer_to_training(*sets)
        missed += not result["low"] <= 0.5 <= result["high"]
    assert missed <= 9  # of 60, where 3 are expected; more than 9 once in 1,000 times


def test_fakes_at_a_single_real_image_say_nothing_of_copying():
    result = nearer_to_training(np.zeros((50, 2)), images(1, 30, 2), images(2, 30, 2))
    assert result["share"] in (0, 1) and result["high"] - result["low"] > 0.9


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
    # Hits of the training images 1.5 and 0.5, of the held-out ones 1.5 and 0.5.
    reach = 1.959964 * np.sqrt(4 / 3 * (5 - 4) / 4) / 4
    assert (result["low"], result["high"]) == pytest.approx((0.5 - reach, 0.5 + reach))
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
    with pytest.raises(ValueError, match="held_out must have 6 features.*Received: 5"):
        nearer_to_training(real, real, images(7, 10, d=5))
    with pytest.raises(ValueError, match="share must lie between 0 and 1. Received: 1"):
        closeness_threshold(real, share=1)
    with pytest.raises(ValueError, match="real must hold at least 2 images.*Received: 1"):
        closeness_threshold(real[:1])
    with pytest.raises(ValueError, match="real must hold different images"):
        closeness_threshold(real[:1].repeat(5, axis=0))
