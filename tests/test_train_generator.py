"""The command: precedence, errors, and real processes that are interrupted and killed."""

import csv
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from utils.command_line import read_options, training_parser, yaml_text
from utils.config import TrainingConfig
from utils.run_directory import RunDirectory

ROOT = Path(__file__).parent.parent
SCRIPT = [sys.executable, str(ROOT / "train_generator.py")]


def options(*arguments):
    return read_options(training_parser("train"), arguments)[0]


def error(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        options(*arguments)
    assert exit_.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("train: error: ") and message.count("\n") == 1
    return message


# --- options ---


def test_defaults_are_those_of_the_configuration():
    assert options() == TrainingConfig()


def test_command_line_over_file_over_defaults(tmp_path):
    file = tmp_path / "run.yml"
    file.write_text("batch_size: 32\nn_critic: 3\ndeterministic: true\nresize: [96, 64]\n")
    config = options("--config", str(file), "--n_critic", "7", "--no_deterministic")
    assert (config.batch_size, config.n_critic) == (32, 7)
    assert config.resize == (96, 64)
    assert config.deterministic is False
    assert config.noise_dim == TrainingConfig().noise_dim
    assert options("--config", str(file)).deterministic is True


def test_yaml_text_is_read_back_as_the_same_configuration(tmp_path):
    config = options("--clip_value", "0.02", "-s", "32", "--background", "1", "2", "3")
    (tmp_path / "again.yml").write_text(yaml_text(config))
    assert options("--config", str(tmp_path / "again.yml")) == config


def test_aliases():
    config = options("-d", "photos", "-s", "48", "-l", "9", "-b", "5")
    assert (config.source, config.resize, config.noise_dim) == ("photos", (48, 48), 9)
    assert config.batch_size == 5
    assert options("--dir", "a", "--latent_size", "3", "--size", "16").resize == (16, 16)


def test_a_word_on_method_or_size_sets_aside_what_the_file_says_of_it(tmp_path):
    file = tmp_path / "run.yml"
    file.write_text("clip_value: 0.05\nshape: [32, 32]\n")
    config = options("--config", str(file), "--method", "wgan-gp", "--resize", "48", "48")
    assert (config.method, config.clip_value, config.gradient_penalty) == ("wgan-gp", None, 10.0)
    assert (config.resize, config.shape) == ((48, 48), None)
    file.write_text("method: wgan-gp\ngradient_penalty: 5\n")
    config = options("--config", str(file), "--clip_value", "0.02")
    assert (config.method, config.clip_value) == ("wgan", 0.02)


def test_options_of_a_resumed_run_are_under_those_of_a_file(tmp_path):
    run = RunDirectory(tmp_path / "run")
    saved = dataclasses.asdict(TrainingConfig(n_critic=3, batch_size=8, noise_dim=5, quiet=True))
    run.write_config({"options": saved, "model": {}})
    file = tmp_path / "run.yml"
    file.write_text("batch_size: 16\nnoise_dim: 6\n")
    config = options(
        "--resume", "--save_path", str(run.path), "--config", str(file), "--noise_dim", "7")
    assert (config.n_critic, config.batch_size, config.noise_dim) == (3, 16, 7)
    assert config.save_path == str(run.path) and config.resume and not config.quiet


def test_clip_value_selects_clipping():
    config = options("--clip_value", "0.02")
    assert config.method == "wgan"
    assert config.model_options()["clip_value"] == 0.02
    assert options("--method", "wgan").model_options()["clip_value"] == 0.01
    assert options().model_options()["clip_value"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resise", "64", "64"], "unknown option --resise: did you mean --resize?"),
        (["--batchsize=3"], "unknown option --batchsize: did you mean --batch_size?"),
        (["--batch_size", "0"], "--batch_size"),
        (["--learning_rate", "inf"], "positive number"),
        (["--learning_rate", "-1"], "positive number"),
        (["--learning_rate", "fast"], "positive number value: 'fast'"),
        (["--method", "wgangp"], "invalid choice: 'wgangp'"),
        (["--resize", "64"], "expected 2 arguments"),
        (["--clip_value", "1", "--method", "wgan-gp"], "clip_value needs method wgan"),
        (["--gradient_penalty", "1", "--method", "wgan"], "gradient_penalty needs method"),
        (["--ema_decay", "1"], "ema_decay must be in [0, 1). Received: 1.0"),
        (["--background", "0", "0", "256"], "background must be three of 0..255"),
        (["photos"], "unknown option photos"),
        (["--config", "/no/such.yml"], "--config must be a readable YAML file"),
        (["--resume", "--save_path", "/no/run"], "where no run was started"),
    ],
)
def test_errors_are_one_line(capsys, arguments, message):
    assert message in error(capsys, *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("n_critc: 2", "unknown option 'n_critc': did you mean n_critic?"),
        ('"a\\nb": 2', "unknown option 'a\\nb'"),
        ("source: no", "source must be no truth value (quote a word). Received: False"),
        ("quiet: 3", "quiet must be true or false. Received: 3"),
        ("shape: [64, 64, 3]", "shape must be a list of 2 values"),
        ("batch_size: many", "whole number of at least 1"),
        ("resize: 64", "resize must be a list of 2 values. Received: 64"),
        ("- a\n- b", "must hold lines of the form name: value"),
        ("a: [", "must be a YAML file"),
    ],
)
def test_errors_of_a_file_name_it(capsys, tmp_path, content, message):
    (tmp_path / "run.yml").write_text(content)
    text = error(capsys, "--config", str(tmp_path / "run.yml"))
    assert message in text and "run.yml" in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch_size": 0}, "batch_size must be whole number of at least 1. Received: 0"),
        ({"method": "gan"}, "method must be one of wgan-gp, wgan. Received: 'gan'"),
        ({"resize": (64,)}, "resize must be 2 values"),
        ({"resume": True, "step_0": 3}, "resume goes on from the run's own checkpoint"),
        ({"resume": "yes"}, "resume must be True or False"),
    ],
)
def test_the_configuration_checks_its_values_from_python_too(values, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**values)


