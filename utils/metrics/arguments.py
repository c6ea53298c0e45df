"""Checks of the metrics' arguments: one clear line for each mistake."""

import numpy as np
from numpy.typing import ArrayLike

_ROWS = 4096  # checked together: a memory map is never read whole


def check_features(least: int = 1, width: int | None = None,
                   **features: ArrayLike) -> tuple[np.ndarray, ...]:
    """Checks sets of features, which keep their dtype and, if any, their memory map.

    Args:
        least: The fewest images that each set must hold.
        width: The number of features per image; None takes that of the first set.
        **features: Arrays [N, D] of integers or floats, by their names in errors.

    Returns:
        The arrays, in the order given.

    Raises:
        ValueError: An array is not two-dimensional, numeric and finite, holds fewer than `least`
            images, or has another width than the others.
    """
    arrays = []
    for name, given in features.items():
        array = np.asanyarray(given)
        if array.ndim != 2 or array.dtype.kind not in "iuf" or array.shape[1] == 0:
            raise ValueError(
                f"{name} must be an array [images, features] of real numbers: give one row of "
                f"features for each image. Received: shape {array.shape} of {array.dtype}"
            )
        if len(array) < least:
            raise ValueError(f"{name} must hold at least {least} images: give more. Received: "
                             f"{len(array)}")
        width = array.shape[1] if width is None else width
        if array.shape[1] != width:
            raise ValueError(
                f"{name} must have {width} features an image, as what it is compared with: take "
                f"all features from the same extractor. Received: {array.shape[1]}"
            )
        _check_finite(name, array)
        arrays.append(array)
    return tuple(arrays)


def _check_finite(name: str, array: np.ndarray) -> None:
    for start in range(0, len(array), _ROWS):
        broken = ~np.isfinite(array[start : start + _ROWS]).all(axis=1)
        if broken.any():
            raise ValueError(
                f"{name} must be finite: check the extractor and this image. Received: NaN or "
                f"infinity in row {start + int(broken.argmax())} of {len(array)}"
            )
