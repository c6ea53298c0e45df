"""What each metric reacts to: judges real images that were spoiled in known ways; prints a table.

    python benchmarks/metric_reactions.py --real cifar10/train --other cifar10/test --resize 32 32
    python benchmarks/metric_reactions.py --real photos --resize 64 64

The fakes are other real images as they are, blurred, noisy, of which only a few are repeated
again and again (collapsed), and half of them exchanged for images of the real set (copied).
Without --other the source is cut into two random halves.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image, ImageFilter

from utils import DataPreparator
from utils.metrics import FeatureExtractor, evaluate, evaluation_table, inception_extractor

BLUR_RADIUS = 1.0  # pixels
NOISE_DEVIATION = 15.0  # of 255
COLLAPSED_TO = 100  # images


class OncePerImage:
    """An extractor that remembers: collapsed and copied sets cost no second pass."""

    def __init__(self, extractor: FeatureExtractor):
        self._extractor, self._known = extractor, {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._extractor, name)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        keys = [hashlib.blake2b(image.tobytes()).digest() for image in images]
        new = {key: image for key, image in zip(keys, images, strict=True)
               if key not in self._known}  # fmt: skip
        if new:
            features = self._extractor(np.stack(list(new.values())))
            self._known.update(zip(new, features, strict=True))
        return np.stack([self._known[key] for key in keys])


def blurred(images: np.ndarray) -> np.ndarray:
    kernel = ImageFilter.GaussianBlur(BLUR_RADIUS)
    shape = images.shape[1:3] if images.shape[-1] == 1 else images.shape[1:]
    pictures = [Image.fromarray(image.reshape(shape)).filter(kernel) for image in images]
    return np.stack([np.asarray(picture) for picture in pictures]).reshape(images.shape)


def noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0, NOISE_DEVIATION, images.shape)
    return np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", required=True, metavar="SOURCE")
    parser.add_argument("--other", metavar="SOURCE", help="default: the other half of --real")
    parser.add_argument("--resize", nargs=2, type=int, default=(64, 64), metavar=("H", "W"))
    parser.add_argument("--num_images", type=int, default=5000)
    parser.add_argument("--inception_weights", metavar="FILE", help="as for evaluate_generator.py")
    arguments = parser.parse_args()

    rng, size = np.random.default_rng(0), tuple(arguments.resize)
    data = DataPreparator(arguments.real, resize=size)
    if arguments.other is None:
        order = rng.permutation(data.num_images)
        count = min(arguments.num_images, data.num_images // 2)
        real, other = (data.gather(np.sort(half)) for half in (order[:count], order[-count:]))
    else:
        real, other = (
            DataPreparator(source, resize=size).sample(arguments.num_images, seed=0)
            for source in (arguments.real, arguments.other)
        )
    half = len(other) // 2
    kinds = {
        "other real": other,
        "blurred": blurred(other),
        "noisy": noisy(other, rng),
        "collapsed": other[np.arange(len(other)) % COLLAPSED_TO],
        "half copied": np.concatenate([other[:half], real[: len(other) - half]]),
    }
    extractor = OncePerImage(inception_extractor(arguments.inception_weights))
    evaluations = [evaluate(fakes, real, extractor) for fakes in kinds.values()]
    print(evaluation_table(evaluations, list(kinds)))


if __name__ == "__main__":
    main()
