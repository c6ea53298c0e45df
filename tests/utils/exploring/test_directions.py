import numpy as np
import pytest

from utils.exploring.directions import closed_form_directions, principal_directions


def test_closed_form_directions_are_the_most_stretched():
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    kernel = turn @ np.diag([1, 4, 2, 5, 3]) @ np.linalg.qr(rng.normal(size=(7, 5)))[0].T
    directions = closed_form_directions(kernel.reshape(5, 1, 7), 3)
    expected = turn.T[[3, 1, 4]]
    np.testing.assert_allclose(np.abs(np.sum(directions * expected, axis=1)), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(directions @ kernel, axis=1), [5, 4, 3], rtol=1e-5)


def test_principal_directions_are_found_behind_a_linear_layer():
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(200, 4))
    noise, _ = np.linalg.qr(drawn - drawn.mean(0))  # components without any correlation
    activations = noise * [1, 3, 0.1, 2] + 7  # each component its own, of other widths
    directions = principal_directions(noise, activations, 2)
    np.testing.assert_allclose(directions, np.eye(4)[[1, 3]], atol=1e-5)


def test_principal_directions_are_of_length_1_and_do_not_depend_on_the_layers_sign():
    rng = np.random.default_rng(2)
    noise, kernel = rng.normal(size=(50, 6)), rng.normal(size=(6, 3, 4))
    activations = np.tanh(np.tensordot(noise, kernel, 1))
    directions = principal_directions(noise, activations, 6)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(principal_directions(noise, -activations, 6), directions, atol=1e-5)


def test_bad_counts():
    with pytest.raises(ValueError, match="directions must be 1 to 5, the length of noise"):
        closed_form_directions(np.ones((5, 2)), 6)
    noise = np.random.default_rng(0).normal(size=(30, 5))
    two = noise[:, :2] @ np.ones((2, 3)) * [1, 2, 3] + noise[:, 2:3] * [0, 0, 1]
    assert principal_directions(noise, two, 2).shape == (2, 5)
    with pytest.raises(ValueError, match="directions must be 1 to 2, the number of components that "
                                         "the act"):
        principal_directions(noise, two, 3)
