"""`evaluate_generator.py` on a tiny run, judged by a tiny network."""

import hashlib
import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from commands import ROOT
from PIL import Image

import evaluate_generator

SCRIPT = [sys.executable, str(ROOT / "evaluate_generator.py")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with images.npy, held_out.npy, tiny.keras and a run that was trained on images."""
    import keras

    import train_generator

    folder = tmp_path_factory.mktemp("made")
    blocks = np.random.default_rng(5).integers(0, 256, (90, 4, 4, 1)).astype(np.uint8)
    images = blocks.repeat(2, axis=1).repeat(2, axis=2)
    np.save(folder / "images.npy", images[:50])
    np.save(folder / "held_out.npy", images[50:])
    keras.utils.set_random_seed(2)
    pixels = keras.Input((6, 6, 3))
    features = keras.layers.Dense(4)(keras.layers.Flatten()(pixels / 255))
    keras.Model(pixels, features).save(folder / "tiny.keras")
    status = train_generator.main([
        "--source", str(folder / "images.npy"), "--cache_dir", str(folder / "cache"),
        "--resize", "8", "8", "--base_filters", "4", "--noise_dim", "6", "--batch_size", "8",
        "--noise", "uniform", "--train_steps", "2", "--quiet", "--save_path", str(folder / "run"),
    ])  # fmt: skip
    assert status == 0
    return folder


@pytest.fixture
def judge(made, capsys):
    """Runs the command in this process with the tiny network; gives (status, stdout, stderr)."""

    def judge(*arguments, features=made / "tiny.keras"):
        given = [] if features is None else ["--features", str(features)]
        try:
            status = evaluate_generator.main(
                [*map(str, arguments), *given, "--quiet", "--num_images", "60"]
            )
        except SystemExit as left:
            status = left.code
        return status, *capsys.readouterr()

    return judge


def read(folder):
    with Image.open(folder / "copies.png") as picture:
        picture.load()
    return json.loads((folder / "evaluation.json").read_text())


def test_a_run_as_a_process(made, tmp_path):
    command = [
        *SCRIPT, made / "run", "--features", made / "tiny.keras", "--num_images", "60",
        "--held_out", made / "held_out.npy", "--output", tmp_path / "new" / "out",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    evaluation = read(tmp_path / "new" / "out")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["run", "real", "halves", "better"]
    assert f"{evaluation['numbers'][0]['value']:.4g}" in lines[1].split()
    assert f"Written: {tmp_path / 'new' / 'out' / 'evaluation.json'}, " in lines[-1]
    assert "Features of" in done.stderr and "images/s" in done.stderr
    assert "Traceback" not in done.stderr and "oneDNN" not in done.stderr
    protocol = evaluation["protocol"]
    assert protocol["fakes"] == {
        "source": str(made / "run"),
        "seed": 0,
        "file": str(made / "run" / "generator.keras"),
        "sha256": hashlib.sha256((made / "run" / "generator.keras").read_bytes()).hexdigest(),
        "noise": "uniform",
        "image_shape": [8, 8, 1],
        "images": 60,
        "of": 60,
    }
    assert protocol["real"]["images"] == 50 and protocol["held_out"]["images"] == 40
    assert protocol["real"]["image_shape"] == [8, 8, 1]
    assert evaluation["seconds"] > 0


def test_every_form_of_a_generator_gives_the_same_numbers(made, judge, tmp_path):
    stopped = tmp_path / "stopped"
    shutil.copytree(made / "run", stopped)
    for name in ("generator.keras", "generator.h5"):
        (stopped / name).unlink()
    shutil.rmtree(stopped / "saved_model")
    found = []
    for fakes in (made / "run", stopped, made / "run" / "generator.keras",
                  made / "run" / "saved_model"):  # fmt: skip
        status, out, error = judge(fakes, "--output", tmp_path / "out")
        assert (status, error) == (0, "") and str(tmp_path / "out" / "copies.png") in out
        found.append(read(tmp_path / "out"))
    for other in found[1:]:
        assert other["numbers"] == found[0]["numbers"] and other["copies"] == found[0]["copies"]
    assert judge(stopped)[0] == 0
    assert read(stopped)["numbers"] == found[0]["numbers"]  # the run's own folder


def test_a_generator_without_its_run(made, judge, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(made / "run" / "generator.h5", tmp_path)
    (tmp_path / "config.json").write_text('{"of": "something else"}')
    status, _, error = judge("generator.h5")
    assert status == 1 and "'generator.h5' does not say what it was trained on" in error
    status, out, _ = judge("generator.h5", "--real", made / "images.npy", "--noise", "uniform",
                           "--cache_dir", tmp_path / "cache")  # fmt: skip
    assert status == 0 and out.startswith("  ")
    judge(made / "run", "--output", tmp_path / "out")
    numbers = [read(tmp_path / name)["numbers"] for name in ("evaluation", "out")]
    for own, of_the_run in zip(*numbers, strict=True):  # but for three equal channels of one
        assert own["value"] == pytest.approx(of_the_run["value"], rel=1e-4, abs=1e-6)


def test_folders_of_images_beside_an_earlier_evaluation(made, judge, tmp_path):
    images = np.load(made / "images.npy")[..., 0]
    for folder, chosen in (("real", images), ("fakes", images[:20]), ("bright", 255 - images)):
        (tmp_path / folder).mkdir()
        for index, image in enumerate(chosen):
            Image.fromarray(image).save(tmp_path / folder / f"{index:03d}.png")
    given = ["--real", tmp_path / "real", "--cache_dir", tmp_path / "cache"]
    status, out, _ = judge(tmp_path / "fakes", *given, "--output", tmp_path / "one")
    assert status == 0 and "Copies: 20 of 20 fakes equal a training image." in out
    assert f"20 fakes against 50 real images of {tmp_path / 'real'}." in out
    status, out, _ = judge(
        tmp_path / "bright", *given, "--metrics", "fid", "prdc", "--output", tmp_path / "two",
        "--beside", tmp_path / "one" / "evaluation.json", "--resize", "8", "8",
    )  # fmt: skip
    assert status == 0 and out.split()[:2] == ["bright", "one"]
    assert "Not comparable: one has fakes.images 20, where bright has 50." in out
    assert not (tmp_path / "two" / "copies.png").exists()
    bright = json.loads((tmp_path / "two" / "evaluation.json").read_text())
    assert [row["name"] for row in bright["numbers"]][:2] == ["fid", "precision"]
    Image.new("L", (9, 8)).save(tmp_path / "bright" / "odd.png")
    status, _, error = judge(tmp_path / "bright", *given)
    assert status == 1 and "resize" in error and error.count("\n") == 1


def test_mistakes_are_one_line_and_harm_nothing(made, judge, tmp_path):
    earlier = tmp_path / "evaluation.json"
    earlier.write_text("earlier")
    run, real = made / "run", made / "images.npy"
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "damaged.keras").write_bytes((run / "generator.keras").read_bytes()[:999])
    for status, message, arguments in [
        (1, "real must name the real images", [real]),
        (1, "missing", [tmp_path / "missing"]),
        (1, "missing", [tmp_path / "missing", "--real", real]),
        (1, "missing.keras", [tmp_path / "missing.keras", "--real", real]),
        (1, f"--real {tmp_path / 'missing'}: ", [run, "--real", tmp_path / "missing"]),
        (1, f"--held_out {tmp_path / 'missing'}: ", [run, "--held_out", tmp_path / "missing"]),
        (1, "give the run", [run / "checkpoints" / "step-00000002.weights.h5", "--real", real]),
        (1, "undamaged saved generator", [tmp_path / "damaged.keras", "--real", real]),
        (1, "must not both be given", [run, "--inception_weights", tmp_path / "w.npz"]),
        (1, "it needs 1,000 fakes and 2,000 real images", [run, "--metrics", "kid"]),
        (1, "tiny has no class logits", [run, "--metrics", "inception_score"]),
        (1, "resize must be left out with a generator", [run, "--resize", "9", "8"]),
        (1, "earlier one", [run, "--beside", earlier]),
        (1, "output must be a folder", [run, "--output", tmp_path / "file"]),
        (1, "output must be a folder that can", [run, "--output", tmp_path / "file" / "x"]),
        (2, "did you mean --metrics?", [run, "--metric", "fid"]),
        (2, "Received: 'fjd'", [run, "--metrics", "fjd"]),
        (2, "number of at least 1", [run, "--num_images", "0"]),
        (2, "FAKES", []),
        (2, "unknown option", [run, run]),
    ]:
        given = arguments if "--output" in arguments else [*arguments, "--output", tmp_path]
        found, out, error = judge(*given)
        assert (found, out) == (status, ""), (arguments, error)
        assert message in error and error.count("\n") == 1, (arguments, error)
    status, _, error = judge(run, "--inception_weights", tmp_path / "w.npz", features=None)
    assert status == 1 and "inception_weights must be" in error and error.count("\n") == 1
    assert earlier.read_text() == "earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"evaluation.json", "file",
                                                          "damaged.keras"}  # fmt: skip


def test_a_run_that_is_not_trained_or_whose_config_is_damaged(made, judge, tmp_path):
    config = json.loads((made / "run" / "config.json").read_text())
    path = tmp_path / "config.json"
    checkpoint = next((made / "run" / "checkpoints").glob("step-*.weights.h5"))
    path.write_text(json.dumps(config))
    status, _, error = judge(tmp_path)
    assert status == 1 and "must be a run that has been trained" in error
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(checkpoint, tmp_path / "checkpoints")
    for content in [
        "", "[]", "{}", '{"model": {}}', '{"model": 3}', json.dumps({**config, "options": 3}),
        json.dumps({**config, "model": {}}), json.dumps({**config, "options": {"source": 3}}),
        json.dumps({**config, "options": {**config["options"], "crop": "round"}}),
        json.dumps({**config, "options": {**config["options"], "max_megapixels": "many"}}),
        json.dumps({**config, "options": {**config["options"], "background": 3}}),
        json.dumps({**config, "options": {**config["options"], "cache_dir": 3}}),
        json.dumps({**config, "model": {**config["model"], "noise_dim": "six"}}),
        json.dumps({**config, "model": {**config["model"], "noise": ["uniform"]}}),
    ]:  # fmt: skip
        path.write_text(content)
        status, out, error = judge(tmp_path)
        assert (status, out) == (1, "") and error.count("\n") == 1, (content, error)


def test_help_is_quick_and_imports_nothing_heavy():
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run([*SCRIPT, "--help"], capture_output=True, text=True)
        seconds.append(time.perf_counter() - began)
        assert done.returncode == 0 and "--held_out" in done.stdout
    assert min(seconds) < 0.5
    code = (
        "import sys, evaluate_generator\n"
        "try: evaluate_generator.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'numpy', 'PIL'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
