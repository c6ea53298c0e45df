"""The generator in formats of other programs, run by these."""

import importlib.util

import keras
import numpy as np
import pytest

import gans.generators.exporting
from gans.generators.exporting import FORMATS, export_generator

INSTALLED = all(importlib.util.find_spec(name) for form in FORMATS.values()
                for name in form.packages)  # fmt: skip
needs_packages = pytest.mark.skipif(not INSTALLED, reason="pip install -r requirements-dev.txt")


def trained(tiny_gan, **options):
    """A generator whose images are not flat gray."""
    gan = tiny_gan(**options)
    rng, generator = np.random.default_rng(0), gan.ema_generator
    weights = generator.get_weights()
    generator.set_weights([each + 0.2 * (rng.random(each.shape) - 0.5) for each in weights])
    return gan


@needs_packages
@pytest.mark.parametrize("architecture", ["dcgan", "conv4", "residual64", "resnet", "anime"])
@pytest.mark.parametrize("ending", [".onnx", ".tflite"])
def test_every_architecture_runs_elsewhere(tiny_gan, tmp_path, architecture, ending):
    size = 32 if architecture == "resnet" else 8
    gan = trained(tiny_gan, architecture=architecture, image_shape=(size, size, 3))
    difference = export_generator(gan.ema_generator, tmp_path / f"g{ending}")
    assert 0 <= difference < 1e-4
    assert np.ptp(gan.generate(4)) > 20


@needs_packages
def test_files_say_what_goes_in_and_comes_out(tiny_gan, tmp_path):
    gan = trained(tiny_gan, precision="mixed_bfloat16")
    gan.save_generator(tmp_path / "g.onnx")
    gan.save_generator(tmp_path / "g.tflite")
    noise = np.random.default_rng(1).standard_normal((3, 6)).astype(np.float32)
    import onnxruntime
    from ai_edge_litert import interpreter

    session = onnxruntime.InferenceSession(tmp_path / "g.onnx")
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape[1:]) == ("noise", "tensor(float)", [6])
    assert (made.type, made.shape[1:]) == ("tensor(float)", [8, 8, 1])
    (images,) = session.run(None, {"noise": noise})
    runner = interpreter.Interpreter(str(tmp_path / "g.tflite")).get_signature_runner()
    np.testing.assert_allclose(runner(noise=noise)["output_0"], images, atol=1e-5)
    keras_images = np.asarray(gan.ema_generator(noise, training=False))
    assert np.abs(images - keras_images).max() < 0.05  # mixed precision rounds to 8 bits


@needs_packages
def test_images_that_differ_are_refused(tiny_gan, tmp_path, monkeypatch):
    gan = trained(tiny_gan)
    form = FORMATS["onnx"]
    wrong = form.__class__(form.ending, form.packages, lambda *a: form.run(*a) + 1e-3)
    monkeypatch.setitem(gans.generators.exporting.FORMATS, "onnx", wrong)
    (tmp_path / "g.onnx").write_text("of an earlier run")
    with pytest.raises(ValueError, match="those of Keras. Received: a difference of up to 0.001"):
        gan.save_generator(tmp_path / "g.onnx")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["of an earlier run"]


@needs_packages
@pytest.mark.parametrize("options", [{"size": 4}, {"size": 2, "interpolation": "bilinear"}])
def test_upsampling_of_any_kind_comes_out_as_it_is(tmp_path, options):
    noise = keras.Input((6,), name="noise")
    h = keras.layers.Reshape((4, 4, 2))(keras.layers.Dense(32)(noise))
    generator = keras.Model(noise, keras.layers.UpSampling2D(**options)(h))
    for ending in (".onnx", ".tflite"):
        assert export_generator(generator, tmp_path / f"g{ending}") < 1e-4


def test_another_ending(tiny_gan, tmp_path):
    with pytest.raises(ValueError, match="path must end in .onnx, .tflite. Received: "):
        export_generator(tiny_gan().ema_generator, tmp_path / "g.pb")


def test_missing_packages_are_named(tiny_gan, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="^export to litert needs more packages: pip install "
                                         "ai-edge-litert$"):  # fmt: skip
        tiny_gan().save_generator(tmp_path / "g.tflite")
    assert list(tmp_path.iterdir()) == []
