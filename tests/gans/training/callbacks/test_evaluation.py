"""Evaluations while training: they change nothing, resume as they were, and keep the best."""

import csv
import json
import math
import os
import signal
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from commands import start
from tensorflow.python.summary.summary_iterator import summary_iterator

import train_generator
from gans import WassersteinGAN
from gans.training.callbacks import metrics_log
from gans.training.callbacks.evaluation import SEED_OFFSET
from gans.training.judge import Judge
from gans.training.schedule import Schedule
from utils import DataPreparator
from utils.metrics import names
from utils.options.evaluation import EVALUATION_METRICS, EvaluationOptions
from utils.runs.directory import RunDirectory

TIMES = {"seconds", "steps_per_second", "images_per_second"}
NOISE = np.ones((2, 6), np.float32)


@pytest.fixture(scope="module")
def gan():
    """One model for all runs here, so that it is traced once: `train` sets all of it back."""
    gan = WassersteinGAN((8, 8, 1), noise_dim=6, base_filters=4, n_critic=1, clip_value=0.01)
    gan.compile(learning_rate=0.01)
    return gan


@pytest.fixture(scope="module")
def train(gan, tmp_path_factory):
    """Trains the model from its first weights, or resumes, for 3 steps with a row for each."""
    first = tmp_path_factory.mktemp("first") / "first.weights.h5"
    gan.save_weights(first)

    def run(data, path, evaluation, **changes):
        gan.load_weights(first)
        values = {"train_steps": 3, "save_interval": 1, "quiet": True, **changes}
        return gan.train(data, save_path=str(path), evaluation=evaluation, **values)

    return run


@pytest.fixture(autouse=True)
def plotted(monkeypatch):
    """What plots are drawn with; to draw them would take most of the time here."""
    calls = []
    monkeypatch.setattr(metrics_log, "plot_training", lambda *arguments: calls.append(arguments))
    return calls


@pytest.fixture
def features(tmp_path):
    """A network of 3 features, saved."""
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    network.save(tmp_path / "tiny.keras")
    return str(tmp_path / "tiny.keras")


@pytest.fixture
def options(features):
    """Evaluation options of that network; arguments override the defaults."""

    def make(**changes):
        values = {"evaluate_every": 2, "evaluate_images": 12, "features": features}
        return EvaluationOptions(**{**values, **changes})

    return make


