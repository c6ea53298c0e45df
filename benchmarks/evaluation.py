"""How fast generators are judged, beside what the machine can do: prints two tables.

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --images 64 --sizes 2000 --metrics fid kid

1. Time and peak memory of each metric of N real and N fake feature vectors of length 2,048, in a
   process of its own. The inputs are float32 features; "more GB" is the most that the process
   held, less what it held with the inputs before the metric began.
2. Inception features a second of uint8 32x32 images, the resize included, and the share of the
   rate of a matrix product, measured in the same process, that its 11.4 GFLOP an image are.
   Weights are random: they change no time.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from utils.metrics import names
from utils.metrics.copies import closeness_threshold
from utils.metrics.distances import nearest
from utils.metrics.diversity import diversity
from utils.metrics.inception_score import inception_score
from utils.metrics.scores import COMPUTED

DIMENSIONS, CLASSES = 2048, 1008
# Of one image, two a multiply-add, convolutions only.
OPERATIONS = 11.4e9


def matrix_product_rate(size: int = 2048, seconds: float = 2.0) -> float:
    """Floating-point operations a second of a square float32 matrix product in TensorFlow."""
    import tensorflow as tf

    a = tf.random.stateless_normal([size, size], [1, 2])
    product = tf.function(lambda x: tf.matmul(x, x))
    product(a)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        product(a).numpy()
        count += 1
    return count * 2 * size**3 / (time.perf_counter() - began)


def feature_rate(images: int, batch_size: int) -> float:
    """Images a second of the FID's network, after one batch to warm up."""
    import keras

    from utils.metrics import FeatureExtractor
    from utils.metrics.features.inception import build_inception

    network = build_inception()
    inputs = keras.Input(network.input_shape[1:])
    scaled = keras.Model(inputs, network((inputs - 128.0) / 128.0))
    extractor = FeatureExtractor(scaled, "random", "", batch_size=batch_size)
    pixels = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), np.uint8)
    extractor(pixels[:batch_size])
    began = time.perf_counter()
    extractor(pixels)
    return images / (time.perf_counter() - began)


def random_features(seed: int, count: int) -> np.ndarray:
    """Float32 [count, 2048], made a part at a time so that nothing larger was ever there."""
    rng = np.random.default_rng(seed)
    features = np.empty((count, DIMENSIONS), np.float32)
    for start in range(0, count, 1000):
        part = features[start : start + 1000]
        part[:] = rng.standard_normal(part.shape, np.float32) + 0.01 * seed
    return features


def compute(metric: str, real: np.ndarray, fake: np.ndarray) -> None:
    """The metric as `evaluate` computes it."""
    if metric == "copies":
        closeness_threshold(real)
        nearest(fake, real)
    elif metric == "diversity":
        diversity(fake, real)
    elif metric == "inception_score":
        head = np.random.default_rng(0).normal(0, 0.02, (DIMENSIONS, CLASSES))
        inception_score(fake @ head.astype(np.float32), names.INCEPTION_SPLITS)
    else:
        COMPUTED[metric].compute(real, fake, None, 0, False)


def fewest(metric: str) -> int:
    """Feature vectors of each kind that the metric needs."""
    if metric not in COMPUTED:
        return 2
    return COMPUTED[metric].fewest + COMPUTED[metric].fewest_a_dimension * DIMENSIONS


def memory_now() -> float:
    """GB of memory that this process has at present."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e9


def measure(metric: str, count: int) -> None:
    """Prints seconds and GB of one metric: what the child process does."""
    real, fake = random_features(1, count), random_features(2, count)
    before, began = memory_now(), time.perf_counter()
    compute(metric, real, fake)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(seconds, peak - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=512,
                        help="images of the second table; 0: no table")
    parser.add_argument("--batch_size", type=int, default=32, help="images at a time")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 50_000],
                        help="feature vectors of each kind")
    parser.add_argument("--metrics", nargs="+", choices=names.METRICS, metavar="NAME",
                        default=names.METRICS,
                        help=f"of {', '.join(names.METRICS)} (default: all)")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure(arguments.child[0], int(arguments.child[1]))
        return

    if arguments.sizes:
        print(f"{'metric':15} {'features':>15} {'inputs GB':>10} {'seconds':>8} {'more GB':>8}")
    for count in arguments.sizes:
        for metric in arguments.metrics:
            if count < fewest(metric):
                print(f"{metric:15} {f'{count:,} x {DIMENSIONS:,}':>15} needs {fewest(metric):,}")
                continue
            command = [sys.executable, __file__, "--child", metric, str(count)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{metric} of {count:,} features failed: {done.stderr.strip()[-500:]}")
            seconds, peak = map(float, done.stdout.split())
            inputs = 2 * count * DIMENSIONS * 4 / 1e9
            print(f"{metric:15} {f'{count:,} x {DIMENSIONS:,}':>15} {inputs:10.2f} {seconds:8.1f} "
                  f"{peak:8.2f}", flush=True)
    # Last: a process begins with its parent's peak memory, and TensorFlow takes a gigabyte.
    if arguments.images:
        limit = matrix_product_rate()
        rate = feature_rate(arguments.images, arguments.batch_size)
        limit = max(limit, matrix_product_rate())  # other programs may have slowed one
        print(f"\n{'Inception images/s':>18} {'GFLOP/s':>8} {'matmul GFLOP/s':>15} {'share':>6}")
        print(f"{rate:18.1f} {rate * OPERATIONS / 1e9:8.0f} {limit / 1e9:15.0f} "
              f"{rate * OPERATIONS / limit:6.0%}", flush=True)


if __name__ == "__main__":
    main()
