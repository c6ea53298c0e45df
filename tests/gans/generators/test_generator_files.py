"""Weights of a generator, loaded from every kind of file that holds them."""

import zipfile

import numpy as np
import pytest

from gans.generators.files import load_generator_weights
from gans.generators.saved import SavedGenerator


def _weights(model) -> list[np.ndarray]:
    return [weight.copy() for weight in model.get_weights()]


def _assert_same(model, expected) -> None:
    for weight, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.fixture
def trained(tiny_gan):
    """A GAN whose EMA generator differs from its generator in every weight."""
    gan = tiny_gan()
    rng = np.random.default_rng(0)
    gan.ema_generator.set_weights(
        [rng.random(weight.shape, np.float32) for weight in gan.ema_generator.get_weights()]
    )
    return gan


@pytest.fixture
def files(trained, tmp_path):
    """The EMA generator in every kind of file, by ending or name."""
    paths = {
        name: tmp_path / name
        for name in ("g.keras", "g.h5", "g.weights.h5", "step-00000005.weights.h5", "gan.keras")
    }
    trained.save_generator(paths["g.keras"])
    trained.save_generator(paths["g.h5"])
    trained.ema_generator.save_weights(paths["g.weights.h5"])
    trained.save_weights(paths["step-00000005.weights.h5"])
    trained.save(paths["gan.keras"])
    return paths


def test_every_kind_of_file_gives_the_ema_generator(trained, tiny_gan, files):
    for path in files.values():
        generator = tiny_gan(seed=9).ema_generator
        load_generator_weights(generator, str(path))
        _assert_same(generator, trained.ema_generator.get_weights())


@pytest.mark.parametrize(
    "options",
    [
        {"base_filters": 6},
        {"noise_dim": 5},
        {"image_shape": (8, 8, 3)},
        {"image_shape": (16, 16, 1)},
    ],
)
def test_another_shape_is_refused_and_the_generator_unchanged(tiny_gan, files, options):
    generator = tiny_gan(**options).generator
    before = _weights(generator)
    for path in files.values():
        with pytest.raises(ValueError, match="same layers") as error:
            load_generator_weights(generator, path)
        assert path.name in str(error.value)
        assert "\n" not in str(error.value)
        _assert_same(generator, before)


def test_the_first_layers_of_a_deeper_generator_are_not_taken(tmp_path):
    import keras

    def stack(depth):
        return keras.Sequential([keras.Input((3,)), *[keras.layers.Dense(3) for _ in range(depth)]])

    deep, shallow = stack(3), stack(2)
    before = _weights(shallow)
    for name in ("g.weights.h5", "g.keras", "g.h5"):
        save = deep.save_weights if name == "g.weights.h5" else deep.save
        save(tmp_path / name)
        with pytest.raises(ValueError, match="same layers"):
            load_generator_weights(shallow, tmp_path / name)
    _assert_same(shallow, before)


def test_a_critic_is_not_taken_for_a_generator(trained, tmp_path):
    trained.critic.save_weights(tmp_path / "critic.weights.h5")
    before = _weights(trained.generator)
    with pytest.raises(ValueError, match="same layers"):
        load_generator_weights(trained.generator, tmp_path / "critic.weights.h5")
    _assert_same(trained.generator, before)


def test_damaged_files_are_refused_and_the_generator_unchanged(tiny_gan, files, tmp_path):
    generator = tiny_gan(seed=9).generator
    before = _weights(generator)
    for path in files.values():
        content = path.read_bytes()
        for share in (0, 0.01, 0.5, 0.99):
            path.write_bytes(content[: int(share * len(content))])
            with pytest.raises(ValueError, match="undamaged") as error:
                load_generator_weights(generator, path)
            assert "\n" not in str(error.value)
            _assert_same(generator, before)


def test_no_file_is_written(trained, files, monkeypatch):
    """On a full disk, HDF5 would end the process."""
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    for path in files.values():
        load_generator_weights(trained.generator, path)


def test_a_keras_file_that_unpacks_to_far_more_is_refused(trained, tmp_path):
    with zipfile.ZipFile(tmp_path / "g.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(2**26 + 1))
    with pytest.raises(ValueError, match="200 times larger"):
        load_generator_weights(trained.generator, tmp_path / "g.keras")
    with pytest.raises(ValueError, match="200 times larger"):
        SavedGenerator(tmp_path / "g.keras")


def test_a_flipped_bit_in_a_keras_file_is_found(tiny_gan, files):
    content = bytearray(files["g.keras"].read_bytes())
    generator = tiny_gan(seed=9).generator
    before = _weights(generator)
    largest = max(before, key=np.size)  # its bytes lie in the file as they are
    load_generator_weights(generator, files["g.keras"])
    stored = max(generator.get_weights(), key=np.size)
    assert stored.shape == largest.shape
    content[content.index(stored.tobytes()) + 100] ^= 1
    files["g.keras"].write_bytes(content)
    generator.set_weights(before)
    with pytest.raises(ValueError, match="undamaged"):
        load_generator_weights(generator, files["g.keras"])
    _assert_same(generator, before)


def test_an_interrupted_load_leaves_the_generator_unchanged(tiny_gan, files, monkeypatch):
    generator = tiny_gan(seed=9).generator
    before = _weights(generator)
    last = generator.layers[-2]  # the last with weights: the others are loaded by then

    def interrupt(store):
        raise KeyboardInterrupt

    monkeypatch.setattr(last, "load_own_variables", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_generator_weights(generator, files["g.weights.h5"])
    _assert_same(generator, before)


def test_what_is_no_weights_file_is_refused_with_advice(trained, tmp_path):
    (tmp_path / "g.png").write_bytes(b"no weights")
    (tmp_path / "saved_model").mkdir()
    for name, message in [
        ("saved_model", "not a folder: give generator.keras"),
        ("g.png", "must end in .keras, .h5"),
        ("missing.keras", "must be a file that exists"),
        ("missing.weights.h5", "must be a file that exists"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            load_generator_weights(trained.generator, tmp_path / name)
        assert str(tmp_path / name) in str(error.value)
        assert "\n" not in str(error.value)


def test_a_model_that_is_not_built_is_refused(files):
    import keras

    for generator in (keras.Sequential([keras.layers.Dense(3)]), "generator.keras"):
        with pytest.raises(ValueError, match="generator must be a keras.Model that is built"):
            load_generator_weights(generator, files["g.keras"])
