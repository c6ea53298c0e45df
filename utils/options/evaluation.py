"""How a generator is judged during training."""

from dataclasses import dataclass

from utils.checks import at_least, one_of, text
from utils.metrics.names import KID_SUBSET_SIZE, NUMBERS, require_one_network
from utils.options.fields import Options, option

# Without the extrapolation to infinity, which needs more images than one makes while training.
EVALUATION_METRICS = tuple(name for name in NUMBERS if name != "fid_infinity")


@dataclass(frozen=True)
class EvaluationOptions(Options):
    """How often a generator is judged, by how many images and by which number.

    Raises:
        ValueError: If a value does not keep its rule, or two options do not go together.
    """

    heading = "evaluation"

    evaluate_every: int | None = option(
        None, "judge the generator every N generator steps (a multiple of --save_interval), and "
        "after the last (default: never)", at_least(1), metavar="N")
    evaluate_images: int | None = option(
        None, "images made for an evaluation, and at most this many real ones (default: 2000)",
        at_least(2), metavar="N")
    evaluate_metric: str | None = option(
        None, f"metric to judge by: {', '.join(EVALUATION_METRICS)} (default: fid)",
        one_of(*EVALUATION_METRICS), metavar="NAME")
    inception_weights: str | None = option(
        None, "inception-2015-12-05.tgz, the .pb in it or an .npz (default: TensorFlow's file, "
        "downloaded once, 89 MB)", text, metavar="FILE")
    features: str | None = option(
        None, "take features from this Keras model of images in 0..255 instead", text,
        metavar="FILE.keras")
    stop_patience: int | None = option(
        None, "end the run after K evaluations in a row without a better value (default: never)",
        at_least(1), metavar="K")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.evaluate_every is None:
            given = next(((name, value) for name, value in vars(self).items()
                          if value is not None), None)  # fmt: skip
            if given:
                raise ValueError(
                    f"{given[0]} needs evaluate_every, the steps between evaluations: give it too, "
                    f"or leave both out. Received: {given[0]}={given[1]}"
                )
            return
        self._default("evaluate_images", 2000)
        self._default("evaluate_metric", "fid")
        if self.evaluate_metric == "kid" and self.evaluate_images < KID_SUBSET_SIZE:
            raise ValueError(
                f"evaluate_metric kid needs {KID_SUBSET_SIZE:,} evaluate_images or more: make "
                f"more, or use kid_all_pairs. Received: evaluate_images={self.evaluate_images}"
            )
        require_one_network(self.features, self.inception_weights)
        if self.features is not None and self.evaluate_metric == "inception_score":
            raise ValueError(
                "evaluate_metric inception_score needs the Inception network's classes: leave out "
                f"features, or use another metric. Received: features={self.features}"
            )

    def check_interval(self, save_interval: int) -> None:
        """Raises ValueError if a judged step would have no row in the log."""
        if self.evaluate_every % save_interval:
            raise ValueError(
                f"evaluate_every must be a multiple of save_interval, {save_interval}. "
                f"Received: {self.evaluate_every}"
            )
