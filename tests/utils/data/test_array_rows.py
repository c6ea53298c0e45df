"""Rows of an array on disk: the same as those of its memory map."""

import os
from pathlib import Path

import numpy as np
import pytest

from utils.data import array_rows
from utils.data.array_rows import ArrayRows, in_batches

INDICES = np.array([5, 0, 5, 19])


@pytest.fixture(params=[0, 2**40], ids=["read", "mapped"])
def _limit(request, monkeypatch):
    monkeypatch.setattr(array_rows, "_MAPPED_BYTES", request.param)


def mapped(path: Path, array: np.ndarray) -> np.memmap:
    np.save(path, array)
    return np.load(path, mmap_mode="r")


@pytest.mark.usefixtures("_limit")
@pytest.mark.parametrize("dtype", [np.uint8, ">f4", "<f8"])
@pytest.mark.parametrize("shape", [(20, 3, 5), (20, 4, 4, 3)])
def test_rows_are_those_of_the_map(tmp_path, dtype, shape):
    array = np.random.default_rng(0).uniform(0, 255, shape).astype(dtype)
    rows = ArrayRows(mapped(tmp_path / "a.npy", array))
    np.testing.assert_array_equal(rows[INDICES], array[INDICES])
    np.testing.assert_array_equal(rows[[7]], array[[7]])
    assert rows[INDICES].dtype == array.dtype and rows[INDICES[:0]].shape == (0, *shape[1:])


@pytest.mark.usefixtures("_limit")
def test_rows_in_fortran_order(tmp_path):
    array = np.asfortranarray(np.arange(20 * 4 * 4, dtype=np.uint16).reshape(20, 4, 4))
    rows = ArrayRows(mapped(tmp_path / "a.npy", array))
    np.testing.assert_array_equal(rows[INDICES], array[INDICES])


def resident_pages(array: np.memmap) -> int:
    """Bytes of the map that this process holds."""
    sections = Path("/proc/self/smaps").read_text().split(f"{array.filename}\n")[1:]
    sizes = [line.split()[1] for part in sections for line in part.splitlines()
             if line.startswith("Rss:")][:1]  # fmt: skip
    return 1024 * int(sizes[0])


def test_a_large_array_does_not_become_resident(tmp_path, monkeypatch):
    monkeypatch.setattr(array_rows, "_MAPPED_BYTES", 2**20)
    array = mapped(tmp_path / "a.npy", np.ones((1000, 64, 64, 3), np.uint8))
    rows = ArrayRows(array)
    for first in range(0, 1000, 100):
        assert rows[np.arange(first, first + 100)].all()
    assert resident_pages(array) < 2**18
    assert array.all() and resident_pages(array) > 2**23  # as it would be


def test_a_file_that_became_shorter(tmp_path, monkeypatch):
    monkeypatch.setattr(array_rows, "_MAPPED_BYTES", 0)
    rows = ArrayRows(mapped(tmp_path / "a.npy", np.ones((20, 64, 64), np.uint8)))
    os.truncate(tmp_path / "a.npy", 50_000)
    assert rows[[0]].all()
    with pytest.raises(OSError, match="a.npy has become shorter than it was"):
        _ = rows[[19]]


def test_whole_batches_of_rows():
    rows = np.arange(7 * 2, dtype=np.float32).reshape(7, 2)
    seen = []

    def double(batch):
        seen.append(batch.copy())
        return 2 * batch

    np.testing.assert_array_equal(in_batches(double, rows, 3), 2 * rows)
    assert [batch.shape for batch in seen] == [(3, 2)] * 3
    np.testing.assert_array_equal(seen[-1], [[12, 13], [0, 0], [0, 0]])
