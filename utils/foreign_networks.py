"""Networks in files that anybody may have written: no code of them runs, and memory has a bound."""

import contextlib
import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from utils.data.sources.zips import ZipMembers
from utils.process import quiet_stderr
from utils.wording import printable

_TIMES = 4  # the size of a file, in memory: Keras writes weights as they are
_FREE_BYTES = 2**28  # below it, a network may be as large as it likes
_TEXT_BYTES = 2**24  # of JSON, which takes up to twenty times as much when it is read


def load_network(path: Path) -> Any:
    """The model in a .keras or .h5 file, uncompiled, read in Keras' safe mode.

    Raises:
        Exception: Nearly any, if the file is damaged, holds code or takes too much memory.
    """
    import keras

    require_bounded(path)
    with quiet_stderr(), bounded_variables(path):
        return keras.models.load_model(path, compile=False, safe_mode=True)


def require_bounded(path: Path) -> None:
    """Raises an error if a .keras or .h5 file declares much more than it has room for.

    That is a ValueError, or what the libraries raise that read such files.
    """
    most = _most_bytes(path)
    if path.suffix != ".keras":
        with path.open("rb") as file:
            _require_bounded_arrays(file, most)
        return
    archive = ZipMembers(path)
    for member in archive.members:
        archive.check(member)
        if member.file_size > (_TEXT_BYTES if member.filename.endswith(".json") else most):
            raise ValueError(f"{member.filename} in it is too large")
        if member.filename.endswith(".h5"):
            content = archive.open(member).read(member.file_size)
            _require_bounded_arrays(io.BytesIO(content), most)


def _most_bytes(path: Path) -> int:
    """The most memory that the weights in a file may take."""
    return max(_FREE_BYTES, _TIMES * path.stat().st_size)


def _require_bounded_arrays(file: BinaryIO, most: int) -> None:
    import h5py

    sizes = []
    with h5py.File(file) as arrays:
        arrays.visititems(lambda _, item: sizes.append(getattr(item, "nbytes", 0)))
    if sum(sizes) > most:
        raise ValueError(f"it declares arrays of {sum(sizes):,} bytes, but is much smaller")


@contextlib.contextmanager
def bounded_variables(path: Path, networks: int = 1) -> Iterator[None]:
    """Raises ValueError before the block makes variables that are much larger than a file.

    Args:
        path: The file.
        networks: How many networks the block makes for one that the file holds.
    """
    import tensorflow as tf

    most, taken = networks * _most_bytes(path), 0

    def create(make: Callable, **options: Any) -> Any:
        nonlocal taken
        value = options["initial_value"]
        with tf.Graph().as_default():  # where a value has a shape but no memory
            planned = value() if callable(value) else value
        taken += math.prod(planned.shape) * tf.as_dtype(planned.dtype).size
        if taken > most:
            raise ValueError("a network must take little more memory than its file, "
                             f"{printable(path)}. Received: one of {taken:,} bytes or more")
        return make(**options)

    with tf.variable_creator_scope(create):
        yield
