"""Runs: what they write, how they stop, and that a resumed one equals an uninterrupted one."""

import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gans.training import NonFiniteError
from gans.training.callbacks.metrics_log import is_best
from utils.runs.directory import RunDirectory

TIMES = {"seconds", "steps_per_second", "images_per_second"}


class StopAfter(keras.callbacks.Callback):
    """Ends training early, as a signal does."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if self.model.steps_done == self.steps:
            self.model.stop_training = True


@pytest.fixture
def tiny_gan(reused_gan):
    return reused_gan


def train(gan, data, path, **options):
    defaults = {"train_steps": 10, "save_interval": 4, "quiet": True}
    return gan.train(data, save_path=str(path), **{**defaults, **options})


def rows_without_times(path):
    return [
        {name: value for name, value in row.items() if name not in TIMES}
        for row in csv.DictReader((path / "log.csv").open())
    ]


def assert_same_run(one, other, first, second):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("critic_optimizer", "generator_optimizer"):
        for a, b in zip(
            getattr(one, name).variables, getattr(other, name).variables, strict=True
        ):
            np.testing.assert_array_equal(a, b)
    assert rows_without_times(first) == rows_without_times(second)
    for sample in RunDirectory(first).list_samples():
        assert sample.read_bytes() == (second / "samples" / sample.name).read_bytes()


def test_what_a_run_writes(tiny_gan, tiny_data, tmp_path):
    gan = tiny_gan()
    result = train(gan, tiny_data, tmp_path / "run", tensorboard=True, options={"a": 1})
    assert result.finished and result.step == 10 and result.signal is None
    run = result.directory
    assert [row["step"] for row in run.read_log()] == [4, 8, 10]
    assert [p.name for p in run.list_samples()] == [
        "step-00000004.png", "step-00000008.png", "step-00000010.png"]
    assert [p.name for p in run.list_checkpoints()][-1] == "step-00000010.weights.h5"
    for path in (run.training_plot, run.animation, run.image_animation, run.real_and_generated,
                 run.generator_keras, run.generator_h5):  # fmt: skip
        assert path.stat().st_size > 0
    assert (run.saved_model / "saved_model.pb").is_file()
    config = json.loads(run.config.read_text())
    assert config["options"] == {"a": 1}
    assert config["data"]["digest"] == tiny_data.digest
    assert config["model"]["n_critic"] == 1
    assert list(run.tensorboard.glob("events*"))
    assert not list(run.path.rglob(".unfinished*"))
    # 64 images of 8x8, so the grid is the images of the fixed noise
    assert Image.open(run.list_samples()[-1]).size >= (64, 64)
    generator = keras.models.load_model(run.generator_keras)
    noise = np.ones((1, 6), np.float32)
    np.testing.assert_allclose(
        generator(noise), gan.ema_generator(noise, training=False), atol=1e-6
    )


def test_formats_for_other_programs(tiny_gan, tiny_data, tmp_path):
    for package in ("onnx", "tf2onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(package, reason="pip install -r requirements-dev.txt")
    train(tiny_gan(), tiny_data, tmp_path / "run", train_steps=1, export=("onnx", "litert"))
    written = {path.name for path in (tmp_path / "run").glob("generator.*")}
    assert written == {"generator.h5", "generator.keras", "generator.onnx", "generator.tflite"}


def test_log_rows_are_means_over_their_interval(tiny_gan, tiny_data, tmp_path):
    steps = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append({name: float(value) for name, value in logs.items()})

    train(tiny_gan(), tiny_data, tmp_path / "run", callbacks=[Spy()])
    # Logs are running means over the interval: the mean after k steps times k is a sum.
    for row, last in zip(RunDirectory(tmp_path / "run").read_log(), (3, 7, 9), strict=True):
        for name, value in steps[last].items():
            np.testing.assert_allclose(row[name], value, rtol=1e-6)
    one_by_one = tmp_path / "single"
    train(tiny_gan(), tiny_data, one_by_one, save_interval=1)
    single = RunDirectory(one_by_one).read_log()
    for row, span in zip(
        RunDirectory(tmp_path / "run").read_log(), (slice(0, 4), slice(4, 8), slice(8, 10)),
        strict=True,
    ):
        for name in ("wasserstein_estimate", "generator_loss", "gradient_penalty"):
            np.testing.assert_allclose(
                row[name], np.mean([r[name] for r in single[span]]), rtol=1e-4, atol=1e-6
            )


@pytest.mark.parametrize("method", [{"n_critic": 2}, {"clip_value": 0.01, "noise": "uniform"}])
def test_resumed_equals_uninterrupted(tiny_gan, tiny_data, tmp_path, method):
    whole = tiny_gan(**method)
    train(whole, tiny_data, tmp_path / "whole")
    parts = tmp_path / "parts"
    for stop in (2, 4, 7):  # inside an interval, at its end, inside the next
        part = tiny_gan(**method)
        result = train(part, tiny_data, parts, callbacks=[StopAfter(stop)], resume=stop > 2)
        assert not result.finished and result.step == stop
        assert not (parts / "generator.keras").exists()
        tiny_gan.give_back(part)
    resumed = tiny_gan(**method)
    train(resumed, tiny_data, parts, resume=True)
    assert_same_run(whole, resumed, tmp_path / "whole", parts)


def test_rows_after_the_last_checkpoint_are_written_again(tiny_gan, tiny_data, tmp_path):
    whole = tiny_gan()
    train(whole, tiny_data, tmp_path / "whole")
    train(tiny_gan(), tiny_data, tmp_path / "parts")
    for path in RunDirectory(tmp_path / "parts").list_checkpoints()[1:]:
        path.unlink()  # as if killed between a log row and its checkpoint, at step 4
    (tmp_path / "parts" / "samples" / "step-00000099.png").write_bytes(b"of another timeline")
    resumed = tiny_gan()
    train(resumed, tiny_data, tmp_path / "parts", resume=True)
    assert_same_run(whole, resumed, tmp_path / "whole", tmp_path / "parts")
    assert len(RunDirectory(tmp_path / "parts").list_samples()) == 3


@pytest.mark.parametrize(
    ("damage", "kept"),
    [(lambda text: text[:-9], [4, 8]), (lambda text: text.split("\n")[0] + "\n", []),
     (lambda text: text.replace("step", "steps"), [])],
    ids=["cut", "short", "without steps"],
)  # fmt: skip
def test_a_damaged_log_does_not_lose_the_run(tiny_gan, tiny_data, tmp_path, capsys, damage, kept):
    """Nothing takes the place of the rows that are lost, and the run says so."""
    train(tiny_gan(), tiny_data, tmp_path)
    log, times = tmp_path / "log.csv", tmp_path / "times.json"
    log.write_text(damage(log.read_text()))
    times.write_text('{"training": "long"}')
    for steps, added in [(10, []), (14, [12, 14])]:
        capsys.readouterr()
        run = train(tiny_gan(), tiny_data, tmp_path, resume=True, train_steps=steps)
        assert run.finished and run.step == steps
        said = capsys.readouterr().out
        assert f"rows of log.csv after step {(kept or [0])[-1]} are lost" in said
        assert ("times.json must hold seconds" in said) == (steps == 10)
        assert [row["step"] for row in RunDirectory(tmp_path).read_log()] == kept + added


def test_killed_before_the_first_interval_it_starts_from_the_same_weights(
    tiny_gan, tiny_data, tmp_path
):
    """From weights that were loaded, too: they are in the checkpoint of the first step."""
    before = tiny_gan(seed=5)
    before.fit(tiny_data.dataset(1), steps_per_epoch=3, verbose=0, shuffle=False)
    before.save_weights(tmp_path / "before.weights.h5")

    class Kill(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    gans = [tiny_gan() for _ in range(3)]
    for gan in gans[:2]:
        gan.load_weights(tmp_path / "before.weights.h5")
    train(gans[0], tiny_data, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(gans[1], tiny_data, tmp_path / "parts", callbacks=[Kill()])
    train(gans[2], tiny_data, tmp_path / "parts", resume=True)
    assert_same_run(gans[0], gans[2], tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("keep", [0, 0.5, 0.999])
def test_a_damaged_checkpoint_is_passed_over(tiny_gan, tiny_data, tmp_path, keep, capsys):
    whole = tiny_gan()
    train(whole, tiny_data, tmp_path / "run")
    last = RunDirectory(tmp_path / "run").list_checkpoints()[-1]
    content = last.read_bytes()
    last.write_bytes(content[: int(len(content) * keep)])
    resumed = tiny_gan()
    train(resumed, tiny_data, tmp_path / "run", resume=True)
    assert "Skipping a checkpoint" in capsys.readouterr().out
    assert last.with_name(f"{last.name}.damaged").is_file()
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_readable_checkpoint_is_one_line(tiny_gan, tiny_data, tmp_path):
    train(tiny_gan(), tiny_data, tmp_path / "run", train_steps=4)
    for path in RunDirectory(tmp_path / "run").list_checkpoints():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="none of 2 can be read"):
        train(tiny_gan(), tiny_data, tmp_path / "run", resume=True)


def test_a_finished_run_goes_on_with_more_steps(tiny_gan, tiny_data, tmp_path):
    train(tiny_gan(), tiny_data, tmp_path / "parts", train_steps=8)
    resumed = tiny_gan()
    train(resumed, tiny_data, tmp_path / "parts", train_steps=12, resume=True)
    whole = tiny_gan()
    train(whole, tiny_data, tmp_path / "whole", train_steps=12)
    assert_same_run(whole, resumed, tmp_path / "whole", tmp_path / "parts")


def test_resume_takes_a_new_learning_rate(tiny_gan, tiny_data, tmp_path):
    train(tiny_gan(), tiny_data, tmp_path / "run", train_steps=4)
    resumed = tiny_gan({"learning_rate": 3e-3})
    train(resumed, tiny_data, tmp_path / "run", resume=True)
    np.testing.assert_allclose(resumed.critic_optimizer.learning_rate, 3e-3, rtol=1e-6)


def test_what_differs_from_the_saved_run_is_named(tiny_gan, tiny_data, tmp_path):
    from utils import DataPreparator

    train(tiny_gan(), tiny_data, tmp_path / "run", train_steps=4)
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    with pytest.raises(ValueError, match="noise_dim must be the saved run's to resume it: 6"):
        train(tiny_gan(noise_dim=7), tiny_data, tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="save_path must not hold a run already"):
        train(tiny_gan(), tiny_data, tmp_path / "run")
    other_optimizer = tiny_gan({"optimizer": "rmsprop"})
    with pytest.raises(ValueError, match="critic_optimizer must be the saved run's .*: 'Adam'"):
        train(other_optimizer, tiny_data, tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="^method must be the saved run's to resume it: 'wgan-gp'"):
        train(tiny_gan(clip_value=0.01), tiny_data, tmp_path / "run", resume=True)
    np.save(tmp_path / "other.npy", np.zeros((20, 8, 8, 1), np.uint8))
    other = DataPreparator(
        tmp_path / "other.npy", resize=(8, 8), batch_size=4,
        cache_dir=tmp_path / "cache", show_progress=False)
    with pytest.raises(ValueError, match="source must hold the saved run's images"):
        train(tiny_gan(), other, tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="where no run was started"):
        train(tiny_gan(), tiny_data, tmp_path / "nothing", resume=True)
    after = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert before == after
    assert not (tmp_path / "nothing").exists()


def test_a_run_of_an_earlier_version_is_not_resumed_as_another(tiny_gan, tiny_data, tmp_path):
    run = train(tiny_gan(), tiny_data, tmp_path / "run", train_steps=4).directory
    config = json.loads(run.config.read_text())
    del config["model"]["real_noise"]  # an option that came later: then it was the default, 0
    run.config.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"real_noise must be the saved run's .* 0\.0\. "):
        train(tiny_gan(real_noise=0.1), tiny_data, run.path, resume=True)
    assert train(tiny_gan(), tiny_data, run.path, resume=True).step == 10


def test_not_finite_stops_with_step_causes_and_checkpoint(tiny_gan, tiny_data, tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.steps_done == 5:
                weight = self.model.critic.trainable_variables[0]
                weight.assign(np.full(weight.shape, np.nan))

    run = RunDirectory(tmp_path / "run")
    with pytest.raises(NonFiniteError, match=r"step 6: .*step-00000004.*learning rate"):
        train(tiny_gan(), tiny_data, run.path, callbacks=[Poison()])
    assert [p.name for p in run.list_checkpoints()][-1] == "step-00000004.weights.h5"
    assert [row["step"] for row in run.read_log()] == [4, 6]
    assert run.read_log()[-1]["health"] == "not finite"
    assert "ended by NonFiniteError: step 6" in run.log.read_text()
    resumed = tiny_gan()
    train(resumed, tiny_data, run.path, resume=True)
    assert all(np.isfinite(w).all() for w in resumed.get_weights())
    assert "not finite" not in {row["health"] for row in run.read_log()}


def test_weights_spoiled_by_the_last_update_are_not_saved(tiny_gan, tiny_data, tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.steps_done == 8:  # the logs of this step are finite
                weight = self.model.critic.trainable_variables[0]
                weight.assign(np.full(weight.shape, np.inf))

    run = RunDirectory(tmp_path / "run")
    with pytest.raises(NonFiniteError, match="step 8: weights not finite"):
        train(tiny_gan(), tiny_data, run.path, callbacks=[Poison()])
    assert [row["health"] for row in run.read_log()] == ["starting", "not finite"]
    assert "Not finite" in run.report.read_text()
    assert [p.name for p in run.list_checkpoints()][-1] == "step-00000004.weights.h5"


def test_best_is_the_lowest_estimate_since_the_highest():
    estimates = [0.1, 5.0, 9.0, 7.0, 8.0, 6.0, 6.5, 6.0]
    best = [is_best(estimates[: i + 1]) for i in range(len(estimates))]
    assert best == [True, True, True, True, False, True, False, True]
    assert not is_best([]) and not is_best([1.0, float("nan")])


def test_save_best_only_exports_the_best(tiny_gan, tiny_data, tmp_path, monkeypatch):
    best = []

    def only_the_first(estimates):
        best.append(len(estimates) == 1)
        return best[-1]

    monkeypatch.setattr("gans.training.callbacks.checkpoint.is_best", only_the_first)
    gan = tiny_gan()
    last = train(gan, tiny_data, tmp_path / "run", save_best_only=True).directory
    early = tiny_gan()
    train(early, tiny_data, tmp_path / "early", train_steps=4)
    noise = np.ones((2, 6), np.float32)
    exported = keras.models.load_model(last.generator_keras)(noise)
    np.testing.assert_allclose(exported, early.ema_generator(noise, training=False), atol=1e-6)
    assert np.abs(exported - gan.ema_generator(noise, training=False)).max() > 1e-4
    assert len(last.list_checkpoints()) == 3  # to resume from, as ever


def test_a_tf_dataset_trains_and_resumes(tiny_gan, tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (10, 4, 8, 8, 1)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices(images).repeat()
    whole = tiny_gan()
    train(whole, data, tmp_path / "whole")
    train(tiny_gan(), data, tmp_path / "parts", callbacks=[StopAfter(5)])
    resumed = tiny_gan()
    train(resumed, data, tmp_path / "parts", resume=True)
    assert_same_run(whole, resumed, tmp_path / "whole", tmp_path / "parts")


def test_bad_arguments(tiny_gan, tiny_data, tmp_path):
    from gans import WassersteinGAN

    with pytest.raises(ValueError, match="train_steps must be a whole number of at least 1"):
        train(tiny_gan(), tiny_data, tmp_path / "run", train_steps=0)
    with pytest.raises(ValueError, match="multiple of steps_per_execution, 3"):
        train(tiny_gan({"steps_per_execution": 3}), tiny_data, tmp_path / "run")
    ahead = tiny_gan()
    ahead.set_step(10)
    with pytest.raises(ValueError, match="train_steps must be above the step .* reached, 10"):
        train(ahead, tiny_data, tmp_path / "run")
    finite = tiny_data.dataset(1).take(3)
    with pytest.raises(ValueError, match="infinite dataset.*Received: 3 elements"):
        train(tiny_gan(), finite, tmp_path / "run")
    with pytest.raises(ValueError, match="call compile"):
        train(WassersteinGAN((8, 8, 1)), tiny_data, tmp_path / "run")
    with pytest.raises(ValueError, match=r"shape \(16, 16, 1\). Received: \(8, 8, 1\)"):
        train(tiny_gan(image_shape=(16, 16, 1)), tiny_data, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    unknown = finite.filter(lambda images: True)  # a dataset that does not know its length
    with pytest.raises(ValueError, match="data that ran out"):
        train(tiny_gan(), unknown, tmp_path / "run")
