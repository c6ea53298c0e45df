"""Sets of images to be judged, and features that are kept on disk."""

import keras
import numpy as np
import pytest
from comparing import assert_same_images

from utils.metrics.features.extractor import FeatureExtractor
from utils.metrics.features.image_sets import ImageSet, cached_features, extract_features


class Extractor(FeatureExtractor):
    """The mean of each channel; it counts the images it is called with."""

    def __init__(self, name="mean", **options):
        images = keras.Input((4, 4, 3))
        network = keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))
        super().__init__(network, name, "0" * 64, **options)
        self.seen = 0

    def __call__(self, images):
        self.seen += len(images)
        return super().__call__(images)


def pictures(n=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3)).astype(np.uint8)


ALL = np.arange(12)


def test_features_are_kept(tmp_path):
    images, extractor = ImageSet.of(pictures(), "real"), Extractor()
    first = cached_features(images, ALL, extractor, tmp_path / "new", show_progress=False)
    assert extractor.seen == 12
    np.testing.assert_allclose(first, pictures().mean((1, 2)), rtol=1e-5)
    again = cached_features(images, ALL, extractor, tmp_path / "new", show_progress=False)
    assert extractor.seen == 12  # not called again
    np.testing.assert_array_equal(first, again)
    same_pixels = ImageSet.of(pictures(), "others")
    cached_features(same_pixels, ALL, Extractor(batch_size=5), tmp_path / "new", False)
    assert len(list((tmp_path / "new" / "features").iterdir())) == 1


def test_what_is_other_is_not_taken_for_the_same(tmp_path):
    images, used = ImageSet.of(pictures(), "real"), []
    gray = ImageSet.of(pictures()[..., :1].copy(), "real")
    wide = ImageSet.of(pictures().reshape(12, 2, 8, 3), "real")
    for given, indices, extractor in [
        (images, ALL, Extractor()),
        (images, ALL, Extractor(name="other")),
        (images, ALL, Extractor(resize_mode="clean")),
        (images, ALL[:-1], Extractor()),
        (images, ALL[::-1], Extractor()),
        (ImageSet.of(pictures(13), "real"), ALL, Extractor()),
        (ImageSet.of(pictures(seed=1), "real"), ALL, Extractor()),
        (gray, ALL, Extractor()),
        (wide, ALL, Extractor()),
    ]:
        kept = cached_features(given, indices, extractor, tmp_path, show_progress=False)
        assert extractor.seen == len(indices)
        used.append(np.asarray(kept))
    np.testing.assert_array_equal(used[4], used[0][::-1])
    assert len(list((tmp_path / "features").iterdir())) == len(used)


def test_a_damaged_file_is_made_anew(tmp_path):
    images, extractor = ImageSet.of(pictures(), "real"), Extractor()
    first = np.array(cached_features(images, ALL, extractor, tmp_path, show_progress=False))
    (path,) = (tmp_path / "features").iterdir()
    whole = path.read_bytes()
    for content in (whole[:-5], whole[:50], b"", b"nonsense" * 30, whole.replace(b"<f4", b"<i4")):
        extractor.seen = 0
        path.write_bytes(content)
        again = cached_features(images, ALL, extractor, tmp_path, show_progress=False)
        np.testing.assert_array_equal(again, first)
        assert extractor.seen == 12 and path.read_bytes() == whole


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="cache_dir must be a folder with room") as caught:
        cached_features(ImageSet.of(pictures(), "real"), ALL, Extractor(), tmp_path / "file", False)
    assert str(tmp_path / "file") in str(caught.value) and "\n" not in str(caught.value)


def test_images_without_a_digest_are_not_kept(tmp_path):
    for seed in (0, 1):  # of the same name and number: they must not be mixed up
        images = ImageSet.generated(
            lambda n, seed, first: pictures(12, seed)[first : first + n], 12, seed, "generator"
        )
        found = cached_features(images, ALL, Extractor(), tmp_path, show_progress=False)
        np.testing.assert_allclose(found, pictures(12, seed).mean((1, 2)), rtol=1e-5)
    assert not (tmp_path / "features").exists()


def test_each_batch_is_shown_once_in_its_order():
    images, seen = ImageSet.of(pictures(600), "real"), []
    indices = np.arange(599, 0, -1)
    features = extract_features(images, indices, Extractor(), False, observe=seen.append)
    np.testing.assert_array_equal(np.concatenate(seen), pictures(600)[indices])
    np.testing.assert_allclose(features, pictures(600)[indices].mean((1, 2)), rtol=1e-5)
    assert max(map(len, seen)) <= 256


def test_sets_of_arrays_and_preparators(tiny_data, tiny_images):
    array = ImageSet.of(tiny_images, "real")
    assert array.count == 40 and array.facts["image_shape"] == [8, 8, 1]
    assert array.facts["source"] == "an array (real)" and array.digest == array.facts["digest"]
    assert ImageSet.of(array, "real") is array
    prepared = ImageSet.of(tiny_data, "real")
    assert prepared.count == 40 and prepared.digest == tiny_data.digest
    assert prepared.facts["source"].endswith("images.npy")
    indices = np.array([7, 0, 39])
    np.testing.assert_array_equal(prepared.gather(indices), array.gather(indices))
    for wrong, received in [
        (tiny_images.astype(np.float32), "float32 [40, 8, 8, 1]"),
        (tiny_images[..., 0], "uint8 [40, 8, 8]"),
        (tiny_images[:0], "uint8 [0, 8, 8, 1]"),
        ([1, 2], "list"),
    ]:
        with pytest.raises(ValueError, match="fakes must be a DataPreparator") as caught:
            ImageSet.of(wrong, "fakes")
        assert str(caught.value).endswith(f"Received: {received}")


def test_a_selection_is_drawn_without_repetition():
    images = ImageSet.of(pictures(), "real")
    np.testing.assert_array_equal(images.selection(12, seed=0), ALL)
    np.testing.assert_array_equal(images.selection(100, seed=0), ALL)
    chosen = images.selection(7, seed=0)
    assert len(set(chosen)) == 7 and (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, images.selection(7, seed=0))
    assert any((chosen != images.selection(7, seed)).any() for seed in (1, 2, 3))


def test_generated_images_are_the_same_in_any_split(tiny_gan):
    gan, calls = tiny_gan(), []

    def generate(n, seed, first):
        calls.append((n, first))
        return gan.generate(n, seed=seed, first=first)

    images = ImageSet.generated(generate, 150, 4, "gan")
    expected = gan.generate(150, seed=4)
    assert images.count == 150 and images.digest is None
    assert images.facts == {"source": "gan", "seed": 4}
    assert_same_images(images.gather(np.arange(150)), expected)
    assert calls == [(150, 0)]
    for indices in (np.arange(37, 120), np.array([3, 4, 5, 99, 7, 7, 149]), np.array([0])):
        assert_same_images(images.gather(indices), expected[indices])
    assert calls[2:6] == [(3, 3), (1, 99), (1, 7), (1, 7)]
