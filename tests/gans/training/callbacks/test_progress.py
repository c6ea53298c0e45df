"""The time to the end counts steps and what happens between intervals."""

import itertools
import types

import pytest

from gans.training.callbacks import progress as progress_module
from gans.training.callbacks.progress import Progress
from gans.training.schedule import Schedule


@pytest.fixture
def clock(monkeypatch):
    clock = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress_module.time, "perf_counter", lambda: clock.now)
    return clock


def simulate(
    clock, steps, first=30.0, step=2.0, save=7.0, interval=10, train_steps=100,
    evaluate_every=None, evaluation=0.0,
):
    """Runs `steps` steps of a run whose first one traces, with saves between intervals."""
    schedule = Schedule(interval, train_steps, 64, evaluate_every)
    progress = Progress(schedule)
    shown = {"Wasserstein": "wasserstein_estimate"}
    progress.set_model(types.SimpleNamespace(steps_done=0, progress_logs=shown))
    progress.on_train_begin()
    for done in range(1, steps + 1):
        progress.on_train_batch_begin(0)
        clock.now += first if done == 1 else step
        progress.model.steps_done = done
        progress.on_train_batch_end(0, {"wasserstein_estimate": 1.5})
        if done % interval == 0:
            clock.now += save
        if schedule.is_evaluated(done):
            with progress.judging() as show:
                show("judging", 0.0)
                clock.now += evaluation
                show("judging", 0.5)
                show("judging", 1.0)  # too soon for another line
    return progress._describe({"wasserstein_estimate": 1.5})


def test_time_left_counts_saves_and_leaves_out_the_first_step(clock):
    # 75 steps of 2 s, and saves at 30, 40, ..., 100 of 7 s each: 206 s
    text = simulate(clock, 25)
    assert text == "03:26 left, 0.50 steps/s, 32 images/s, Wasserstein 1.5"


def test_time_left_without_a_save_so_far(clock):
    assert simulate(clock, 5).startswith("03:10 left")


def test_time_left_counts_evaluations_apart_from_saves(clock, capsys):
    """At every second interval: 75 steps of 2 s, 8 saves of 7 s, evaluations at 40, 60, 80, 100."""
    text = simulate(clock, 25, evaluate_every=20, evaluation=31.0)
    assert text.startswith("05:30 left")
    lines = [line for line in capsys.readouterr().err.splitlines() if "judging" in line]
    assert lines == ["step 20/100: judging", "step 20/100: judging: 50%"]


def test_plain_lines_at_every_interval_and_at_least_every_half_minute(clock, capsys):
    simulate(clock, 30, step=4.0, interval=10)
    lines = capsys.readouterr().err.splitlines()
    steps = [int(line.split("/")[0].split()[1]) for line in lines]
    assert {0, 10, 20, 30} <= set(steps)
    assert max(b - a for a, b in itertools.pairwise(steps)) <= 8  # 32 s
