"""Preparing a hostile source in this process: what was used of it, and what was said."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.hostile.children import Failure
from utils import DataPreparator
from utils.process import exit_status

SIZE = (16, 16)


class Prepared(NamedTuple):
    """How a preparation ended.

    Attributes:
        status: The exit status that a command would have.
        errors: What it wrote to stderr.
        images: The prepared images, uint8 [N, 16, 16, C].
        skipped: (name, reason) of others.
        digest: Of the images.
    """

    status: int
    errors: str
    images: np.ndarray
    skipped: list[tuple[str, str]]
    digest: str

    def failures(self) -> Iterator[Failure]:
        """What is wrong with what it said, whatever it was; no case is named."""
        lines = self.errors.splitlines()
        if self.status and len(lines) != 1:
            yield Failure("words", None, f"{len(lines)} lines for an error: {lines[:3]}")
        elif not self.status and lines:
            yield Failure("words", None, f"not the package's line: {lines[0][:100]!r}")
        if any(not c.isprintable() and c != "\n" for c in self.errors):
            yield Failure("words", None, "an escape sequence on the terminal")


def prepare(source: Path, cache: Path) -> Prepared:
    """Prepares a source as `train_generator.py` does. What no command would catch is raised."""
    data = None

    def run() -> int:
        nonlocal data
        data = DataPreparator(source, resize=SIZE, cache_dir=cache, batch_size=1,
                              show_progress=False)  # fmt: skip
        return 0

    stderr = os.dup(2)
    with tempfile.TemporaryFile() as file:  # of the process: libraries in C write there too
        os.dup2(file.fileno(), 2)
        try:
            status = exit_status(run, "")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        file.seek(0)
        errors = file.read().decode("utf-8", "replace")
    if data is None:
        return Prepared(status, errors, np.zeros((0, *SIZE, 3), np.uint8), [], "")
    return Prepared(status, errors, data.images, data.skipped, data.digest)
