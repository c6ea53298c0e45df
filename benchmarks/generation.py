"""How fast generate_images.py writes images, beside what it cannot be faster than: one table.

    python benchmarks/generation.py [--num_images 10000] [--base_filters 64]

In one process: images made and thrown away (a bare loop of the generator), PNG files encoded of
images that are there, and both, as generate_images.py does it; three rounds in turn, of which the
best counts. Then, in a process of its own, the time from the command to its first image. Required
are 85% of the slower of the two, and 6 s.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from gans import SavedGenerator, WassersteinGAN
from utils import DataPreparator
from utils.exploring.image_files import image_writer
from utils.exploring.pictures import AT_ONCE, write_images
from utils.latent import sample

ROOT = Path(__file__).parent.parent
BATCH_SIZE = 64
ROUNDS = 3  # other work on a machine only ever slows one down


def rate(number: int, work: Callable[[], object]) -> float:
    """Images a second."""
    began = time.perf_counter()
    work()
    return number / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num_images", type=int, default=10_000)
    parser.add_argument("--base_filters", type=int, default=64)
    parser.add_argument("--size", type=int, default=64, help="height and width (default: 64)")
    arguments = parser.parse_args()
    number = arguments.num_images
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        gan = WassersteinGAN((arguments.size,) * 2 + (3,), base_filters=arguments.base_filters)
        gan.save_generator(folder / "generator.keras")
        generator = SavedGenerator(folder / "generator.keras")
        noise = tf.constant(sample(BATCH_SIZE, generator.noise_dim))
        # Not the untrained generator's images, flat gray, but such as it would learn from.
        images = DataPreparator("faces", resize=generator.image_shape[:2]).sample(AT_ONCE, seed=0)
        names = [f"{i:06d}" for i in range(number)]
        # Every pass has a folder of its own, and none is deleted before the end: ext4 is slow to
        # make files for a minute after as many were deleted, which a user does not do first.
        folders = (folder / f"made{i}" for i in itertools.count())

        def loop() -> None:
            for _ in range(0, number, BATCH_SIZE):
                generator.batch(noise).numpy()

        def encode() -> None:
            with image_writer(next(folders), names) as add:
                for start in range(0, number, AT_ONCE):
                    add(images[: number - start])

        class Painted:
            """The generator, whose images are those above once they are made."""

            noise, noise_dim = generator.noise, generator.noise_dim

            def images(self, noise: np.ndarray) -> np.ndarray:
                return images[: len(generator.images(noise))]

        generator.images(noise.numpy())  # builds the graph
        works = {
            "generator alone": loop,
            "PNG encoder alone": encode,
            "generate_images.py": lambda: write_images(
                Painted(), next(folders), number, show_progress=False
            ),
        }
        best = dict.fromkeys(works, 0.0)
        for _ in range(ROUNDS):
            for name, work in works.items():
                best[name] = max(best[name], rate(number, work))
        for name, images_a_second in best.items():
            print(f"{name:28} {images_a_second:8,.0f} images/s")
        *parts, both = best.values()
        print(f"{'of the slower of the two':28} {both / min(parts):8.0%} (required: 85%)")
        command = [sys.executable, ROOT / "generate_images.py", folder / "generator.keras",
                   "--count", "1", "--quiet"]  # fmt: skip
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        print(f"{'from command to first image':28} {seconds:8.1f} s (required: 6)")


if __name__ == "__main__":
    main()
