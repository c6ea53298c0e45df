"""A Keras model that counts its steps, and goes on from a file as if it had never stopped."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class ResumableModel(keras.Model):
    """What a subclass's `train_step` logs and counts, saved and restored with its weights.

    Args:
        logs: Names of what `train_step` logs.
        name: Name of the model.

    Attributes:
        step: int64 scalar variable, the steps done.
        keep_logs_once: Set before `fit` to let the logs' means go on inside an interval.
    """

    def __init__(self, logs: Sequence[str], name: str | None = None):
        super().__init__(name=name)
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", initializer="zeros", trainable=False
        )
        self.keep_logs_once = False
        self._trackers = [keras.metrics.Mean(name=log) for log in logs]

    @property
    def metrics(self) -> list[keras.Metric]:
        return self._trackers

    def reset_metrics(self) -> None:
        """Starts the logs' means anew; skipped once where a run goes on inside an interval."""
        if not self.keep_logs_once:
            super().reset_metrics()
        self.keep_logs_once = False

    def track(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds one step's logs to the interval's means and returns these."""
        for tracker in self._trackers:
            tracker.update_state(logs[tracker.name])
        return {tracker.name: tracker.result() for tracker in self._trackers}

    def save_own_variables(self, store: Any) -> None:
        store["step"] = np.asarray(self.step)
        # What the current interval has summed so far: a run that goes on inside an interval
        # logs the same means as one that was never interrupted.
        store["logs"] = np.asarray([[np.asarray(v) for v in m.variables] for m in self.metrics])

    def load_own_variables(self, store: Any) -> None:
        self.step.assign(store["step"][()])
        for metric, values in zip(self.metrics, store["logs"][()], strict=True):
            for variable, value in zip(metric.variables, values, strict=True):
                variable.assign(value)

    def load_weights(self, filepath: str | Path, **options: Any) -> None:
        """Loads what `save_weights` wrote: networks, optimizers, EMA, step and logs.

        Raises:
            ValueError: If the file cannot be read, or is not of a model like this one. Some
                weights may have been loaded by then.
        """
        try:
            with warnings.catch_warnings():
                # Keras only warns where a part of the file fits nothing, and loads the rest.
                warnings.simplefilter("error", UserWarning)
                super().load_weights(filepath, **options)
        except (OSError, KeyError, ValueError, UserWarning) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"{filepath} must be a .weights.h5 file of a model with the same options. "
                f"Received: {reason[:200]}"
            ) from error
