"""The order of the stream, streaming without a cache, and samples."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from encoded_images import numbered, write_images


def shown(dataset, steps: int) -> list[list[int]]:
    """For images of `numbered`: which ones each element shows."""
    return [
        np.rint((batch[:, 0, 0, 0] + 1) * 127.5).astype(int).tolist()
        for batch in dataset.take(steps).as_numpy_iterator()
    ]


class TestStream:
    def test_values(self, prepare, tmp_path):
        data = prepare(numbered(tmp_path / "a.npy", 256), resize=(4, 4), batch_size=128)
        batch = next(data.dataset(2).as_numpy_iterator())
        assert batch.shape == (256, 4, 4, 1) and batch.dtype == np.float32
        np.testing.assert_allclose(
            np.sort(batch[:, 0, 0, 0]), np.arange(256) / 127.5 - 1, atol=1e-6
        )
        assert batch.min() == -1 and batch.max() == 1

    @pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 64])
    def test_every_image_exactly_once_an_epoch(self, prepare, tmp_path, count):
        data = prepare(numbered(tmp_path / "a.npy", count), resize=(4, 4))
        stream = np.ravel(shown(data.dataset(1), 4 * count)).reshape(4, count)
        assert (np.sort(stream, axis=1) == np.arange(count)).all()
        if count >= 10:  # in another order every time
            assert len({tuple(epoch) for epoch in stream}) == 4

    @pytest.mark.parametrize(("n_critic", "batch"), [(1, 7), (3, 4), (5, 16), (2, 10)])
    def test_the_stream_is_the_same_however_it_is_cut(self, prepare, tmp_path, n_critic, batch):
        """Also where one element spans several epochs (5 * 16 images of 23)."""
        data = prepare(numbered(tmp_path / "a.npy", 23), resize=(4, 4), batch_size=batch)
        steps = 230 // (n_critic * batch)
        cut = np.ravel(shown(data.dataset(n_critic), steps))
        whole = np.ravel(shown(data.dataset(1, batch_size=1), len(cut)))
        np.testing.assert_array_equal(cut, whole)

    def test_it_is_the_documented_permutation(self, prepare, tmp_path):
        """By TensorFlow's public function, one position at a time."""
        import tensorflow as tf

        data = prepare(numbered(tmp_path / "a.npy", 23), resize=(4, 4), seed=9, batch_size=5)
        expected = [
            int(
                tf.random.experimental.index_shuffle(
                    tf.constant(p % 23, tf.int64),
                    seed=tf.constant([9, p // 23], tf.int64),
                    max_index=tf.constant(22, tf.int64),
                )
            )
            for p in range(70)
        ]
        assert np.ravel(shown(data.dataset(2), 7)).tolist() == expected

    @pytest.mark.parametrize("start", [1, 4, 1000])
    def test_start_step_equals_skipping(self, prepare, tmp_path, start):
        data = prepare(numbered(tmp_path / "a.npy", 23), resize=(4, 4), batch_size=4)
        assert shown(data.dataset(3, start_step=start), 6) == shown(data.dataset(3).skip(start), 6)

    def test_a_late_start_is_as_quick_as_an_early_one(self, prepare, tmp_path):
        data = prepare(numbered(tmp_path / "a.npy", 23), resize=(4, 4), batch_size=4)
        late = shown(data.dataset(3, start_step=10**12), 4)
        assert len(set(np.ravel(late)[:23])) > 10

    def test_seeds_differ_and_repeat(self, prepare, tmp_path):
        path = numbered(tmp_path / "a.npy", 64)
        orders = [
            tuple(np.ravel(shown(prepare(path, resize=(4, 4), seed=seed).dataset(1), 64)))
            for seed in (0, 1, 2, 2**32 - 1, 0)
        ]
        assert orders[0] == orders[4] and len(set(orders)) == 4

    def test_shuffled_well(self, prepare, tmp_path):
        """Neighbors in the source are not neighbors in the stream."""
        data = prepare(numbered(tmp_path / "a.npy", 256), resize=(4, 4))
        order = np.ravel(shown(data.dataset(1), 512))
        assert np.mean(np.abs(np.diff(order)) == 1) < 0.03
        for epoch in order.reshape(2, 256):
            assert abs(np.corrcoef(np.arange(256), epoch)[0, 1]) < 0.25


class TestWithoutCache:
    @pytest.mark.parametrize("kind", ["folder", "zip", "tar", "npy"])
    def test_same_images_same_order_same_bits(self, prepare, tmp_path, kind):
        folder = write_images(tmp_path / "photos", 11)
        (folder / "003.png").write_bytes(b"broken")
        source = folder
        if kind in ("zip", "tar"):
            source = Path(shutil.make_archive(str(tmp_path / "photos"), kind, folder))
        elif kind == "npy":
            source = tmp_path / "a.npy"
            np.save(source, np.random.default_rng(0).integers(0, 256, (11, 9, 9, 3), np.uint8))
        options = {"resize": (6, 8), "batch_size": 4}
        streamed = prepare(source, use_cache=False, cache_dir=tmp_path / "other", **options)
        cached = prepare(source, **options)
        assert streamed.skipped == cached.skipped and streamed.digest == cached.digest
        pairs = zip(streamed.dataset(2).take(5), cached.dataset(2).take(5), strict=True)
        for one, two in pairs:
            np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(streamed.sample(7, 3), cached.sample(7, 3))
        files = [path.name for path in (tmp_path / "other").rglob("*") if path.is_file()]
        assert files == ["index.json"]
        with pytest.raises(ValueError, match="^images must not be used with use_cache=False"):
            _ = streamed.images

    def test_the_second_run_does_not_verify_again(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 4)
        first = prepare(folder, use_cache=False)
        index = first.cache_path / "index.json"
        before = index.stat()
        prepare(folder, use_cache=False)
        assert index.stat() == before
        assert prepare(folder).images.shape == (4, 64, 64, 3)  # and the cache is still made
        assert prepare(folder, use_cache=False).digest == first.digest

    def test_a_compressed_tar_cannot_be_streamed(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 4)
        archive = shutil.make_archive(str(tmp_path / "photos"), "gztar", folder)
        assert prepare(archive).num_images == 4
        with pytest.raises(ValueError, match="^use_cache must be True .* front to end"):
            prepare(archive, use_cache=False)

    def test_a_file_that_vanishes_is_named(self, prepare, tmp_path):
        data = prepare(write_images(tmp_path / "photos", 4), use_cache=False)
        (tmp_path / "photos" / "002.png").unlink()
        with pytest.raises(ValueError, match="^source must not change .*: 002.png, a good image"):
            data.gather([0, 1, 2])


def test_a_script_may_end_while_a_stream_is_alive(tmp_path):
    """Its elements are made ahead, in threads that need the interpreter."""
    source = numbered(tmp_path / "a.npy", 8)
    code = f"""
import time
from utils import DataPreparator
data = DataPreparator({str(source)!r}, batch_size=8, cache_dir={str(tmp_path)!r}, workers=2)
gather = data.gather
data.gather = lambda indices: (time.sleep(0.3), gather(indices))[1]
batches = iter(data.dataset(1))
next(batches)
"""
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=40)


class TestSample:
    def test_without_replacement_and_reproducible(self, prepare, tmp_path):
        data = prepare(numbered(tmp_path / "a.npy", 20), resize=(4, 4))
        sample = data.sample(20, seed=1)
        assert sample.shape == (20, 4, 4, 1) and sample.dtype == np.uint8
        assert sorted(sample[:, 0, 0, 0]) == list(range(20))
        np.testing.assert_array_equal(sample, data.sample(20, seed=1))
        assert (sample != data.sample(20, seed=2)).any()

    def test_more_than_there_are(self, prepare, tmp_path):
        sample = prepare(numbered(tmp_path / "a.npy", 4), resize=(4, 4)).sample(10, seed=0)
        counts = np.bincount(sample[:, 0, 0, 0])
        assert counts.sum() == 10 and set(counts) == {2, 3}

    def test_none(self, prepare, tmp_path):
        with pytest.raises(ValueError, match="^n must be a whole number of at least 1"):
            prepare(numbered(tmp_path / "a.npy", 4)).sample(0, seed=0)
