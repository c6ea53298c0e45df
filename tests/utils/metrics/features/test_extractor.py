"""From images to features: resizes against references, and what an extractor takes and gives."""

import hashlib
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from utils.metrics.features.extractor import FeatureExtractor, keras_extractor
from utils.metrics.features.resizing import resize
from utils.metrics.names import NUMBERS


def pictures(n, height, width, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, height, width, channels)).astype(np.uint8)


def network(size=(6, 6), channels=3, features=5, layers=()):
    """A convolution and a mean of seeded weights: features that tell images apart."""
    keras.utils.set_random_seed(1)
    images = keras.Input((*size, channels))
    h = keras.layers.Rescaling(1 / 128, -1)(images)
    h = keras.layers.Conv2D(features, 3, activation="relu", padding="same")(h)
    for layer in layers:
        h = layer(h)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(h))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("features") / "tiny.keras"
    network().save(path)
    return path


@pytest.fixture(scope="module")
def extractor(path):
    return keras_extractor(path, batch_size=4)


def bilinear(image, height, width):
    """As TensorFlow 1: output pixel i lies at i * in / out, between the two input pixels there."""

    def places(into, of):
        at = np.arange(into) * of / into
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, of - 1), at - low

    top, bottom, down = places(height, image.shape[0])
    left, right, across = places(width, image.shape[1])
    image, down, across = image.astype(float), down[:, None, None], across[None, :, None]
    upper = image[top][:, left] * (1 - across) + image[top][:, right] * across
    lower = image[bottom][:, left] * (1 - across) + image[bottom][:, right] * across
    return upper * (1 - down) + lower * down


@pytest.mark.parametrize("size", [(7, 5), (20, 31), (10, 13), (40, 9)])
@pytest.mark.parametrize("channels", [1, 3])
def test_resize_of_tensorflow_1(size, channels):
    images = pictures(3, 10, 13, channels)
    resized = resize(images, size, "tf1")
    assert resized.shape == (3, *size, channels) and resized.dtype == np.float32
    for image, result in zip(images, resized, strict=True):
        np.testing.assert_allclose(result, bilinear(image, *size), atol=1e-3)


@pytest.mark.parametrize("size", [(7, 5), (20, 31), (10, 13)])
def test_clean_resize_is_pillow_on_each_channel(size):
    images = pictures(3, 10, 13)
    resized = resize(images, size, "clean")
    assert resized.shape == (3, *size, 3) and resized.dtype == np.float32
    for image, result in zip(images, resized, strict=True):
        for channel in range(3):
            floats = Image.fromarray(image[..., channel].astype(np.float32))
            expected = np.asarray(floats.resize(size[::-1], Image.Resampling.BICUBIC))
            np.testing.assert_array_equal(result[..., channel], expected.clip(0, 255))
    assert not np.array_equal(resized, resized.round()) or size == (10, 13)


def test_one_color_stays_and_the_resizes_differ():
    plain = np.full((1, 8, 8, 3), 77, np.uint8)
    for mode in ("tf1", "clean"):
        np.testing.assert_allclose(resize(plain, (13, 5), mode), 77, rtol=1e-6)
    images = pictures(1, 32, 32)
    assert np.abs(resize(images, (8, 8), "tf1") - resize(images, (8, 8), "clean")).mean() > 10


def test_features_are_the_network_s(path, extractor):
    images = pictures(10, 6, 6)
    features = extractor(images)
    assert features.shape == (10, 5) == (10, extractor.dimensions)
    assert features.dtype == np.float32
    expected = keras.models.load_model(path)(images.astype(np.float32)).numpy()
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)
    assert extractor(images[:0]).shape == (0, 5)


def test_the_batch_size_does_not_change_features(path, extractor):
    images = pictures(9, 20, 14)
    for batch_size in (1, 3, 32):
        other = keras_extractor(path, batch_size=batch_size)
        np.testing.assert_allclose(other(images), extractor(images), rtol=1e-5, atol=1e-6)


def test_gray_is_repeated_to_three_channels(extractor):
    gray = pictures(3, 9, 9, 1)
    np.testing.assert_array_equal(extractor(gray), extractor(gray.repeat(3, axis=-1)))


def test_a_network_without_a_size_takes_images_as_they_are(tmp_path):
    network((None, None)).save(tmp_path / "any.keras")
    extractor = keras_extractor(tmp_path / "any.keras", batch_size=2)
    images = pictures(3, 9, 11)
    expected = keras.models.load_model(tmp_path / "any.keras")(images.astype(np.float32)).numpy()
    np.testing.assert_allclose(extractor(images), expected, rtol=1e-5, atol=1e-6)
    assert extractor.protocol()["feature_size"] is None


