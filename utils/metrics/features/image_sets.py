"""Sets of images to judge, and their features, kept on disk if they do not change."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from utils.data.npy import map_array
from utils.files import atomic_path, expanded
from utils.metrics.distances import spans
from utils.metrics.features.extractor import FeatureExtractor
from utils.process import progress_bar

AT_ONCE = 256  # images held at a time
_VERSION = 1  # raise it when the same images and weights would give other features


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Images that can be fetched by number.

    Attributes:
        name: Its name in messages and tables.
        count: How many there are.
        gather: Turns int64 [n] of numbers below `count` into images uint8 [n, H, W, C].
        facts: What a result states about it: plain values.
        digest: Hex digest of all pixels; features are kept on disk under it. None if the images are
            made again each time.
    """

    name: str
    count: int
    gather: Callable[[np.ndarray], np.ndarray]
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    digest: str | None = None

    @classmethod
    def of(cls, images: Any, name: str) -> "ImageSet":
        """A set from an `ImageSet`, a `DataPreparator` or an array uint8 [N, H, W, C].

        Raises:
            ValueError: If it is none of these.
        """
        if isinstance(images, cls):
            return images
        if hasattr(images, "gather") and hasattr(images, "describe"):
            described = images.describe()
            stated = ("source", "image_shape", "fingerprint", "digest")
            facts = {key: described[key] for key in stated}
            return cls(described["source"], images.num_images, images.gather, facts, images.digest)
        is_array = isinstance(images, np.ndarray) and images.dtype == np.uint8
        if not is_array or images.ndim != 4 or images.shape[-1] not in (1, 3) or not len(images):
            received = type(images).__name__
            if isinstance(images, np.ndarray):
                received = f"{images.dtype} {list(images.shape)}"
            raise ValueError(f"{name} must be a DataPreparator, an ImageSet or an array uint8 [N, "
                             f"H, W, C] with C 1 or 3. Received: {received}")
        digest = hashlib.blake2b(str(images.shape).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(images))
        facts = {"source": f"an array ({name})", "image_shape": list(images.shape[1:]),
                 "digest": digest.hexdigest()}
        return cls(name, len(images), images.__getitem__, facts, digest.hexdigest())

    @classmethod
    def generated(cls, generate: Callable[..., np.ndarray], count: int, seed: int, name: str,
                  facts: dict[str, Any] | None = None) -> "ImageSet":
        """The first `count` images of a generator.

        Args:
            generate: `generate(n, seed=, first=)` gives images `first` to `first + n` of a seed,
                uint8 [n, H, W, C].
            count: How many.
            seed: The generator's seed.
            name: Its name in messages and tables.
            facts: What a result states about the generator, besides its name and seed.
        """

        def gather(indices: np.ndarray) -> np.ndarray:
            ends = np.flatnonzero(np.diff(indices) != 1) + 1  # of runs of consecutive numbers
            return np.concatenate([generate(len(run), seed=seed, first=int(run[0]))
                                   for run in np.split(indices, ends)])

        return cls(name, count, gather, {"source": name, "seed": seed, **(facts or {})})

    def selection(self, most: int, seed: int) -> np.ndarray:
        """The ascending numbers, int64, of at most `most` images drawn without repetition."""
        if self.count <= most:
            return np.arange(self.count)
        return np.sort(np.random.default_rng(seed).permutation(self.count)[:most])


def extract_features(images: ImageSet, indices: np.ndarray, extractor: FeatureExtractor,
                     show_progress: bool = True,
                     observe: Callable[[np.ndarray], None] | None = None) -> np.ndarray:
    """Features float32 [n, D] of the images with these numbers.

    Args:
        images: The set.
        indices: int64 [n].
        extractor: The extractor of the features.
        show_progress: Whether to show a bar, with images a second, on stderr.
        observe: Called with each batch of images, uint8 [m, H, W, C], in their order.
    """
    features = np.empty((len(indices), extractor.dimensions), np.float32)
    at_once = extractor.batch_size * max(1, AT_ONCE // extractor.batch_size)  # whole batches
    with progress_bar(f"Features of {images.name}", len(indices), show_progress) as bar:
        for rows in spans(len(indices), at_once):
            part = images.gather(indices[rows])
            if observe is not None:
                observe(part)
            features[rows] = extractor(part)
            bar.update(len(part))
    return features


def cached_features(images: ImageSet, indices: np.ndarray, extractor: FeatureExtractor,
                    cache_dir: str | Path, show_progress: bool = True,
                    observe: Callable[[np.ndarray], None] | None = None) -> np.ndarray:
    """`extract_features`, or its earlier result from the file in `cache_dir`.

    The file is named after the pixels, the numbers and the extractor with its resize, so it is
    never out of date. It is written whole or not at all. Features of images without a digest are
    not kept. `observe` sees all images in either case.

    Returns:
        float32 [n, D]; a read-only memory map if it was kept.

    Raises:
        ValueError: If the cache cannot be written.
    """
    if images.digest is None:
        return extract_features(images, indices, extractor, show_progress, observe)
    facts = {"version": _VERSION, **extractor.protocol()}
    facts |= {"images": images.digest, "count": images.count}
    key = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16)
    key.update(np.asarray(indices, "<i8").tobytes())
    path = expanded(cache_dir, "cache_dir") / "features" / f"{key.hexdigest()}.npy"
    shape = (len(indices), extractor.dimensions)
    kept = _read(path, shape)
    if kept is not None:
        if observe is not None:
            for rows in spans(len(indices), AT_ONCE):
                observe(images.gather(indices[rows]))
        return kept
    features = extract_features(images, indices, extractor, show_progress, observe)
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, features)  # given a path, it would add its own ending
    except OSError as error:
        raise ValueError(
            f"cache_dir must be a folder with room for {features.nbytes / 1e6:,.0f} MB of "
            f"features: choose another. Received: '{cache_dir}' ({error})"
        ) from error
    return features


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    try:
        features = map_array(path)
    except (OSError, ValueError):  # absent or damaged
        return None
    return features if features.shape == shape and features.dtype == np.float32 else None
