"""Finds nearly equal images by a 64-bit perceptual hash, confirmed by a thumbnail."""

from collections import defaultdict

import numpy as np
from PIL import Image

_MOST_BITS = 3  # of 64 may differ: then at least one quarter is equal
_COMPARED_AT_ONCE = 2**23  # pairs of hashes: 32 MB
_MOST_DIFFERENCE = 6.0  # mean absolute difference of the thumbnails, of 255 ...
_LEAST_CORRELATION = 0.98  # ... and the correlation of their pixels


def difference_hash(image: Image.Image) -> int:
    """dHash: whether brightness rises from each pixel of an 8x9 thumbnail to its right neighbor.

    Reference: N. Krawetz, "Kind of Like That" (2013).
    """
    small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX)).astype(np.int16)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big")


def thumbnail(image: Image.Image) -> np.ndarray:
    """16x16 gray values, uint8 [256]."""
    return np.asarray(image.convert("L").resize((16, 16), Image.Resampling.BOX)).ravel()


def near_duplicates(hashes: list[int], thumbnails: np.ndarray) -> list[list[int]]:
    """Groups of images whose hashes and thumbnails hardly differ.

    Only images that share a quarter of the hash are compared, so the work grows with the number
    of look-alikes, not with the square of the collection.

    Args:
        hashes: N values of `difference_hash`.
        thumbnails: uint8 [N, 256].

    Returns:
        Groups of two or more ascending indices: an image and later ones that nearly equal it. An
        index is in at most one group.
    """
    codes = np.array(hashes, np.uint64).reshape(-1, 1)
    bits = np.unpackbits(codes.view(np.uint8), axis=1).astype(np.float32) * 2 - 1
    leader = np.full(len(hashes), -1)  # the first image of each one's group, -1 outside groups
    for band in codes.view(np.uint16).T:
        order = np.argsort(band, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(band[order])) + 1):
            if len(bucket) > 1:
                _group(bucket, bits, thumbnails, leader)
    groups = defaultdict(list)
    for index in np.flatnonzero(leader >= 0).tolist():
        groups[leader[index]].append(index)
    return list(groups.values())


def _group(bucket: np.ndarray, bits: np.ndarray, thumbnails: np.ndarray,
           leader: np.ndarray) -> None:
    """Compares the images of a bucket, ascending indices [n], and writes groups into `leader`."""
    while len(bucket := bucket[_are_no_followers(bucket, leader)]) > 1:
        rows = max(1, _COMPARED_AT_ONCE // len(bucket))
        block = bucket[:rows]
        close = bits[block] @ bits[bucket].T >= 64 - 2 * _MOST_BITS  # 64 - 2 * differing bits
        for row in np.flatnonzero(close.sum(axis=1) > 1):  # closeness to itself is one
            first = block[row]
            if leader[first] not in (-1, first):
                continue
            others = bucket[close[row]]
            others = others[(others > first) & _are_no_followers(others, leader)]
            others = others[_nearly_equal(thumbnails[first], thumbnails[others])]
            if len(others):
                leader[np.isin(leader, others[leader[others] == others])] = first
                leader[others] = leader[first] = first
        bucket = bucket[rows:]


def _are_no_followers(indices: np.ndarray, leader: np.ndarray) -> np.ndarray:
    return (leader[indices] == -1) | (leader[indices] == indices)


def _nearly_equal(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of the thumbnails `others`, uint8 [n, 256], hardly differ from `one`: bool [n]."""
    one, others = one.astype(np.float32), others.astype(np.float32)
    close = np.abs(one - others).mean(axis=1) <= _MOST_DIFFERENCE
    one, others = one - one.mean(), others - others.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(one) * np.linalg.norm(others, axis=1)
    return close & (others @ one >= _LEAST_CORRELATION * norms)
