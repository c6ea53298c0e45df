"""A Keras model that counts its steps and goes on from a file as if it had never stopped."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gans.distribution.strategy import has_several_workers, mean_over_replicas
from gans.model.sealed import require_whole


class ResumableModel(keras.Model):
    """Saves and restores, with its weights, what a subclass's `train_step` logs and counts.

    Args:
        logs: Names of what `train_step` logs.
        name: Name of the model.

    Attributes:
        log_names: As given.
        step: int64 scalar variable, the steps done.
        keep_logs_once: Set before `fit` to continue the logs' means inside an interval.
    """

    def __init__(self, logs: Sequence[str], name: str | None = None):
        super().__init__(name=name)
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", initializer="zeros", trainable=False
        )
        self.keep_logs_once = False
        self.log_names = list(logs)
        # The sums of the logs since the last reset, and how many steps were summed.
        self._log_sums = self.add_weight(
            name="log_sums", shape=(len(self.log_names) + 1,), dtype="float32",
            initializer="zeros", trainable=False,
        )  # fmt: skip

    @property
    def steps_done(self) -> int:
        """The value of `step`, even if every replica has a copy."""
        return int(self.step.numpy())

    def reset_metrics(self) -> None:
        """Restarts the logs' means; skipped once if a run goes on inside an interval."""
        if not self.keep_logs_once:
            self._log_sums.assign(tf.zeros_like(self._log_sums.value))
        self.keep_logs_once = False

    def get_metrics_result(self) -> dict[str, np.ndarray]:
        """The means of the logs since the last reset, float32 scalars; 0 without a step.

        `fit` passes the callbacks of an epoch what the last step returned, which is the same.
        """
        *sums, count = self._log_sums.numpy()
        return {
            name: total / max(count, np.float32(1))
            for name, total in zip(self.log_names, sums, strict=True)
        }

    def track(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds one step's logs to the interval's sums and returns the means.

        Args:
            logs: float32 scalars; with replicas, each replica's means over its images.

        Returns:
            float32 scalars, the same on every replica. Keras reduces the logs of several workers
            one by one along axis 0, so there it is the first alone, of shape (1,), and
            `make_train_function` adds the others.
        """
        step_logs = mean_over_replicas([logs[name] for name in self.log_names])
        self._log_sums.assign_add(tf.stack([*step_logs, 1.0]))
        *sums, count = tf.unstack(self._log_sums.value)
        if has_several_workers(self.distribute_strategy):
            return {self.log_names[0]: tf.reshape(sums[0] / count, [1])}
        return {name: total / count for name, total in zip(self.log_names, sums, strict=True)}

    def make_train_function(self, force: bool = False) -> None:
        is_made = self.train_function is not None and not force
        super().make_train_function(force)
        if is_made or not has_several_workers(self.distribute_strategy):
            return
        step = self.train_function

        def step_with_all_logs(iterator: Any) -> dict[str, np.ndarray]:
            step(iterator)
            return self.get_metrics_result()

        self.train_function = step_with_all_logs

    def save_own_variables(self, store: Any) -> None:
        store["step"] = np.asarray(self.step)
        # The sums of the current interval: a run that goes on inside an interval logs the same
        # means as one that was never interrupted.
        *sums, count = self._log_sums.numpy()
        store["logs"] = np.stack([sums, np.full(len(sums), count)], axis=1)

    def load_own_variables(self, store: Any) -> None:
        self.step.assign(store["step"][()])
        logs = store["logs"][()]  # [logs, 2]: the sum, and the count, which all share
        self._log_sums.assign(np.append(logs[:, 0], logs[0, 1]))

    def load_weights(self, filepath: str | Path, **options: Any) -> None:
        """Loads what `save_weights` wrote: networks, optimizers, EMA, step and logs.

        Raises:
            ValueError: If the file is damaged or cannot be read, or does not belong to a model
                like this one. Some weights may have been loaded by then.
        """
        try:
            require_whole(filepath)
            with warnings.catch_warnings():
                # Keras only warns if a part of the file fits nothing, and loads the rest.
                warnings.simplefilter("error", UserWarning)
                super().load_weights(filepath, **options)
        # A damaged file may raise anything in the libraries that read it.
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"{filepath} must be a .weights.h5 file of a model with the same options. "
                f"Received: {reason[:200]}"
            ) from error
