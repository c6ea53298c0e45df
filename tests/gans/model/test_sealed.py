"""Files vouch for themselves: no flipped bit is taken, and nothing but one line says so."""

import random
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from gans import SavedGenerator
from gans.generators.files import load_generator_weights
from gans.model.sealed import require_whole, seal_folder, sealed_file
from gans.training.callbacks.checkpoint import Checkpoint, restore, save_best_generator
from utils.runs.directory import RunDirectory

FLIPS = 400


@pytest.fixture(scope="module")
def layers():
    """A generator of a few layers, whose files are small."""
    noise = keras.Input((3,))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(16)(noise))
    return keras.Model(noise, keras.layers.Reshape((4, 4, 1))(x))


def flip(path, position):
    """Changes one bit of a file in place; the same call changes it back."""
    with path.open("rb+") as file:
        file.seek(position // 8)
        (byte,) = file.read(1)
        file.seek(position // 8)
        file.write(bytes([byte ^ 1 << position % 8]))


def positions(path, count):
    """Bits spread over a file, and all those of its seal's marks."""
    size = 8 * path.stat().st_size
    chosen = random.Random(0).sample(range(size), count)
    return [*chosen, *range(size - 8 * 80, size, 8), size - 1]


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_a_sealed_file_is_a_normal_one_and_every_flipped_bit_is_found(layers, tmp_path, ending):
    path = tmp_path / f"g{ending}"
    path.write_bytes(sealed_file(layers, ending))
    require_whole(path)
    if ending == ".weights.h5":
        other = keras.models.clone_model(layers)
        other.load_weights(path)
    else:
        other = keras.models.load_model(path, compile=False)
    for ours, theirs in zip(layers.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for position in positions(path, FLIPS):
        flip(path, position)
        with pytest.raises(ValueError, match="checksum"):
            require_whole(path)
        flip(path, position)
    require_whole(path)
    for size in range(1, 73):  # cut inside the seal
        cut = tmp_path / f"cut{ending}"
        cut.write_bytes(path.read_bytes()[:-size])
        with pytest.raises(ValueError, match="checksum"):
            require_whole(cut)


def test_files_without_a_seal_are_taken(layers, tmp_path):
    for ending in (".weights.h5", ".keras"):
        save = layers.save_weights if ending == ".weights.h5" else layers.save
        save(tmp_path / f"g{ending}")
        require_whole(tmp_path / f"g{ending}")
    path = tmp_path / "g.keras"
    with zipfile.ZipFile(path) as archive:  # Keras takes it with this bit changed
        info = archive.getinfo("model.weights.h5")
    flip(path, 8 * (info.header_offset + info.file_size // 2))
    with pytest.raises(ValueError, match=r"model.weights.h5 .*checksum|Bad CRC|Bad magic"):
        require_whole(path)


def test_a_seal_that_was_cut_off_or_overwritten_is_missed(layers, tmp_path):
    path = tmp_path / "g.weights.h5"
    content = bytes(sealed_file(layers, ".weights.h5"))
    path.write_bytes(content[:-80])
    with pytest.raises(ValueError, match="cut or changed"):
        require_whole(path)
    path.write_bytes(content)
    with h5py.File(path, "a") as file:
        file["note"] = np.arange(100)
    with pytest.raises(ValueError, match="cut or changed"):
        require_whole(path)


def test_a_savedmodel_is_sealed(tiny_gan, tmp_path):
    tiny_gan().save_generator(tmp_path / "saved")
    require_whole(tmp_path / "saved")
    shutil.copytree(tmp_path / "saved", tmp_path / "copy")
    tf.saved_model.load(tmp_path / "copy")
    files = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert len(files) >= 4
    for path in files:
        for position in random.Random(1).sample(range(8 * path.stat().st_size), 20):
            flip(path, position)
            with pytest.raises(ValueError, match="undamaged saved generator") as caught:
                SavedGenerator(tmp_path / "copy", trust=True)
            assert "\n" not in str(caught.value)
            flip(path, position)
    (tmp_path / "copy" / "SHA256SUMS").unlink()  # as an earlier version wrote it
    require_whole(tmp_path / "copy")
    seal_folder(tmp_path / "copy")
    assert (tmp_path / "copy/SHA256SUMS").read_bytes() == (
        tmp_path / "saved/SHA256SUMS").read_bytes()  # fmt: skip


@pytest.fixture
def run(tiny_gan, tmp_path):
    """A run with three checkpoints of one model, at the steps 1, 2 and 3."""
    gan, run = tiny_gan(), RunDirectory(tmp_path / "run")
    checkpoint = Checkpoint(gan, run, log=None, keep_best=False)
    for step in (1, 2, 3):
        gan.set_step(step)
        checkpoint.save()
    save_best_generator(gan, run)
    return gan, run


def test_a_damaged_checkpoint_falls_back_to_the_one_before(run, caplog):
    gan, run = run
    path = run.checkpoint(3)
    content = path.read_bytes()
    for position in random.Random(2).sample(range(8 * len(content)), 20):
        path.write_bytes(content)
        flip(path, position)
        assert restore(gan, run) == 2
        assert not path.exists() and path.with_name(f"{path.name}.damaged").is_file()
    assert caplog.text.count("Skipping a checkpoint") == 20
    assert "Traceback" not in caplog.text


def test_all_damaged_is_one_line(run):
    gan, run = run
    for path in run.list_checkpoints():
        flip(path, 8 * 5000)
    with pytest.raises(ValueError, match="readable checkpoint .* none of 3") as caught:
        restore(gan, run)
    assert "\n" not in str(caught.value)


def test_a_run_without_its_first_checkpoint_does_not_forget_where_it_began(run):
    """There was no room for that checkpoint, say."""
    gan, run = run
    for path in run.list_checkpoints():
        path.unlink()
    run.write_config({"model": {}, "options": {"load_weights": None, "step_0": None}})
    assert restore(gan, run) == 3  # as it is
    run.write_config({"model": {}, "options": {"load_weights": "x.weights.h5"}})
    with pytest.raises(ValueError, match="start it again, with these and without resume"):
        restore(gan, run)


def test_whatever_reading_raises_is_one_line(run, monkeypatch):
    """Of checkpoints without a checksum, h5py may raise anything."""
    gan, run = run

    def fail(*arguments, **options):
        raise RuntimeError("bad\nheap")

    monkeypatch.setattr(keras.Model, "load_weights", fail)
    with pytest.raises(ValueError, match="readable checkpoint"):
        restore(gan, run)


def test_an_old_checkpoint_that_is_not_finite_is_not_taken(run):
    gan, run = run
    gan.critic.set_weights([np.full_like(w, np.nan) for w in gan.critic.get_weights()])
    gan.save_weights(run.checkpoint(4))
    assert restore(gan, run) == 3


def test_a_damaged_best_generator_is_not_taken(run):
    gan, run = run
    content = run.best_generator.read_bytes()
    before = gan.ema_generator.get_weights()
    for position in random.Random(3).sample(range(8 * len(content)), 40):
        run.best_generator.write_bytes(content)
        flip(run.best_generator, position)
        with pytest.raises(ValueError, match="undamaged"):
            load_generator_weights(gan.ema_generator, run.best_generator)
    for a, b in zip(before, gan.ema_generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_generator_that_is_not_finite_makes_no_images(tiny_gan, tmp_path):
    gan = tiny_gan()
    weights = gan.ema_generator.get_weights()
    for name in ("weights.keras", "weights.h5", "saved"):
        gan.ema_generator.set_weights([np.full_like(w, np.nan) for w in weights])
        gan.save_generator(tmp_path / name)
        with pytest.raises(ValueError, match=f"finite: take .* Received: .*{name}"):
            SavedGenerator(tmp_path / name).generate(3)
    gan.ema_generator.set_weights([np.full_like(w, 3e38) for w in weights])  # which overflow
    gan.save_generator(tmp_path / "images.keras")
    generator = SavedGenerator(tmp_path / "images.keras")
    with pytest.raises(ValueError, match="generator whose images are finite"):
        generator.generate(3)
