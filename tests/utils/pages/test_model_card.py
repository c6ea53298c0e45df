"""MODEL_CARD.md: the facts of a run, and code that loads its generators."""

import hashlib
import json
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from gans.training import train
from utils.pages.model_card import write_model_card
from utils.runs.directory import RunDirectory


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of a few steps on gray 8x8 images, from the command line."""
    import numpy as np

    from train_generator import main

    folder = tmp_path_factory.mktemp("card")
    rng = np.random.default_rng(5)
    np.save(folder / "images.npy", rng.integers(0, 256, (40, 8, 8, 1)).astype(np.uint8))
    exports = ["onnx"] * bool(find_spec("tf2onnx")) + ["litert"] * bool(find_spec("ai_edge_litert"))
    status = main([
        "--source", str(folder / "images.npy"), "--cache_dir", str(folder / "cache"),
        "--resize", "8", "8", "--base_filters", "4", "--noise_dim", "6", "--batch_size", "8",
        "--train_steps", "4", "--save_interval", "2", "--save_path", str(folder / "run"),
        "--noise", "uniform", "--hold_out", "0.25", "--quiet",
        "--description", "Gray noise, for a test.\nNot caf\udce9, nor \x1b[31mred.",
        "--license", "CC0",
        *(["--export", *exports] if exports else []),
    ])  # fmt: skip
    assert status == 0
    return RunDirectory(folder / "run")


def test_the_card_says_what_the_run_knows(finished):
    card = (finished.path / "MODEL_CARD.md").read_text()
    config = finished.read_config()
    for fact in [
        "# A generator of 8x8 gray images", "License: CC0",
        "\nGray noise, for a test.\nNot caf\\udce9, nor \\x1b[31mred.\n",
        "30 images, resized to 8x8; 10 more were held out", config["data"]["fingerprint"],
        "6 random numbers, uniform in [-1, 1]", "Method wgan-gp, networks dcgan with 4 filters",
        "4 generator steps, in which the critic saw 32 real images",
        "of the generator at the end of the run",
        "--train_steps 4", f"tensorflow {config['versions']['tensorflow']}", "starting since step",
        "It has not been evaluated", "has not been measured",
    ]:  # fmt: skip
        assert fact in card, fact
    assert "\n\n\n" not in card


def test_each_way_to_load_runs_as_it_stands(finished):
    card = (finished.path / "MODEL_CARD.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    written = {"generator.keras", "generator.h5", "saved_model", "generator.onnx",
               "generator.tflite"} & {path.name for path in finished.path.iterdir()}  # fmt: skip
    assert len(snippets) == len(written) >= 3
    check = "\nassert images.shape == (4, 8, 8, 1) and images.dtype == np.uint8, images.shape\n"
    # One process for all: each imports what it needs, and a name left over would not help it.
    code = "".join(f"exec({snippet + check!r}, {{}})\n" for snippet in snippets)
    subprocess.run([sys.executable, "-c", code], cwd=finished.path, check=True, timeout=120)


def test_what_is_not_known_is_said(tiny_gan, tiny_data, tmp_path):
    gan = tiny_gan()
    run = train(
        gan, tiny_data, train_steps=2, save_interval=1, save_path=tmp_path / "run", quiet=True,
        save_best_only=True,
    ).directory
    card = (run.path / "MODEL_CARD.md").read_text()
    for unknown in [
        "What the images show is not known", "beyond config.json, its options are not known",
        "Its purpose is not stated", "not stated (--license)",
        "of the generator at its best",
    ]:  # fmt: skip
        assert unknown in card, unknown


@pytest.fixture
def evaluated(finished):
    """Writes an evaluation.json of the run's generator.keras, with other facts where given."""

    def write(digest=None, sha256=None):
        file = finished.generator_keras.read_bytes()
        evaluation = {
            "numbers": [{"name": "fid", "label": "FID", "better": "lower", "value": 12.25,
                         "error": None, "real": 0.5}],
            "left_out": {}, "warnings": [],
            "copies": {"exact": 3, "exact_searched": 400, "near": 7, "near_threshold": 0.5,
                       "searched": 400, "closest": []},
            "protocol": {
                "extractor": "FID-Inception", "weights_sha256": "0" * 64, "resize_mode": "tf1",
                "seed": 4,
                "fakes": {"images": 500, "of": 500, "source": "fakes",
                          "sha256": sha256 or hashlib.sha256(file).hexdigest()},
                "real": {"images": 400, "of": 400, "source": "photos",
                         "digest": digest or finished.read_config()["data"]["digest"]},
            },
        }  # fmt: skip
        finished.evaluation.write_text(json.dumps(evaluation))

    yield write
    finished.evaluation.unlink()


def card_of(run, folder, **options):
    write_model_card(run, folder=folder, **options)
    return (folder / "MODEL_CARD.md").read_text()


def test_an_evaluation_is_taken_over_with_its_protocol(finished, evaluated, tmp_path):
    evaluated()
    card = card_of(finished, tmp_path)
    for fact in ["12.25", "500 of its images against 400 real ones of photos, FID-Inception",
                 "Of 500 of its images, 3 equal"]:  # fmt: skip
        assert fact in card, fact
    assert "```python" not in card  # no generator lies there


def test_copies_are_of_what_it_learned_from_or_of_nothing(finished, evaluated, tmp_path):
    evaluated(digest="0ther")
    card = card_of(finished, tmp_path)
    assert "12.25" in card and "has not been measured" in card


def test_numbers_of_another_generator_are_not_its_own(finished, evaluated, tmp_path):
    evaluated(sha256="0" * 64)
    assert "describes another of its generators" in card_of(finished, tmp_path)
    evaluated()
    checkpoint = finished.list_checkpoints()[0]
    card = card_of(finished, tmp_path, file=checkpoint, raw=True)
    assert "12.25" not in card
    step = int(checkpoint.name.split(".")[0][5:])
    assert f"The weights are those of the generator after {step} steps" in card


def test_a_damaged_evaluation_ends_nothing(finished, evaluated, tmp_path):
    finished.evaluation.write_text("{")
    assert "evaluation.json cannot be read" in card_of(finished, tmp_path)


def test_a_run_of_an_older_version_has_a_card(finished, tmp_path):
    config = finished.read_config()
    del config["exported"]
    for name in ("held_out", "skipped_files", "duplicate_files"):
        del config["data"][name]
    config["options"]["of_old"] = 1
    older = RunDirectory(tmp_path / "older")
    older.write_config(config)
    card = card_of(older, tmp_path)
    for fact in ["which one is not known", "not those of this version's commands",
                 "not known, because it has no log"]:  # fmt: skip
        assert fact in card, fact
