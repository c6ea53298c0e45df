"""How a run is divided into intervals and evaluations, and the record of an interval."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Schedule:
    """How a run is divided.

    One object for all that ask it, because a run of so many minutes learns its two lengths while
    it goes on (`Pace`): until then they are infinite, and no interval is ever complete.

    Attributes:
        save_interval: Generator steps per interval.
        train_steps: The run's last generator step; the last interval may be shorter.
        images_per_step: Real images that one generator step uses.
        evaluate_every: Generator steps between evaluations; None: no evaluations.
    """

    save_interval: float
    train_steps: float
    images_per_step: int
    evaluate_every: int | None = None

    def of(self) -> str:
        """" of 500" behind a step, or nothing while the last one is not known."""
        return f" of {self.train_steps}" if self.is_fixed else ""

    def completes_interval(self, step: int) -> bool:
        """Whether an interval is complete after this many generator steps."""
        return step % self.save_interval == 0 or step == self.train_steps

    def intervals_left(self, step: int) -> int:
        """Intervals left to complete after this many generator steps."""
        return -(-(self.train_steps - step) // self.save_interval)

    def is_evaluated(self, step: int) -> bool:
        """Whether the generator is judged after this many generator steps."""
        every = self.evaluate_every
        return every is not None and (step % every == 0 or step >= self.train_steps)

    def evaluations_left(self, step: int) -> int:
        """Evaluations left after this many generator steps."""
        if self.evaluate_every is None or step >= self.train_steps:
            return 0
        return -(-self.train_steps // self.evaluate_every) - step // self.evaluate_every

    def lengths(self) -> dict[str, int | None]:
        """`train_steps` and `save_interval` as config.json has them: None while not known."""
        lengths = {"train_steps": self.train_steps, "save_interval": self.save_interval}
        return {name: int(n) if math.isfinite(n) else None for name, n in lengths.items()}

    @property
    def is_fixed(self) -> bool:
        """Whether the run's last step is known."""
        return math.isfinite(self.train_steps)


@dataclass
class Interval:
    """What is known of an interval that is complete; handed from one callback to the next.

    Attributes:
        step: Generator steps done.
        logs: The means over the interval of what `train_step` logs.
        samples: Images of the fixed noise, uint8 [64, H, W, C], once they are made.
        values: What else was measured, by its column in the log.
    """

    step: int
    logs: dict[str, float]
    samples: np.ndarray | None = None
    values: dict[str, Any] = dataclasses.field(default_factory=dict)
