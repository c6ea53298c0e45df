"""The image sizes of the convolutional families: a small first block, doubled n times."""

_SMALLEST, _LARGEST = 3, 7  # side of the first block, in pixels


def first_block(height: int, width: int) -> tuple[int, int, int]:
    """Splits an image size into a first block and a number of doublings.

    Args:
        height: Image height in pixels.
        width: Image width in pixels.

    Returns:
        `(x, y, n)` with `height = x * 2**n`, `width = y * 2**n`, x and y in 3..7 and n >= 1.
        Where two splits exist (24 = 6 * 4 = 3 * 8), the one nearest to 4x4 whose sides are
        at least 4 is taken.

    Raises:
        ValueError: If the size has no such form; the message names the nearest sizes that do.
    """
    splits = _splits(height, width)
    if not splits:
        nearest = " or ".join(f"{h}x{w}" for h, w in nearest_sizes(height, width))
        raise ValueError(
            "image_shape must have height x * 2^n and width y * 2^n with x and y from 3 to 7 and "
            f"the same n >= 1. Received: {height}x{width}. Nearest sizes that work: {nearest}"
        )
    return min(splits, key=lambda split: (min(split[:2]) < 4, split[0] + split[1]))


def nearest_sizes(height: int, width: int, count: int = 3) -> list[tuple[int, int]]:
    """The `count` sizes that the architectures accept nearest to `height` x `width`.

    Distance is measured by the ratios of the sides, so half as high is as far as twice as high. The
    requested size itself comes first if it is accepted.
    """
    sides = range(_SMALLEST, _LARGEST + 1)
    doublings = range(1, max(height, width, 16).bit_length() + 1)
    sizes = {(x * 2**n, y * 2**n) for x in sides for y in sides for n in doublings}

    def distance(size: tuple[int, int]) -> tuple[float, tuple[int, int]]:
        ratios = (size[0] / max(height, 1), size[1] / max(width, 1))
        return sum(max(r, 1 / r) for r in ratios), size

    return sorted(sizes, key=distance)[:count]


def _splits(height: int, width: int) -> list[tuple[int, int, int]]:
    splits = []
    for n in range(1, max(height, width, 1).bit_length()):
        x, y = height // 2**n, width // 2**n
        whole = (x * 2**n, y * 2**n) == (height, width)
        if whole and all(_SMALLEST <= side <= _LARGEST for side in (x, y)):
            splits.append((x, y, n))
    return splits
