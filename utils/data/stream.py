"""The endless shuffled stream of training images, as a pure function of (seed, position)."""

from collections.abc import Callable

import numpy as np

# tf.random.experimental.index_shuffle hands this to its kernel before the caller's two seeds.
# It does so wrongly where every index has seeds of its own, so the kernel is called directly.
_INDEX_SHUFFLE_SEED = 498247692


def shuffled_indices(positions, num_images: int, seed: int):
    """The images at these positions of the stream.

    Position p shows image index_shuffle(p % N, [seed, p // N], N - 1): each of the N images
    exactly once in every N positions, in another order every time, in constant memory.

    Args:
        positions: int64 tensor [n], 0 or more.
        num_images: N.
        seed: 0 or more; the low 32 bits count.

    Returns:
        int64 tensor [n] with values in [0, N).
    """
    import tensorflow as tf

    rounds = positions // num_images
    constants = [
        tf.fill(tf.shape(rounds), tf.constant(s, tf.int64)) for s in (_INDEX_SHUFFLE_SEED, seed)
    ]
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % num_images,
        seed=tf.stack([*constants, rounds], axis=1),  # [n, 3]
        max_index=tf.constant(num_images - 1, tf.int64),
        rounds=4,
    )


def image_stream(
    gather: Callable[[np.ndarray], np.ndarray],
    num_images: int,
    image_shape: tuple[int, int, int],
    images_per_step: int,
    start_step: int,
    seed: int,
    workers: int,
):
    """Element k holds positions [k * images_per_step, (k + 1) * images_per_step) of the stream.

    Args:
        gather: Gives the images of int64 indices [n] as uint8 [n, H, W, C].
        num_images: N.
        image_shape: (H, W, C).
        images_per_step: Images in one element; may exceed N.
        start_step: The first element.
        seed: Of the order.
        workers: Elements that are made at the same time.

    Returns:
        An infinite `tf.data.Dataset` of float32 [images_per_step, H, W, C] in [-1, 1].
    """
    import tensorflow as tf

    def load(step):
        positions = step * images_per_step + tf.range(images_per_step, dtype=tf.int64)
        indices = shuffled_indices(positions, num_images, seed)
        images = tf.numpy_function(gather, [indices], tf.uint8, stateful=False)
        images = tf.ensure_shape(images, (images_per_step, *image_shape))
        return tf.cast(images, tf.float32) / 127.5 - 1.0

    steps = tf.data.Dataset.counter(start_step)
    return steps.map(load, num_parallel_calls=workers, deterministic=True).prefetch(2)
