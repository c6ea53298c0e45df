"""`Judge`: one number for a generator's images, against real ones whose features are kept."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from utils.metrics import names, open_extractor
from utils.metrics.features.image_sets import ImageSet, cached_features, extract_features
from utils.metrics.scores import COMPUTED
from utils.options.evaluation import EvaluationOptions
from utils.runs.columns import EvaluatedColumn

REAL_SEED = 0  # of the draws: runs with other seeds are judged by the same real images
TIMED = 64  # images that say how long an evaluation takes


class Judge:
    """Judges images by a metric.

    Twice as many real images as are to be judged, or all if there are fewer, are drawn and split
    into halves. Images are compared with the first half. So is the second half, once: its value is
    what images get that are as good as real.

    Attributes:
        column: The number as a column of the log. Its value for real images is NaN until `prepare`.
        images: How many images one evaluation judges.

    Raises:
        ValueError: If the network cannot be had or read, or the metric needs classes that the
            network lacks, or more images than there are.
    """

    def __init__(self, options: EvaluationOptions, data: Any):
        self.images = options.evaluate_images
        self._name = options.evaluate_metric
        self._metric = COMPUTED[names.metric_of(self._name)]
        self._set = ImageSet.of(data, "real")
        self._cache_dir = data.cache_path.parent
        self.real_images = min(self.images, self._set.count // 2)
        if self.real_images < self._metric.fewest:
            raise ValueError(
                f"evaluate_metric {self._name} needs {self._metric.fewest:,} evaluate_images and "
                f"{2 * self._metric.fewest:,} real images: take "
                f"{'kid_all_pairs' if self._name == 'kid' else 'more'}. Received: "
                f"evaluate_images={self.images} and {self._set.count:,} real images"
            )
        self._extractor = open_extractor(options.features, options.inception_weights)
        if self._name == "inception_score" and self._extractor.head is None:
            raise ValueError(
                "evaluate_metric inception_score needs weights with class logits: use another "
                f"metric, or TensorFlow's weights. Received: {self._extractor.name}"
            )
        number = names.NUMBERS[self._name]
        self.column = EvaluatedColumn(self._name, number.label(self._extractor), number.better)

    def protocol(self) -> dict[str, Any]:
        """What must be the same for two of its numbers to share a column."""
        return {
            "evaluate_metric": self._name, "evaluate_images": self.images,
            "real_images": self.real_images, "label": self.column.label,
            **self._extractor.protocol(),
        }

    def describe(self) -> str:
        """How it judges, once it is prepared, as text for people."""
        return (
            f"{self.column.label} of {self.images:,} images against {self.real_images:,} real "
            f"ones; {self.real_images:,} other real images get {self.column.real:.4g}"
        )

    def prepare(self, show_progress: bool) -> None:
        """Computes or reads the features of the real images, and measures them once.

        Raises ValueError if the network does not accept the images, or the cache cannot be written.
        """
        chosen = self._set.selection(2 * self.real_images, REAL_SEED)
        features = cached_features(self._set, chosen, self._extractor, self._cache_dir,
                                   show_progress)  # fmt: skip
        order = np.random.default_rng(REAL_SEED).permutation(len(chosen))
        self._real, others = (
            np.asarray(features[np.sort(half)])
            for half in (order[: self.real_images], order[-self.real_images :])
        )
        began = time.perf_counter()
        self.column = dataclasses.replace(self.column, real=self._score(others))
        self._scoring_seconds = time.perf_counter() - began

    def __call__(
        self, generate: Callable[..., np.ndarray], seed: int, report: Callable[[int], None]
    ) -> float:
        """The number, with nine digits, as the log keeps it.

        `generate(n, seed=, first=)` gives images uint8 [n, H, W, C]; `report` is called with the
        number of images made so far, and may raise to stop.
        """
        made = 0

        def observe(images: np.ndarray) -> None:
            nonlocal made
            made += len(images)
            report(made)

        fakes = ImageSet.generated(generate, self.images, seed, "fakes")
        indices = np.arange(self.images)
        return self._score(extract_features(fakes, indices, self._extractor, False, observe))

    def seconds(self, generate: Callable[..., np.ndarray], seed: int) -> float:
        """About how long one call takes, from a few images."""
        few = min(self.images, TIMED)
        fakes = ImageSet.generated(generate, few, seed, "fakes")
        for _ in range(2):  # the first one traces
            began = time.perf_counter()
            extract_features(fakes, np.arange(few), self._extractor, False)
        return (time.perf_counter() - began) / few * self.images + self._scoring_seconds

    def _score(self, fake: np.ndarray) -> float:
        values = self._metric.compute(self._real, fake, self._extractor, REAL_SEED, False)
        return float(f"{values[self._name]:.9g}")
