"""Files of networks that declare more than they hold are refused before memory is taken."""

import json
import zipfile

import h5py
import keras
import pytest

from gans import SavedGenerator
from gans.generators.files import load_generator_weights
from gans.model.sealed import sealed_file
from utils.foreign_networks import load_network
from utils.metrics.features.extractor import keras_extractor


@pytest.fixture(scope="module")
def small():
    noise = keras.Input((3,))
    return keras.Model(noise, keras.layers.Reshape((4, 4, 1))(keras.layers.Dense(16)(noise)))


def rewritten(source, path, **edits):
    """A copy of a .keras file, its members packed and changed by functions of their bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            edit = edits.get(name.split(".")[0], lambda content: content)
            new.writestr(name, edit(old.read(name)))
    return path


def refused(path):
    """What every reader of .keras files says."""
    for read in (SavedGenerator, keras_extractor):
        with pytest.raises(ValueError, match="must be an undamaged") as caught:
            read(path)
    return str(caught.value)


def test_a_packed_file_with_the_same_network_is_read(small, tmp_path):
    small.save(tmp_path / "small.keras")
    path = rewritten(tmp_path / "small.keras", tmp_path / "packed.keras")
    assert load_network(path).count_params() == small.count_params()


@pytest.mark.parametrize("member", ["config", "metadata", "model"])
def test_a_member_that_becomes_huge_is_not_unpacked(small, tmp_path, member):
    small.save(tmp_path / "small.keras")
    path = rewritten(tmp_path / "small.keras", tmp_path / "bomb.keras",
                     **{member: lambda content: content + b" " * 70_000_000})
    assert "becomes over 200 times larger" in refused(path)


def test_json_that_is_longer_than_any_network_needs_is_not_read(small, tmp_path):
    small.save(tmp_path / "small.keras")
    path = rewritten(tmp_path / "small.keras", tmp_path / "long.keras",
                     config=lambda content: content + b" " * 17_000_000)
    assert "config.json in it is too large" in refused(path)


def test_layers_larger_than_the_file_are_not_built(small, tmp_path):
    small.save(tmp_path / "small.keras")

    def enlarged(content):
        config = json.loads(content)
        config["config"]["layers"][1]["config"]["units"] = 10**8  # 1.2 GB of weights
        return json.dumps(config)

    path = rewritten(tmp_path / "small.keras", tmp_path / "large.keras", config=enlarged)
    assert "a network must take little more memory than its file" in refused(path)


def test_arrays_larger_than_the_file_are_not_read(small, tmp_path):
    for name in ("small.h5", "small.weights.h5"):
        path = tmp_path / name
        path.write_bytes(sealed_file(small, ".weights.h5" if "weights" in name else ".h5")[:-80])
        with h5py.File(path, "a") as file:
            del file.attrs["sealed"]
            file.create_dataset("more", (10**4, 10**4), "f4", chunks=True, compression="gzip")
    with pytest.raises(ValueError, match="declares arrays of 400,0.* is much smaller"):
        SavedGenerator(tmp_path / "small.h5")
    with pytest.raises(ValueError, match="declares arrays of 400,0.* is much smaller"):
        load_generator_weights(small, tmp_path / "small.weights.h5")


def test_a_config_that_is_larger_than_the_weights_is_not_built(tiny_gan, tmp_path):
    gan, file = tiny_gan(), tmp_path / "best_generator.weights.h5"
    file.write_bytes(sealed_file(gan.ema_generator, ".weights.h5"))
    model = gan.get_config() | {"method": "wgan-gp"}
    assert SavedGenerator.of_run(model, file).noise_dim == model["noise_dim"]
    with pytest.raises(ValueError, match="must take little more memory than its file"):
        SavedGenerator.of_run(model | {"base_filters": 10**8}, file)
