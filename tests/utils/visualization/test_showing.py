"""New images shown or written."""

import numpy as np
import pytest
from comparing import assert_same_images
from PIL import Image

from utils.visualization import generate_and_show_image, image_grid


class Painter:
    """A generator whose images are the first component of the noise, as gray level."""

    input_shape = (None, 3)

    def __init__(self, shape=(4, 5, 1), scale=0.1):
        self.shape, self.scale = shape, scale

    def __call__(self, noise):
        assert noise.dtype == np.float32
        level = np.clip(self.scale * noise[:, 0], -self.scale * 10, self.scale * 10)
        return np.broadcast_to(level.reshape(-1, 1, 1, 1), (len(noise), *self.shape))


@pytest.fixture
def shown(monkeypatch):
    """Pictures that were shown, as in a notebook: (array, interpolation, figure size)."""
    import matplotlib
    import matplotlib.pyplot as plt

    pictures = []

    def show():
        for number in plt.get_fignums():
            figure = plt.figure(number)
            (image,) = figure.axes[0].get_images()
            pictures.append((image, figure.get_size_inches(), figure.axes[0].axison))
            plt.close(figure)

    plt.switch_backend("agg")  # no window, whatever the machine has
    monkeypatch.setattr(plt, "show", show)
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
    return pictures


@pytest.mark.parametrize("noise", ["normal", "uniform"])
def test_images_are_those_that_the_trained_model_generates(tiny_gan, tmp_path, noise):
    gan = tiny_gan(noise=noise)
    path = tmp_path / "new" / "images.png"
    images = generate_and_show_image(gan.ema_generator, path, n=70, noise=noise, seed=4)
    assert_same_images(images, gan.generate(70, seed=4))
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), image_grid(images)[..., 0])
    assert list(path.parent.iterdir()) == [path]


def test_one_image_is_written_as_it_is(tmp_path):
    images = generate_and_show_image(Painter((4, 5, 3)), tmp_path / "image.png")
    assert images.shape == (1, 4, 5, 3)
    with Image.open(tmp_path / "image.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), images[0])


def test_given_noise_decides_the_images_and_their_number(tmp_path):
    noise = np.array([[-10, 0, 0], [0, 1, 1], [10, 0, 0]])
    images = generate_and_show_image(Painter(), tmp_path / "i.png", n=1, noise=noise, seed=7)
    np.testing.assert_array_equal(images[:, 0, 0, 0], [0, 128, 255])  # halves round to even
    assert images.dtype == np.uint8


def test_without_path_the_picture_is_shown_enlarged_and_sharp(shown):
    images = generate_and_show_image(Painter((4, 6, 3)), n=3)
    ((image, size, has_axes),) = shown
    np.testing.assert_array_equal(image.get_array(), image_grid(images))
    assert image.get_interpolation() == "nearest"
    assert not has_axes
    width, height = size
    rows, columns, _ = image_grid(images).shape
    assert max(size) == 3
    np.testing.assert_allclose(width / height, columns / rows)


def test_gray_levels_are_shown_as_they_are(shown):
    """Not stretched to the range that the picture happens to have."""
    generate_and_show_image(Painter(), noise=np.zeros((1, 3)))
    assert shown[0][0].get_clim() == (0, 255)


def test_where_nothing_can_be_shown_a_path_is_asked_for(monkeypatch):
    import matplotlib

    monkeypatch.setattr(matplotlib, "get_backend", lambda: "agg")
    with pytest.raises(ValueError, match="path must be given") as error:
        generate_and_show_image(Painter())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n must be a whole number of at least 1. Received: 0"),
        ({"n": 1.5}, "n must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of at least 0. Received: -1"),
        ({"noise": "gaussian"}, "noise must be one of normal, uniform"),
        ({"noise": np.zeros((2, 4))}, r"array [n, 3] for this generator. Received: shape [2, 4]"),
        ({"noise": np.zeros((0, 3))}, "Received: shape [0, 3]"),
        ({"noise": ["a", "b"]}, "noise must be normal, uniform or an array of numbers"),
        ({"generator": print}, "generator must have an input_shape"),
        ({"generator": Painter((4, 5, 2))}, "Received: [64, 4, 5, 2]"),
        ({"generator": Painter(scale=100.0)}, "in [-1, 1]"),
        ({"generator": Painter(scale=float("nan"))}, "Received: values in [nan, nan]"),
        ({"path": "images.jpg"}, "path must end in .png"),
    ],
)
def test_bad_input_is_refused_and_an_older_picture_kept(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    older = tmp_path / "images.png"
    older.write_bytes(b"older")
    with pytest.raises(ValueError) as error:
        generate_and_show_image(**{"generator": Painter(), "path": older, **options})
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == [older]
    assert older.read_bytes() == b"older"
