"""`tfds:NAME[:SPLIT]`, by a small data set that the test prepares on disk itself."""

import io
import itertools
import sys

import numpy as np
import pytest
from encoded_images import encode
from PIL import Image

from utils import DataPreparator


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A folder with prepared data sets: `tiny_color`, `tiny_gray`, and some in many shards.

    `many_shards` and `array_shards` hold images 0 to 399, of which every fiftieth is broken.
    """
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

    class TinyColor(_Tiny):
        SHAPE = (None, 16, 3)

    class TinyGray(_Tiny):
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

    class ManyShards(_Tiny):
        SHAPE = (8, 8, 3)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for index in range(400):
                image = encode(Image.new("RGB", (8, 8), (index % 250, index // 250, 0)), "PNG")
                yield index, {"image": io.BytesIO(image if index % 50 else b""), "label": index}

    class ArrayShards(ManyShards):
        pass

    for builder in (TinyColor, TinyGray, TinySound):
        builder(data_dir=str(folder)).download_and_prepare()
    shards = tfds.download.DownloadConfig(num_shards=20)  # more than TFDS reads at a time
    for builder, kind in ((ManyShards, "tfrecord"), (ArrayShards, "array_record")):
        builder(data_dir=str(folder), file_format=kind).download_and_prepare(download_config=shards)
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
    data = prepare("tfds:tiny_color")
    assert data.image_shape == (64, 64, 3)
    assert values(data) == list(range(10))
    assert data.fingerprint == prepare("tfds:tiny_color:train").fingerprint


def test_other_splits_and_parts_of_them(prepare):
    assert values(prepare("tfds:tiny_color:test")) == [100, 101, 102, 103]
    assert len(values(prepare("tfds:tiny_color:train[:50%]"))) == 5


def test_one_channel_stays_one_channel(prepare):
    data = prepare("tfds:tiny_gray", image_shape=(16, 16))
    assert data.image_shape == (16, 16, 1) and values(data) == list(range(10))


def test_the_stream(prepare):
    data = prepare("tfds:tiny_gray", resize=(4, 4), batch_size=5)
    batch = next(data.dataset(2).as_numpy_iterator())
    shown = np.rint((batch[:, 0, 0, 0] + 1) * 127.5).astype(int)
    assert sorted(shown) == list(range(10))


def test_a_second_run_reads_no_example(prepare, monkeypatch):
    from utils.data.sources.tfds import TfdsSource

    first = prepare("tfds:tiny_color")
    monkeypatch.setattr(TfdsSource, "items", None)
    assert prepare("tfds:tiny_color").digest == first.digest


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("tfds:no_such_data_set", "Dataset no_such_data_set not found"),
        ("tfds:tiny_color:validation", "validation"),
        ("tfds:tiny_sound", "it has no image feature named image"),
        ("tfds:", ""),
    ],
)
def test_what_cannot_be_loaded_is_one_line(prepare, source, problem):
    with pytest.raises(ValueError) as caught:
        prepare(source)
    text = str(caught.value)
    assert f"use --source FOLDER instead. Received: {source}" in text
    assert text.startswith("source must be a dataset that can be loaded")
    assert problem in text and "\n" not in text


def test_no_network_is_one_line(prepare, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(self, **options):
        raise ConnectionError("HTTPSConnectionPool(host='example.org'): Max retries\nexceeded")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(ValueError, match=r"that can be loaded: .* tfds:mnist:train \(HTTPSC.*"):
        prepare("tfds:mnist")


def test_without_tensorflow_datasets(prepare, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ValueError, match="that can be loaded: .* tfds:mnist:train"):
        prepare("tfds:mnist")


SMALL = {"image_shape": (8, 8)}


def shown(dataset, steps: int) -> list[list[int]]:
    """For `many_shards` and `array_shards`: which images each element shows."""
    batches = np.rint((np.stack(list(dataset.take(steps).as_numpy_iterator())) + 1) * 127.5)
    return (batches[:, :, 0, 0, 0] + 250 * batches[:, :, 0, 0, 1]).astype(int).tolist()


@pytest.mark.parametrize("name", ["many_shards", "array_shards"])
@pytest.mark.parametrize("split", ["train", "train[3%:85%]", "train[-20:]+train[:150]"])
def test_without_the_cache_the_same_images(prepare, name, split):
    options = SMALL | {"hold_out": 0.1}
    cached = prepare(f"tfds:{name}:{split}", **options)
    streamed = prepare(f"tfds:{name}:{split}", use_cache=False, **options)
    assert streamed.skipped == cached.skipped and len(cached.skipped) > 1
    assert streamed.digest == cached.digest
    everything = np.arange(cached.num_images)
    np.testing.assert_array_equal(streamed.gather(everything), cached.gather(everything))
    np.testing.assert_array_equal(streamed.held_out(9), cached.held_out(9))
    np.testing.assert_array_equal(streamed.sample(20, 1), cached.sample(20, 1))


def test_array_records_are_shuffled_over_all(prepare, capsys):
    cached = prepare("tfds:array_shards", batch_size=49, **SMALL)
    options = SMALL | {"batch_size": 49, "show_progress": True}
    streamed = prepare("tfds:array_shards", use_cache=False, **options)
    assert shown(streamed.dataset(3), 5) == shown(cached.dataset(3), 5)
    assert "shuffled" not in capsys.readouterr().err


class TestShards:
    @pytest.fixture
    def data(self, prepare):
        return prepare("tfds:many_shards", use_cache=False, batch_size=49, **SMALL)

    def test_every_image_exactly_once_a_pass(self, data):
        passes = np.reshape(shown(data.dataset(2), 12), (3, 392))
        good = [index for index in range(400) if index % 50]
        assert (np.sort(passes, axis=1) == good).all()
        for one, other in itertools.pairwise(passes):
            assert np.mean(one == other) < 0.05
        assert np.mean(np.abs(np.diff(passes[0])) == 1) < 0.05

    @pytest.mark.parametrize("start", [1, 5, 40])
    def test_start_step_equals_skipping(self, data, start):
        assert shown(data.dataset(2, start), 4) == shown(data.dataset(2).skip(start), 4)

    def test_the_stream_is_the_same_however_it_is_cut(self, data):
        whole = np.ravel(shown(data.dataset(1, batch_size=1), 800))
        cut = np.ravel(shown(data.dataset(5, batch_size=80), 2))  # each of more than one pass
        np.testing.assert_array_equal(cut, whole)

    def test_replicas_have_the_parts_of_every_batch(self, data):
        whole = np.array(shown(data.dataset(2, batch_size=4), 3)).reshape(3, 2, 2, 2)
        second = data.dataset(2, batch_size=4, num_replicas=2, replicas=range(1, 2))
        np.testing.assert_array_equal(shown(second, 3), whole[:, :, 1].reshape(3, 4))

    def test_seeds_differ(self, prepare, data):
        other = prepare("tfds:many_shards", use_cache=False, batch_size=49, seed=1, **SMALL)
        assert shown(other.dataset(1), 1) != shown(data.dataset(1), 1)

    def test_images_held_out_are_not_shown(self, prepare):
        options = SMALL | {"use_cache": False, "hold_out": 0.2, "batch_size": 47}
        data = prepare("tfds:many_shards", **options)
        held_out = {int(image[0, 0, 0]) + 250 * int(image[0, 0, 1]) for image in data.held_out(99)}
        pixels = np.ravel(shown(data.dataset(5), 2))
        assert len(held_out) == 78 and len(set(pixels)) == 314 and not held_out & set(pixels)

    def test_what_is_lost_is_said(self, prepare, capsys):
        options = SMALL | {"use_cache": False, "show_progress": True}
        prepare("tfds:many_shards:train", **options)
        assert (
            "Streaming 20 shards: images are shuffled by shard and in a buffer of 392, not over "
            "all 392; a resumed run first reads past what its pass has shown\n"
        ) in capsys.readouterr().err

    def test_a_shard_that_became_shorter(self, data, data_dir):
        path = sorted(data_dir.rglob("many_shards-train.tfrecord*"))[0]
        content = path.read_bytes()
        path.write_bytes(content[:-20])
        try:
            with pytest.raises(Exception, match="source must .*many_shards.* ends too early"):
                shown(data.dataset(1), 8)
        finally:
            path.write_bytes(content)
