"""Rows of arrays: single ones of a large file, and all of one in whole batches."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

_MAPPED_BYTES = 2**28  # an array up to this size may as well stay in memory, which is faster


class ArrayRows:
    """Reads rows of a .npy file by number. Safe to call from threads.

    Through a memory map, every page that was ever read stays resident as long as the system has
    room, so a training run would come to hold the whole collection. Pages outside the system's
    cache are read with much of their neighborhood. So rows of a large array are read from the file
    one by one.

    Args:
        array: The file's memory map of two or more dimensions, as `numpy.load` gives it.
    """

    def __init__(self, array: np.memmap):
        self._array = array
        self._file = None
        if array.nbytes > _MAPPED_BYTES and array.flags.c_contiguous:  # each row is one piece
            path = Path(array.filename)
            self._file = path.open("rb", buffering=0)

    def __getitem__(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The rows of these numbers (0 <= i < N), in this order.

        Raises:
            OSError: The file has become shorter, or can no longer be read.
        """
        if self._file is None:
            return self._array[indices]
        rows = np.empty((len(indices), *self._array.shape[1:]), self._array.dtype)
        size = self._array[0].nbytes
        starts = self._array.offset + np.asarray(indices, np.int64) * size
        memory = rows.reshape(-1).view(np.uint8).data
        for number, start in enumerate(starts.tolist()):
            row = memory[number * size : (number + 1) * size]
            if os.preadv(self._file.fileno(), [row], start) != size:
                raise OSError(f"{self._array.filename} has become shorter than it was")
        return rows


def in_batches(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray,
               batch_size: int) -> np.ndarray:
    """What a function makes of rows [N, ...], N at least 1, called with whole batches of them.

    Args:
        function: [batch_size, ...] to an array [batch_size, ...]; each row for itself.
        rows: All of them.
        batch_size: Rows at a time.
    """
    results = []
    for first in range(0, len(rows), batch_size):
        part = rows[first : first + batch_size]
        results.append(function(filled(part, batch_size))[: len(part)])
    return np.concatenate(results)


def filled(rows: np.ndarray, batch_size: int) -> np.ndarray:
    """A whole batch, zeros after these rows: one trace, and the same arithmetic for every row."""
    return np.pad(rows, [(0, batch_size - len(rows)), *[(0, 0)] * (rows.ndim - 1)])
