"""The command as a process: help, dry run, errors, weights to start from, silence."""

import csv
import json
import os
import subprocess
import sys
import time

import pytest
import yaml
from commands import ROOT, run, run_from_the_start
from PIL import Image

from train_generator import main


def test_help_is_quick_and_imports_nothing_heavy():
    began = time.perf_counter()
    result = run_from_the_start("--help")
    assert time.perf_counter() - began < 3  # 0.1 s on an idle machine
    assert result.returncode == 0 and "--gradient_penalty" in result.stdout
    code = (
        "import sys, train_generator\n"
        "try: train_generator.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'numpy', 'PIL'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_dry_run_prints_and_writes_nothing(tmp_path, source):
    result = run(*source, "--dry_run", "--save_path", str(tmp_path / "run"))
    assert result.returncode == 0 and not (tmp_path / "run").exists()
    options, _, facts = result.stdout.partition("Data: ")
    assert yaml.safe_load(options)["noise_dim"] == 6
    assert facts.startswith("40 images 8x8x1 from")
    assert "Networks: generator 465 and critic 133 parameters" in facts
    assert result.stderr.strip() == "" or "Preparing" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "/no/folder"], "source"),
        (["--batch_size", "100"], "batch_size"),
        (["--source", "/no/folder", "--save_path", "/proc/run"], "save_path must be a folder that"),
        (["--resize", "9", "9"], "Nearest sizes that work: 10x10"),
        (["--load_weights", "/no/such.weights.h5"], "such.weights.h5"),
        (["--load_weights", __file__], "must be a .weights.h5 file of a model"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, source, arguments, message):
    result = run(*source, "--save_path", str(tmp_path / "run"), "--quiet", *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("train_generator.py: error: ")
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_load_weights_and_step_0(tmp_path, source):
    # Not in processes of their own, which take seconds to start; op determinism would stay on.
    source = [argument for argument in source if argument != "--deterministic"] + ["--quiet"]
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*source, "--train_steps", "4", "--save_path", str(one)]) == 0
    with Image.open(one / "training.png") as plot:
        assert plot.size[0] == 800
    weights = str(one / "checkpoints" / "step-00000004.weights.h5")
    status = main([
        *source, "--train_steps", "6", "--save_path", str(two), "--load_weights", weights,
        "--save_interval", "1",
    ])  # fmt: skip
    assert status == 0
    assert [row["step"] for row in csv.DictReader((two / "log.csv").open())] == ["5", "6"]
    three = tmp_path / "three"
    status = main([
        *source, "--train_steps", "6", "--save_path", str(three), "--load_weights", weights,
        "--step_0", "5", "--save_interval", "1",
    ])  # fmt: skip
    assert status == 0
    assert [row["step"] for row in csv.DictReader((three / "log.csv").open())] == ["6"]
    assert json.loads((three / "config.json").read_text())["options"]["step_0"] == 5


def test_quiet_prints_nothing(tmp_path, source):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    result = run_from_the_start(
        *source, "--train_steps", "2", "--save_path", str(tmp_path / "run"), "--quiet",
        env=environment,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_what_auto_chose_is_said_and_kept(tmp_path, source, capsys):
    source = [argument for argument in source if argument != "--deterministic"]
    status = main([
        *source, "--train_steps", "1", "--save_path", str(tmp_path / "run"), "--precision", "auto",
        "--xla", "on",
    ])  # fmt: skip
    shown = capsys.readouterr()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    chosen = config["model"]["precision"]
    assert status == 0 and chosen in ("float32", "mixed_bfloat16")
    assert config["options"]["precision"] == chosen
    assert f"parameters, {chosen}, on" in shown.out
    if "CPU cores" in shown.out:
        assert shown.err.count("warning: XLA makes a step slower on a CPU") == 1
