"""Several workers as real processes: one that dies ends all, and all resume to the same bits."""

import shutil
import signal
import time

import h5py
import numpy as np
import pytest
from commands import free_ports, run, start

OPTIONS = ["--synchronized_batch_norm", "--n_critic", "1", "--train_steps", "40",
           "--save_interval", "10"]  # fmt: skip
DIED = "another worker has ended or cannot be reached"


def start_pair(folder, source, *arguments):
    """Worker 0, which writes the run, and worker 1."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    return [
        start(folder, source, *arguments, "--workers", *hosts, "--worker_index", str(index))
        for index in range(2)
    ]


def finish(pair):
    outputs = [process.communicate(timeout=120)[0] for process in pair]
    assert [process.returncode for process in pair] == [0, 0], outputs
    return outputs


def end(pair):
    """Kills what still runs; what the workers have printed."""
    for process in pair:
        process.kill()
    return [process.communicate()[0] for process in pair]


def kill_after(pair, victim, checkpoint):
    """SIGKILLs one worker once a file is there; what the other prints, and its seconds to end."""
    deadline = time.monotonic() + 60
    while not checkpoint.is_file():
        assert time.monotonic() < deadline and pair[0].poll() is None, end(pair)
        time.sleep(0.01)
    pair[victim].send_signal(signal.SIGKILL)
    began = time.monotonic()
    output = pair[1 - victim].communicate(timeout=100)[0]
    pair[victim].communicate()
    assert pair[1 - victim].returncode == 1, output
    return output, time.monotonic() - began


def weights(folder):
    """{name: array} of the last checkpoint."""
    values = {}
    with h5py.File(sorted((folder / "checkpoints").glob("step-*.h5"))[-1]) as file:
        file.visititems(lambda name, item: values.update(
            {name: item[()]} if isinstance(item, h5py.Dataset) else {}
        ))  # fmt: skip
    return values


def test_a_dead_worker_ends_all_and_all_resume_to_the_same_bits(tmp_path, source):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    outputs = finish(start_pair(whole, source, *OPTIONS))
    assert "on 2 CPUs of 2 workers, which share every batch" in outputs[0]

    for victim, step, resume in [(1, 10, []), (0, 20, ["--resume"])]:
        checkpoint = killed / "checkpoints" / f"step-{step:08d}.weights.h5"
        pair = start_pair(killed, source, *OPTIONS, *resume)
        output, seconds = kill_after(pair, victim, checkpoint)
        assert seconds < 60
        lines = [line for line in output.splitlines() if "error" in line]
        assert len(lines) == 1 and DIED in lines[0] and "Traceback" not in output, output
        if victim == 1:
            shutil.copytree(killed, tmp_path / "alone")
    finish(start_pair(killed, source, *OPTIONS, "--resume"))
    expected, resumed = weights(whole), weights(killed)
    assert expected.keys() == resumed.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(resumed[name], value, err_msg=name)

    # With another number of replicas: the same but for rounding.
    result = run("--resume", "--save_path", str(tmp_path / "alone"), "--quiet")
    assert result.returncode == 0, result.stderr
    alone = weights(tmp_path / "alone")
    for name, value in expected.items():
        assert np.linalg.norm(alone[name] - value) <= 1e-3 * np.linalg.norm(value), name


def test_a_signal_to_one_stops_all_after_the_same_step(tmp_path, source):
    pair = start_pair(tmp_path / "run", source, *OPTIONS[:3], "--train_steps", "100000")
    while not (tmp_path / "run" / "checkpoints").is_dir():
        assert pair[0].poll() is None
        time.sleep(0.05)
    time.sleep(1)
    pair[1].send_signal(signal.SIGTERM)
    outputs = [process.communicate(timeout=100)[0] for process in pair]
    assert [process.returncode for process in pair] == [0, 143], outputs
    assert "which is saved" in outputs[0] and "on every worker" in outputs[0]
    step = int(outputs[0].split("Stopped at step ")[1].split()[0])
    assert (tmp_path / "run" / "checkpoints" / f"step-{step:08d}.weights.h5").is_file()


def test_an_error_of_one_before_the_first_step_ends_all(tmp_path, source):
    used = tmp_path / "run"
    used.mkdir()
    (used / "log.csv").write_text("step\n")
    pair = start_pair(used, source)
    outputs = [process.communicate(timeout=60)[0] for process in pair]
    assert [process.returncode for process in pair] == [1, 1], outputs
    assert "save_path must not hold a run already" in outputs[0]
    assert DIED in outputs[1] and "Traceback" not in outputs[1]


def test_workers_with_other_options_are_refused(tmp_path, source):
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    pair = [
        start(tmp_path / "run", source, "--noise_dim", str(6 + index), "--workers", *hosts,
              "--worker_index", str(index))
        for index in range(2)
    ]
    outputs = [process.communicate(timeout=100)[0] for process in pair]
    assert [process.returncode for process in pair] == [1, 1], outputs
    for index, output in enumerate(outputs):
        assert "must all be given the same options" in output, output
        assert f"others on worker {1 - index}" in output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--workers", "a:1", "b:1"], "workers and worker_index must be given together"),
        (["--devices", "none"], "whole number of at least 1, or all"),
    ],
)
def test_bad_devices_are_one_line(arguments, problem):
    result = run(*arguments)
    assert result.returncode == 2 and problem in result.stderr
    assert len(result.stderr.splitlines()) == 1
