"""The time to the end counts steps and what happens between intervals."""

import itertools
import json
import time
import types

import pytest

from gans.training.callbacks.progress import Progress
from gans.training.schedule import Interval, Schedule
from gans.training.stopwatch import COMPILING, JUDGING, SAVING, TRAINING, Stopwatch


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


def simulate(
    clock, steps, first=30.0, step=2.0, save=7.0, interval=10, train_steps=100,
    evaluate_every=None, evaluation=0.0,
):
    """Runs `steps` steps of a run whose first one traces, with saves between intervals."""
    schedule = Schedule(interval, train_steps, 64, evaluate_every)
    stopwatch = Stopwatch("times.json", resume=False)
    progress = Progress(schedule, stopwatch)
    shown = {"Wasserstein": "wasserstein_estimate"}
    model = types.SimpleNamespace(steps_done=0, progress_logs=shown)
    for callback in (stopwatch, progress):
        callback.set_model(model)
    stopwatch.write = lambda: None
    progress.on_train_begin()
    for done in range(1, steps + 1):
        stopwatch.on_train_batch_begin(0)
        clock.now += first if done == 1 else step
        model.steps_done = done
        stopwatch.on_train_batch_end(0)
        progress.on_train_batch_end(0, {"wasserstein_estimate": 1.5})
        if done % interval == 0:
            stopwatch(Interval(done, {}))
            clock.now += save
        if schedule.is_evaluated(done):
            with stopwatch.judging():
                progress.show("judging", 0.0)
                clock.now += evaluation
                progress.show("judging", 0.5)
                progress.show("judging", 1.0)  # too soon for another line
    return progress, stopwatch


def time_left(clock, steps, **changes):
    progress, _ = simulate(clock, steps, **changes)
    return progress._describe({"wasserstein_estimate": 1.5})


def test_time_left_counts_saves_and_leaves_out_the_first_step(clock):
    # 75 steps of 2 s, and saves at 30, 40, ..., 100 of 7 s each: 206 s
    text = time_left(clock, 25)
    assert text == "03:26 left, 0.50 steps/s, 32 images/s, Wasserstein 1.5"


def test_time_left_without_a_save_so_far(clock):
    assert time_left(clock, 5).startswith("03:10 left")


def test_time_left_counts_evaluations_apart_from_saves(clock, capsys):
    """At every second interval: 75 steps of 2 s, 8 saves of 7 s, evaluations at 40, 60, 80, 100."""
    text = time_left(clock, 25, evaluate_every=20, evaluation=31.0)
    assert text.startswith("05:30 left")
    lines = [line for line in capsys.readouterr().err.splitlines() if "judging" in line]
    assert lines == ["step 20/100: judging", "step 20/100: judging: 50%"]


def test_plain_lines_at_every_interval_and_at_least_every_half_minute(clock, capsys):
    simulate(clock, 30, step=4.0, interval=10)
    lines = capsys.readouterr().err.splitlines()
    steps = [int(line.split("/")[0].split()[1]) for line in lines]
    assert {0, 10, 20, 30} <= set(steps)
    assert max(b - a for a, b in itertools.pairwise(steps)) <= 8  # 32 s


def test_every_second_is_one_of_four_things(clock):
    _, stopwatch = simulate(clock, 25, evaluate_every=20, evaluation=31.0)
    assert stopwatch.seconds == {COMPILING: 30, TRAINING: 24 * 2, SAVING: 2 * 7, JUDGING: 31}
    assert stopwatch.counts == {TRAINING: 24, SAVING: 2, JUDGING: 1}
    assert stopwatch.elapsed == sum(stopwatch.seconds.values()) == clock.now


def test_what_comes_first_is_left_out_of_the_mean(clock, tmp_path):
    stopwatch = Stopwatch(tmp_path / "times.json", resume=False)
    for seconds, mean in [(9.0, 9.0), (2.0, 2.0), (4.0, 3.0)]:
        stopwatch(Interval(1, {}))
        clock.now += seconds
        stopwatch.write()
        assert stopwatch.mean(SAVING) == mean


def test_a_resumed_run_goes_on_with_its_seconds(clock, tmp_path):
    path = tmp_path / "times.json"
    path.write_text(json.dumps({TRAINING: 5.0, SAVING: 2.0}))
    for _ in range(2):
        stopwatch = Stopwatch(path, resume=True)
        stopwatch.measure(TRAINING)
        clock.now += 3
        stopwatch.write()
    assert json.loads(path.read_text()) == {COMPILING: 0, TRAINING: 11, SAVING: 2, JUDGING: 0}
    path.write_text("[1]")  # nothing depends on it
    assert Stopwatch(path, resume=True).elapsed == 0
