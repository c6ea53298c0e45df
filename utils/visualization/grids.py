"""Grids of images, and images as bytes: from numbers, from files and to files."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from utils.data.image_formats import UnusableImageError, load_picture
from utils.files import atomic_path
from utils.wording import printable

logger = logging.getLogger("utils")


def to_uint8(images: np.ndarray) -> np.ndarray:
    """A model's images in bytes, for people and files.

    Args:
        images: Floating-point numbers in [-1, 1], of any shape.

    Returns:
        uint8 of the same shape: round((x + 1) * 127.5).

    Raises:
        ValueError: If a number is not finite, or out of this range by more than a rounding error.
    """
    images = np.asarray(images, np.float32)
    if images.size and not np.abs(images).max() <= 1.001:  # NaN compares as false
        raise ValueError(
            "images must be in [-1, 1] (tanh gives that). "
            f"Received: values in [{images.min():.4g}, {images.max():.4g}]"
        )
    return np.round((images + 1.0) * 127.5).astype(np.uint8)


def image_grid(
    images: np.ndarray, columns: int | None = None, padding: int = 2, background: int = 255
) -> np.ndarray:
    """Lays images out in rows, from left to right and from top to bottom.

    Args:
        images: uint8 [N, H, W, C]; C is 1 or 3.
        columns: Images in a row; None takes ceil(sqrt(N)).
        padding: Pixels between neighbors and around the grid.
        background: Gray level in [0, 255] of the padding and of the cells left over.

    Returns:
        uint8 [rows * (H + padding) + padding, columns * (W + padding) + padding, C].

    Raises:
        ValueError: If the images are not of this kind, or an argument is out of range.
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


def split_grid(grid: np.ndarray, image_size: tuple[int, int], padding: int = 2) -> np.ndarray:
    """Cuts a grid that `image_grid` laid out back into its images.

    Args:
        grid: uint8 [rows * (H + padding) + padding, columns * (W + padding) + padding, C].
        image_size: (H, W) of an image.
        padding: Pixels between neighbors and around the grid.

    Returns:
        uint8 [rows * columns, H, W, C] in the order of `image_grid`; cells that were left over
        come last.

    Raises:
        ValueError: If a grid of such images has another size.
    """
    grid = np.asarray(grid)
    height, width = image_size
    cell_height, cell_width = height + padding, width + padding
    if grid.ndim != 3 or any(
        size <= padding or (size - padding) % cell
        for size, cell in zip(grid.shape[:2], (cell_height, cell_width), strict=True)
    ):
        raise ValueError(
            f"grid must be [H, W, C] of whole images, {height}x{width} each, with {padding} pixels "
            f"between and around them. Received: {list(grid.shape)}"
        )
    # Without the border above and left of all, every image has its padding below and right.
    rows, columns = grid.shape[0] // cell_height, grid.shape[1] // cell_width
    cells = grid[padding:, padding:].reshape(rows, cell_height, columns, cell_width, -1)
    cells = cells.swapaxes(1, 2).reshape(rows * columns, cell_height, cell_width, -1)
    return cells[:, :height, :width]


def require_png(path: str | Path | None) -> None:
    """Raises ValueError if a picture's path is given and does not end in .png."""
    if path is not None and Path(path).suffix.lower() != ".png":
        raise ValueError(f"path must end in .png. Received: '{path}'")


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most this many items, evenly spread, including the first and the last."""
    chosen = np.linspace(0, len(items) - 1, min(len(items), most)).round().astype(int)
    return [items[i] for i in chosen]


def picture_of(image: np.ndarray) -> Image.Image:
    """uint8 [H, W, C] with C 1 or 3, as a gray or a color picture."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def read_image(path: str | Path) -> Image.Image | None:
    """The image in RGB; None, and a warning, if it cannot be read."""
    try:
        return load_picture(path)
    except UnusableImageError as error:
        logger.warning("skipped: %s (%s)", printable(path), error)
        return None


def read_cells(sample: str | Path, image_size: tuple[int, int]) -> np.ndarray | None:
    """uint8 [N, H, W, 3] of a sample grid; None, and a warning, if it is not one."""
    image = read_image(sample)
    if image is None:
        return None
    try:
        return split_grid(np.asarray(image), image_size)
    except ValueError as error:
        logger.warning("skipped: %s (%s)", printable(sample), error)
        return None


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
