"""Prepared sets on disk: whole or absent, whatever happens while they are made."""

import errno
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from utils import DataPreparator
from utils.data import image_cache

ROOT = Path(__file__).parents[3]


@pytest.fixture
def source(tmp_path) -> Path:
    """300 different images as an array."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    return tmp_path / "images.npy"


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def prepare(source: Path, cache: Path, **options) -> DataPreparator:
    options = {"resize": (32, 32), "show_progress": False} | options
    return DataPreparator(source, cache_dir=cache, **options)


def start_slow_preparation(source: Path, cache: Path, seconds: float = 0.01) -> subprocess.Popen:
    """Another process that prepares the set, with so many seconds an image."""
    code = f"""
import time
from utils import DataPreparator
from utils.data.decoding import ImageDecoder

load = ImageDecoder.load
ImageDecoder.load = lambda self, payload: (time.sleep({seconds}), load(self, payload))[1]
DataPreparator({str(source)!r}, resize=(32, 32), cache_dir={str(cache)!r}, workers=1)
"""
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def wait_until(condition, seconds: float = 20.0):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds
        time.sleep(0.005)


def test_a_ready_set_is_not_made_again(source, cache, monkeypatch):
    first = prepare(source, cache)
    monkeypatch.setattr(image_cache, "prepare", None)
    second = prepare(source, cache)
    np.testing.assert_array_equal(second.images, first.images)
    assert second.describe() == first.describe()
    assert second.image_shape == (32, 32, 3)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("after", [0.0, 0.3, 1.0])
def test_a_killed_preparation_is_never_trusted(source, cache, signal_number, after):
    process = start_slow_preparation(source, cache)
    wait_until(lambda: list(cache.glob(".unfinished-*")))
    time.sleep(after)
    assert process.poll() is None
    process.send_signal(signal_number)
    process.communicate()
    left = list(cache.glob(".unfinished-*"))
    if signal_number == signal.SIGINT:  # had time to clean up
        assert list(cache.iterdir()) == []
    else:
        assert len(left) == 1
    data = prepare(source, cache)
    np.testing.assert_array_equal(data.images, np.load(source))
    assert set(cache.iterdir()) == {data.cache_path}


WAITING = "Another process is preparing these images; waiting for it\n"


def test_of_three_processes_one_prepares(source, cache):
    processes = [start_slow_preparation(source, cache, 0.003) for _ in range(3)]
    shown = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted("Preparing: 100%" in text for text in shown) == [False, False, True]
    assert not any("Preparing" in text and WAITING in text for text in shown)
    assert [path.name[0] != "." for path in cache.iterdir()] == [True]
    np.testing.assert_array_equal(prepare(source, cache).images, np.load(source))


def test_one_that_waits_takes_over_from_one_that_is_killed(source, cache):
    first = start_slow_preparation(source, cache, 0.1)
    wait_until(lambda: list(cache.glob(".unfinished-*")))
    second = start_slow_preparation(source, cache, 0.0)
    assert second.stderr.readline() == WAITING
    first.kill()
    first.communicate()
    assert "Preparing: 100%" in second.communicate()[1] and second.returncode == 0
    np.testing.assert_array_equal(prepare(source, cache).images, np.load(source))


def test_other_images_do_not_wait(source, cache):
    first = start_slow_preparation(source, cache)
    wait_until(lambda: list(cache.glob(".unfinished-*")))
    assert prepare(source, cache, resize=(16, 16)).num_images == 300
    assert first.poll() is None
    first.kill()
    first.communicate()


def test_a_file_system_without_locks(source, cache, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    np.testing.assert_array_equal(prepare(source, cache).images, np.load(source))


def test_abandoned_leftovers_go_live_ones_stay(source, cache):
    old, live, young = (cache / f".unfinished-{name}-x" for name in ("old", "live", "young"))
    for folder in (old, live, young):
        folder.mkdir(parents=True)
        (folder / "pixels.npy").write_bytes(b"x")
    long_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(old / "pixels.npy", (long_ago, long_ago))
    os.utime(old, (long_ago, long_ago))
    os.utime(live, (long_ago, long_ago))  # but it is still being written to
    prepare(source, cache)
    assert not old.exists() and live.exists() and young.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: os.truncate(folder / "pixels.npy", 100_000),
        lambda folder: os.truncate(folder / "pixels.npy", 0),
        lambda folder: (folder / "pixels.npy").unlink(),
        lambda folder: np.save(folder / "pixels.npy", np.zeros((299, 32, 32, 3), np.uint8)),
        lambda folder: np.save(folder / "pixels.npy", np.zeros((300, 32, 32, 3), np.int8)),
        lambda folder: (folder / "index.json").unlink(),
        lambda folder: os.truncate(folder / "index.json", 50),
        lambda folder: (folder / "index.json").write_text("[]"),
        lambda folder: (folder / "index.json").write_text("{}"),
        lambda folder: (folder / "index.json").write_bytes(b"\xff\xfe"),
    ],
)
def test_a_damaged_set_is_made_again(source, cache, damage):
    first = prepare(source, cache)
    digest = first.digest
    damage(first.cache_path)
    again = prepare(source, cache)
    np.testing.assert_array_equal(again.images, np.load(source))
    assert again.digest == digest and again.num_images == 300


def test_files_that_could_not_be_read_are_tried_again(tmp_path, cache):
    """A mode or a mount can change without a trace in size and time."""
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        Image.new("L", (8, 8), index).save(folder / f"{index}.png")
    open_file = Path.open

    def refuse(path, *how, **options):
        if path.name == "1.png":
            raise PermissionError(13, "Permission denied")
        return open_file(path, *how, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        data = prepare(folder, cache, batch_size=1)
        assert data.skipped == [("1.png", "cannot be read (Permission denied)")]
        assert data.images[:, 0, 0, 0].tolist() == [0, 2]
    data = prepare(folder, cache, batch_size=1)
    assert data.skipped == [] and data.images[:, 0, 0, 0].tolist() == [0, 1, 2]


class TestDisk:
    MESSAGE = r"^cache_dir must .* need 922 kB: choose .* Received: .*cache, .* be written \(.*\)$"

    def test_too_little_room_is_known_beforehand(self, source, cache, monkeypatch):
        usage = SimpleNamespace(free=900_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(ValueError, match=self.MESSAGE):
            prepare(source, cache)
        assert list(cache.iterdir()) == []

    def test_a_disk_that_fills_up(self, source, cache):
        """The limit on the size of a file stands for the end of the disk."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
        try:
            with pytest.raises(ValueError, match=self.MESSAGE) as caught:
                prepare(source, cache)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "\n" not in str(caught.value) and "File too large" in str(caught.value)
        assert list(cache.iterdir()) == []

    def test_an_index_without_pixels_is_no_way_out(self, source, cache, monkeypatch):
        prepare(source, cache, use_cache=False)
        usage = SimpleNamespace(free=900_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(ValueError, match=self.MESSAGE):
            prepare(source, cache)

    def test_a_folder_that_is_none(self, source, tmp_path):
        (tmp_path / "cache").write_text("a file")
        with pytest.raises(ValueError, match="^cache_dir must .* where nothing can be written"):
            prepare(source, tmp_path / "cache")


def test_default_place(source, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    data = prepare(source, None)
    assert data.cache_path.parent == tmp_path / "xdg" / "wasserstein-gan"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert prepare(source, None).cache_path.parent == tmp_path / "home/.cache/wasserstein-gan"
