"""The base of callbacks that act when a save interval of generator steps is complete."""

from typing import Any

import keras


class IntervalCallback(keras.callbacks.Callback):
    """Calls `on_interval_end` after every `save_interval` generator steps and at the last one.

    An epoch of `fit` is an interval, except where a run is interrupted inside one: then the epoch
    ends early, and the interval when a resumed run completes it.

    Args:
        save_interval: Generator steps of an interval.
        train_steps: The run's last generator step.
    """

    def __init__(self, save_interval: int, train_steps: int):
        super().__init__()
        self.save_interval = save_interval
        self.train_steps = train_steps

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        step = int(self.model.step)
        if step % self.save_interval == 0 or step == self.train_steps:
            self.on_interval_end(step, logs or {})

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        """Args: the generator steps done, and the means of the logs over the interval."""
        raise NotImplementedError
