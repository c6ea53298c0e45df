"""Stops a run whose numbers are no longer finite."""

import math
from typing import Any

import keras

from utils.run_directory import RunDirectory


class NonFiniteError(ArithmeticError):
    """A loss or a weight is not finite. The message names the step, causes and last checkpoint.

    Attributes:
        step: Generator steps done.
        logs: What `train_step` logged, as far as it is known.
    """

    def __init__(
        self, step: int, what: str, run: RunDirectory, logs: dict[str, Any] | None = None
    ):
        self.step, self.logs = step, logs or {}
        checkpoints = run.list_checkpoints()
        good = f"last good checkpoint: {checkpoints[-1]}" if checkpoints else "no checkpoint yet"
        super().__init__(
            f"step {step}: {what}; training stopped and nothing of it was saved ({good}). "
            "Likely causes: a learning rate that is too high, a gradient penalty weight that is "
            "too low or a clip value that is too large, float16 overflow (try mixed_bfloat16)"
        )


class StopOnNonFinite(keras.callbacks.Callback):
    """Raises `NonFiniteError` after the first step whose logs are not all finite."""

    def __init__(self, run: RunDirectory):
        super().__init__()
        self.run = run

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(float(value))]
        if bad:
            what = f"{', '.join(bad)} not finite"
            raise NonFiniteError(self.model.steps_done, what, self.run, logs)
