"""From minutes to a number of steps: a run's first steps are timed, and say how many there are."""

import bisect
import dataclasses
import itertools
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from gans.distribution.strategy import Exchange
from gans.training.schedule import Schedule
from gans.training.stopwatch import COMPILING, JUDGING, SAVING, TRAINING, Stopwatch

ROWS = 21  # wanted in the log: later ones take longer to save, so about 20 are made
# Shares of the minutes: steps that take so long are timed before the save interval is chosen; the
# number of steps is fixed after so long; and the run is planned to take so long, because a machine
# that others use as well is not equally fast all the time. Should the second half be 1.4 times as
# slow as the first, the run takes a tenth longer than asked.
CHOOSING = 0.01
FIXING = 0.5
PLANNED = 0.92

logger = logging.getLogger("gans")


@dataclass
class Pace:
    """Fixes the lengths of a run of so many minutes in its schedule.

    `fit` is called for a few steps at a time, between which the first of several workers decides
    and tells the others. The clock decides how many steps there are, and nothing else.

    Attributes:
        schedule: Of the run. One of its lengths or both are infinite.
        step_size: Both are multiples of it.
        stopwatch: What measures the run; None on a worker that is told.
        minutes: That the run may take, those before a resumption included.
        first_step: The step that the run was started from.
        exports: In how many formats the generator is exported.
        rehearse: Lets the stopwatch measure what an interval ends with.
        judging: Finds out how many seconds an evaluation takes.
        note: Called when a length is chosen, to keep it for a run that is resumed.
    """

    schedule: Schedule
    step_size: int
    exchange: Exchange
    stopwatch: Stopwatch | None = None
    minutes: float = math.inf
    first_step: int = 0
    exports: int = 0
    rehearse: Callable[[], None] = lambda: None
    judging: Callable[[], float] = lambda: 0.0
    note: Callable[[], None] = lambda: None

    def next_steps(self, step: int) -> int:
        """How many steps to do before this is called again; 0 once the run's last is fixed."""
        schedule, before = self.schedule, self.schedule.lengths()
        decided = (0, 0, 0) if self.stopwatch is None else self._decide(step)
        steps, interval, last = (self.exchange.gather(value)[0] for value in decided)
        schedule.save_interval = interval or schedule.save_interval
        schedule.train_steps = last or schedule.train_steps
        if self.stopwatch is not None and schedule.lengths() != before:
            self.note()
            if schedule.is_fixed:
                logger.info("In %g minutes: %d steps, with a row every %d",
                            self.minutes, schedule.train_steps, schedule.save_interval)
        return steps

    def _decide(self, step: int) -> tuple[int, int, int]:
        """(next steps, save interval, last step), 0 where not known."""
        schedule, watch, total = self.schedule, self.stopwatch, 60 * self.minutes
        interval = schedule.save_interval
        if schedule.is_fixed:
            return 0, interval, schedule.train_steps
        left, room = CHOOSING * total - watch.seconds[TRAINING], self._room(step)
        if math.isinf(interval) and room > 0 and (left > 0 or not watch.counts[TRAINING]):
            return min(self._steps_in(left), room), 0, 0
        if not watch.counts[SAVING]:
            self.rehearse()
        if math.isinf(interval):
            interval = self._save_interval(step)
        left = FIXING * total - watch.elapsed
        if left > 0 or not watch.counts[TRAINING]:
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

    def _seconds_left(self) -> float:
        """Seconds of the plan, but for the export.

        Both exporting and compiling trace a network: where it was measured, an export took a third
        of what is left for it here.
        """
        exporting = self.stopwatch.seconds[COMPILING] * (1 + self.exports)
        return PLANNED * 60 * self.minutes - self.stopwatch.elapsed - exporting

    def _judging(self) -> float:
        if self.schedule.evaluate_every is None:
            return 0.0
        return self.stopwatch.mean(JUDGING) or self.judging()

    def _save_interval(self, step: int) -> int:
        """The next one from a part of the run on that no step so far has completed."""
        every, judging = self.schedule.evaluate_every, self._judging()
        mean, saving = self.stopwatch.mean(TRAINING), self.stopwatch.mean(SAVING)
        # At least half as long as saving, or there would be little training between the rows.
        seconds = max((self._seconds_left() - judging) / ROWS - saving, saving / 2)
        wanted = seconds / (mean + judging / (every or math.inf)) if mean else math.inf
        first = max(1, int(min(wanted, every or wanted) / self.step_size))
        return next(
            interval
            for interval in itertools.count(first * self.step_size, self.step_size)
            if step // interval == self.first_step // interval
            and (every is None or every % interval == 0)
        )

    def _last_step(self, step: int, interval: int) -> int:
        """The last step that can be done, judged and exported in time; one more call at least."""
        left, judging = self._seconds_left(), self._judging()
        plan = dataclasses.replace(self.schedule, save_interval=interval)

        def seconds(last: int) -> float:
            plan.train_steps = last
            return self.stopwatch.left(plan, step, judging)

        most = step + self._steps_in(left)
        choices = range(step + self.step_size, most + 1, self.step_size)
        last = choices[max(0, bisect.bisect_right(choices, left, key=seconds) - 1)]
        rest = last % interval  # a row of a few steps says little: none is the run's last
        return last - rest if rest < interval / 2 and last - rest > step else last
