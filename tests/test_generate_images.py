"""`generate_images.py` on a tiny run."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from commands import ROOT
from comparing import assert_same_images
from PIL import Image

import generate_images

SCRIPT = [sys.executable, str(ROOT / "generate_images.py")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of three steps, with two checkpoints and the best of them, and its images.npy."""
    import train_generator

    folder = tmp_path_factory.mktemp("made")
    blocks = np.random.default_rng(5).integers(0, 256, (50, 4, 4, 1)).astype(np.uint8)
    np.save(folder / "images.npy", blocks.repeat(2, axis=1).repeat(2, axis=2))
    status = train_generator.main([
        "--source", str(folder / "images.npy"), "--cache_dir", str(folder / "cache"),
        "--resize", "8", "8", "--base_filters", "4", "--noise_dim", "6", "--batch_size", "8",
        "--learning_rate", "0.05", "--train_steps", "3", "--save_interval", "1", "--quiet",
        "--save_best_only", "--save_path", str(folder / "run"),
    ])  # fmt: skip
    assert status == 0
    return folder / "run"


@pytest.fixture
def generate(capsys):
    """Runs the command in this process; gives (status, stdout, stderr)."""

    def generate(*arguments):
        try:
            status = generate_images.main([*map(str, arguments), "--quiet"])
        except SystemExit as left:
            status = left.code
        return status, *capsys.readouterr()

    return generate


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def images_of(path, **options):
    from gans import SavedGenerator

    return SavedGenerator(path).generate(**options)


