"""`tfds:NAME[:SPLIT]`, by a small data set that the test prepares on disk itself."""

import sys

import numpy as np
import pytest

from utils import DataPreparator


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A folder with two prepared data sets: `tiny_colour` and `tiny_grey`."""
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tfds")

    class _Tiny(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        SHAPE = ()
        pkg_dir_path = folder
        __test__ = False

        def _info(self):
            features = {"image": tfds.features.Image(shape=self.SHAPE), "label": np.int64}
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager):
            sizes = {"train": (10, 0), "test": (4, 100)}
            return {split: self._generate_examples(*size) for split, size in sizes.items()}

        def _generate_examples(self, count, first):
            for index in range(count):
                shape = [side or 12 + index for side in self.SHAPE]
                image = np.full(shape, first + index, np.uint8)
                yield index, {"image": image, "label": index}

    class TinyColour(_Tiny):
        SHAPE = (None, 16, 3)

    class TinyGrey(_Tiny):
        SHAPE = (16, 16, 1)

    class TinySound(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict({"image": np.int64})
            )

        def _split_generators(self, dl_manager):
            return {"train": iter([(0, {"image": 1})])}

        def _generate_examples(self):
            raise NotImplementedError

    for builder in (TinyColour, TinyGrey, TinySound):
        builder(data_dir=str(folder)).download_and_prepare()
    return folder


@pytest.fixture
def prepare(data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_dir))

    def make(source, **options):
        options = {"batch_size": 1, "show_progress": False} | options
        return DataPreparator(source, cache_dir=tmp_path / "cache", **options)

    return make


def values(data) -> list[int]:
    return sorted(data.images[:, 0, 0, 0].tolist())


def test_train_is_the_default_split(prepare):
    data = prepare("tfds:tiny_colour")
    assert data.image_shape == (64, 64, 3)
    assert values(data) == list(range(10))
    assert data.fingerprint == prepare("tfds:tiny_colour:train").fingerprint


def test_other_splits_and_parts_of_them(prepare):
    assert values(prepare("tfds:tiny_colour:test")) == [100, 101, 102, 103]
    assert len(values(prepare("tfds:tiny_colour:train[:50%]"))) == 5


def test_one_channel_stays_one_channel(prepare):
    data = prepare("tfds:tiny_grey", image_shape=(16, 16))
    assert data.image_shape == (16, 16, 1) and values(data) == list(range(10))


def test_the_stream(prepare):
    data = prepare("tfds:tiny_grey", resize=(4, 4), batch_size=5)
    batch = next(data.dataset(2).as_numpy_iterator())
    shown = np.rint((batch[:, 0, 0, 0] + 1) * 127.5).astype(int)
    assert sorted(shown) == list(range(10))


def test_a_second_run_reads_no_example(prepare, monkeypatch):
    from utils.data.array_sources import TfdsSource

    first = prepare("tfds:tiny_colour")
    monkeypatch.setattr(TfdsSource, "items", None)
    assert prepare("tfds:tiny_colour").digest == first.digest


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("tfds:no_such_data_set", "Dataset no_such_data_set not found"),
        ("tfds:tiny_colour:validation", "validation"),
        ("tfds:tiny_sound", "it has no image feature named image"),
        ("tfds:", ""),
    ],
)
def test_what_cannot_be_loaded_is_one_line(prepare, source, problem):
    with pytest.raises(ValueError) as caught:
        prepare(source)
    text = str(caught.value)
    assert text.startswith(f"source: {source}") and problem in text and "\n" not in text
    assert text.endswith("use --source FOLDER instead")


def test_no_network_is_one_line(prepare, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(self, **options):
        raise ConnectionError("HTTPSConnectionPool(host='example.org'): Max retries\nexceeded")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(ValueError, match=r"^source: tfds:mnist:train cannot be loaded \(HTTPSC.*"):
        prepare("tfds:mnist")


def test_without_tensorflow_datasets(prepare, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ValueError, match="^source: tfds:mnist:train cannot be loaded"):
        prepare("tfds:mnist")


def test_no_streaming(prepare):
    with pytest.raises(ValueError, match="^use_cache must be True"):
        prepare("tfds:tiny_colour", use_cache=False)
