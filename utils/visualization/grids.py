"""Grids of images, and images written to files."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from utils.run_directory import atomic_path


def image_grid(
    images: np.ndarray, columns: int | None = None, padding: int = 2, background: int = 255
) -> np.ndarray:
    """Lays images out in rows, from left to right and from top to bottom.

    Args:
        images: uint8 [N, H, W, C]; C is 1 or 3.
        columns: Images in a row; None takes ceil(sqrt(N)).
        padding: Pixels between neighbours and around the grid.
        background: Grey level in [0, 255] of the padding and of the cells left over.

    Returns:
        uint8 [rows * (H + padding) + padding, columns * (W + padding) + padding, C].

    Raises:
        ValueError: If the images are not of this kind, or an argument is out of its range.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "images must be uint8 [N, H, W, C] with C 1 or 3. "
            f"Received: {images.dtype} {list(images.shape)}"
        )
    if images.size == 0:
        raise ValueError(
            f"images must hold at least one pixel of one image. Received: {list(images.shape)}"
        )
    count, height, width, channels = images.shape
    if columns is None:
        columns = math.ceil(math.sqrt(count))
    if columns < 1:
        raise ValueError(f"columns must be at least 1. Received: columns={columns}")
    if padding < 0:
        raise ValueError(f"padding must not be negative. Received: padding={padding}")
    if not 0 <= background <= 255:
        raise ValueError(f"background must be in [0, 255]. Received: background={background}")

    rows = math.ceil(count / columns)
    # Every cell holds an image and the padding above and left of it; the rest is added after.
    cells = np.full(
        (rows * columns, height + padding, width + padding, channels), background, np.uint8
    )
    cells[:count, padding:, padding:] = images
    cells = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    grid = cells.reshape(rows * (height + padding), columns * (width + padding), channels)
    return np.pad(grid, ((0, padding), (0, padding), (0, 0)), constant_values=background)


def save_image(array: np.ndarray, path: str | Path) -> None:
    """Writes an image as PNG, whole or not at all.

    Args:
        array: uint8 [H, W] or [H, W, C]; C is 1 or 3.
        path: The file. Missing parent folders are created.

    Raises:
        ValueError: If the array is not of this kind.
    """
    array = np.asarray(array)
    image = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    is_image = image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 3)
    if array.dtype != np.uint8 or not is_image or array.size == 0:
        raise ValueError(
            "array must be uint8 [H, W] or [H, W, C] with C 1 or 3, and not empty. "
            f"Received: {array.dtype} {list(array.shape)}"
        )
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, format="PNG")
