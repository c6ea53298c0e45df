"""Weights of the Inception network from every kind of file; the arrays here are small."""

import hashlib
import io
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from utils.metrics.features import inception, inception_weights
from utils.metrics.features.inception_weights import HEAD, read_inception_weights

NODES = ("conv2d_params", "batchnorm/gamma", "batchnorm/beta", "batchnorm/moving_mean",
         "batchnorm/moving_variance")  # fmt: skip
PARTS = ("kernel", "gamma", "beta", "moving_mean", "moving_variance")


@pytest.fixture(scope="module")
def arrays():
    """By node name: small ones, for the reader does not check shapes but the head's."""
    rng = np.random.default_rng(0)
    nodes = {f"{layer}/{node}": rng.random((1, 2, 1, 3) if node == NODES[0] else 3, np.float32)
             for layer in inception.layer_names() for node in NODES}  # fmt: skip
    return {**nodes, HEAD: np.full((2048, 1008), 0.5, np.float32)}


def graph_of(arrays):
    """A frozen graph with constants of these names, and what else such a graph has."""
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="DecodeJpeg/contents", op="Placeholder")
    for name, array in arrays.items():
        node = graph.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    graph.node.add(name="pool_3", op="AvgPool")
    return graph.SerializeToString()


def write_tgz(path, graph, name="classify_image_graph_def.pb"):
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for member, content in [("LICENSE", b"Apache"), (name, graph), ("labels.txt", b"1")]:
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


@pytest.fixture(scope="module")
def graph(arrays):
    return graph_of(arrays)


def error_of(path):
    """The one line that reading this gives."""
    with pytest.raises(ValueError, match="inception_weights") as caught:
        read_inception_weights(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    return message


def test_a_graph_alone_and_in_its_archive(tmp_path, arrays, graph):
    (tmp_path / "graph.pb").write_bytes(graph)
    write_tgz(tmp_path / "inception.tgz", graph)
    write_tgz(tmp_path / "inception.tar.gz", graph, "./2015/classify_image_graph_def.pb")
    for name in ("graph.pb", "inception.tgz", "inception.tar.gz"):
        weights = read_inception_weights(tmp_path / name)
        assert weights.sha256 == hashlib.sha256(graph).hexdigest()
        assert weights.is_fid and weights.name == "inception-2015-12-05"
        np.testing.assert_array_equal(weights.head, arrays[HEAD])
        assert len(weights.arrays) == 94 * 5
        for layer in inception.layer_names():
            for node, part in zip(NODES, PARTS, strict=True):
                read = weights.arrays[f"{layer}/{part}"]
                np.testing.assert_array_equal(read, arrays[f"{layer}/{node}"])


def test_a_graph_without_a_node(tmp_path, arrays):
    path = tmp_path / "graph.pb"
    for missing in (HEAD, "mixed_9/tower_1/mixed/conv_1/batchnorm/beta"):
        path.write_bytes(graph_of({name: arrays[name] for name in arrays if name != missing}))
        assert f"has no {missing}" in error_of(path)
    path.write_bytes(graph_of({**arrays, HEAD: np.zeros((2048, 1000), np.float32)}))
    assert "of shape (2048, 1000)" in error_of(path)


def test_damaged_files(tmp_path, arrays, graph):
    path = tmp_path / "graph.pb"
    for content in (graph[: len(graph) // 2], graph[:-30], graph[:1], b"", b"no graph", b"\0" * 99):
        path.write_bytes(content)
        error_of(path)
    mixed_up = tf.compat.v1.GraphDef.FromString(graph)
    mixed_up.node[5].attr["value"].tensor.tensor_shape.dim[0].size = 1000
    path.write_bytes(mixed_up.SerializeToString())
    assert mixed_up.node[5].name in error_of(path)

    archive = tmp_path / "inception.tgz"
    write_tgz(archive, graph)
    whole = archive.read_bytes()
    for size in (0, 5, 100, len(whole) // 2, len(whole) - 20):
        archive.write_bytes(whole[:size])
        assert "undamaged archive" in error_of(archive)
    flipped = bytearray(whole)
    flipped[5000] ^= 1  # among random numbers
    archive.write_bytes(flipped)
    assert "undamaged archive" in error_of(archive)
    write_tgz(archive, graph, "another.pb")
    assert "no classify_image_graph_def.pb in it" in error_of(archive)


def test_what_is_no_file_or_of_no_known_kind(tmp_path, graph):
    (tmp_path / "folder.pb").mkdir()
    (tmp_path / "graph.h5").write_bytes(graph)
    for name in ("missing.tgz", "folder.pb", "graph.h5"):
        assert "existing" in error_of(tmp_path / name)


def test_a_folder_in_the_place_of_the_graph(tmp_path):
    with tarfile.open(tmp_path / "odd.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("classify_image_graph_def.pb")
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    assert "undamaged archive" in error_of(tmp_path / "odd.tgz")


def test_npz(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, **{"conv/kernel": np.arange(3.0), HEAD: np.zeros((2048, 1008), np.float32)})
    weights = read_inception_weights(str(path))
    assert not weights.is_fid and weights.name == "mine"
    assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(weights.arrays) == ["conv/kernel"] and weights.head.shape == (2048, 1008)
    content = path.read_bytes()
    for size in (0, 100, len(content) // 2):
        path.write_bytes(content[:size])
        assert "undamaged" in error_of(path)
    np.savez(path, **{"conv/kernel": np.array([{}])})  # which only pickle can hold
    assert "undamaged" in error_of(path)
    np.savez(path, **{"conv/kernel": np.zeros(3)})
    assert read_inception_weights(path).head is None
    for head in (np.array("a"), np.full((2048, 1008), np.nan, np.float32)):
        np.savez(path, **{HEAD: head})
        assert HEAD in error_of(path)


def test_a_torch_file_is_refused_with_what_is_taken_instead(tmp_path):
    path = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    path.write_bytes(b"anything")
    assert "must be an existing .tgz, .pb or .npz file" in error_of(path)
    assert inception_weights.URL in error_of(path)


def test_no_download(monkeypatch):
    def fail(**_):
        raise RuntimeError("URL fetch failure:\n[Errno -2] Name or service not known")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    with pytest.raises(ValueError, match="name it with --inception_weights FILE") as caught:
        read_inception_weights()
    message = str(caught.value)
    assert inception_weights.URL in message and "Name or service not known" in message
    assert "\n" not in message


def test_a_download(tmp_path, monkeypatch, graph):
    path = tmp_path / "inception-2015-12-05.tgz"
    write_tgz(path, graph)
    monkeypatch.setattr(keras.utils, "get_file", lambda **_: str(path))
    monkeypatch.setattr(inception_weights, "_TGZ_BYTES", path.stat().st_size)
    assert read_inception_weights().is_fid

    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="--inception_weights FILE.*, which were deleted$"):
        read_inception_weights()
    assert not path.exists()
