"""Records of a TFRecord file, read without TensorFlow: inside tf.data it would wait for itself."""

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from utils.wording import printable

_HEADER, _FOOTER = 12, 4  # length (uint64, little-endian) and its checksum; checksum of the data


class RecordFile:
    """An uncompressed TFRecord file. Safe to use from threads. Checksums are not compared.

    Args:
        path: The file.

    Reference: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
    """

    def __init__(self, path: str | os.PathLike):
        self._path = Path(path)

    def select(self, wanted: Iterable[bool]) -> Iterator[bytes]:
        """The selected ones of the file's first records, in order; others are skipped unread.

        Raises:
            ValueError: The file ends too early.
        """
        with self._path.open("rb") as file:
            for is_wanted in wanted:
                length = self._length(file.read(_HEADER))
                if is_wanted:
                    yield self._whole(file.read(length), length)
                    length = 0
                file.seek(length + _FOOTER, os.SEEK_CUR)

    def __getitem__(self, number: int) -> bytes:
        """One record. The records' positions are looked up once.

        Raises:
            ValueError: The file ends too early.
        """
        start, end = self._bounds[number]
        with self._path.open("rb") as file:
            return self._whole(os.pread(file.fileno(), end - start, start), end - start)

    @functools.cached_property
    def _bounds(self) -> np.ndarray:
        """The beginning and end of each record's data, int64 [n, 2]."""
        bounds, size = [], self._path.stat().st_size
        with self._path.open("rb") as file:
            while (start := file.tell() + _HEADER) < size:
                bounds.append((start, start + self._length(file.read(_HEADER))))
                file.seek(bounds[-1][1] + _FOOTER)
        return np.array(bounds, np.int64).reshape(-1, 2)

    def _length(self, header: bytes) -> int:
        return int.from_bytes(self._whole(header, _HEADER)[:8], "little")

    def _whole(self, data: bytes, length: int) -> bytes:
        if len(data) != length:
            raise ValueError(
                "source must hold whole files: delete the folder of a broken one, and it is "
                f"prepared again. Received: {printable(self._path)}, which ends too early"
            )
        return data
