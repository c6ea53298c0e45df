"""Pictures and films of ways through noise, of a generator that paints its noise."""

import numpy as np
import pytest
from comparing import assert_same_images

from utils.exploring import pictures as exploration
from utils.exploring.directions import closed_form_directions, principal_directions
from utils.latent import interpolate, loop, sample, traversal

DIM = 4


class Painter:
    """Every image shows its noise vector, a pixel a component."""

    noise_dim = DIM
    image_shape = (1, DIM, 1)

    def __init__(self, noise="normal"):
        self.noise = noise

    def images(self, noise):
        return np.round(noise * 20 + 128).clip(0, 255).astype(np.uint8)[..., None, :, None]

    def first_kernel(self):
        return np.diag([1.0, 4.0, 2.0, 3.0])

    def first_activations(self, noise):
        return noise * [3.0, 1.0, 0.1, 2.0]


@pytest.fixture
def drawn(monkeypatch):
    """What was drawn, by the name of the function that draws it."""
    found = {}
    for name in ("image_grid", "interpolation_strip", "traversal_grid", "direction_rows",
                 "save_animation"):  # fmt: skip
        monkeypatch.setattr(exploration, name, lambda *a, name=name: found.update({name: a}))
    monkeypatch.setattr(exploration, "save_image", lambda *a: None)
    return found


def points(*seeds, noise="normal"):
    return np.concatenate([sample(1, DIM, seed, noise) for seed in seeds])


@pytest.mark.parametrize(
    ("noise", "linear", "spherical"),
    [("normal", False, True), ("normal", True, False), ("uniform", False, False)],
)
def test_normal_noise_goes_along_arcs_and_uniform_noise_along_lines(
    drawn, noise, linear, spherical
):
    painter = Painter(noise)
    exploration.write_interpolation(painter, "way.png", [3, 7, 1], 6, linear)
    images, names = drawn["interpolation_strip"]
    ways = [interpolate(points(3, 7, 1, noise=noise), 6, arc) for arc in (True, False)]
    assert not np.array_equal(*map(painter.images, ways))
    np.testing.assert_array_equal(images, painter.images(ways[0 if spherical else 1]))
    assert names == ["3", "7", "1"]


def test_a_film_holds_every_seed_once(drawn):
    exploration.write_interpolation(Painter(), "way.gif", [3, 7, 1], 4)
    frames, path, _ = drawn["save_animation"]
    assert (len(frames), path) == (7, "way.gif")
    np.testing.assert_array_equal(frames[[0, 3, 6]], Painter().images(points(3, 7, 1)))


def test_default_lengths(drawn):
    exploration.write_interpolation(Painter(), "way.png", [3, 7])
    assert drawn["interpolation_strip"][0].shape[:2] == (1, 9)
    exploration.write_interpolation(Painter(), "way.mp4", [3, 7])
    assert len(drawn["save_animation"][0]) == 48


def test_a_grid_is_the_first_images_of_its_seed(drawn):
    exploration.write_grid(Painter("uniform"), "grid.png", 3, 5, seed=2, truncation=0.4)
    images, columns = drawn["image_grid"]
    assert columns == 5
    expected = Painter().images(sample(15, DIM, 2, "uniform", 0.4))
    np.testing.assert_array_equal(images, expected)


def test_a_traversal_is_of_the_first_and_the_last_component_unless_told_otherwise(drawn):
    for given, (across, down) in [((None, None), (0, 3)), ((2, 1), (2, 1))]:
        exploration.write_traversal(Painter(), "t.png", *given, 5, seed=8)
        images, values, *named = drawn["traversal_grid"]
        assert named == [across, down]
        np.testing.assert_allclose(values, [-1, -0.5, 0, 0.5, 1])
        expected = Painter().images(traversal(points(8)[0], across, down, values))
        np.testing.assert_array_equal(images, expected)


def test_a_walk_is_a_loop(drawn):
    exploration.write_walk(Painter(), "walk.gif", seconds=8, seed=3)
    frames, _, rate = drawn["save_animation"]
    np.testing.assert_array_equal(frames, Painter().images(loop(8 * 20, DIM, 2, 3)))
    assert rate == 20


@pytest.mark.parametrize(("noise", "deviation"), [("normal", 1), ("uniform", 3**-0.5)])
def test_directions_of_either_kind_in_deviations_of_the_noise(drawn, noise, deviation):
    painter = Painter(noise)
    drawn_noise = sample(2000, DIM, 0, noise)
    kinds = [
        closed_form_directions(painter.first_kernel(), 2),
        principal_directions(drawn_noise, painter.first_activations(drawn_noise), 2),
    ]
    assert not np.allclose(*kinds, atol=0.1)
    for by_activations, directions in enumerate(kinds):
        exploration.write_directions(painter, "d.png", 2, bool(by_activations), 3, seed=5)
        images, distances = drawn["direction_rows"]
        np.testing.assert_allclose(distances, [-4, 0, 4])
        steps = np.array([-4, 0, 4])[None, :, None] * deviation * directions[:, None]
        expected = painter.images(points(5, noise=noise)[0] + steps)
        assert_same_images(images, expected)


def test_images_of_a_seed_and_of_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(exploration, "AT_ONCE", 4)
    exploration.write_images(Painter(), tmp_path / "a.npz", 10, seed=6, show_progress=False)
    exploration.write_images(
        Painter(), tmp_path / "b.npz", seeds=[5, 9, 2, 3, 1], show_progress=False
    )
    with np.load(tmp_path / "a.npz") as a, np.load(tmp_path / "b.npz") as b:
        np.testing.assert_array_equal(a["images"], Painter().images(sample(10, DIM, 6)))
        np.testing.assert_array_equal(b["images"], Painter().images(points(5, 9, 2, 3, 1)))
