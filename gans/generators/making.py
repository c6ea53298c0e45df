"""From noise to images of bytes."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from utils.data.array_rows import in_batches


def images_of(
    batch_of: Callable[[tf.Tensor], tf.Tensor], noise: np.ndarray, batch_size: int = 64
) -> np.ndarray:
    """The images of noise vectors.

    Args:
        batch_of: Noise float32 [batch_size, noise_dim] to images uint8 [batch_size, H, W, C].
        noise: float32 [N, noise_dim], N at least 1.
        batch_size: Images made at a time.

    Returns:
        uint8 [N, H, W, C] in 0..255.

    Raises:
        ValueError: If batch_size is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more. Received: {batch_size}")
    return in_batches(lambda x: batch_of(tf.constant(x, tf.float32)).numpy(), noise, batch_size)


def to_bytes(images: tf.Tensor) -> tf.Tensor:
    """Images in [-1, 1] as uint8: round((x + 1) * 127.5), clipped to 0..255."""
    return tf.saturate_cast(tf.round((images + 1.0) * 127.5), tf.uint8)
