"""Replicas and workers compute what one device computes, each on its part of the batch."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from commands import SERVER, free_ports

from gans.distribution.cluster import describe_workers, described_workers
from gans.distribution.strategy import check_batch_size, open_strategy
from gans.model.draws import own_part
from utils.data.stream import split_among_replicas

SCRIPT = Path(__file__).with_name("distributed_training.py")


def start(*arguments, **environment):
    return SERVER.start(SCRIPT, arguments, environment)


def succeed(*processes):
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    for process, output in zip(processes, outputs, strict=True):
        assert process.returncode == 0, output[-2000:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """{name: {variable: value}} of the same training on one device, on two and on two workers."""
    folder = tmp_path_factory.mktemp("trained")
    # The first process checks replicas in other ways too: see the script.
    succeed(start(2, 1, folder / "one.npz", 2, folder / "two.npz"))
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    succeed(
        *[
            start(1, 1, folder / f"worker{index}.npz", TF_CONFIG=json.dumps(
                {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
            ))
            for index in range(2)
        ]
    )  # fmt: skip
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


@pytest.mark.parametrize("name", ["two", "worker0"])
def test_two_replicas_compute_what_one_device_does(trained, name):
    one, other = trained["one"], trained[name]
    assert one["replicas"] == 1 and other["replicas"] == 2 and len(one) > 30
    for variable in one.keys() - {"replicas"}:
        difference = np.linalg.norm(other[variable] - one[variable])
        assert difference <= 1e-4 * np.linalg.norm(one[variable]), variable


def test_workers_end_with_the_same_bits(trained):
    chief, other = trained["worker0"], trained["worker1"]
    # The chief has written the last interval's means and begun anew; the other keeps them.
    compared = [name for name in chief if not name.startswith("log_sums")]
    assert len(compared) == len(chief) - 1
    for name in compared:
        np.testing.assert_array_equal(other[name], chief[name], err_msg=name)


def test_only_the_chief_writes(tmp_path_factory, trained):
    folder = next(tmp_path_factory.getbasetemp().glob("trained*"))
    assert (folder / "worker0.npz.run" / "generator.keras").is_file()
    assert not (folder / "worker1.npz.run").exists()


def test_replicas_have_the_parts_of_every_batch():
    images = tf.reshape(tf.range(2 * 6, dtype=tf.float32), [12, 1, 1, 1])  # n_critic 2, batch 6
    data = tf.data.Dataset.from_tensors(images).repeat()
    parts = list(split_among_replicas(data, 2, 3, range(1, 3)).take(3).as_numpy_iterator())
    assert [part.ravel().tolist() for part in parts] == [[2, 3, 8, 9], [4, 5, 10, 11], [2, 3, 8, 9]]


def test_the_stream_of_replicas_is_that_of_one(tiny_data):
    whole = tiny_data.dataset(2, start_step=1)
    parts = tiny_data.dataset(2, start_step=1, num_replicas=2, replicas=range(2))
    second = tiny_data.dataset(2, start_step=1, num_replicas=2, replicas=range(1, 2))
    halves = list(parts.take(6).as_numpy_iterator())
    for step, (images, alone) in enumerate(zip(whole.take(3), second.take(3), strict=True)):
        batches = images.numpy().reshape(2, 2, 2, *images.shape[1:])
        for replica in range(2):
            expected = batches[:, replica].reshape(4, *images.shape[1:])
            np.testing.assert_array_equal(halves[2 * step + replica], expected)
        np.testing.assert_array_equal(alone, halves[2 * step + 1])


def test_a_replica_takes_its_rows_of_a_draw(monkeypatch):
    class Second:
        num_replicas_in_sync, replica_id_in_sync_group = 3, 1

    draw = tf.reshape(tf.range(12), [2, 6])
    np.testing.assert_array_equal(own_part(draw), draw)
    monkeypatch.setattr(tf.distribute, "get_replica_context", Second)
    np.testing.assert_array_equal(own_part(draw, axis=1), [[2, 3], [8, 9]])


def test_batch_must_divide_by_the_replicas():
    class Three:
        num_replicas_in_sync = 3

    check_batch_size(9, Three())
    with pytest.raises(ValueError, match="batch_size .* multiple of their number, 3: use 9. .* 8"):
        check_batch_size(8, Three())


@pytest.mark.parametrize(
    ("workers", "index", "problem"),
    [
        (["a:1", "b"], 0, "host:port. Received: 'b'"),
        (["a:1", "a:1"], 0, "all be different"),
        (["a:1", "b:1"], 2, "worker_index must be in 0..1"),
    ],
)
def test_workers_must_be_well_described(monkeypatch, workers, index, problem):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match=problem):
        describe_workers(workers, index)
    assert described_workers() == (1, 0)


def test_workers_of_the_environment(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "")
    describe_workers(["a:1", "b:1"], 1)
    assert described_workers() == (2, 1)
    with pytest.raises(ValueError, match="TF_CONFIG describes others"):
        describe_workers(["a:1", "c:1"], 1)
    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert described_workers() == (3, 2)
    for bad in ("{", '{"cluster": {}}', '{"cluster": {"worker": []}, "task": {"type": "ps"}}'):
        monkeypatch.setenv("TF_CONFIG", bad)
        with pytest.raises(ValueError, match="TF_CONFIG must be"):
            described_workers()


def test_more_devices_than_there_are():
    with pytest.raises(ValueError, match=r"devices must be 1 to 1, .* TensorFlow finds no GPU"):
        open_strategy(2)
    assert open_strategy("all").num_replicas_in_sync == 1
