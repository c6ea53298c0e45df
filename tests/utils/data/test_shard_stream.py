"""The order in which shards are shown, and TFRecord files read without TensorFlow."""

import itertools

import numpy as np
import pytest

from utils.data import shard_stream
from utils.data.shard_stream import ShardShuffle
from utils.data.sources.base import Shard
from utils.data.sources.tfrecord import RecordFile


def shards(sizes: list[int], image_bytes: int = 100) -> list[Shard]:
    """Shards whose images are their positions, as text."""
    ends = np.cumsum(sizes)

    def shard(end: int, size: int) -> Shard:
        positions = np.arange(end - size, end)
        return Shard(positions, image_bytes * size,
                     lambda mask: (b"%d" % position for position in positions[mask]))  # fmt: skip

    return [shard(end, size) for end, size in zip(ends, sizes, strict=True)]


def first_positions(shuffle: ShardShuffle, count: int, start: int = 0) -> list[int]:
    images = list(itertools.islice(shuffle.images(start), count))
    assert all(int(payload) == position for position, payload in images)
    return [position for position, _ in images]


@pytest.mark.parametrize("buffer", [1, 7, 40, 1000])
def test_every_image_once_a_pass_whatever_the_buffer(monkeypatch, buffer):
    monkeypatch.setattr(shard_stream, "_BUFFER_BYTES", 100 * buffer)
    shuffle = ShardShuffle(shards([30, 1, 50, 19]), np.arange(100), seed=3)
    assert shuffle.buffer_images == min(buffer, 100)
    passes = np.reshape(first_positions(shuffle, 300), (3, 100))
    assert (np.sort(passes, axis=1) == np.arange(100)).all()
    assert len({tuple(each) for each in passes}) == 3
    for start in (1, 99, 100, 234):
        assert first_positions(shuffle, 60, start) == np.ravel(passes).tolist()[start : start + 60]


def test_images_of_one_shard_come_in_another_order(monkeypatch):
    monkeypatch.setattr(shard_stream, "_BUFFER_BYTES", 100 * 50)
    order = first_positions(ShardShuffle(shards([1000]), np.arange(1000), 0), 1000)
    moved = np.arange(1000) - order  # when it is shown, after when it is read
    assert moved.min() >= -50 and 30 < moved[50:950].mean() + 50 < 70 and np.ptp(moved) > 100


def test_only_wanted_images_are_read():
    wanted = np.array([3, 31, 32, 99])
    assert sorted(first_positions(ShardShuffle(shards([30, 70]), wanted, 0), 4)) == [3, 31, 32, 99]


@pytest.fixture
def records(tmp_path) -> RecordFile:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        for index in range(20):
            writer.write(b"%d" % index * index * 1000)  # the first is empty
    return RecordFile(tmp_path / "a.tfrecord")


def test_records(records):
    expected = [b"%d" % index * index * 1000 for index in range(20)]
    assert [records[number] for number in (7, 0, 19)] == [expected[n] for n in (7, 0, 19)]
    assert list(records.select([True] * 20)) == expected
    assert list(records.select([number in (2, 5) for number in range(9)])) == [
        expected[2], expected[5]
    ]  # fmt: skip


def test_a_file_that_ends_too_early(records, tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="^source must .*a.tfrecord, which ends too early$"):
        list(records.select([True] * 20))
    with pytest.raises(ValueError, match="^source must .*a.tfrecord, which ends too early$"):
        _ = records[19]
