"""Images from a saved generator are those of the model, whatever file it was saved to."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from comparing import assert_same_images

from gans import SavedGenerator
from gans.generators.making import to_bytes


@pytest.fixture
def trained(tiny_gan):
    """A GAN whose EMA generator differs from its generator in every weight."""
    gan = tiny_gan(noise="uniform")
    rng = np.random.default_rng(0)
    gan.ema_generator.set_weights(
        [weight + 0.3 * rng.random(weight.shape) for weight in gan.ema_generator.get_weights()]
    )
    return gan


def saved_generator(gan, folder, kind):
    """The GAN's generator from one kind of file."""
    path = folder / kind
    if kind == "step-00000002.weights.h5":
        gan.save_weights(path)
        model = json.loads(json.dumps({"method": gan.method, **gan.get_config()}))
        return SavedGenerator.of_run(model, path)
    gan.save_generator(path)
    return SavedGenerator(path, noise="uniform")


KINDS = ["g.keras", "g.h5", "saved_model", "step-00000002.weights.h5"]


@pytest.mark.parametrize("kind", KINDS)
def test_images_are_those_of_the_model(trained, tmp_path, kind):
    generator = saved_generator(trained, tmp_path, kind)
    assert (generator.noise, generator.noise_dim) == ("uniform", 6)
    assert generator.image_shape == (8, 8, 1)
    expected = trained.generate(70, seed=5)
    images = generator.generate(70, seed=5)
    assert images.dtype == np.uint8 and len(np.unique(images)) > 20
    assert_same_images(images, expected)
    assert_same_images(generator.generate(9, seed=5, first=61), expected[61:])
    assert_same_images(
        generator.generate(5, 5, truncation=0.5), trained.generate(5, 5, truncation=0.5)
    )


@pytest.mark.parametrize("kind", ["g.keras", "g.h5", "saved_model"])
def test_images_of_mixed_precision(tiny_gan, tmp_path, kind):
    gan = tiny_gan(precision="mixed_bfloat16", noise="uniform")
    generator = saved_generator(gan, tmp_path, kind)
    assert_same_images(generator.generate(70, seed=5), gan.generate(70, seed=5))


def test_bytes_are_rounded_and_do_not_wrap():
    images = tf.constant([-1.0, 1.0, 0.0, 0.003, 1.2, -1.2, 30.0])
    assert to_bytes(images).numpy().tolist() == [0, 255, 128, 128, 255, 0, 255]


def refusal_of(path, **options):
    """The one line that this path gives, even if it is trusted."""
    with pytest.raises(ValueError, match="path must be ") as caught:
        SavedGenerator(path, trust=True, **options)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    return message


def test_damaged_and_missing_files(trained, tmp_path):
    for name in ("g.keras", "g.h5", "saved_model/saved_model.pb"):
        path = tmp_path / name
        trained.save_generator(tmp_path / name.split("/")[0])
        content, given = path.read_bytes(), tmp_path / name.split("/")[0]
        for size in (0, 20, len(content) // 2, len(content) - 5):
            path.write_bytes(content[:size])
            assert "undamaged saved generator" in refusal_of(given)
    for index in (tmp_path / "saved_model" / "variables").iterdir():
        index.unlink()
    path.write_bytes(content)
    assert "undamaged saved generator" in refusal_of(given)
    (tmp_path / "folder").mkdir()
    (tmp_path / "g.npz").write_bytes(b"")
    for name in ("missing.keras", "folder", "g.npz"):
        assert "existing" in refusal_of(tmp_path / name)


def test_a_saved_model_of_somebody_else_needs_trust(trained, tmp_path, monkeypatch):
    """Whatever else is sent along with it: what was written here is noted elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    here = tmp_path / "saved_model"
    trained.save_generator(here)
    copy, changed = tmp_path / "copy", tmp_path / "changed"
    for folder in (copy, changed):
        shutil.copytree(here, folder)
    SavedGenerator(here)
    SavedGenerator(copy)
    (changed / "assets" / "new").mkdir(parents=True)
    (changed / "assets" / "new" / "file").touch()
    monkeypatch.setattr("tensorflow.saved_model.load", None)  # nothing of it may be read
    with pytest.raises(ValueError, match="trust must be given .--trust, or trust=True.*keras"):
        SavedGenerator(changed)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    with pytest.raises(ValueError, match="trust must be given"):
        SavedGenerator(here)
    assert SavedGenerator(here, trust=True).noise_dim == 6


@pytest.mark.parametrize("kind", ["g.keras", "g.h5"])
def test_code_in_a_keras_file_is_refused(tmp_path, kind):
    noise = keras.Input((6,))
    images = keras.layers.Reshape((2, 1, 3))(keras.layers.Lambda(lambda rows: rows)(noise))
    keras.Model(noise, images).save(tmp_path / kind)
    assert "arbitrary code execution" in refusal_of(tmp_path / kind)


def test_models_that_are_no_generators(trained, tmp_path):
    noise = keras.Input((6,))
    image = keras.layers.Reshape((2, 3, 1))
    for name, model in [
        ("vector", keras.Model(noise, keras.layers.Dense(3)(noise))),
        ("two", keras.Model([noise, keras.Input((3,))], image(noise))),
        ("three", keras.Model([noise, keras.Input((3,)), keras.Input((4,))], image(noise))),
        ("channels", keras.Model(noise, keras.layers.Reshape((1, 3, 2))(noise))),
        ("outputs", keras.Model(noise, [image(noise), noise])),
        ("critic", trained.critic),
    ]:  # fmt: skip
        model.save(tmp_path / f"{name}.keras")
        message = refusal_of(tmp_path / f"{name}.keras")
        assert "must be a generator, noise [N, noise_dim] to images [N, H, W, C]" in message
    trained.critic.export(tmp_path / "critic", verbose=False)
    assert "must be a generator" in refusal_of(tmp_path / "critic")
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    assert "undamaged saved generator" in refusal_of(tmp_path / "empty")
    trained.save_generator(tmp_path / "g.keras")
    with pytest.raises(ValueError, match="noise must be one of normal, uniform"):
        SavedGenerator(tmp_path / "g.keras", noise="pink")


def test_a_run_whose_files_do_not_fit(trained, tmp_path):
    path = tmp_path / "step-00000002.weights.h5"
    trained.save_weights(path)
    model = {"method": "wgan-gp", **trained.get_config()}
    for change, message in [
        ({"base_filters": 6}, "same layers"),
        ({"method": "vae"}, "method must be one of"),
        ({"noise": None}, "noise must be one of"),
        ({"image_shape": 3}, "model must be what a run writes"),
        ({"color": 3}, "model must be what a run writes"),
    ]:
        with pytest.raises(ValueError, match=message) as caught:
            SavedGenerator.of_run({**model, **change}, path)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="model must be .* KeyError: 'method'"):
        SavedGenerator.of_run(trained.get_config(), path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="undamaged"):
        SavedGenerator.of_run(model, path)
