"""`DataPreparator`: from the source that a user names to the batches that a model trains on."""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from utils.checks import at_least
from utils.data import image_cache, prepared_set
from utils.data.arguments import check_channels, check_options, target_size
from utils.data.array_rows import ArrayRows
from utils.data.at_exit import awaited_at_exit
from utils.data.decoding import ImageDecoder
from utils.data.image_formats import MAX_MEGAPIXELS, UnusableImageError
from utils.data.remarks import most_common, remarks
from utils.data.shard_stream import ShardShuffle, shard_stream
from utils.data.sources.base import Payload
from utils.data.sources.opening import open_source
from utils.data.stream import image_stream, split_among_replicas
from utils.files import default_cache_dir, expanded
from utils.process import available_cores
from utils.wording import printable

_NAMED = 100  # skipped files, and duplicates, that `describe` names


class DataPreparator:
    """A collection of images, decoded once into a cache, as training batches and as samples.

    One process prepares a set; others that need the same one wait for it.

    The shuffled stream is a pure function of (seed, position): position p shows image
    `index_shuffle(p % N, [seed, p // N], N - 1)`, so every image is seen exactly once in N
    positions, and the stream can start anywhere.

    Args:
        source: A folder (searched recursively), a .zip or .tar archive, a .npy, .npz or idx .gz
            array, "tfds:NAME[:SPLIT]", or "faces", the built-in set.
        image_shape: (H, W) or (H, W, C) that every image must already have, if `resize` is None.
        resize: (H, W) in pixels to resize images to. Neither given: 64x64.
        batch_size: Images per critic update.
        to_grayscale: One channel instead of three. Arrays of one channel keep one anyway.
        crop: How `resize` treats another aspect ratio: "center" (crop), "stretch" or "pad".
        background: (R, G, B) in 0..255, behind transparent pixels and around padded images.
        seed: Seed of the order of the stream; 0 or more, the low 32 bits count.
        cache_dir: Where prepared sets are kept. None: wasserstein-gan in the user's cache folder.
        use_cache: If False, only a list of good images is kept, and training decodes files every
            time; TFRecord shards of TFDS are then read from front to end, in another order
            (`ShardShuffle`).
        max_megapixels: Larger images are skipped before they are decoded.
        hold_out: Share in [0, 1) of the images to keep aside, always the same ones: they are only
            in `held_out`. At least one image, unless it is 0.
        workers: Threads that decode. None: one per core.
        show_progress: Whether to show a bar, and notes, on stderr while preparing.

    Attributes:
        image_shape: (H, W, C) of the prepared images.
        num_images: N, the number of usable images, without those held out.
        num_held_out: The number of held-out images.
        skipped: [(name, reason)] of the images that cannot be used.
        scaled: Number of usable images with float or 32-bit pixels, scaled by their own range.
        left_out: Number of files with other endings than an image's, by ending.
        duplicates: Number of images whose prepared pixels equal an earlier one's.
        duplicate_names: [(name, name of the first with the same pixels)] of some of them.
        fingerprint: Hex name of the prepared set: files and options.
        digest: Hex digest of the prepared pixels and, if any are held out, of which; the same on
            every machine.

    Raises:
        ValueError: An argument is wrong, no image is usable, one lacks the required shape, the
            cache cannot be written, or `use_cache` is False for a source that can only be read from
            front to end (a compressed .tar, TFDS shards of other formats).

    Example:
        >>> data = DataPreparator("photos", resize=(64, 64), batch_size=32)
        >>> gan.train(data, train_steps=10_000)
    """

    def __init__(
        self,
        source: str | os.PathLike = "faces",
        image_shape: Sequence[int] | None = None,
        resize: Sequence[int] | None = None,
        batch_size: int = 32,
        to_grayscale: bool = False,
        crop: str = "center",
        background: Sequence[int] = (255, 255, 255),
        seed: int = 0,
        cache_dir: str | os.PathLike | None = None,
        use_cache: bool = True,
        max_megapixels: float = MAX_MEGAPIXELS,
        hold_out: float = 0.0,
        workers: int | None = None,
        show_progress: bool = True,
    ):
        background = tuple(background)
        check_options(workers, batch_size=batch_size, crop=crop, background=background,
                      max_megapixels=max_megapixels, hold_out=hold_out)
        at_least(0).check("seed", seed)
        size = target_size(image_shape, resize)
        self.batch_size = int(batch_size)
        self.seed = int(seed)
        self._source = open_source(source, size, show_progress, max_megapixels)
        self._workers = workers or available_cores()
        self._cache_dir = expanded(cache_dir or default_cache_dir(), "cache_dir")
        self._use_cache = use_cache
        self._options = {"size": size, "resize": resize is not None or image_shape is None,
                         "crop": crop, "background": background,
                         "max_megapixels": float(max_megapixels)}
        self.fingerprint = prepared_set.fingerprint(self._source, to_grayscale, self._options)
        self._index, self._pixels = self._prepare(image_shape, to_grayscale, show_progress)
        self._rows = None if self._pixels is None else ArrayRows(self._pixels)
        self._decoder = ImageDecoder(channels=self._index.image_shape[-1], **self._options)
        self.image_shape = self._index.image_shape
        self._training, self._held_out = prepared_set.split(len(self._index.good), hold_out)
        self.num_images, self.num_held_out = len(self._training), len(self._held_out)
        self.skipped, self.digest = self._index.skipped, self._index.digest
        self.scaled, self.left_out = self._index.scaled, self._index.left_out
        if self._source.left_out is not None:  # a folder may have gained or lost such files
            self.left_out = most_common(self._source.left_out)
        self.duplicates = self._index.duplicates
        self.duplicate_names = self._index.duplicate_names
        if self.num_held_out:
            held_out = self._held_out.astype("<i8").tobytes()
            self.digest = hashlib.blake2b(self.digest.encode() + held_out,
                                          digest_size=16).hexdigest()
        self._check_batch_size(self.batch_size)
        if show_progress:
            for remark in remarks(self.left_out, self.scaled):
                print(remark, file=sys.stderr)
        self._shards = None
        if not use_cache and self._source.shards is not None:
            positions = self._index.good[self._training]
            self._shards = ShardShuffle(self._source.shards, positions, self.seed)
            if show_progress:
                print(self._shards, file=sys.stderr)

    @property
    def cache_path(self) -> Path:
        """The folder of the prepared set."""
        return self._cache_dir / self.fingerprint

    @property
    def images(self) -> np.ndarray:
        """All prepared images, uint8 [N, H, W, C], memory-mapped and read-only.

        Raises:
            ValueError: With use_cache=False or hold_out, there is no such array.
        """
        if self.num_held_out:
            raise ValueError(
                "images must not be used with hold_out, because the cache's array mixes held-out "
                "images with the others: use gather(indices) or sample(n, seed). "
                f"Received: {self.num_held_out:,} held-out images"
            )
        if self._pixels is None:
            raise ValueError("images must not be used with use_cache=False: use gather(indices) or "
                             "sample(n, seed). Received: no array in the cache")
        return self._pixels

    def gather(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The images of these numbers (0 <= i < N), in this order, as uint8 [n, H, W, C]."""
        return self._gather(self._training[np.asarray(indices)])

    def held_out(self, most: int) -> np.ndarray:
        """Held-out images, uint8 [n, H, W, C]: all, or at most this many."""
        return self._gather(self._held_out[:most])

    def _gather(self, indices: np.ndarray) -> np.ndarray:
        if self._rows is not None:
            return self._rows[indices]
        return np.stack([self._read_again(position) for position in self._index.good[indices]])

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Random images, without repetition if there are enough.

        Args:
            n: How many, 1 or more. Above N, whole rounds of all images come first.
            seed: The same (n, seed) gives the same images.

        Returns:
            uint8 [n, H, W, C].
        """
        at_least(1).check("n", n)
        random = np.random.default_rng(seed)
        rounds = [random.permutation(self.num_images) for _ in range(-(-n // self.num_images))]
        return self.gather(np.concatenate(rounds)[:n])

    def dataset(self, n_critic: int, start_step: int = 0, batch_size: int | None = None,
                num_replicas: int = 1, replicas: range = range(1)):
        """The endless shuffled stream of training images, one element per generator step.

        Args:
            n_critic: Critic updates per generator step, each with its own batch.
            start_step: The first generator step; the same as skipping this many elements.
            batch_size: Instead of the preparator's.
            num_replicas: R, the replicas that share every batch; batch_size must be a multiple of
                it.
            replicas: The replicas to make elements for: one element each per generator step.

        Returns:
            A `tf.data.Dataset` of float32 [n_critic * batch_size / R, H, W, C] in [-1, 1].

        Raises:
            ValueError: An argument is too small, or a batch is larger than the collection.
        """
        batch_size = self.batch_size if batch_size is None else batch_size
        at_least(1).check("n_critic", n_critic)
        at_least(0).check("start_step", start_step)
        self._check_batch_size(batch_size)
        if self._shards is not None:
            whole = shard_stream(self._shards, self._read_again, self.image_shape,
                                 n_critic * batch_size, start_step, self._workers)
            # Each worker reads all shards.
            return split_among_replicas(whole, n_critic, num_replicas, replicas)
        return image_stream(awaited_at_exit(self.gather), self.num_images, self.image_shape,
                            n_critic, batch_size, start_step, self.seed, self._workers,
                            num_replicas, replicas)

    def describe(self) -> dict:
        """Plain facts for a log or a JSON file."""
        return {
            "source": printable(self._source.location),
            "note": self._source.note,
            "num_images": self.num_images,
            "held_out": self.num_held_out,
            "image_shape": list(self.image_shape),
            "skipped": len(self.skipped),
            "duplicates": self.duplicates,
            "scaled": self.scaled,
            "left_out": self.left_out,
            "skipped_files": list(map(list, self.skipped[:_NAMED])),
            "duplicate_files": list(map(list, self.duplicate_names[:_NAMED])),
            "fingerprint": self.fingerprint,
            "digest": self.digest,
            "cache_path": printable(self.cache_path),
            "cache_bytes": sum(path.stat().st_size for path in self.cache_path.glob("*")),
        }

    def _prepare(self, image_shape: Sequence[int] | None, to_grayscale: bool,
                 show_progress: bool) -> tuple[prepared_set.SetIndex, np.ndarray | None]:
        if not self._use_cache and not self._source.random_access:
            raise ValueError(
                "use_cache must be True for a source that can only be read from front to end: use "
                f"the cache, or unpack it. Received: {printable(self._source.location)}"
            )
        if show_progress and self._source.note:
            print(f"Using {self._source.note}", file=sys.stderr)

        def decoder() -> ImageDecoder:
            channels = 1 if to_grayscale else self._source.channels
            check_channels(image_shape, channels)
            return ImageDecoder(channels=channels, **self._options)

        index, pixels = image_cache.load_or_prepare(self._source, decoder, self.cache_path,
                                                    self._use_cache, self._workers, show_progress)
        check_channels(image_shape, index.image_shape[-1])
        return index, pixels

    def _read_again(self, position: int, payload: Payload | None = None) -> np.ndarray:
        """The image at a position of the source, from `payload` if it has been read already."""
        try:
            return self._decoder(self._source.read(position) if payload is None else payload)
        except UnusableImageError as error:
            raise ValueError(
                "source must not change while training: leave its files alone. Received: "
                f"{printable(self._source.name(position))}, a good image when the run started but "
                f"not any more ({error})"
            ) from error

    def _check_batch_size(self, batch_size: int) -> None:
        at_least(1).check("batch_size", batch_size)
        if batch_size > self.num_images:
            raise ValueError(
                f"batch_size must be at most the number of usable images, {self.num_images}"
                f"{f' beside {self.num_held_out} held out' if self.num_held_out else ''}: lower it"
                f"{' or hold_out' if self.num_held_out else ''} or add images. "
                f"Received: {batch_size}"
            )
