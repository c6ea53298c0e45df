"""The endless shuffled stream of training images, as a pure function of (seed, position)."""

from collections.abc import Callable

import numpy as np

# tf.random.experimental.index_shuffle passes this to its kernel before the caller's two seeds,
# wrongly if every index has its own seeds. So the kernel is called directly.
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
    constants = [tf.fill(tf.shape(rounds), tf.constant(value, tf.int64))
                 for value in (_INDEX_SHUFFLE_SEED, seed)]
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % num_images,
        seed=tf.stack([*constants, rounds], axis=1),  # [n, 3]
        max_index=tf.constant(num_images - 1, tf.int64),
        rounds=4,
    )


def image_stream(gather: Callable[[np.ndarray], np.ndarray], num_images: int,
                 image_shape: tuple[int, int, int], n_critic: int, batch_size: int, start_step: int,
                 seed: int, workers: int, num_replicas: int = 1, replicas: range = range(1)):
    """Step k holds positions [k * n_critic * batch_size, (k + 1) * n_critic * batch_size).

    They are `n_critic` batches, each divided among R replicas in equal parts, in order.

    Args:
        gather: Gives the images of int64 indices [n] as uint8 [n, H, W, C].
        num_images: N.
        image_shape: (H, W, C).
        n_critic: Batches in one step.
        batch_size: Images in one batch; may exceed N.
        start_step: The first step.
        seed: Seed of the order.
        workers: Elements made at the same time.
        num_replicas: R, of which batch_size is a multiple.
        replicas: The replicas to make parts for, one element each for every step.

    Returns:
        An infinite `tf.data.Dataset` of float32 [n_critic * batch_size / R, H, W, C] in [-1, 1].
    """
    import tensorflow as tf

    part = batch_size // num_replicas
    starts = tf.range(n_critic, dtype=tf.int64) * batch_size
    offsets = tf.reshape(starts[:, None] + tf.range(part, dtype=tf.int64), [-1])

    @tf.autograph.experimental.do_not_convert  # it has no branches, and converting takes time
    def load(element):
        step, replica = element // len(replicas), replicas.start + element % len(replicas)
        positions = step * n_critic * batch_size + replica * part + offsets
        indices = shuffled_indices(positions, num_images, seed)
        images = tf.numpy_function(gather, [indices], tf.uint8, stateful=False)
        images = tf.ensure_shape(images, (n_critic * part, *image_shape))
        return tf.cast(images, tf.float32) / 127.5 - 1.0

    elements = tf.data.Dataset.counter(start_step * len(replicas)).map(
        load, num_parallel_calls=workers, deterministic=True)
    return elements.prefetch(2 * len(replicas))  # as many whole steps ahead as for one replica


def split_among_replicas(dataset, n_critic: int, num_replicas: int, replicas: range):
    """Turns elements for all replicas into elements for some, as `image_stream` makes them.

    Args:
        dataset: A `tf.data.Dataset` of [n_critic * batch_size, H, W, C].
        n_critic: Batches in one element.
        num_replicas: R, of which batch_size is a multiple.
        replicas: The replicas whose parts are wanted.

    Returns:
        A `tf.data.Dataset` of [n_critic * batch_size / R, H, W, C].
    """
    import tensorflow as tf

    if num_replicas == 1:
        return dataset
    count, *shape = dataset.element_spec.shape
    part = count // (n_critic * num_replicas)

    def split(images):
        images = tf.reshape(images, [n_critic, num_replicas, part, *shape])
        own = tf.gather(images, list(replicas), axis=1)
        own = tf.experimental.numpy.swapaxes(own, 0, 1)
        return tf.reshape(own, [len(replicas), n_critic * part, *shape])

    return dataset.map(split).unbatch()
