"""Array files of NumPy (.npy), whose headers are checked before anything is read or believed."""

import io
import math
import warnings
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

_HEADER_BYTES = 10_000  # NumPy's own limit, which it checks only after reading


class Readable(Protocol):
    """Something that gives its next bytes; fewer only at its end."""

    def read(self, size: int) -> bytes: ...


class ArrayHeader(NamedTuple):
    """What a file says about its array.

    Attributes:
        shape: Of the array.
        dtype: Of its values; holds no Python objects.
        fortran_order: Whether the first index changes fastest.
        offset: Bytes before the first value.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran_order: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def wrong_size(self) -> str:
        """What is wrong with a file that holds fewer or more values, for "which ..."."""
        return f"is cut off or too long for its shape {list(self.shape)}"

    def array(self, values: bytes) -> np.ndarray:
        """The array of all its values, read-only."""
        order = "F" if self.fortran_order else "C"
        return np.frombuffer(values, self.dtype).reshape(self.shape, order=order)


def read_header(file: Readable) -> ArrayHeader:
    """Reads the header of a .npy file, to the first value.

    Raises:
        ValueError: It is damaged, or the array holds Python objects; says which, for "which ...".
    """
    start = file.read(8)
    if start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        raise ValueError("holds Python objects, which are never unpickled")
    if start[:6] != b"\x93NUMPY":
        raise ValueError("does not begin as a .npy file does")
    if start[6:] not in (b"\1\0", b"\2\0"):
        raise ValueError("has an unknown version of the .npy format")
    short = start[6] == 1
    length = file.read(2 if short else 4)
    size = int.from_bytes(length, "little")
    try:
        if size > _HEADER_BYTES:
            raise ValueError("too long")
        read = np.lib.format.read_array_header_1_0 if short else (
            np.lib.format.read_array_header_2_0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran_order, dtype = read(io.BytesIO(length + file.read(size)))
        if any(side < 0 for side in shape):
            raise ValueError("negative")
    except Exception as error:  # its text is parsed as Python's
        raise ValueError("has a damaged header") from error
    if dtype.hasobject:
        raise ValueError("holds Python objects, which are never unpickled")
    return ArrayHeader(shape, dtype, fortran_order, len(start) + len(length) + size)


def read_values(file: Readable) -> np.ndarray:
    """The array of a whole .npy file that is read from front to end; its size must be bounded.

    Raises:
        ValueError: As `read_header`; or the file is cut off or too long.
    """
    header = read_header(file)
    values = file.read(header.nbytes + 1)
    if len(values) != header.nbytes:
        raise ValueError(header.wrong_size)
    return header.array(values)


def map_array(path: str | Path) -> np.memmap:
    """The array in a .npy file, memory-mapped and read-only.

    Raises:
        ValueError: As `read_header`; or the file's size is not that of its array, or no bytes.
        OSError: It cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        header = read_header(file)
    return map_values(path, header)


def map_values(path: Path, header: ArrayHeader) -> np.memmap:
    """The values after a file's header, memory-mapped and read-only. Raises: as `map_array`."""
    found = path.stat().st_size - header.offset
    if found != header.nbytes:
        raise ValueError(f"holds {max(0, found):,} bytes of values instead of {header.nbytes:,}")
    if not header.nbytes:
        raise ValueError(f"is empty: its shape is {list(header.shape)}")
    return np.memmap(path, header.dtype, "r", header.offset, header.shape,
                     "F" if header.fortran_order else "C")
