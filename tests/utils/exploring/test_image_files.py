"""Images written while they are made."""

import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from utils.exploring.image_files import image_writer

NAMES = [f"{i:03d}" for i in range(7)]


def made(channels=3):
    return np.random.default_rng(0).integers(0, 256, (7, 6, 8, channels)).astype(np.uint8)


def write(path, images, image_format="png", names=NAMES):
    with image_writer(path, names, image_format) as add:
        add(images[:1])
        add(images[1:6])
        add(images[6:])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_of_files_that_are_the_images(tmp_path, channels):
    images = made(channels)
    write(tmp_path / "new" / "folder", images)
    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert [file.name for file in files] == [f"{name}.png" for name in NAMES]
    for file, image in zip(files, images, strict=True):
        with Image.open(file) as picture:
            np.testing.assert_array_equal(np.asarray(picture), image.squeeze())


def test_an_archive_and_an_array(tmp_path):
    images = made()
    write(tmp_path / "images.zip", images)
    with zipfile.ZipFile(tmp_path / "images.zip") as archive:
        assert archive.namelist() == [f"{name}.png" for name in NAMES]
        assert archive.testzip() is None
        with archive.open("006.png") as file, Image.open(file) as picture:
            np.testing.assert_array_equal(np.asarray(picture), images[6])
    write(tmp_path / "images.npz", images)
    with np.load(tmp_path / "images.npz") as arrays:
        assert arrays.files == ["images"]
        np.testing.assert_array_equal(arrays["images"], images)


@pytest.mark.parametrize(("image_format", "kind"), [("jpg", "JPEG"), ("webp", "WEBP")])
def test_other_formats_come_close(tmp_path, image_format, kind):
    images = made().mean(axis=(1, 2), keepdims=True).repeat(6, 1).repeat(8, 2).astype(np.uint8)
    write(tmp_path / "folder", images, image_format)
    with Image.open(tmp_path / "folder" / f"004.{image_format}") as picture:
        assert picture.format == kind
        assert np.abs(np.asarray(picture).astype(int) - images[4]).max() < 12


@pytest.mark.parametrize("name", ["folder", "images.zip", "images.npz"])
def test_what_fails_leaves_nothing(tmp_path, name):
    with pytest.raises(RuntimeError), image_writer(tmp_path / name, NAMES) as add:
        add(made()[:5])
        raise RuntimeError
    too_few = pytest.raises(ValueError, match="as many as the images. Received: .2 more")
    with too_few, image_writer(tmp_path / name, NAMES) as add:
        add(made()[:5])
    assert list(tmp_path.iterdir()) == []


def test_files_of_the_same_name_are_replaced_and_others_stay(tmp_path):
    (tmp_path / "photo.png").write_text("mine")
    (tmp_path / "002.png").write_text("old")
    write(tmp_path, made())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"{name}.png" for name in NAMES), "photo.png"]
    assert (tmp_path / "photo.png").read_text() == "mine"
    with Image.open(tmp_path / "002.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), made()[2])
    with pytest.raises(RuntimeError), image_writer(tmp_path, NAMES) as add:
        add(255 - made())
        raise RuntimeError
    with Image.open(tmp_path / "002.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), made()[2])


def test_too_many_images(tmp_path):
    too_many = pytest.raises(ValueError, match="as many as the images. Received: -1 more")
    with too_many, image_writer(tmp_path / "folder", NAMES) as add:
        add(made())
        add(made()[:1])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_comes_to_be_meanwhile_keeps_what_is_in_it(tmp_path):
    with image_writer(tmp_path / "folder", NAMES) as add:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "photo.png").write_text("mine")
        add(made())
    assert len(list((tmp_path / "folder").iterdir())) == 8
    assert (tmp_path / "folder" / "photo.png").read_text() == "mine"


def test_only_few_images_wait_to_be_written(tmp_path, monkeypatch):
    """However many are given at once, and however slow encoding is."""
    waiting, most = 0, 0
    submit = ThreadPoolExecutor.submit

    def counting(self, work, images, *arguments):
        nonlocal waiting, most
        waiting += len(images)
        most = max(most, waiting)
        future = submit(self, work, images, *arguments)
        taken = future.result

        def result():
            nonlocal waiting
            waiting -= len(images)
            return taken()

        future.result = result
        return future

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counting)
    monkeypatch.setattr("utils.exploring.image_files.available_cores", lambda: 2)
    with image_writer(tmp_path / "images.zip", [f"{i:04d}" for i in range(1000)]) as add:
        add(made()[:1].repeat(600, axis=0))
        add(made()[:1].repeat(400, axis=0))
    assert 100 < most < 200 and waiting == 0
    with zipfile.ZipFile(tmp_path / "images.zip") as archive:
        assert archive.namelist() == [f"{i:04d}.png" for i in range(1000)]
