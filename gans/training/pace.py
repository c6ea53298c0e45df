"""From minutes to a number of steps: a run's first steps are timed, and say how many there are."""

import bisect
import dataclasses
import itertools
import logging
import math
from collections.abc import Callable

from gans.distribution.strategy import Exchange
from gans.training.schedule import Schedule
from gans.training.stopwatch import COMPILING, JUDGING, SAVING, TRAINING, Stopwatch

# Shares of the minutes. Steps that take so long are timed before the save interval is chosen ...
CHOOSING = 0.02
# ... of which so many would fill the minutes. What comes between takes its time: 20 are left.
INTERVALS = 24
# The number of steps is fixed after so long, or so long where fewer intervals have ended: the
# first one loads and traces, and says little of the others.
FIXING = 0.25
FIXING_AT_LAST = 0.4
INTERVALS_TO_TIME = 3
# Planned to take so long: a machine that others use as well is not equally fast all the time.
PLANNED = 0.95

logger = logging.getLogger("gans")


class Pace:
    """Fixes the lengths of a run of so many minutes in its schedule.

    `fit` is called for a few steps at a time, between which the first of several workers decides
    and tells the others. The clock decides how many steps there are, and nothing else.

    Args:
        schedule: Of the run. One of its lengths or both are infinite.
        step_size: Both are multiples of it.
        exchange: Between the workers.
    """

    def __init__(self, schedule: Schedule, step_size: int, exchange: Exchange):
        self.schedule = schedule
        self.step_size = step_size
        self.exchange = exchange

    def next_steps(self, step: int) -> int:
        """How many steps to do before this is called again; 0 once the run's last is fixed."""
        steps, save_interval, train_steps = (
            self.exchange.gather(value)[0] for value in self._decide(step)
        )
        if save_interval:
            self.schedule.save_interval = save_interval
        if train_steps:
            self.schedule.train_steps = train_steps
        return steps

    def _decide(self, step: int) -> tuple[int, int, int]:
        """(next steps, save interval, last step), 0 where not known: the first worker's count."""
        return 0, 0, 0


class Timekeeper(Pace):
    """The `Pace` of the first worker.

    Args:
        schedule: As for `Pace`.
        step_size: As for `Pace`.
        exchange: As for `Pace`.
        minutes: That the run may take, those before a resumption included.
        first_step: The step that the run was started from.
        stopwatch: What measures the run.
        exports: In how many formats the generator is exported.
        judging: Finds out how many seconds an evaluation takes.
        note: Called when a length is chosen, to keep it for a run that is resumed.
    """

    def __init__(
        self, schedule: Schedule, step_size: int, exchange: Exchange, minutes: float,
        first_step: int, stopwatch: Stopwatch, exports: int, judging: Callable[[], float],
        note: Callable[[], None],
    ):  # fmt: skip
        super().__init__(schedule, step_size, exchange)
        self.minutes = minutes
        self.first_step = first_step
        self.stopwatch = stopwatch
        self.exports = exports
        self._judging = judging
        self._note = note

    def next_steps(self, step: int) -> int:
        before = self.schedule.lengths()
        steps = super().next_steps(step)
        if self.schedule.lengths() != before:
            self._note()
            if self.schedule.is_fixed:
                logger.info(
                    "In %g minutes: %d steps, with a row every %d",
                    self.minutes, self.schedule.train_steps, self.schedule.save_interval,
                )  # fmt: skip
        return steps

    def _decide(self, step: int) -> tuple[int, int, int]:
        schedule, total = self.schedule, 60 * self.minutes
        interval = schedule.save_interval
        if schedule.is_fixed:
            return 0, interval, schedule.train_steps
        if math.isinf(interval):
            timed = self.stopwatch.seconds[TRAINING]
            steps = min(self._steps_in(CHOOSING * total - timed), self._room(step))
            if steps > 0 and timed < CHOOSING * total:
                return steps, 0, 0
            interval = self._save_interval(step)
        intervals = self.stopwatch.counts[SAVING]
        fixing = total * (FIXING if intervals >= INTERVALS_TO_TIME else FIXING_AT_LAST)
        left = fixing - self.stopwatch.elapsed
        if left > 0 or not self.stopwatch.counts[TRAINING]:
            return min(self._steps_in(left), interval - step % interval), interval, 0
        return 0, interval, self._last_step(step, interval)

    def _steps_in(self, seconds: float) -> int:
        """Steps that take so long: at least one call of the train function, and one before any."""
        mean = self.stopwatch.mean(TRAINING)
        return max(1, int(seconds / mean / self.step_size) if mean else 0) * self.step_size

    def _room(self, step: int) -> float:
        """Steps before the one that is to be judged, which must end an interval."""
        every = self.schedule.evaluate_every
        return math.inf if every is None else every - step % every - self.step_size

    def _save_interval(self, step: int) -> int:
        """The next one from a part of the run on that no step so far has completed."""
        every, mean = self.schedule.evaluate_every, self.stopwatch.mean(TRAINING)
        wanted = 60 * self.minutes / INTERVALS / mean if mean else math.inf
        first = max(1, int(min(wanted, every or wanted) / self.step_size))
        return next(
            interval
            for interval in itertools.count(first * self.step_size, self.step_size)
            if step // interval == self.first_step // interval
            and (every is None or every % interval == 0)
        )

    def _last_step(self, step: int, interval: int) -> int:
        """The last step that can be done, judged and exported in time; one more call at least."""
        watch = self.stopwatch
        # Both trace a network and write it: exporting took a third of this where it was measured.
        exporting = watch.seconds[COMPILING] * (1 + self.exports)
        left = PLANNED * 60 * self.minutes - watch.elapsed - exporting
        plan = dataclasses.replace(self.schedule, save_interval=interval)
        saving = watch.seconds[COMPILING] / 2  # where no interval has ended yet
        judging = self._judging() if plan.evaluate_every and not watch.counts[JUDGING] else 0.0

        def seconds(last: int) -> float:
            return watch.left(dataclasses.replace(plan, train_steps=last), step, saving, judging)

        most = step + self._steps_in(left)
        choices = range(step + self.step_size, most + 1, self.step_size)
        return choices[max(0, bisect.bisect_right(choices, left, key=seconds) - 1)]
