"""How quickly images are prepared and fed, beside Keras's own loader on the same files.

    python benchmarks/data_pipeline.py [--source FOLDER]     a minute or two; prints one table
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from utils import DataPreparator

SIZE = (64, 64)
BATCH = 64
SECONDS = 5.0  # each stream is measured for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", help="a folder of images (default: 12,000 made-up JPEG files)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.source or write_jpegs(Path(temporary, "images"), 12_000)
        rows = [*measure_ours(folder, Path(temporary, "cache")), *measure_keras(folder)]
    width = max(len(name) for name, _ in rows)
    print(f"{'':{width}}   images/s")
    for name, rate in rows:
        print(f"{name:{width}} {rate:10,.0f}")


def write_jpegs(folder: Path, count: int, side: int = 96) -> Path:
    """Smooth random pictures with some noise, about 4 kB each, as photographs of this size are."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        small = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8))
        smooth = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.int16)
        pixels = (smooth + rng.integers(-8, 9, smooth.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:05d}.jpg", quality=85)
    return folder


def measure_ours(folder: Path, cache: Path) -> list[tuple[str, float]]:
    """(what, images/s) of `DataPreparator`."""

    def prepare(**options):
        begin = time.perf_counter()
        data = DataPreparator(folder, resize=SIZE, batch_size=BATCH, cache_dir=cache, **options)
        return data, data.num_images / (time.perf_counter() - begin)

    data, first = prepare()
    _, second = prepare()
    streamed, _ = prepare(use_cache=False)
    return [
        ("preparation, first run", first),
        ("preparation, second run (cached)", second),
        ("stream, n_critic 1", stream_rate(data.dataset(1))),
        ("stream, n_critic 5", stream_rate(data.dataset(5))),
        ("stream without cache, n_critic 1", stream_rate(streamed.dataset(1))),
    ]


def measure_keras(folder: Path) -> list[tuple[str, float]]:
    """(what, images/s) of keras.utils.image_dataset_from_directory, scaled to [-1, 1] as ours."""
    import keras

    dataset = keras.utils.image_dataset_from_directory(
        folder, label_mode=None, image_size=SIZE, batch_size=BATCH, verbose=False
    )
    dataset = dataset.repeat().map(lambda images: images / 127.5 - 1.0).prefetch(2)
    return [("image_dataset_from_directory, each epoch", stream_rate(dataset))]


def stream_rate(dataset) -> float:
    """Images/s of an endless dataset, once it runs."""
    batches = iter(dataset)
    for _ in range(10):
        next(batches)
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        count += next(batches).shape[0]
    return count / (time.perf_counter() - begin)


if __name__ == "__main__":
    main()
