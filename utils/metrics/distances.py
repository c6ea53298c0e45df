"""Euclidean distances between large sets of features, one tile of the matrix at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from utils.checks import at_least
from utils.metrics.arguments import check_features
from utils.process import progress_bar

TILE = 2048  # rows and columns: at 2,048 features a tile and its operands take 100 MB


class Tile(NamedTuple):
    """A part of the matrix of squared distances: float64 [rows, columns], none below 0."""

    rows: slice
    columns: slice
    squared: np.ndarray
    rounding: float  # no entry is further than this from its true value


def spans(total: int, size: int) -> list[slice]:
    """Slices of `size` elements that cover `total` elements; the last may be shorter."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def distance_tiles(queries: np.ndarray, references: np.ndarray, same: bool = False,
                   title: str = "Distances", show_progress: bool = False) -> Iterator[Tile]:
    """All squared Euclidean distances |q - r|^2 = |q|^2 + |r|^2 - 2 q.r, in tiles.

    Args:
        queries: Checked features [N, D], which may be float32 or a memory map.
        references: The same [M, D].
        same: The two are one set: only the tiles on and above the diagonal are made.
        title: Names the progress bar.
        show_progress: Show a progress bar of queries.

    Yields:
        Tiles, row by row. The caller may change them.
    """
    # The three terms cancel if a set lies far from the origin; around its mean they do not.
    center = references.mean(axis=0, dtype=np.float64)
    grid = [
        (rows, columns)
        for rows in spans(len(queries), TILE)
        for columns in spans(len(references), TILE)
        if not same or columns.start >= rows.start
    ]
    current = None
    with progress_bar(title, len(queries), show_progress) as bar:
        for done, (rows, columns) in enumerate(grid, start=1):
            if rows != current:
                current, left = rows, np.subtract(queries[rows], center, dtype=np.float64)
                left_norms = np.einsum("nd,nd->n", left, left)
            if same and columns == rows:
                right, right_norms = left, left_norms
            else:
                right = np.subtract(references[columns], center, dtype=np.float64)
                right_norms = np.einsum("nd,nd->n", right, right)
            squared = left @ right.T
            squared *= -2
            squared += left_norms[:, None]
            squared += right_norms
            np.maximum(squared, 0, out=squared)
            epsilon = np.finfo(np.float64).eps * left.shape[1]
            rounding = float(epsilon * (left_norms.max() + right_norms.max()))
            yield Tile(rows, columns, squared, rounding)
            bar.update(len(queries) * done // len(grid) - bar.n)


def nearest(queries: np.ndarray, references: np.ndarray, k: int = 1, same: bool = False,
            show_progress: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest references of each query by Euclidean distance.

    Beyond the inputs it needs about 200 MB at 2,048 features, however many there are.

    Args:
        queries: Finite features [N, D], which may be float32 or a memory map.
        references: The same [M, D].
        k: How many, from 1 to M (to M - 1 if `same`).
        same: `queries` is `references`, so an element is not its own neighbor. It is left out by
            its index: an equal element elsewhere is a neighbor at distance 0.
        show_progress: Show a progress bar of queries.

    Returns:
        Distances float64 [N, k], ascending and exactly 0 between equal elements, and indices into
        `references`, int64 [N, k].

    Raises:
        ValueError: The features or k cannot be used.
    """
    queries, references = check_features(queries=queries, references=references)
    at_least(1).check("k", k)
    if same and len(queries) != len(references):
        raise ValueError("same=True demands that queries and references are one set: leave out "
                         f"same. Received: {len(queries)} and {len(references)} elements")
    if k > len(references) - same:
        raise ValueError(
            f"k must be at most {len(references) - same}, the number of "
            f"{'others' if same else 'references'}: give more references. Received: {k}"
        )
    squared = np.full((len(queries), k), np.inf)
    indices = np.zeros((len(queries), k), np.int64)
    for tile in distance_tiles(queries, references, same, "Nearest neighbors", show_progress):
        if same and tile.rows == tile.columns:
            np.fill_diagonal(tile.squared, np.inf)
        _merge(squared[tile.rows], indices[tile.rows], tile.squared, tile.columns.start)
        if same and tile.rows != tile.columns:
            rows = tile.columns
            _merge(squared[rows], indices[rows], tile.squared.T, tile.rows.start)
    return _measured(queries, references, indices)


def _merge(best: np.ndarray, indices: np.ndarray, squared: np.ndarray, first_column: int) -> None:
    """Keeps, in place, the k smallest of `best` [n, k] and the new `squared` [n, m]."""
    k = best.shape[1]
    if k < squared.shape[1]:
        columns = np.argpartition(squared, k - 1, axis=1)[:, :k]
    else:
        columns = np.broadcast_to(np.arange(squared.shape[1]), squared.shape)
    values = np.concatenate([best, np.take_along_axis(squared, columns, axis=1)], axis=1)
    places = np.concatenate([indices, columns + first_column], axis=1)
    order = np.argsort(values, axis=1, kind="stable")[:, :k]
    best[:] = np.take_along_axis(values, order, axis=1)
    indices[:] = np.take_along_axis(places, order, axis=1)


def _measured(queries: np.ndarray, references: np.ndarray,
              indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distances of the neighbors found, by subtraction, and both in ascending order.

    As a distance, the tiles' rounding is about 1e-7 of an element's norm, enough to hide that two
    images are equal.
    """
    distances = np.empty(indices.shape)
    for rows in spans(len(queries), TILE):
        for column in range(indices.shape[1]):
            others = references[indices[rows, column]]
            difference = np.subtract(queries[rows], others, dtype=np.float64)
            distances[rows, column] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)
