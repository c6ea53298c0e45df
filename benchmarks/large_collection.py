"""What a collection of a million images costs: seconds and memory, in one table.

    python benchmarks/large_collection.py [--num_images 1000000] [--output FOLDER]

Draws a thousand faces as 64x64 JPEG files and repeats them by hard links, in folders of a thousand.
Each row is measured in a process of its own: listing the files; preparing them; from a ready cache,
the first batch and some hundred more. Memory is the most that the process ever held (VmHWM, pages
of files included) beyond what it held before: Python with NumPy, and TensorFlow where it streams.
A million need 13 GB of disk and, on two cores, about seven minutes.
"""

import argparse
import contextlib
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from PIL import Image

from utils import DataPreparator
from utils.data.sources.faces import draw_face
from utils.data.sources.files import FolderSource
from utils.data.sources.opening import open_source

SIZE = (64, 64)
FACES = 1_000
PER_FOLDER = 1_000
BATCH = 64
STEPS = 500
Row = tuple[str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--num_images", type=int, default=1_000_000)
    parser.add_argument(
        "--output", help="where to make and leave it (default: a temporary folder, deleted)"
    )
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = arguments.output or stack.enter_context(tempfile.TemporaryDirectory())
        images, cache = Path(folder, "images"), Path(folder, "cache")
        if cache.exists():
            parser.error(f"--output must not hold a cache yet. Received: {folder}: delete {cache}")
        if not images.exists():
            make_collection(images, arguments.num_images)
        rows = [row for measure in (listing, preparing, streaming)
                for row in alone(measure, images, cache)]  # fmt: skip
    width = max(len(name) for name, *_ in rows)
    print(f"{arguments.num_images:,} images {SIZE[0]}x{SIZE[1]}")
    for name, value, unit in rows:
        print(f"{name:{width}} {value:>10} {unit}")


def make_collection(folder: Path, count: int) -> None:
    """`count` JPEG files: `FACES` drawn ones and hard links to them."""
    drawn = folder.parent / "drawn"
    drawn.mkdir(parents=True)
    for index in range(FACES):
        Image.fromarray(draw_face(index, SIZE)).save(drawn / f"{index}.jpg", quality=90)
    for index in range(count):
        here = folder / f"{index // PER_FOLDER:04d}"
        if index % PER_FOLDER == 0:
            here.mkdir(parents=True)
        os.link(drawn / f"{index % FACES}.jpg", here / f"{index:07d}.jpg")


def alone(measure, *arguments) -> list[Row]:
    """The rows of a function that is called in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def listing(images: Path, cache: Path) -> list[Row]:
    before, begin = megabytes("VmRSS"), time.perf_counter()
    source = open_source(images, SIZE)
    len(source)
    seconds = time.perf_counter() - begin
    return [("listing", f"{seconds:,.1f}", "s"), memory("listing", "VmHWM", before)]


def preparing(images: Path, cache: Path) -> list[Row]:
    before, begin = megabytes("VmRSS"), time.perf_counter()
    data = DataPreparator(images, resize=SIZE, cache_dir=cache)
    rate = data.num_images / (time.perf_counter() - begin)
    return [
        ("listing and preparing", f"{rate:,.0f}", "images/s"),
        memory("preparing", "VmHWM", before),
    ]


def streaming(images: Path, cache: Path) -> list[Row]:
    import tensorflow as tf

    next(iter(tf.data.Dataset.range(1).map(lambda step: tf.cast(step, tf.float32))))  # starts it
    listed = FolderSource._list
    listing_seconds = 0.0

    def list_and_time(*arguments):
        nonlocal listing_seconds
        begin = time.perf_counter()
        files = listed(*arguments)
        listing_seconds = time.perf_counter() - begin
        return files

    FolderSource._list = list_and_time
    before, files = megabytes("VmRSS"), megabytes("RssFile")
    begin = time.perf_counter()
    data = DataPreparator(images, resize=SIZE, batch_size=BATCH, cache_dir=cache)
    batches = iter(data.dataset(n_critic=1))
    next(batches)
    first = time.perf_counter()
    for _ in range(STEPS):
        next(batches)
    rate = STEPS * BATCH / (time.perf_counter() - first)
    ready = first - begin - listing_seconds
    return [
        ("listing again, as at every start", f"{listing_seconds:,.1f}", "s"),
        ("ready cache to first batch, but for that", f"{ready:,.2f}", "s"),
        ("stream", f"{rate:,.0f}", "images/s"),
        memory("streaming", "VmHWM", before),
        memory("of that, pages of files", "RssFile", files),
    ]


def memory(name: str, kind: str, before: float) -> Row:
    return f"memory: {name}", f"{megabytes(kind) - before:,.0f}", "MB"


def megabytes(kind: str) -> float:
    """VmRSS, VmHWM (its maximum) or RssFile of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


if __name__ == "__main__":
    main()
