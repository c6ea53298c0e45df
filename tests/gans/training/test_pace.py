"""Runs of so many minutes: how many steps they have, and that they are then runs like others."""

import csv
import json
import math
import time
import types

import keras
import numpy as np
import pytest

from gans.distribution.strategy import Exchange
from gans.training.pace import Pace
from gans.training.schedule import Interval, Schedule
from gans.training.stopwatch import COMPILING, SAVING, Stopwatch
from utils.options.evaluation import EvaluationOptions
from utils.runs.directory import RunDirectory

TIMES = {"seconds", "steps_per_second", "images_per_second"}


class Machine:
    """A run on a machine whose clock is moved by hand, as `fit_intervals` would drive it."""

    def __init__(self, monkeypatch, step, compiling, saving, judging, exporting):
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        self.step, self.compiling, self.saving = step, compiling, saving
        self.judging, self.exporting = judging, exporting
        self.rows, self.noted = [], []
        self.note = self.noted.append

    def run(self, minutes, interval=math.inf, every=None, size=1, first_step=0):
        schedule = Schedule(interval, math.inf, 32, every)
        stopwatch = Stopwatch("times.json", resume=False)
        stopwatch.write = lambda: stopwatch.measure(SAVING)
        model = types.SimpleNamespace(steps_done=first_step)
        stopwatch.set_model(model)

        def rehearse():
            for seconds in (3 * self.saving, self.saving):  # the first one loads and traces
                stopwatch(Interval(model.steps_done, {}))
                self.now += seconds
                stopwatch.measure(SAVING)

        pace = Pace(
            schedule, size, Exchange(keras.Sequential().distribute_strategy), stopwatch, minutes,
            first_step, rehearse=rehearse, judging=lambda: self.judging,
            note=lambda: self.note(schedule.lengths()),
        )  # fmt: skip
        while (steps := pace.next_steps(model.steps_done)) or (
            steps := schedule.train_steps - model.steps_done
        ):
            assert steps % size == 0
            for _ in range(steps // size):
                self._do(model, schedule, stopwatch, size)
        self.now += self.exporting
        return schedule

    def _do(self, model, schedule, stopwatch, size):
        stopwatch.on_train_batch_begin(0)
        self.now += size * self.step + (0 if stopwatch.seconds[COMPILING] else self.compiling)
        model.steps_done += size
        stopwatch.on_train_batch_end(0)
        if not schedule.completes_interval(model.steps_done):
            return
        stopwatch(Interval(model.steps_done, {}))
        self.now += self.saving
        self.rows.append(model.steps_done)
        if schedule.is_evaluated(model.steps_done):
            with stopwatch.judging():
                self.now += self.judging


@pytest.fixture
def machine(monkeypatch):
    def make(step=0.05, compiling=3.0, saving=0.3, judging=4.0, exporting=1.5):
        return Machine(monkeypatch, step, compiling, saving, judging, exporting)

    return make


@pytest.mark.parametrize("minutes", [1, 3, 10])
@pytest.mark.parametrize("step", [0.002, 0.05, 0.2])
@pytest.mark.parametrize("saving", [0.01, 0.4])
def test_it_ends_in_time_with_about_twenty_rows(machine, minutes, step, saving):
    each = machine(step=step, saving=saving * 60 * minutes / 20)  # 0.4: as long as training
    each.run(minutes)
    assert 0.8 <= each.now / (60 * minutes) <= 1.0
    assert 18 <= len(each.rows) <= 22
    assert [list(lengths.values()).count(None) for lengths in each.noted] == [1, 0]


@pytest.mark.parametrize("step", [0.05, 0.7])
def test_steps_too_long_for_twenty_rows_still_end_in_time(machine, step):
    each = machine(step=step)
    each.run(0.5)
    assert 0.8 <= each.now / 30 <= 1.0
    assert 8 <= len(each.rows) <= 25


@pytest.mark.parametrize(("slower", "over"), [(1.15, 1.0), (1.4, 1.1)])
def test_a_second_half_that_is_slower_costs_a_tenth_at_most(machine, slower, over):
    each = machine(saving=1.5)

    def slow_down(lengths):
        each.noted.append(lengths)
        if len(each.noted) == 2:  # the number of steps is fixed
            each.step, each.saving = slower * each.step, slower * each.saving

    each.note = slow_down
    each.run(1)
    assert 0.9 <= each.now / 60 <= over


def test_a_given_interval_stays_and_may_be_longer_than_the_run(machine):
    assert machine().run(1, interval=500).save_interval == 500
    slow = machine(step=1.0)
    schedule = slow.run(1, interval=500)
    assert 0.7 <= slow.now / 60 <= 1.0
    assert slow.rows == [schedule.train_steps]
    every_step = machine(step=1.0)
    every_step.run(1, interval=1)
    assert every_step.rows == list(range(1, len(every_step.rows) + 1))
    assert 0.8 <= every_step.now / 60 <= 1.0


@pytest.mark.parametrize(("every", "interval"), [(200, math.inf), (1009, math.inf), (1, math.inf),
                                                 (100, 50)])  # fmt: skip
def test_evaluations_are_counted_and_end_intervals(machine, every, interval):
    each = machine(judging=0.5 if every == 1 else 4.0)
    schedule = each.run(3, interval=interval, every=every)
    assert every % schedule.save_interval == 0
    assert 0.8 <= each.now / 180 <= 1.0


def test_an_evaluation_that_comes_late_is_counted_too(machine):
    each = machine(judging=60.0)
    each.run(3, every=10_000)
    assert 0.8 <= each.now / 180 <= 1.0


def test_lengths_are_multiples_of_a_call_and_rows_have_whole_intervals(machine):
    each = machine()
    schedule = each.run(1, size=10, first_step=1000)
    assert schedule.save_interval % 10 == schedule.train_steps % 10 == 0
    expected = range(1000 // schedule.save_interval + 1, schedule.train_steps)
    multiples = [n * schedule.save_interval for n in expected]
    assert each.rows == [n for n in multiples if n < schedule.train_steps] + [
        schedule.train_steps]


def test_a_machine_too_slow_for_its_minutes_does_a_few_steps(machine):
    each = machine(step=100.0)
    schedule = each.run(1)
    assert schedule.train_steps <= 4 and each.rows[-1] == schedule.train_steps


def test_other_workers_do_as_the_first_one_says():
    said = iter([(5, 0, 0), (0, 7, 70)])
    values = []

    class Told:
        def gather(self, value):
            values.append(value)
            if len(values) % 3 == 1:
                self.now = list(next(said))
            return [self.now.pop(0), value]

    schedule = Schedule(math.inf, math.inf, 32)
    pace = Pace(schedule, 1, Told())
    assert pace.next_steps(0) == 5 and not schedule.is_fixed
    assert pace.next_steps(5) == 0
    assert schedule.lengths() == {"train_steps": 70, "save_interval": 7}
    assert set(values) == {0}


# --- real runs ---


def rows_of(run):
    """log.csv without times."""
    with run.log_csv.open() as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


class Stop(keras.callbacks.Callback):
    """Ends training early, as a signal does."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_train_batch_end(self, batch, logs=None):
        if self.model.steps_done >= self.after:
            self.model.stop_training = True


@pytest.fixture
def brief(monkeypatch):
    """Makes plots and pages cost nothing, so that a run of seconds has intervals."""
    monkeypatch.setattr(
        "gans.training.callbacks.metrics_log.plot_training", lambda *_: None)
    monkeypatch.setattr("utils.pages.Report.write", lambda self: None)


def test_it_becomes_a_run_of_so_many_steps_and_is_resumed_as_one(
    tiny_gan, tiny_data, tmp_path, brief
):
    options = {"minutes": 0.1, "train_steps": None, "save_interval": None}
    quiet = {"quiet": True, "save_path": str(tmp_path / "timed")}
    timed = tiny_gan()
    first = timed.train(tiny_data, minutes=0.1, options=dict(options), callbacks=[Stop(3)], **quiet)
    run = first.directory
    assert (first.step, first.finished) == (3, False)
    assert run.read_config()["options"] == options  # killed or stopped so early, nothing is fixed
    resumed = tiny_gan()
    last = resumed.train(tiny_data, minutes=0.1, options=dict(options), resume=True, **quiet)
    config = run.read_config()
    lengths = {name: config["schedule"][name] for name in ("train_steps", "save_interval")}
    assert last.finished and last.step == lengths["train_steps"] > 3
    assert config["options"] == {"minutes": None, **lengths}
    assert config["schedule"]["first_step"] == 0
    again = tiny_gan().train(tiny_data, minutes=9, options=dict(options), resume=True, **quiet)
    assert (again.finished, again.step) == (True, last.step)  # the number is kept
    whole = tiny_gan()
    plain = whole.train(tiny_data, save_path=str(tmp_path / "plain"), quiet=True, **lengths)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert rows_of(run) == rows_of(plain.directory)
    samples = [path.read_bytes() for path in run.list_samples()]
    assert samples == [path.read_bytes() for path in plain.directory.list_samples()]


def test_killed_once_the_interval_is_known_it_keeps_it(tiny_gan, tiny_data, tmp_path, brief):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            schedule = json.loads((tmp_path / "config.json").read_text())["schedule"]
            if schedule["save_interval"]:
                assert schedule["train_steps"] is None
                raise KeyboardInterrupt

    options = {"save_path": str(tmp_path), "quiet": True}
    with pytest.raises(KeyboardInterrupt):
        tiny_gan().train(tiny_data, minutes=1, callbacks=[Kill()], **options)
    interval = RunDirectory(tmp_path).read_config()["schedule"]["save_interval"]
    run = tiny_gan().train(tiny_data, minutes=0.05, resume=True, **options).directory
    assert run.read_config()["schedule"]["save_interval"] == interval


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "train_steps or minutes must be given. Received: neither"),
        ({"train_steps": 5, "minutes": 1}, "not both be given.*Received: train_steps=5, minutes=1"),
        ({"minutes": 0}, "minutes must be a positive number. Received: 0"),
        ({"minutes": math.nan}, "minutes must be a positive number. Received: nan"),
    ],
)
def test_wrong_arguments(tiny_gan, tiny_data, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        tiny_gan().train(tiny_data, save_path=str(tmp_path / "run"), **changes)
    assert not (tmp_path / "run").exists()


def test_evaluations_must_fall_on_a_call_of_the_train_function(tiny_gan, tiny_data, tmp_path):
    gan = tiny_gan({"steps_per_execution": 3})
    with pytest.raises(ValueError, match="evaluate_every must be a multiple of steps_per_exec"):
        gan.train(
            tiny_data, minutes=1, evaluation=EvaluationOptions(10), save_path=str(tmp_path / "run"))
