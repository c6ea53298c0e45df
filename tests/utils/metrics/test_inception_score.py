"""The Inception Score in cases where it is known."""

import numpy as np
import pytest

from utils.metrics.inception_score import inception_score


def test_the_same_classes_everywhere_give_one():
    logits = np.tile([3.0, 1.0, -2.0], (40, 1))
    assert inception_score(logits, 4) == pytest.approx((1, 0), abs=1e-12)


def test_sure_and_evenly_many_classes_give_their_number():
    logits = np.tile(1000 * np.eye(5), (20, 1))  # whose other classes underflow
    assert inception_score(logits, 10) == pytest.approx((5, 0), abs=1e-12)


def test_the_definition():
    logits = np.random.default_rng(0).normal(size=(60, 7)) * 3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    parts = [p[start : start + 20] for start in (0, 20, 40)]
    scores = [np.exp((q * np.log(q / q.mean(axis=0))).sum(axis=1).mean()) for q in parts]
    assert inception_score(logits, 3) == pytest.approx((np.mean(scores), np.std(scores)))


def test_parts_are_consecutive():
    """Sorted by class each part holds one class; mixed, all of them."""
    classes = np.arange(4).repeat(10)
    assert inception_score(100 * np.eye(4)[classes], 4)[0] == pytest.approx(1)
    assert inception_score(100 * np.eye(4)[classes.reshape(4, 10).T.ravel()], 4)[0] > 3.5


def test_every_image_is_in_a_part():
    logits = np.random.default_rng(1).normal(size=(11, 3))
    pieces = [inception_score(logits[a:b], 1)[0] for a, b in ((0, 2), (2, 5), (5, 8), (8, 11))]
    assert inception_score(logits, 4) == pytest.approx((np.mean(pieces), np.std(pieces)))


def test_large_float32_logits_are_no_problem():
    logits = np.array([[1e30, 0], [0, 1e30], [-1e30, -1e30]], np.float32)
    mean, deviation = inception_score(logits, 1)
    assert 1 < mean < 2 and deviation == 0


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="logits must hold at least 10 images.*Received: 9"):
        inception_score(np.zeros((9, 3)))
    with pytest.raises(ValueError, match="splits must be a whole number of at least 1"):
        inception_score(np.zeros((9, 3)), 0)