def log_of(folder):
    """The rows of log.csv as text, without times."""
    with (folder / "log.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


class Spy(keras.callbacks.Callback):
    """Keeps what the EMA generator makes after each step, and may end training early."""

    def __init__(self, stop=None):
        super().__init__()
        self.stop, self.images = stop, {}

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.steps_done
        self.images[step] = np.asarray(self.model.ema_generator(NOISE, training=False))
        if step == self.stop:
            self.model.stop_training = True


def images_of(path):
    return np.asarray(keras.models.load_model(path)(NOISE))


def scripted(monkeypatch, values):
    """Lets evaluations give these values, one after another."""
    remaining = iter(values)
    monkeypatch.setattr(Judge, "__call__", lambda *_: next(remaining))


def terminated(monkeypatch, number):
    """Lets SIGTERM come while that evaluation of the run is under way."""
    judge_images, begun = Judge.__call__, []

    def judged(judge, generate, seed, report):
        begun.append(None)
        if len(begun) == number:
            os.kill(os.getpid(), signal.SIGTERM)
            while True:
                report(0)  # raises when the signal was seen
                time.sleep(0.01)
        return judge_images(judge, generate, seed, report)

    monkeypatch.setattr(Judge, "__call__", judged)


def test_a_run_is_judged_and_ends_in_the_same_bits_as_without(
    gan, train, tiny_data, tmp_path, options, capsys, plotted
):
    run = train(tiny_data, tmp_path / "judged", options(), quiet=False, tensorboard=True).directory
    printed, weights = capsys.readouterr(), gan.get_weights()
    train(tiny_data, tmp_path / "plain", None)
    for a, b in zip(weights, gan.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    rows = log_of(run.path)
    assert [row.pop("fid") != "" for row in rows] == [False, True, True]
    assert rows == log_of(tmp_path / "plain")

    values = {row["step"]: row["fid"] for row in run.read_log()}
    assert math.isnan(values.pop(1))
    best = min(values, key=values.get)
    assert "Fréchet distance (tiny) of 12 images against 12 real ones" in printed.out
    assert f"step 2: Fréchet distance (tiny) {values[2]:.4g}, best so far" in printed.out
    assert f"The best by Fréchet distance (tiny): {values[best]:.4g} at step {best}" in printed.out
    assert "step 2/3: judging 12 images" in printed.err
    facts = run.read_config()["evaluation"]
    assert (facts["evaluate_metric"], facts["evaluate_images"]) == ("fid", 12)
    assert len(facts["weights_sha256"]) == 64
    events = {
        event.step: tf.make_ndarray(value.tensor).item()
        for path in run.tensorboard.glob("events*")
        for event in summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == "fid"
    }
    assert events == pytest.approx(values)
    columns, _, evaluated = plotted[4]  # of each row, and again with its value
    np.testing.assert_array_equal(columns["fid"], [math.nan, *values.values()])
    assert f"12 other real images get {evaluated.real:.4g}" in printed.out


def test_the_value_is_that_of_the_generator_which_is_kept(
    gan, train, tiny_data, tmp_path, options
):
    run = train(tiny_data, tmp_path / "run", options(evaluate_metric="kid_all_pairs")).directory
    judge = Judge(options(evaluate_metric="kid_all_pairs"), tiny_data)
    judge.prepare(show_progress=False)
    reported = []
    for path in (run.best_generator_keras, run.best_generator_h5, run.best_generator):
        gan.ema_generator.load_weights(path) if path == run.best_generator else (
            gan.ema_generator.set_weights(keras.models.load_model(path).get_weights()))
        images = gan.generate(12, seed=gan.options.seed + SEED_OFFSET)
        value = judge(gan.generate, gan.options.seed + SEED_OFFSET, reported.append)
        assert value == min(row["kid_all_pairs"] for row in run.read_log()[1:])
    assert reported == [12] * 3
    assert (images != gan.generate(12, seed=gan.options.seed)).any()  # the sample grid's are others


def test_interrupted_during_an_evaluation_it_resumes_as_if_it_had_not_been(
    gan, train, tiny_data, tmp_path, options, monkeypatch
):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(tiny_data, whole, options(stop_patience=3))
    weights = gan.get_weights()
    for step, number in [(2, 1), (3, 2)]:  # the second time, the resumed run is judged at 2 first
        with monkeypatch.context() as context:
            terminated(context, number)
            result = train(tiny_data, parts, options(stop_patience=3), resume=step > 2)
        assert (result.step, result.finished, result.signal) == (step, False, signal.SIGTERM)
        assert log_of(parts)[-1]["fid"] == "" and not (parts / "generator.keras").exists()
    assert train(tiny_data, parts, options(stop_patience=3), resume=True).finished
    for a, b in zip(weights, gan.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert log_of(parts) == log_of(whole)
    best = [images_of(RunDirectory(path).best_generator_keras) for path in (whole, parts)]
    np.testing.assert_array_equal(*best)


def test_the_best_is_kept_and_patience_ends_the_run(
    train, tiny_data, tmp_path, options, monkeypatch, capsys
):
    scripted(monkeypatch, [0.5, 0.7, 0.7, 0.6, 0.1])  # higher is better: the second, and no later

    def go(patience, **changes):
        evaluation = options(
            evaluate_every=1, evaluate_metric="coverage", stop_patience=patience)
        return train(tiny_data, tmp_path / "run", evaluation, train_steps=50, **changes)

    spy = Spy()
    run = go(2, quiet=False, callbacks=[spy]).directory
    assert [row["coverage"] for row in run.read_log()] == [0.5, 0.7, 0.7, 0.6]
    assert "no better value in 2 evaluations" in capsys.readouterr().out
    np.testing.assert_allclose(images_of(run.best_generator_keras), spy.images[2], atol=1e-6)
    np.testing.assert_allclose(images_of(run.generator_keras), spy.images[4], atol=1e-6)
    assert np.abs(spy.images[4] - spy.images[2]).max() > 1e-4
    # Resumed, it says so again and trains no step; with more patience it goes on.
    again = go(2, quiet=False, resume=True)
    assert (again.step, again.finished) == (4, True)
    assert "Stopped: no better value" in capsys.readouterr().out
    more = go(3, resume=True)
    assert (more.step, more.finished) == (5, True)


def test_save_best_only_means_by_the_metric(train, tiny_data, tmp_path, options, monkeypatch):
    scripted(monkeypatch, [1.0, 2.0])
    spy = Spy()
    run = train(
        tiny_data, tmp_path / "run", options(), save_best_only=True, callbacks=[spy]).directory
    np.testing.assert_allclose(images_of(run.generator_keras), spy.images[2], atol=1e-6)
    assert not run.best_generator_keras.exists()


def test_judging_may_begin_where_a_run_is_resumed(train, tiny_data, tmp_path, options):
    """The last step too, where nothing is left to train and an interval was cut short."""
    path = tmp_path / "run"
    train(tiny_data, path, None, train_steps=9, save_interval=2, callbacks=[Spy(stop=3)])
    assert train(tiny_data, path, options(), save_interval=2, resume=True).finished
    train(tiny_data, tmp_path / "whole", options(), save_interval=2)
    rows, all_judged = log_of(path), log_of(tmp_path / "whole")
    assert rows == [all_judged[0] | {"fid": ""}, all_judged[1]]
    assert RunDirectory(path).best_generator_keras.is_file()


def test_one_column_has_one_judge(train, tiny_data, tmp_path, options, features):
    path = tmp_path / "run"
    train(tiny_data, path, options(), train_steps=2)
    other = keras.models.load_model(features)
    other.set_weights([weight + 1 for weight in other.get_weights()])
    other.save(tmp_path / "other.keras")
    before = (path / "config.json").read_bytes()
    for evaluation, message in [
        (None, "evaluate_every must be given to resume a run judged by fid"),
        (options(evaluate_metric="kid_all_pairs"), "evaluate_metric must be .*'fid'. Rec"),
        (options(evaluate_images=13), "evaluate_images must be .* 12. Received: 13"),
        (
            options(features=str(tmp_path / "other.keras")),
            "inception_weights or features must be the saved run",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            train(tiny_data, path, evaluation, resume=True)
    assert (path / "config.json").read_bytes() == before
    train(tiny_data, path, options(evaluate_every=4), resume=True)
    assert [row["step"] for row in log_of(path) if row["fid"]] == ["2", "3"]


def test_what_is_not_the_saved_run_is_refused_before_a_network_is_loaded(
    train, tiny_data, tmp_path, options, monkeypatch
):
    path = tmp_path / "run"
    train(tiny_data, path, options(), train_steps=2)
    monkeypatch.setattr("gans.training.judge.open_extractor", lambda *_: pytest.fail("loaded"))
    np.save(tmp_path / "other.npy", np.zeros((40, 8, 8, 1), np.uint8))
    other = DataPreparator(tmp_path / "other.npy", resize=(8, 8), batch_size=4,
                           cache_dir=tmp_path / "cache", show_progress=False)  # fmt: skip
    for data, changes, message in [
        (other, {}, "source must hold the saved run's images"),
        (tiny_data, {"evaluate_metric": "kid_all_pairs"}, "evaluate_metric must be the saved"),
        (tiny_data, {"evaluate_images": 13}, "evaluate_images must be the saved"),
    ]:
        with pytest.raises(ValueError, match=message):
            train(data, path, options(**changes), resume=True)
    with pytest.raises(ValueError, match="save_path must not hold a run already"):
        train(tiny_data, path, options())


def test_what_cannot_be_judged_is_said_before_anything_is_written(
    train, tiny_data, tmp_path, options
):
    path, dataset = tmp_path / "run", tiny_data.dataset(1)
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    for data, changes, message in [
        (dataset, {}, "data must be a DataPreparator if evaluate_every is given"),
        (tiny_data, {"features": "none.keras"}, "features must be an existing .keras file"),
        (tiny_data, {"features": str(tmp_path / "broken.keras")}, "an undamaged Keras model"),
        (tiny_data, {"features": None, "inception_weights": "no.npz"}, "inception_weights must be"),
        (tiny_data, {"evaluate_metric": "kid", "evaluate_images": 1000}, "kid_all_pairs"),
        (tiny_data, {"evaluate_metric": "recall", "evaluate_images": 5}, "needs 6 evaluate_images"),
    ]:
        with pytest.raises(ValueError, match=message):
            train(data, path, options(**changes))
    with pytest.raises(ValueError, match="evaluate_every must be a multiple of save_interval, 2"):
        train(tiny_data, path, options(evaluate_every=3), save_interval=2)
    assert not path.exists()


@pytest.mark.parametrize("metric", EVALUATION_METRICS)
def test_every_metric_can_be_named(metric):
    assert sum(metric in numbers for numbers in names.METRICS.values()) == 1


def test_evaluations_left():
    schedule = Schedule(2, 10, 1, evaluate_every=4)  # at 4, 8 and 10
    assert [step for step in range(1, 11) if schedule.is_evaluated(step)] == [4, 8, 10]
    assert [schedule.evaluations_left(step) for step in (0, 3, 4, 7, 8, 9, 10)] == [
        3, 3, 2, 2, 1, 1, 0]
    assert Schedule(2, 10, 1).evaluations_left(0) == 0 and not Schedule(2, 10, 1).is_evaluated(4)


def test_the_command_judges_and_resumes_in_the_same_bits(tmp_path, source, features, capsys):
    source = [argument for argument in source if argument != "--deterministic"]  # not for others
    source += [
        "--train_steps", "90", "--save_interval", "20", "--features", features,
        "--evaluate_every", "40", "--evaluate_images", "20", "--evaluate_metric", "coverage",
    ]  # fmt: skip
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    process = start(parts, source, "--quiet")
    deadline = time.time() + 90
    while not (parts / "log.csv").exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143, output
    assert train_generator.main([*source, "--save_path", str(whole), "--quiet"]) == 0
    assert train_generator.main(["--resume", "--save_path", str(parts)]) == 0
    assert "The best by coverage (tiny)" in capsys.readouterr().out
    rows = log_of(parts)
    assert rows == log_of(whole)
    assert [row["step"] for row in rows if row["coverage"]] == ["40", "80", "90"]
    best = [images_of(RunDirectory(path).best_generator_keras) for path in (whole, parts)]
    np.testing.assert_array_equal(*best)
    assert json.loads((whole / "config.json").read_text())["options"]["evaluate_images"] == 20


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (["--features", "none.keras"], "features must be a .keras file"),
        (["--inception_weights", "none.npz"], "inception_weights must be an existing .tgz"),
    ],
)
def test_the_command_says_early_that_it_has_no_network(tmp_path, source, network, message, capsys):
    run = ["--evaluate_every", "500", "--save_path", str(tmp_path / "run"), *network]
    assert train_generator.main([*source, *run]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists() and not (tmp_path / "cache").exists()
