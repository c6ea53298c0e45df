"""Real processes that are interrupted, killed, or run out of disk, and resumed."""

import csv
import random
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from commands import ROOT, run, run_from_the_start, start


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
    source = [*source, "--train_steps", "200", "--save_interval", "40"]
    assert run(*source, "--save_path", str(tmp_path / "whole")).returncode == 0
    killed = tmp_path / "killed"
    delays = [random.uniform(0, 0.3) for _ in range(3)]
    print("delays", delays)  # pytest shows them where this fails
    for rows, delay in zip((1, 2, 3), delays, strict=True):
        process = start(killed, source, *(["--resume"] if killed.exists() else []))
        wait_for_rows(process, killed, rows)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert run("--resume", "--save_path", str(killed)).returncode == 0  # options of the run
    name, arrays, rows, sample = contents(tmp_path / "whole")
    name_2, arrays_2, rows_2, sample_2 = contents(killed)
    assert name == name_2 == "step-00000200.weights.h5"
    assert arrays.keys() == arrays_2.keys() and len(arrays) > 30
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, arrays_2[key])
    assert rows == rows_2 and len(rows) == 5
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


def test_two_signals_in_a_row_are_one(tmp_path, source):
    """`timeout -s INT` signals a process and its group. Nothing done by then is lost."""
    folder = tmp_path / "run"
    process = start(folder, source, "--save_interval", "1000", "--train_steps", "100000")
    while "compiling" not in process.output():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)  # or the system makes them one
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    step = int(output.split("Stopped at step ")[1].split()[0])
    assert 0 < step < 1000
    assert (folder / "checkpoints" / f"step-{step:08d}.weights.h5").is_file()


def test_a_frozen_step_is_left_by_a_second_ctrl_c(tmp_path, source):
    """Python's own handler would wait for the step: a callback stands in for an endless one."""
    code = (
        "import sys, hashlib, train_generator\n"
        "from gans.training.callbacks.progress import Progress\n"
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
    process.send_signal(signal.SIGINT)  # too soon for a second one
    time.sleep(1.2)
    assert process.poll() is None
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

    result = run_from_the_start(
        "--resume", "--save_path", str(folder), "--train_steps", "8", preexec_fn=limit
    )
    assert result.returncode == 1
    assert "train_generator.py: error: " in result.stderr
    assert "Traceback" not in result.stderr
    assert {p: p.read_bytes() for p in folder.rglob("*.h5")} == before
    assert run("--resume", "--save_path", str(folder), "--train_steps", "8").returncode == 0
