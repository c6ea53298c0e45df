"""`evaluate`: a set of fakes against a set of real images, with the protocol of every number."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from utils.files import default_cache_dir
from utils.metrics import names
from utils.metrics.copies import closeness_threshold, nearer_to_training
from utils.metrics.distances import nearest, spans
from utils.metrics.diversity import diversity
from utils.metrics.features.extractor import FeatureExtractor
from utils.metrics.features.image_sets import AT_ONCE, ImageSet, cached_features, extract_features
from utils.metrics.protocol import protocol_of
from utils.metrics.scores import COMPUTED
from utils.process import progress_bar

CLOSEST = 10  # pairs shown
NEAR_COPIES_ABOVE = 0.05  # share of fakes; among real images it is 0.01 by construction
FEW = 5_000  # images below which the bias of a Fréchet distance is said in words


def evaluate(fakes: Any, real: Any, extractor: FeatureExtractor, held_out: Any = None,
             metrics: Sequence[str] | None = None, num_images: int = 10_000, seed: int = 0,
             cache_dir: str | Path | None = None, show_progress: bool = True) -> dict[str, Any]:
    """Judges fakes against real images.

    Args:
        fakes: A `DataPreparator`, an `ImageSet` or an array uint8 [N, H, W, C].
        real: The same: the images that the generator was trained on, or others like them.
        extractor: The extractor of the features.
        held_out: The same: real images that the generator has not seen, to find copies.
        metrics: Names in `utils.metrics.names.METRICS`, or of numbers that they give; None: all
            that there are enough images for.
        num_images: At most this many of each are judged, drawn with the seed.
        seed: Seed of the draws.
        cache_dir: Where features of images with a digest are kept. None: the cache folder of
            prepared images.
        show_progress: Whether to show bars on stderr.

    Returns:
        Plain values, as evaluation.json has them: "numbers", a list of {"name", "label", "better",
        "value", "error", "real"}, where "real" is the number between two halves of the real images;
        "copies" and "diversity" (with that of the halves as "real"), where asked for; "left_out",
        reasons by metric; "warnings", sentences; "protocol", under which the numbers hold.

    Raises:
        ValueError: If an argument is wrong, or a named metric needs more images than there are.
    """
    if num_images < 2:
        raise ValueError(f"num_images must be 2 or more. Received: {num_images}")
    sets = _sets(fakes=fakes, real=real, held_out=held_out)
    chosen = {name: images.selection(num_images, seed) for name, images in sets.items()}
    metrics, left_out = _choose(metrics, chosen, extractor)
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    features, digests = _features(sets, chosen, extractor, folder, show_progress)
    halves = np.array_split(np.random.default_rng(seed).permutation(len(features["real"])), 2)
    halves = [np.asarray(features["real"][np.sort(half)]) for half in halves]
    evaluation = {"numbers": _numbers(metrics, features, halves, extractor, seed, show_progress)}
    try:
        if "diversity" in metrics:
            evaluation["diversity"] = diversity(features["fakes"], features["real"], seed)
            evaluation["diversity"]["real"] = diversity(*halves, seed)
        if "copies" in metrics:
            evaluation["copies"] = _copies(sets["real"], chosen, features, digests, seed,
                                           show_progress)
    except ValueError as error:  # each real image is there twice, as is known only now
        left_out["diversity and copies"] = str(error)
    evaluation["left_out"] = left_out
    evaluation["warnings"] = _warnings(evaluation, len(chosen["fakes"]), len(halves[0]))
    evaluation["protocol"] = protocol_of(sets, chosen, extractor, seed)
    return evaluation


def _sets(**given: Any) -> dict[str, ImageSet]:
    """The sets of images that are given, once it is known that they have one shape."""
    sets = {name: ImageSet.of(one, name) for name, one in given.items() if one is not None}
    shapes = {name: images.facts.get("image_shape") for name, images in sets.items()}
    for name, shape in shapes.items():
        if None not in (shape, shapes["fakes"]) and shape != shapes["fakes"]:
            raise ValueError(f"{name} must have the shape of the fakes, {shapes['fakes']}: prepare "
                             f"both with the same resize and to_grayscale. Received: {shape}")
    return sets


def _choose(metrics: Sequence[str] | None, chosen: dict[str, np.ndarray],
            extractor: FeatureExtractor) -> tuple[list[str], dict[str, str]]:
    """The metrics to compute, and the reasons against others."""
    # The floor compares halves of the real images, so there must be twice as many.
    fakes, real = len(chosen["fakes"]), len(chosen["real"])
    wanted = dict.fromkeys(names.METRICS if metrics is None else map(names.metric_of, metrics))
    left_out = {}
    for metric in wanted:
        fewest = 2
        if metric in COMPUTED:
            needs = COMPUTED[metric]
            fewest = needs.fewest + needs.fewest_a_dimension * extractor.dimensions
        if metric == "inception_score" and extractor.head is None:
            left_out[metric] = f"{extractor.name} has no class logits"
        elif min(fakes, real // 2) < fewest:
            left_out[metric] = (f"it needs {fewest:,} fakes and {2 * fewest:,} real images; there "
                                f"are {fakes:,} and {real:,}")
    if metrics is not None and left_out:
        name, reason = next(iter(left_out.items()))
        raise ValueError(f"metrics must not name {name} here ({reason}): leave it out, or take "
                         f"more images. Received: {', '.join(metrics)}")
    return [name for name in wanted if name not in left_out], left_out


def _features(sets: dict[str, ImageSet], chosen: dict[str, np.ndarray], extractor: FeatureExtractor,
              folder: Path, show_progress: bool) -> tuple[dict[str, np.ndarray], list[bytes]]:
    """Features float32 [n, D] of each set, and the digest of each fake's pixels.

    Equal images get equal features. The place of an image in its batch, and the processor, decide
    the last bits: a network does not say which images are equal, but their pixels do.
    """
    features: dict[str, np.ndarray] = {}
    seen: dict[bytes, tuple[str, int]] = {}
    for name in sorted(sets, key=lambda name: name == "fakes"):  # fakes, which take longest, last
        given, digests = (sets[name], chosen[name], extractor), []

        def observe(images: np.ndarray, found: list[bytes] = digests) -> None:
            found.extend(_digests(images))

        if name == "fakes":
            features[name] = extract_features(*given, show_progress, observe)
        else:
            features[name] = cached_features(*given, folder, show_progress, observe)
        places = [seen.setdefault(key, (name, row)) for row, key in enumerate(digests)]
        repeated = [row for row, place in enumerate(places) if place != (name, row)]
        if repeated:
            features[name] = np.array(features[name])  # it may be a read-only map
        for row in repeated:
            other, first = places[row]
            features[name][row] = features[other][first]
    return features, digests  # the last are those of the fakes


def _digests(images: np.ndarray) -> list[bytes]:
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]


def _numbers(metrics: Sequence[str], features: dict[str, np.ndarray], halves: list[np.ndarray],
             extractor: FeatureExtractor, seed: int, show_progress: bool) -> list[dict[str, Any]]:
    """The numbers of those metrics that compare features.

    "error" is None or, of the KID, the standard error over its subsets and, of the Inception
    Score, the deviation over its splits.
    """
    rows = []
    for metric in metrics:
        if metric not in COMPUTED:
            continue
        compute = COMPUTED[metric].compute
        values = compute(features["real"], features["fakes"], extractor, seed, show_progress)
        floor = compute(*halves, extractor, seed, show_progress)
        for name in names.METRICS[metric]:
            number, error = names.NUMBERS[name], values.get(f"{name}_error")
            rows.append({"name": name, "label": number.label(extractor), "better": number.better,
                         "value": values[name], "error": error, "real": floor[name]})
    return rows


def _copies(real: ImageSet, chosen: dict[str, np.ndarray], features: dict[str, np.ndarray],
            digests: list[bytes], seed: int, show_progress: bool) -> dict[str, Any]:
    """Fakes that are, or nearly are, training images."""
    made, copied = set(digests), set()
    # All real images, not only those with features.
    with progress_bar("Looking for exact copies", real.count, show_progress) as bar:
        for rows in spans(real.count, AT_ONCE):
            part = real.gather(np.arange(rows.start, rows.stop))
            copied.update(made.intersection(_digests(part)))
            bar.update(len(part))
    threshold = closeness_threshold(features["real"], seed)
    distances, neighbors = nearest(features["fakes"], features["real"], show_progress=show_progress)
    closest = np.argsort(distances[:, 0], kind="stable")[:CLOSEST]
    found = {
        "searched": len(features["real"]),
        "exact": sum(digest in copied for digest in digests),
        "exact_searched": real.count,
        "near": int((distances[:, 0] < threshold).sum()),
        "near_threshold": threshold,
        "closest": [{"fake": int(chosen["fakes"][index]),
                     "training": int(chosen["real"][neighbors[index, 0]]),
                     "distance": float(distances[index, 0])} for index in closest],
    }
    if "held_out" in features:
        held_out, others = nearest(np.asarray(features["fakes"])[closest], features["held_out"])
        for pair, distance, other in zip(found["closest"], held_out, others, strict=True):
            pair["held_out"] = int(chosen["held_out"][other[0]])
            pair["held_out_distance"] = float(distance[0])
        found["nearer_to_training"] = nearer_to_training(
            features["fakes"], features["real"], features["held_out"], seed
        )
    return found


def _warnings(evaluation: dict[str, Any], fakes: int, half: int) -> list[str]:
    """Warnings for the reader of the numbers."""
    lines = []
    numbers = {row["name"]: row for row in evaluation["numbers"]}
    if "fid" in numbers and min(fakes, half) < FEW:
        lines.append(
            f"{numbers['fid']['label']} depends on the number of images, so do not compare it "
            f"across counts: two halves of the real images, {half:,} each, are already "
            f"{numbers['fid']['real']:.3g} apart."
        )
    varied = evaluation.get("diversity")
    if varied and varied["collapsed"]:
        lines.append(f"Collapse: {varied['near_identical']:.0%} of the fakes have a near-identical "
                     "other fake; among as many real images it is 1%.")
    copies = evaluation.get("copies")
    if copies and copies["exact"]:
        lines.append(f"Copies: {copies['exact']:,} of {fakes:,} fakes equal a training image.")
    enough = copies and min(fakes, copies["searched"]) >= names.SHARES_FROM
    if enough and copies["near"] > NEAR_COPIES_ABOVE * fakes:
        lines.append(f"Near copies: {copies['near']:,} of {fakes:,} fakes are nearer to a training "
                     "image than 99% of the training images are to each other.")
    if copies and copies.get("nearer_to_training", {"low": 0})["low"] > 0.5:
        lines.append("The fakes are nearer to the training images than to held-out images more "
                     "often than by chance: the generator may have learned some of them by heart.")
    return lines
