"""What a run can be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from utils.options.evaluation import EvaluationOptions


@dataclass(frozen=True)
class RunOptions:
    """Keyword arguments of `train`.

    Attributes:
        train_steps: Generator steps in all.
        save_interval: Generator steps between checkpoints, sample grids and log rows. None: 500
            or, where `minutes` is given, about a twentieth of the run.
        save_path: The run directory.
        minutes: Instead of `train_steps`: how long training, sampling, evaluations and exporting
            may take. Once the first steps have been timed, the number of steps is fixed, written
            into config.json, and kept where the run is resumed.
        resume: Go on from the last checkpoint in `save_path`.
        save_best_only: Export the best generator instead of the last one: by evaluations or,
            without these, by the Wasserstein estimate, which a DCGAN does not log.
        tensorboard: Write TensorBoard events too.
        quiet: Print warnings only.
        evaluation: How the generator is judged while it is trained, which does not change the
            training; `data` must be a `DataPreparator` then. The best generator is exported
            beside the last. A resumed run must go on with the same metric, number of images and
            network. None: not at all.
        export: Formats of `gans.generators.exporting.FORMATS` to write the generator in too.
        callbacks: More Keras callbacks, called before those of the run.
        options: What to record in config.json as the options that the run was started with.

    Raises:
        ValueError: If a value is out of its range, or not exactly one of `train_steps` and
            `minutes` is given.
    """

    train_steps: int | None = None
    save_interval: int | None = None
    save_path: str = "runs/gan"
    minutes: float | None = None
    resume: bool = False
    save_best_only: bool = False
    tensorboard: bool = False
    quiet: bool = False
    evaluation: EvaluationOptions | None = None
    export: Sequence[str] = ()
    callbacks: Sequence[keras.callbacks.Callback] = ()
    options: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.train_steps is None) == (self.minutes is None):
            raise ValueError(
                "train_steps or minutes must be given, and not both. "
                f"Received: train_steps={self.train_steps}, minutes={self.minutes}"
            )
        for name in ("train_steps", "save_interval"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more. Received: {value}")
        if self.minutes is not None and not 0 < self.minutes < float("inf"):
            raise ValueError(f"minutes must be above 0. Received: {self.minutes}")
