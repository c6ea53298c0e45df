"""Real processes on a real disk that is full: one line, nothing harmed, and the run goes on."""

import os
import signal
import subprocess

import pytest
from commands import run
from test_interruptions import contents

from utils.files import DiskFullError, atomic_path, full_disk_named, write_whole
from utils.process import exit_status


class Disk:
    """A file system in memory of a size that can be changed."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self._mount("size=1m")

    def resize(self, kilobytes):
        self._mount(f"remount,size={kilobytes}k")

    def used(self):
        usage = os.statvfs(self.path)
        return (usage.f_blocks - usage.f_bfree) * usage.f_frsize // 1024

    def _mount(self, options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path]
        try:
            result = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no mount")
        if result.returncode:
            pytest.skip(f"a small disk needs the right to mount one: {result.stderr.strip()}")


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "disk")
    yield disk
    subprocess.run(["umount", disk.path], check=True)


def files(folder):
    """All files but the log, which grows, by name."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file() and path.name != "run.log"}  # fmt: skip


def test_a_run_on_disks_of_growing_size(disk, tmp_path, source):
    """Full before a checkpoint, after one, and in the exports; each time resumed in more room."""
    source = [*source, "--train_steps", "4", "--save_interval", "2", "--quiet"]
    assert run(*source, "--save_path", str(tmp_path / "whole")).returncode == 0
    folder, named = disk.path / "run", []
    for kilobytes in (40, 240, 384):
        disk.resize(kilobytes)
        result = run(*source, "--save_path", str(folder), *(["--resume"] if named else []))
        assert result.returncode == 1, (kilobytes, disk.used())
        assert result.stderr.startswith("train_generator.py: error: cannot write ")
        assert result.stderr.count("\n") == 1 and "No space left on device" in result.stderr
        assert not list(folder.rglob(".unfinished*"))
        named.append(result.stderr.split("cannot write ")[1].split(" (")[0])
        assert named[-1].startswith(str(folder))
    assert len(set(named)) == 3 and "step-00000000.weights.h5" in named[0]
    disk.resize(10_000)
    assert run(*source, "--save_path", str(folder), "--resume").returncode == 0
    ours, theirs = contents(folder), contents(tmp_path / "whole")
    assert ours[0] == theirs[0] and ours[2:] == theirs[2:]
    assert all((array == theirs[1][name]).all() for name, array in ours[1].items())
    assert files(folder).keys() == files(tmp_path / "whole").keys()


def test_what_was_there_stays(disk):
    path = disk.path / "file"
    write_whole(path, b"before")
    disk.resize(64)
    with pytest.raises(DiskFullError, match=r"cannot write .*file .*kB are free, 100 kB are need"):
        write_whole(path, bytes(100_000))
    with (
        pytest.raises(DiskFullError, match="cannot write .*file .*kB are free, more is needed"),
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
    ):
        while True:
            file.write(bytes(5000))
    assert files(disk.path) == {"file": b"before"}


def test_tensorflows_error_of_a_full_disk_is_not_of_memory(capsys):
    import tensorflow as tf

    def fail(text):
        raise tf.errors.ResourceExhaustedError(None, None, text)

    def written():
        with full_disk_named("saved_model"):
            fail("variables/part-0; No space left on device")

    for work, expected in [
        (lambda: fail("OOM when allocating tensor"), "raise --accumulate, or lower --batch_size"),
        (lambda: fail("events.v2; No space left on device"), "events.v2; No space left on device"),
        (written, "cannot write saved_model (No space left on device: "),
    ]:
        assert exit_status(work, "") == 1
        error = capsys.readouterr().err
        assert expected in error and ("--batch_size" in error) == ("--batch_size" in expected)
        assert error.count("\n") == 1


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(DiskFullError, match=r"cannot write .*file \(File too large"):
            write_whole(tmp_path / "file", bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert not list(tmp_path.iterdir())
