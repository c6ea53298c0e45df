"""The real image most like each of some others, in pixels or in features."""

from pathlib import Path
from typing import Any

import numpy as np

from utils.files import default_cache_dir
from utils.metrics.distances import nearest, spans
from utils.metrics.features.image_sets import ImageSet, cached_features
from utils.process import progress_bar
from utils.visualization.pairs import save_closest_pairs

VALUES_AT_ONCE = 2**25  # of real images in memory: 128 MB as float32


def nearest_in_pixels(
    images: np.ndarray, real: ImageSet, show_progress: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest real image to each image, among all real images.

    Args:
        images: uint8 [N, H, W, C].
        real: Images of the same shape.
        show_progress: Whether to show a bar.

    Returns:
        Distances [N], the root of the mean squared difference of all values in 0..255, and
        numbers of real images, int64 [N].
    """
    queries = images.reshape(len(images), -1).astype(np.float32)
    distances, numbers = np.full(len(images), np.inf), np.zeros(len(images), np.int64)
    with progress_bar("Looking for the nearest", real.count, show_progress) as bar:
        for span in spans(real.count, max(1, VALUES_AT_ONCE // queries.shape[1])):
            part = real.gather(np.arange(span.start, span.stop))
            found, places = nearest(queries, part.reshape(len(part), -1).astype(np.float32))
            closer = found[:, 0] < distances
            distances[closer] = found[closer, 0]
            numbers[closer] = places[closer, 0] + span.start
            bar.update(len(part))
    return distances / np.sqrt(queries.shape[1]), numbers


def write_nearest(
    images: np.ndarray, path: str | Path, real: Any, extractor: Any = None,
    cache_dir: str | Path | None = None, show_progress: bool = True,
) -> None:
    """Writes a PNG of images, each above the nearest real image.

    Args:
        images: uint8 [N, H, W, C].
        path: The file.
        real: A `DataPreparator` of images of the same shape; all are searched.
        extractor: A `utils.metrics.FeatureExtractor` whose features are compared; None: pixels.
        cache_dir: Where features of real images are kept; None: the cache folder of prepared
            images.
        show_progress: Whether to show bars.
    """
    fakes, real = ImageSet.of(images, "images"), ImageSet.of(real, "real")
    if extractor is None:
        distances, numbers = nearest_in_pixels(images, real, show_progress)
        title = "The nearest real image by root mean square difference in 0..255"
    else:
        folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
        features = cached_features(real, np.arange(real.count), extractor, folder, show_progress)
        distances, numbers = nearest(extractor(images), features)
        distances, numbers = distances[:, 0], numbers[:, 0]
        title = f"The nearest real image in the features of {extractor.name}"
    pairs = [
        {"fake": i, "training": int(number), "distance": float(distance)}
        for i, (number, distance) in enumerate(zip(numbers, distances, strict=True))
    ]
    save_closest_pairs(pairs, fakes, real, None, title, path, "real")
