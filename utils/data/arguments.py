"""Checks of `DataPreparator`'s arguments: one clear line for each mistake."""

from collections.abc import Sequence

from utils.checks import at_least
from utils.options.data import DEFAULT_SIZE, DataOptions


def check_options(workers: int | None, **options: object) -> None:
    """Raises ValueError if an option of `DataOptions`, or the number of workers, cannot be used."""
    DataOptions.check(**options)
    if workers is not None:
        at_least(1).check("workers", workers)


def target_size(image_shape: Sequence[int] | None, resize: Sequence[int] | None) -> tuple[int, int]:
    """The (H, W) of prepared images. Raises: ValueError."""
    if resize is not None and not _are_sides(resize, 2):
        raise ValueError("resize must be two positive integers, height and width. Received: "
                         f"{resize!r}")
    if image_shape is None:
        return tuple(int(side) for side in resize or DEFAULT_SIZE)
    if not _are_sides(image_shape, 2, 3) or tuple(image_shape[2:]) not in ((), (1,), (3,)):
        raise ValueError("image_shape must be positive integers (H, W) or (H, W, C) with C 1 or 3. "
                         f"Received: {image_shape!r}")
    size = tuple(int(side) for side in image_shape[:2])
    if resize is not None and size != tuple(resize):
        raise ValueError("image_shape and resize must agree: give only one of them. Received: "
                         f"image_shape={tuple(image_shape)} and resize={tuple(resize)}")
    return size


def check_channels(image_shape: Sequence[int] | None, channels: int) -> None:
    """Raises ValueError if `image_shape` has another number of channels than the images."""
    if image_shape is None or len(image_shape) == 2 or image_shape[2] == channels:
        return
    hint = "add to_grayscale" if channels == 3 else "give only (H, W), or leave out to_grayscale"
    raise ValueError(f"image_shape must have the channels of the prepared images, {channels}: "
                     f"{hint}. Received: {tuple(image_shape)}")


def _are_sides(values: object, *lengths: int) -> bool:
    is_sequence = hasattr(values, "__len__") and not isinstance(values, str)
    return is_sequence and len(values) in lengths and all(map(at_least(1).holds, values))
