"""Which file of a run is its generator, and how its images were prepared."""

import json
import os

import pytest

from utils.options.saved import data_options, preparation
from utils.runs.directory import RunDirectory
from utils.runs.generators import NamedGenerator, generator_file, is_generator, run_of


@pytest.fixture
def run(tmp_path):
    """A run with two checkpoints, older than generator.keras, and a best generator."""
    run = RunDirectory(tmp_path / "run")
    options = {"source": "photos", "crop": "pad", "background": [1, 2, 3], "no_cache": True}
    run.write_config({"model": {}, "options": {**options, "n_critic": 3}})
    files = [run.checkpoint(10), run.checkpoint(20), run.best_generator, run.generator_keras]
    for age, path in enumerate(files):
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (age, age))
    return run


def test_the_generator_that_is_wanted(run):
    run.note_exported("last", 20)
    assert generator_file(run) == run.generator_keras
    assert generator_file(run, raw=True) == run.checkpoint(20)
    assert generator_file(run, step=10) == generator_file(run, step=10, raw=True)
    assert generator_file(run, step=10) == run.checkpoint(10)
    assert generator_file(run, best=True) == run.best_generator
    run.checkpoint(30).touch()  # trained on since the end
    assert generator_file(run) == run.checkpoint(30)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 15}, "a run that has the checkpoint of step 15: those kept are 10, 20. Received"),
        ({"best": True, "raw": True}, "best must be given without raw and step"),
        ({"best": True, "step": 10}, "best must be given without raw and step"),
    ],
)
def test_what_a_run_has_not(run, options, message):
    with pytest.raises(ValueError, match=message):
        generator_file(run, **options)


def test_a_run_that_was_not_trained(tmp_path):
    for options in ({}, {"raw": True}):
        with pytest.raises(ValueError, match="must be a run that has been trained: train until"):
            generator_file(RunDirectory(tmp_path), **options)
    with pytest.raises(ValueError, match="has a best generator: train with evaluate_every"):
        generator_file(RunDirectory(tmp_path), best=True)


def test_the_run_that_a_path_belongs_to(run, tmp_path):
    for path in (run.path, run.generator_keras):
        found, config = run_of(path)
        assert found.path == run.path and config["options"]["n_critic"] == 3
    assert run_of(tmp_path / "other.keras") == (None, {})
    (tmp_path / "config.json").write_text('{"of": "something else"}')
    assert run_of(tmp_path / "other.keras") == (None, {})
    with pytest.raises(ValueError, match="must hold what a run writes"):
        run_of(tmp_path)


def test_images_are_prepared_as_the_run_did(run):
    options = data_options(run.read_config())
    assert options["source"] == "photos"
    assert preparation(options, {"crop": "stretch", "seed": 3}, show_progress=False) == {
        "crop": "stretch", "background": (1, 2, 3), "use_cache": False, "batch_size": 1,
        "show_progress": False,
    }
    assert data_options({"options": None}) == {}
    with pytest.raises(ValueError, match="crop must be one of"):
        data_options({"options": json.loads('{"crop": "oval"}')})


def test_saved_generators_are_known_by_their_names(tmp_path):
    (tmp_path / "saved_model").mkdir()
    assert not is_generator(tmp_path / "saved_model")
    (tmp_path / "saved_model" / "saved_model.pb").touch()
    assert is_generator(tmp_path / "saved_model")
    assert is_generator(tmp_path / "g.keras") and is_generator(tmp_path / "g.h5")
    assert not is_generator(tmp_path / "photos") and not is_generator(tmp_path / "photos.zip")


def test_a_generator_by_the_path_of_its_run_or_its_own(run, tmp_path):
    of_run = NamedGenerator.of(run.path, step=10, raw=True)
    assert (of_run.file, of_run.raw, of_run.run.path) == (run.checkpoint(10), True, run.path)
    saved = NamedGenerator.of(run.generator_keras, noise="uniform")
    assert (saved.file, saved.run.path) == (run.generator_keras, run.path)
    assert saved.model == {"noise": "uniform"}
    (tmp_path / "g.h5").touch()
    assert NamedGenerator.of(tmp_path / "g.h5").run is None
    for path, options, message in [
        (run.path, {"noise": "normal"}, "noise must be left out with a run"),
        (run.path, {"step": 15}, "has the checkpoint of step 15"),
        (run.checkpoint(10), {}, "because weights alone do not describe their model"),
        (run.generator_keras, {"best": True}, "raw, best and step must be left out"),
        (tmp_path / "missing.keras", {}, "fakes must be a run directory or a saved generator"),
        (tmp_path, {}, "fakes must be a run directory or a saved generator"),
    ]:
        with pytest.raises(ValueError, match=message):
            NamedGenerator.of(path, **options, argument="fakes")
