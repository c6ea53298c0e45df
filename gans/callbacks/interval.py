"""Save intervals, and the base of callbacks that act when one is complete."""

from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Schedule:
    """How a run is divided.

    Attributes:
        save_interval: Generator steps of an interval.
        train_steps: The run's last generator step; the last interval may be shorter.
        images_per_step: Real images that one generator step uses.
        evaluate_every: Generator steps between evaluations; None: there are none.
    """

    save_interval: int
    train_steps: int
    images_per_step: int
    evaluate_every: int | None = None

    def completes_interval(self, step: int) -> bool:
        """Whether an interval is complete after so many generator steps."""
        return step % self.save_interval == 0 or step == self.train_steps

    def intervals_left(self, step: int) -> int:
        """Intervals still to be completed after so many generator steps."""
        return -(-(self.train_steps - step) // self.save_interval)

    def is_evaluated(self, step: int) -> bool:
        """Whether the generator is judged after so many generator steps."""
        every = self.evaluate_every
        return every is not None and (step % every == 0 or step >= self.train_steps)

    def evaluations_left(self, step: int) -> int:
        """Evaluations still to be made after so many generator steps."""
        if self.evaluate_every is None or step >= self.train_steps:
            return 0
        return -(-self.train_steps // self.evaluate_every) - step // self.evaluate_every


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
