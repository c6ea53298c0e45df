"""How a run is divided into intervals and evaluations."""

from dataclasses import dataclass


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
