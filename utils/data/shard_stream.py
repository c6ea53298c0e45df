"""The endless stream of training images from files that should be read from front to end."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from utils.data.at_exit import awaited_at_exit
from utils.data.sources.base import Shard

_BUFFER_BYTES = 2**28  # of encoded images


class ShardShuffle:
    """An order of images that reads each shard from front to end, as a pure function of the seed.

    Every pass takes the shards in another order. Their images go through a buffer, from which a
    random image leaves for each that enters. So each image is shown exactly once per pass, but
    images of one shard stay near each other.

    Args:
        shards: All shards of the source.
        positions: Positions in the source of the images to show, int64 [N].
        seed: 0 or more.

    Attributes:
        buffer_images: Images in the buffer, which are mixed with each other.
    """

    def __init__(self, shards: Sequence[Shard], positions: np.ndarray, seed: int):
        count = sum(len(shard.positions) for shard in shards)
        shown = np.zeros(count, bool)
        shown[positions] = True
        self._shards = [(shard, shown[shard.positions]) for shard in shards]
        self._num_images = len(positions)
        self._seed = seed
        image_bytes = max(1, sum(shard.num_bytes for shard in shards) // count)
        self.buffer_images = min(max(1, _BUFFER_BYTES // image_bytes), self._num_images)

    def __str__(self) -> str:
        return (
            f"Streaming {len(self._shards):,} shards: images are shuffled by shard and in a buffer "
            f"of {self.buffer_images:,}, not over all {self._num_images:,}; a resumed run first "
            "reads past what its pass has shown"
        )

    def images(self, start: int) -> Iterator[tuple[int, bytes]]:
        """(position in the source, encoded image) without end, from this place in the stream.

        Earlier images of the same pass are read past, but not decoded.
        """
        first_pass, shown = divmod(start, self._num_images)
        for number in itertools.count(first_pass):
            yield from itertools.islice(self._pass(number), shown, None)
            shown = 0

    def _pass(self, number: int) -> Iterator[tuple[int, bytes]]:
        random = np.random.default_rng([self._seed, number])
        buffer = []
        for image in self._in_order(random.permutation(len(self._shards))):
            if len(buffer) < self.buffer_images:
                buffer.append(image)
                continue
            slot = int(random.integers(len(buffer)))
            yield buffer[slot]
            buffer[slot] = image
        for slot in random.permutation(len(buffer)):
            yield buffer[slot]

    def _in_order(self, order: np.ndarray) -> Iterator[tuple[int, bytes]]:
        for number in order:
            shard, mask = self._shards[number]
            yield from zip(shard.positions[mask].tolist(), shard.read(mask), strict=True)


def shard_stream(shuffle: ShardShuffle, decode: Callable[[int, bytes], np.ndarray],
                 image_shape: tuple[int, int, int], images_per_step: int, start_step: int,
                 workers: int):
    """Element k holds places [k * images_per_step, (k + 1) * images_per_step) of the stream.

    Args:
        shuffle: The order.
        decode: Turns a position and an encoded image into pixels, uint8 [H, W, C].
        image_shape: (H, W, C).
        images_per_step: Images in one element; may exceed N.
        start_step: The first element.
        workers: Threads that decode.

    Returns:
        An infinite `tf.data.Dataset` of float32 [images_per_step, H, W, C] in [-1, 1].
    """
    import tensorflow as tf

    def batches() -> Iterator[np.ndarray]:
        images = shuffle.images(start_step * images_per_step)
        with ThreadPoolExecutor(workers) as pool:

            @awaited_at_exit
            def batch() -> np.ndarray:
                encoded = itertools.islice(images, images_per_step)
                return np.stack(list(pool.map(lambda image: decode(*image), encoded)))

            while True:
                yield batch()

    signature = tf.TensorSpec((images_per_step, *image_shape), tf.uint8)
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return dataset.map(lambda images: tf.cast(images, tf.float32) / 127.5 - 1.0).prefetch(2)