# --- processes ---


@pytest.fixture
def source(tmp_path, tiny_images):
    np.save(tmp_path / "images.npy", tiny_images)
    return [
        "--source", str(tmp_path / "images.npy"), "--cache_dir", str(tmp_path / "cache"),
        "--resize", "8", "8", "--base_filters", "4", "--noise_dim", "6", "--batch_size", "8",
        "--n_critic", "2", "--deterministic",
    ]


def run(*arguments, **options):
    return subprocess.run(
        [*SCRIPT, *arguments], capture_output=True, text=True, timeout=120, **options
    )


def test_help_is_quick_and_imports_nothing_heavy():
    began = time.perf_counter()
    result = run("--help")
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
        (["--resize", "9", "9"], "Nearest sizes that work: 10x10"),
        (["--load_weights", "/no/such.weights.h5"], "such.weights.h5"),
        (["--load_weights", __file__], "must be a .weights.h5 file of a model"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, source, arguments, message):
    result = run(*source, *arguments, "--save_path", str(tmp_path / "run"), "--quiet")
    assert result.returncode == 1
    assert result.stderr.startswith("train_generator.py: error: ")
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def start(folder, source, *arguments):
    return subprocess.Popen(
        [*SCRIPT, *source, "--save_path", str(folder), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def wait_for_rows(process, folder, count):
    deadline = time.time() + 90
    while time.time() < deadline:
        log = folder / "log.csv"
        if log.is_file() and len(log.read_text().splitlines()) > count:
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    raise AssertionError("no progress")


def contents(folder):
    """All that must be equal: weights, log rows but for times, the last sample grid."""
    last = sorted((folder / "checkpoints").glob("step-*"))[-1]
    arrays = {}
    with h5py.File(last) as file:
        file.visititems(
            lambda name, item: arrays.update({name: item[()]})
            if isinstance(item, h5py.Dataset) else None
        )
    rows = [
        {k: v for k, v in row.items() if k != "seconds" and not k.endswith("_per_second")}
        for row in csv.DictReader((folder / "log.csv").open())
    ]
    return last.name, arrays, rows, sorted((folder / "samples").iterdir())[-1].read_bytes()


def test_killed_three_times_at_random_it_ends_in_the_same_bits(tmp_path, source):
    source = [*source, "--train_steps", "600", "--save_interval", "40"]
    assert run(*source, "--save_path", str(tmp_path / "whole")).returncode == 0
    killed = tmp_path / "killed"
    delays = [random.uniform(0, 0.4) for _ in range(3)]
    print("delays", delays)  # pytest shows them where this fails
    for rows, delay in zip((1, 5, 10), delays, strict=True):
        process = start(killed, source, *(["--resume"] if killed.exists() else []))
        wait_for_rows(process, killed, rows)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert run("--resume", "--save_path", str(killed)).returncode == 0  # options of the run
    name, arrays, rows, sample = contents(tmp_path / "whole")
    name_2, arrays_2, rows_2, sample_2 = contents(killed)
    assert name == name_2 == "step-00000600.weights.h5"
    assert arrays.keys() == arrays_2.keys() and len(arrays) > 30
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, arrays_2[key])
    assert rows == rows_2 and len(rows) == 15
    assert sample == sample_2
    assert not list(killed.rglob(".unfinished*"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_interrupted_it_saves_and_says_how_to_resume(tmp_path, source, number, status):
    folder = tmp_path / "run"
    process = start(folder, source, "--train_steps", "100000", "--save_interval", "50")
    wait_for_rows(process, folder, 1)
    process.send_signal(number)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == status, output
    assert f"--resume --save_path {folder}" in output
    step = int(output.split("Stopped at step ")[1].split()[0])
    assert (folder / "checkpoints" / f"step-{step:08d}.weights.h5").is_file()
    assert not (folder / "generator.keras").exists()
    rest = ["--resume", "--save_path", str(folder), "--train_steps", str(step + 1)]
    resumed = run(*rest)
    assert resumed.returncode == 0 and f"from step {step} of {step + 1}" in resumed.stdout


def test_second_ctrl_c_stops_at_once_and_harms_nothing(tmp_path, source):
    """With an interval a step, it comes while something is being saved."""
    folder = tmp_path / "run"
    process = start(folder, source, "--save_interval", "1", "--train_steps", "100000")
    wait_for_rows(process, folder, 2)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (0, 130)  # 0: it was done before the second arrived
    last = sorted((folder / "checkpoints").glob("step-*"))[-1]
    step = int(last.name[5:13])
    resumed = run("--resume", "--save_path", str(folder), "--train_steps", str(step + 2))
    assert resumed.returncode == 0
    assert "Passing over" not in resumed.stdout


def test_a_frozen_step_is_left_by_a_second_ctrl_c(tmp_path, source):
    """Python's own handler would wait for the step: a callback stands in for an endless one."""
    code = (
        "import sys, hashlib, train_generator\n"
        "from gans.callbacks.progress import Progress\n"
        "def freeze(self, batch, logs=None):\n"
        "    print('frozen', flush=True)\n"
        "    hashlib.pbkdf2_hmac('sha256', b'', b'', 500_000_000)\n"  # C code for minutes
        "Progress.on_train_batch_begin = freeze\n"
        "sys.exit(train_generator.main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *source, "--save_path", str(tmp_path / "run")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
    )
    while (line := process.stdout.readline()) != "frozen\n":
        assert line, "ended before the first step"
    process.send_signal(signal.SIGINT)
    while "again" not in (line := process.stdout.readline()):
        assert line, "no answer to the first Ctrl-C"
    began = time.time()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert time.time() - began < 5
    process.stdout.close()


def test_a_full_disk_is_one_line_and_keeps_what_was_saved(tmp_path, source):
    """A limit on the size of files stands in for a full disk."""
    import resource

    folder = tmp_path / "run"
    assert run(*source, "--train_steps", "4", "--save_path", str(folder)).returncode == 0
    before = {p: p.read_bytes() for p in folder.rglob("*.h5")}

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    result = run(
        "--resume", "--save_path", str(folder), "--train_steps", "8", preexec_fn=limit
    )
    assert result.returncode == 1
    assert "train_generator.py: error: " in result.stderr
    assert "Traceback" not in result.stderr
    assert {p: p.read_bytes() for p in folder.rglob("*.h5")} == before
    assert run("--resume", "--save_path", str(folder), "--train_steps", "8").returncode == 0


def test_load_weights_and_step_0(tmp_path, source):
    one, two = tmp_path / "one", tmp_path / "two"
    assert run(*source, "--train_steps", "4", "--save_path", str(one)).returncode == 0
    weights = str(one / "checkpoints" / "step-00000004.weights.h5")
    result = run(
        *source, "--train_steps", "6", "--save_path", str(two), "--load_weights", weights,
        "--save_interval", "1",
    )
    assert result.returncode == 0
    assert [row["step"] for row in csv.DictReader((two / "log.csv").open())] == ["5", "6"]
    three = tmp_path / "three"
    result = run(
        *source, "--train_steps", "6", "--save_path", str(three), "--load_weights", weights,
        "--step_0", "5", "--save_interval", "1",
    )
    assert [row["step"] for row in csv.DictReader((three / "log.csv").open())] == ["6"]
    assert json.loads((three / "config.json").read_text())["options"]["step_0"] == 5


def test_quiet_prints_nothing(tmp_path, source):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    result = run(
        *source, "--train_steps", "2", "--save_path", str(tmp_path / "run"), "--quiet",
        env=environment,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
