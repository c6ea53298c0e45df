"""Weights of the FID Inception network, from the file that TensorFlow published or from another.

Every reader gives the same arrays under the node names of TensorFlow's graph, so that one function
fills the network, and the sha256 of the bytes that were read, which goes into every result.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.data.npy import read_values
from utils.data.sources.tars import content, members
from utils.data.sources.unpacking import unpacked
from utils.data.sources.zips import ZipMembers
from utils.files import expanded
from utils.metrics.features import inception

URL = "https://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
GRAPH = "classify_image_graph_def.pb"
NAME = "inception-2015-12-05"
_TGZ_BYTES = 88_931_400
_MOST_BYTES = 2**28  # of the graph, or of one array: the whole network has 96 MB
HEAD = "softmax/weights"
_NODES = {  # of one layer in the graph: our names for them
    "conv2d_params": "kernel",
    "batchnorm/gamma": "gamma",
    "batchnorm/beta": "beta",
    "batchnorm/moving_mean": "moving_mean",
    "batchnorm/moving_variance": "moving_variance",
}


@dataclass(frozen=True)
class InceptionWeights:
    """Weights for `inception.set_weights`.

    Attributes:
        arrays: "NAME/kernel" and the like, by the node names of TensorFlow's graph.
        head: Weights float32 [2048, 1008] of the class logits, without bias; None if not known.
        name: Its name in results: "inception-2015-12-05", or the file's name.
        is_fid: Whether they are the weights that define the FID. An .npz may hold anything, so its
            results are named after it.
        sha256: Digest of the graph or file that they were read from.
    """

    arrays: dict[str, np.ndarray]
    head: np.ndarray | None
    name: str
    is_fid: bool
    sha256: str


def read_inception_weights(path: str | Path | None = None) -> InceptionWeights:
    """Reads the weights; without a path, downloads TensorFlow's file once.

    Args:
        path: inception-2015-12-05.tgz, the classify_image_graph_def.pb in it, or an .npz of
            arrays by layer name. None: the .tgz in the Keras cache, which is downloaded (89 MB)
            if it is not there.

    Raises:
        ValueError: If the file is not one of these, is damaged, or cannot be downloaded.
    """
    path = _download() if path is None else expanded(path, "inception_weights")
    readers = {".tgz": _read_tgz, ".gz": _read_tgz, ".npz": _read_npz,
               ".pb": lambda path: _read_graph(path.read_bytes(), path)}
    if path.suffix.lower() not in readers or not path.is_file():
        raise ValueError(
            f"inception_weights must be an existing .tgz, .pb or .npz file: {URL} is "
            f"TensorFlow's, with the same weights as pytorch-fid's .pth. Received: '{path}'"
        )
    return readers[path.suffix.lower()](path)


def _download() -> Path:
    import keras

    try:
        path = Path(keras.utils.get_file(origin=URL, cache_subdir="models"))
    # A failed download may raise anything.
    except Exception as error:
        raise ValueError(
            f"the Inception weights could not be downloaded from {URL}: get the file on another "
            "machine and name it with --inception_weights FILE (inception_weights in Python), or "
            f"use another network with --features. Received: {one_line(error)}"
        ) from error
    if (size := path.stat().st_size) != _TGZ_BYTES:
        path.unlink()
        raise ValueError(
            f"the Inception weights from {URL} must have {_TGZ_BYTES:,} bytes: try again, or name "
            f"a good copy with --inception_weights FILE. Received: {size:,}, which were deleted"
        )
    return path


def _read_tgz(path: Path) -> InceptionWeights:
    try:
        graph = None
        with path.open("rb") as file:
            stream = unpacked(file)
            for member in members(stream):  # to the end, where the checksum is
                if Path(member.name).name != GRAPH or graph is not None:
                    continue
                if member.problem is not None or member.size > _MOST_BYTES:
                    raise ValueError(f"{GRAPH} in it cannot be read")
                graph = content(stream, member)
        if graph is None:
            raise ValueError(f"no {GRAPH} in it")
    # A damaged file may raise anything in the libraries that read it.
    except Exception as error:
        raise ValueError(f"inception_weights must be an undamaged archive with {GRAPH}. Received: "
                         f"'{path}' ({one_line(error)})") from error
    return _read_graph(graph, path)


def _read_graph(graph: bytes, path: Path) -> InceptionWeights:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(graph)
    except DecodeError as error:
        raise ValueError(f"inception_weights must be an undamaged frozen graph. Received: '{path}' "
                         f"({one_line(error)})") from error
    constants = {node.name: node for node in definition.node if node.op == "Const"}
    names = {HEAD: HEAD}
    for layer in inception.layer_names():
        names |= {f"{layer}/{node}": f"{layer}/{part}" for node, part in _NODES.items()}
    missing = [node for node in names if node not in constants]
    if missing:
        raise ValueError(f"inception_weights must be TensorFlow's graph {GRAPH} of 2015. Received: "
                         f"'{path}', which has no {missing[0]}")
    arrays = {}
    for node, ours in names.items():
        try:
            arrays[ours] = tf.make_ndarray(constants[node].attr["value"].tensor)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"inception_weights must be an undamaged frozen graph. Received: '{path}', whose "
                f"{node} cannot be read ({one_line(error)})"
            ) from error
    return _weights(arrays, NAME, True, graph, path)


def _read_npz(path: Path) -> InceptionWeights:
    try:
        archive, arrays = ZipMembers(path), {}
        for member in archive.members:
            archive.check(member)
            if member.file_size > _MOST_BYTES:
                raise ValueError(f"{member.filename} is too large")
            arrays[member.filename.removesuffix(".npy")] = read_values(archive.open(member))
    # A damaged file may raise anything in the libraries that read it.
    except Exception as error:
        raise ValueError("inception_weights must be an undamaged .npz of arrays. Received: "
                         f"'{path}' ({one_line(error)})") from error
    return _weights(arrays, path.stem, False, path.read_bytes(), path)


def _weights(arrays: dict[str, np.ndarray], name: str, is_fid: bool, content: bytes,
             path: Path) -> InceptionWeights:
    head = arrays.pop(HEAD, None)
    wanted = (inception.FEATURES, inception.CLASSES)
    if head is not None and (
            head.shape != wanted or head.dtype.kind != "f" or not np.isfinite(head).all()):
        raise ValueError(f"inception_weights must hold {HEAD}, finite floats of shape {wanted}. "
                         f"Received: '{path}' with {head.dtype} of shape {head.shape}")
    return InceptionWeights(arrays, head, name, is_fid, hashlib.sha256(content).hexdigest())


def one_line(error: Exception) -> str:
    """The beginning of a library's message."""
    return " ".join(str(error).split())[:200] or type(error).__name__