def test_an_output_of_many_axes_is_flattened():
    images = keras.Input((4, 4, 1))
    extractor = FeatureExtractor(keras.Model(images, images * 2.0), "twice", "0", batch_size=2)
    gray = pictures(3, 4, 4, 1)
    np.testing.assert_array_equal(extractor(gray), gray.reshape(3, 16) * 2.0)


def test_protocol(path, extractor):
    assert extractor.protocol() == {
        "extractor": "tiny",
        "fid_weights": False,
        "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "resize_mode": "tf1",
        "feature_size": [6, 6],
        "dimensions": 5,
    }
    assert keras_extractor(path, "clean").protocol()["resize_mode"] == "clean"


def test_only_the_fid_s_own_weights_give_an_fid(extractor):
    own = FeatureExtractor(network(), "inception-2015-12-05", "0", is_fid=True)
    clean = FeatureExtractor(network(), "inception-2015-12-05", "0", "clean", is_fid=True)
    for number in NUMBERS.values():
        label = number.label(extractor)
        assert label == f"{number.name} (tiny)"
        assert not any(word in label for word in ("FID", "KID", "Inception"))
        assert number.label(own) == number.fid_name
        assert number.label(clean) == f"{number.fid_name}, clean resize"
    assert NUMBERS["fid"].label(own) == "FID"
    assert NUMBERS["inception_score"].label(own) == "Inception Score"


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (pictures(2, 6, 6).astype(np.float32), "float32 [2, 6, 6, 3]"),
        (pictures(2, 6, 6)[0], "uint8 [6, 6, 3]"),
        (pictures(2, 6, 6, 4), "uint8 [2, 6, 6, 4]"),
    ],
)
def test_images_of_another_kind(extractor, images, received):
    with pytest.raises(ValueError, match="images must be uint8") as caught:
        extractor(images)
    assert received in str(caught.value) and "\n" not in str(caught.value)


def test_color_for_a_gray_network():
    extractor = FeatureExtractor(network(channels=1), "gray", "0")
    with pytest.raises(ValueError, match="must have 1 channel .* to_grayscale.* 3 channels"):
        extractor(pictures(2, 6, 6))


def test_features_that_are_not_finite():
    infinite = network(layers=[keras.layers.Rescaling(1e38), keras.layers.Rescaling(1e38)])
    with pytest.raises(ValueError, match="must give finite features.*broken"):
        FeatureExtractor(infinite, "broken", "0")(pictures(2, 6, 6))


def test_a_batch_that_does_not_fit(path, monkeypatch):
    def exhausted(batch):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    extractor = keras_extractor(path, batch_size=9)
    monkeypatch.setattr(extractor, "_run", exhausted)
    with pytest.raises(ValueError, match="batch_size must be low enough .* Received: 9"):
        extractor(pictures(2, 6, 6))


@pytest.mark.parametrize("option", [{"resize_mode": "nearest"}, {"batch_size": 0}])
def test_options_out_of_range(path, option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} must be .* Received: "):
        keras_extractor(path, **option)


def refusal_of(path):
    """The one line that this file gives."""
    with pytest.raises(ValueError, match="features must be ") as caught:
        keras_extractor(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    return message


def test_damaged_and_missing_files(path, tmp_path):
    assert "existing" in refusal_of(tmp_path / "missing.keras")
    (tmp_path / "folder.keras").mkdir()
    assert "existing" in refusal_of(tmp_path / "folder.keras")
    (tmp_path / "model.h5").write_bytes(b"")
    assert "existing" in refusal_of(tmp_path / "model.h5")
    content, damaged = path.read_bytes(), tmp_path / "damaged.keras"
    for size in (0, 10, len(content) // 2, len(content) - 10):
        damaged.write_bytes(content[:size])
        assert "undamaged" in refusal_of(damaged)


def test_code_in_a_file_is_not_run(tmp_path):
    layer = keras.layers.Lambda(lambda x: x * 2, output_shape=(6, 6, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network(layers=[layer]).save(tmp_path / "lambda.keras")
    assert "undamaged Keras model" in refusal_of(tmp_path / "lambda.keras")


def test_models_of_something_else(tmp_path):
    def model(shape, *outputs):
        images = keras.Input(shape)
        return keras.Model(images, [output(images) for output in outputs])

    flat, same = keras.layers.Flatten(), keras.layers.Identity()
    two = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
    for name, made in [
        ("vectors", model((4,), same)),
        ("channels", model((4, 4, 2), flat)),
        ("outputs", model((4, 4, 3), flat, same)),
        ("inputs", keras.Model(two, flat(two[0] + two[1]))),
        ("open", model((None, None, 3), same)),
        ("half", model((4, None, 3), keras.layers.GlobalAveragePooling2D())),
        ("scalar", keras.Model(two[0], keras.ops.mean(two[0]))),
    ]:
        made.save(tmp_path / f"{name}.keras")
        assert "one output of a fixed size" in refusal_of(tmp_path / f"{name}.keras")
