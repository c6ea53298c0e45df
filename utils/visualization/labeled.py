"""Rows and columns of images, with labels beside them."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils.visualization.grids import picture_of

CELL_PIXELS = 64  # images are enlarged to at least this width: a step of seven digits fits above
FONT_PIXELS = 13
PADDING = 2
GAP = 10  # pixels of a wider space between two columns


def enlarged(images: np.ndarray, least_width: int) -> np.ndarray:
    """Enlarges images [..., H, W, C] by the whole factor that makes them at least this wide."""
    factor = math.ceil(least_width / images.shape[-2])
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


def labeled_grid(
    images: np.ndarray, column_labels: Sequence[str], row_labels: Sequence[str] = (),
    columns_title: str = "", rows_title: str = "", gaps_after: Sequence[int] = (),
) -> np.ndarray:
    """Draws images in rows and columns on white, with labels above and on the left.

    Small images are enlarged by a whole factor. Labels that would touch the one before them are
    left out.

    Args:
        images: uint8 [rows, columns, H, W, C]; C is 1 or 3.
        column_labels: One for each column.
        row_labels: One for each row, or none at all.
        columns_title: What the columns are, on a line above their labels.
        rows_title: What the rows are, above their labels.
        gaps_after: Columns with a wider space to their right.

    Returns:
        uint8 [height, width, 3].
    """
    images = enlarged(images, CELL_PIXELS)
    rows, columns, height, width, _ = images.shape
    font = ImageFont.load_default(FONT_PIXELS)
    line = round(1.5 * FONT_PIXELS)
    texts = [*row_labels, rows_title] if len(row_labels) else [""]
    left = PADDING + math.ceil(max(font.getlength(text) for text in texts))
    left += 2 * PADDING if len(row_labels) else 0
    top = line * (2 if columns_title else 1)
    xs = [left + column * (width + PADDING) + GAP * sum(gap < column for gap in gaps_after)
          for column in range(columns)]  # fmt: skip
    size = (xs[-1] + width + PADDING, top + rows * (height + PADDING))
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)

    if columns_title:
        draw.text((left, line // 2), columns_title, "black", font, "lm")
    if rows_title:
        draw.text((PADDING, top - line // 2), rows_title, "black", font, "lm")
    end = 0.0
    for x, text in zip(xs, column_labels, strict=True):
        half = font.getlength(text) / 2
        if x + width / 2 - half > end:
            draw.text((x + width // 2, top - line // 2), text, "black", font, "mm")
            end = x + width / 2 + half + 2 * PADDING
    for row in range(rows):
        y = top + row * (height + PADDING)
        if len(row_labels):
            draw.text((PADDING, y + height // 2), row_labels[row], "black", font, "lm")
        for x, image in zip(xs, images[row], strict=True):
            picture.paste(picture_of(image), (x, y))
    return np.asarray(picture)