def test_files_as_a_process(run, tmp_path):
    command = [*SCRIPT, run, "--count", "5", "--seed", "4", "--output", tmp_path / "new" / "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Written: {tmp_path / 'new' / 'out'}\n"
    assert "images/s" in done.stderr
    assert "Traceback" not in done.stderr and "oneDNN" not in done.stderr
    files = sorted((tmp_path / "new" / "out").iterdir())
    assert [file.name for file in files] == [f"{i:06d}.png" for i in range(5)]
    expected = images_of(run / "generator.keras", n=5, seed=4)
    assert_same_images([read(file) for file in files], expected[..., 0])


def test_one_array_is_the_same_whatever_the_count(run, generate, tmp_path):
    expected = images_of(run / "generator.h5", n=70, seed=0, truncation=0.6)
    for count in (70, 9):
        output = tmp_path / f"{count}.npz"
        arguments = ("--count", count, "--truncation", 0.6, "--output", output)
        assert generate(run, *arguments)[0] == 0
        with np.load(output) as arrays:
            assert_same_images(arrays["images"], expected[:count])


def test_single_seeds_and_a_grid(run, generate):
    status, out, error = generate(run, "--seeds", "3,7-9", "--format", "webp")
    assert (status, out, error) == (0, "", "")
    files = sorted((run / "generated" / "seeds-3-7-8-9").iterdir())
    assert [file.stem for file in files] == [f"seed-{seed:06d}" for seed in (3, 7, 8, 9)]
    assert {file.suffix for file in files} == {".webp"}
    assert generate(run, "--grid", "2x3", "--seed", "7")[0] == 0
    grid = read(run / "generated" / "grid-2x3-seed7.png")
    assert grid.shape == (2 * 10 + 2, 3 * 10 + 2)
    assert_same_images(
        grid[2:10, 2:10], images_of(run / "generator.keras", n=1, seed=7)[0, ..., 0]
    )


@pytest.mark.parametrize(
    ("arguments", "name", "size"),
    [
        (["--interpolate", "3", "7", "1", "--frames", "4"], "interpolate-3-7-1-frames4.png", 1),
        (["--traverse", "--frames", "3"], "traverse-seed0-frames3.png", 1),
        (["--traverse", "2", "1", "--seed", "4"], "traverse-2-1-seed4.png", 1),
        (["--directions", "3"], "directions-3-seed0.png", 1),
        (["--directions", "2", "--by", "activations"], "directions-2-seed0-activations.png", 1),
        (["--interpolate", "3", "7", "--frames", "6", "--output", "i.gif"], "i.gif", 6),
        (["--walk", "0.5", "--output", "w.gif"], "w.gif", 10),
    ],
)
def test_pictures(run, generate, tmp_path, monkeypatch, arguments, name, size):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path if "--output" in arguments else run / "generated"
    status, out, error = generate(run, *arguments)
    assert (status, out, error) == (0, "", "")
    with Image.open(folder / name) as picture:
        assert size / 2 < picture.n_frames <= size  # a GIF holds equal frames once
        assert len(np.unique(np.asarray(picture.convert("L")))) > 10


def test_an_animation_begins_and_ends_at_its_seeds(run, generate, tmp_path):
    assert generate(run, "--interpolate", 3, 7, 5, "--frames", 4, "--output", tmp_path / "i.gif",
                    "--linear")[0] == 0  # fmt: skip
    with Image.open(tmp_path / "i.gif") as gif:
        assert gif.n_frames == 7
        for frame, seed in [(0, 3), (3, 7), (6, 5)]:
            gif.seek(frame)
            shown = np.asarray(gif.convert("L")).astype(int)[16::32, 16::32]
            expected = images_of(run / "generator.keras", n=1, seed=seed)[0, ..., 0]
            assert np.abs(shown - expected).max() <= 12  # 128 colors for all frames


def test_nearest_finds_the_images_themselves(run, generate, tmp_path, monkeypatch):
    """Among what it made are its own images, at a distance of 0."""
    drawn = []
    monkeypatch.setattr("utils.exploring.nearest.save_closest_pairs", lambda *a: drawn.append(a))
    assert generate(run, "--count", 30, "--output", tmp_path / "made.npz")[0] == 0
    with np.load(tmp_path / "made.npz") as arrays:
        np.save(tmp_path / "reversed.npy", arrays["images"][::-1])
    arguments = ("--nearest", tmp_path / "reversed.npy", "--output", tmp_path / "n.png")
    assert generate(run, *arguments)[0] == 0
    pairs = drawn[0][0]
    assert [pair["fake"] for pair in pairs] == list(range(10))
    assert [pair["training"] for pair in pairs] == list(range(29, 19, -1))
    assert all(pair["distance"] < 0.2 for pair in pairs)  # of 255, by rounding


def test_other_generators_of_the_run(run, generate, tmp_path):
    from gans import SavedGenerator
    from utils.runs.directory import RunDirectory

    model, found = RunDirectory(run).read_config()["model"], {}
    for name, *arguments in [
        ("last",), ("best", "--best"), ("raw", "--raw"), ("step2", "--step", "2"),
        ("step2raw", "--step", "2", "--raw"),
    ]:  # fmt: skip
        output = tmp_path / f"{name}.npz"
        assert generate(run, "--count", 4, *arguments, "--output", output)[0] == 0
        with np.load(output) as arrays:
            found[name] = arrays["images"]
    assert_same_images(found["last"], found["best"])  # exported with save_best_only
    checkpoint = RunDirectory(run).checkpoint(2)
    last = RunDirectory(run).checkpoint(3)
    for name, file, raw in [("step2", checkpoint, False), ("step2raw", checkpoint, True),
                            ("raw", last, True)]:  # fmt: skip
        expected = SavedGenerator.of_run(model, file, raw).generate(4)
        assert_same_images(found[name], expected)
    assert len({found[name].tobytes() for name in ("step2", "step2raw", "raw")}) == 3


def test_nothing_is_overwritten_unless_wanted(run, generate, tmp_path):
    output = tmp_path / "grid.png"
    output.write_text("mine")
    status, _, error = generate(run, "--grid", "2x2", "--output", output)
    assert status == 1 and "output must not exist yet" in error and str(output) in error
    assert output.read_text() == "mine"
    assert generate(run, "--grid", "2x2", "--output", output, "--overwrite")[0] == 0
    assert read(output).shape == (22, 22)
    (tmp_path / "folder").mkdir()
    assert generate(run, "--count", "2", "--output", tmp_path / "folder")[0] == 0  # empty before
    assert generate(run, "--count", "2", "--output", tmp_path / "folder")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--interpolate", "3"], "interpolate must be two or more seeds. Received: 3"),
        (["--traverse", "1"], "traverse must be two components of the noise"),
        (["--traverse", "1", "6"], "components of the noise, 0 to 5. Received: 1 and 6"),
        (["--directions", "7"], "directions must be 1 to 6, the length of noise. Received: 7"),
        (["--interpolate", "3", "7", "--seed", "5"], "seed must be left out with --interpolate: it "
         "goes with --nearest, --grid, --traverse"),
        (["--grid", "2x2", "--frames", "3"], "frames must be left out with --grid: it goes with "
         "--interpolate, --traverse, --directions"),
        (["--walk", "1", "--frames", "1"], "whole number of at least 2. Received: '1'"),
        (["--noise", "uniform"], "noise must be left out with a run"),
        (["--nearest", "nothing"], "nearest nothing: "),
        (["--grid", "8"], "--grid: must be a grid of rows and columns, such as 8x8. Received: '8'"),
        (["--seeds", "3-"], "--seeds: must be a list of seeds, such as 3,7,10-20. Received: '3-'"),
        (["--seeds", "9-3"], "--seeds: must be a list of seeds"),
        (["--count", "3", "--grid", "2x2"], "count must be left out with --grid: it goes with"),
        (["--grid", "2x2", "--output", "grid.jpg"], "output must be .png. Received: 'grid.jpg'"),
        (["--output", "x.png"], "output must be a folder, .zip, .npz. Received: 'x.png'"),
        (["--output", "/proc/x"], "output must be a folder that can be written to"),
        (["--grid", "2x2", "--output", "/proc/x.png"], "Received: '/proc' (No such file"),
        (["--step", "9"], "has the checkpoint of step 9: those kept are 1, 2, 3"),
        (["--best", "--raw"], "best must be given without raw and step"),
        (["--truncation", "0.001"], "truncation must be at least 0.01"),
        (["--cuont", "3"], "unknown option --cuont: did you mean --count?"),
    ],
)
def test_bad_arguments(run, generate, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    output = [] if "--output" in arguments else ["--output", "made" if arguments[0] in
              ("--step", "--best", "--truncation", "--noise") else "made.png"]  # fmt: skip
    status, out, error = generate(run, *arguments, *output)
    assert status in (1, 2) and out == ""
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("missing", [], "GENERATOR must be a run directory or a saved generator"),
        ("typo.keras", [], "GENERATOR must be a run directory or a saved generator"),
        ("checkpoints/step-00000002.weights.h5", [], "because weights alone do not describe their "
                                                     "model"),
        ("generator.keras", ["--raw"], "raw, best and step must be left out with a saved"),
        ("saved_model", ["--directions", "2"], "to look into its layers. Received: a SavedModel"),
    ],
)
def test_bad_generators(run, generate, tmp_path, name, arguments, message):
    output = tmp_path / ("made.png" if "--directions" in arguments else "made")
    status, _, error = generate(run / name, *arguments, "--output", output)
    assert status == 1 and message in error and error.count("\n") == 1


