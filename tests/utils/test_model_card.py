"""MODEL_CARD.md: the facts of a run, and code that loads its generators."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from gans.callbacks import train
from utils.model_card import write_model_card
from utils.run_directory import RunDirectory


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of a few steps on grey 8x8 images, from the command line."""
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
        "--description", "Grey noise, for a test.", "--license", "CC0",
        *(["--export", *exports] if exports else []),
    ])  # fmt: skip
    assert status == 0
    return RunDirectory(folder / "run")


def test_the_card_says_what_the_run_knows(finished):
    card = (finished.path / "MODEL_CARD.md").read_text()
    config = finished.read_config()
    for fact in [
        "# A generator of 8x8 grey images", "Grey noise, for a test.", "License: CC0",
        "30 images, brought to 8x8; 10 more were held out", config["data"]["fingerprint"],
        "6 random numbers, uniform in [-1, 1]", "Method wgan-gp, networks dcgan with 4 filters",
        "4 generator steps, in which the critic saw 32 real images", "last generator",
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
    run = train(gan, tiny_data, 2, 1, tmp_path / "run", quiet=True, save_best_only=True).directory
    card = (run.path / "MODEL_CARD.md").read_text()
    for unknown in [
        "What the images show is not known", "its options are not known beyond config.json",
        "What it is meant for is not stated", "not stated (--license)", "best generator",
    ]:  # fmt: skip
        assert unknown in card, unknown


def test_an_evaluation_is_taken_over_with_its_protocol(finished, tmp_path):
    evaluation = {
        "numbers": [{"name": "fid", "label": "FID", "better": "lower", "value": 12.25,
                     "error": None, "real": 0.5}],
        "left_out": {}, "warnings": [],
        "copies": {"exact": 3, "exact_searched": 400, "near": 7, "near_threshold": 0.5,
                   "searched": 400, "closest": []},
        "protocol": {
            "extractor": "FID-Inception", "weights_sha256": "0" * 64, "resize_mode": "tf1",
            "seed": 4, "fakes": {"images": 500, "of": 500, "source": "fakes"},
            "real": {"images": 400, "of": 400, "source": "photos"},
        },
    }  # fmt: skip
    finished.evaluation.write_text(json.dumps(evaluation))
    try:
        write_model_card(finished, "best", tmp_path)
    finally:
        finished.evaluation.unlink()
    card = (tmp_path / "MODEL_CARD.md").read_text()
    for fact in ["12.25", "500 of its images against 400 real ones of photos, FID-Inception",
                 "Of 500 of its images 3 are equal", "best generator"]:  # fmt: skip
        assert fact in card, fact
    assert "```python" not in card  # no generator lies there
