"""Save intervals, and the base of callbacks that act when one is complete."""
from typing import Any

import keras

from gans.training.schedule import Schedule


class IntervalCallback(keras.callbacks.Callback):
    """Calls `on_interval_end` when an interval of generator steps is complete.

    An epoch of `fit` is an interval, except where a run is interrupted inside one: then the epoch
    ends early, and the interval when a resumed run completes it.
    """

    def __init__(self, schedule: Schedule):
        super().__init__()
        self.schedule = schedule

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        step = self.model.steps_done
        if logs and self.schedule.completes_interval(step):  # no logs: the data ran out
            self.on_interval_end(step, logs)

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        """Args: the generator steps done, and the means of the logs over the interval."""
        raise NotImplementedError