def test_a_film_without_ffmpeg_is_a_gif(run, generate, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    status, _, error = generate(run, "--walk", "0.3", "--output", tmp_path / "w.mp4")
    assert status == 0 and error == (
        ".mp4 needs the package imageio-ffmpeg: pip install imageio-ffmpeg. A GIF is written "
        "instead.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["w.gif"]


def test_export(run, generate, tmp_path):
    for package in ("onnx", "tf2onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(package, reason="pip install -r requirements-dev.txt")
    for name, file in [("onnx", "generator.onnx"), ("litert", "generator.tflite")]:
        status, out, error = generate(run, "--export", name, "--output", tmp_path / "new")
        assert (status, error) == (0, "") and f"{file}: images differ from those of Keras" in out
    assert generate(run, "--export", "onnx", "--output", tmp_path / "new")[0] == 1  # it is there
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "MODEL_CARD.md", "generator.onnx", "generator.tflite"]


def test_a_saved_model_of_another_machine_needs_trust(run, generate, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    arguments = [run / "saved_model", "--count", 1, "--output", tmp_path / "images"]
    status, _, error = generate(*arguments)
    assert status == 1 and "take a .keras file of the generator" in error
    assert generate(*arguments, "--trust")[0] == 0


def test_a_copy_of_a_run_makes_the_same_images_whatever_its_times(run, generate, tmp_path):
    """Trained with save_best_only: the last checkpoint holds another generator."""
    copy = tmp_path / "copy"
    shutil.copytree(run, copy, copy_function=shutil.copyfile)
    for path in copy.glob("checkpoints/*"):
        os.utime(path, (2**31, 2**31))
    for name, path in [("one", run), ("two", copy)]:
        assert generate(path, "--count", 2, "--output", tmp_path / f"{name}.npz")[0] == 0
    assert_same_images(*(np.load(tmp_path / f"{name}.npz")["images"] for name in ("one", "two")))


def test_a_saved_model_and_a_folder_with_a_dot_in_its_name(run, generate, tmp_path):
    output = tmp_path / "samples-0.7"
    assert generate(run / "saved_model", "--count", 3, "--output", output)[0] == 0
    expected = images_of(run / "generator.keras", n=3)
    found = [read(path) for path in sorted(output.iterdir())]
    assert_same_images(found, expected[..., 0])


def test_help_is_quick():
    done = subprocess.run([*SCRIPT, "--help"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "--interpolate" in done.stdout
    code = "import sys, generate_images; print({'tensorflow', 'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"
