"""The one callback of `fit` that acts when an interval of generator steps is complete."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from gans.training.schedule import Interval, Schedule


class Intervals(keras.callbacks.Callback):
    """Hands a record of every complete interval to what is to be done then, one after another.

    An epoch of `fit` is an interval, unless a run is interrupted inside one: then the epoch ends
    early, and the interval ends when a resumed run completes it. Each action may add to the record.
    """

    def __init__(self, schedule: Schedule, actions: Sequence[Callable[[Interval], None]]):
        super().__init__()
        self.schedule, self.actions = schedule, actions

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # no logs: the data ran out
        if logs and self.schedule.completes_interval(self.model.steps_done):
            self.complete(logs)

    def complete(self, logs: dict[str, Any]) -> None:
        """Does what is to be done at the end of an interval with these means."""
        names = self.model.log_names
        interval = Interval(self.model.steps_done, {name: float(logs[name]) for name in names})
        # `fit` does this when the next epoch begins. Done here, it keeps this interval's sums out
        # of its checkpoint.
        self.model.reset_metrics()
        for action in self.actions:
            action(interval)
