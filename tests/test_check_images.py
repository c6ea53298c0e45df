"""`check_images.py` as its user runs it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import check_images
from utils.data.decoding import ImageDecoder

ROOT = Path(__file__).parents[1]


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(10):
        pixels = np.random.default_rng(index).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    (folder / "bad.png").write_bytes(b"")
    (folder / "c.heic").write_bytes(b"")
    return folder


def test_report(photos, capsys):
    assert check_images.main([str(photos), "--resize", "65", "64", "-b", "4"]) == 0
    text = capsys.readouterr().out
    assert "11 images, to be used at 65x64x3" in text
    assert "20x30      10    RGB       10    PNG         10" in text
    assert "1 x the file is empty: bad.png" in text
    assert "\n1 file with another ending was left out: .heic 1.\n" in text
    assert "Resizing (center): cuts off 34% of an image (median), 34% at most; 10 images" in text
    assert "65x64 fits none. The nearest sizes that fit: 64x64, " in text
    assert text.endswith("A run would use 10 of 11 images.\n")


def test_json_is_all_of_stdout(photos, capsys):
    assert check_images.main(["--source", str(photos), "--json", "--batch_size", "4"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["usable"] == 10 and facts["skipped"] == [["bad.png", "the file is empty"]]
    assert facts["nearest_sizes"][0] == [64, 64] and facts["left_out"] == {".heic": 1}


def test_what_a_library_prints_is_not_among_the_json(photos, capsys, monkeypatch):
    load = ImageDecoder.load

    def talkative(decoder, payload):
        print("a library's words")
        return load(decoder, payload)

    monkeypatch.setattr(ImageDecoder, "load", talkative)
    assert check_images.main([str(photos), "--json", "-b", "4"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["usable"] == 10 and "a library's words" in printed.err


def test_preview(photos, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert check_images.main([str(photos), "-b", "4", "-s", "32", "--preview", str(sheet)]) == 0
    with Image.open(sheet) as image:  # 10 images of 32x32: 4 columns, 3 rows, 2 pixels between
        assert image.size == (4 * 34 + 2, 3 * 34 + 2)
    assert f"Contact sheet: {sheet}" in capsys.readouterr().out


def test_a_run_that_would_stop_is_status_1(photos, capsys):
    assert check_images.main([str(photos)]) == 1
    expected = "A run would stop: batch_size 32 is larger than the 10 usable images.\n"
    assert capsys.readouterr().out.endswith(expected)
    assert check_images.main([str(photos), "-b", "4", "--shape", "20", "31"]) == 1
    assert "10 images do not have the required shape" in capsys.readouterr().out


def test_mistakes_are_one_line(photos, capsys):
    assert check_images.main([str(photos) + "s"]) == 1
    error = capsys.readouterr().err
    assert f"did you mean {photos}?" in error and error.count("\n") == 1
    for arguments in (["--crp", "pad"], ["a", "--source", "b"], ["--resize", "0", "4"], ["a", "b"]):
        with pytest.raises(SystemExit) as caught:
            check_images.main(arguments)
        assert caught.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_odd_names_print_on_any_terminal(photos):
    (photos / "new\nline\udcff.png").write_bytes(b"")
    command = [sys.executable, "check_images.py", str(photos), "-b", "1"]
    environment = {"PYTHONIOENCODING": "ascii:strict", "PATH": "", "LC_ALL": "C"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "new\\nline\\udcff.png" in done.stdout


def test_help_is_quick():
    command = [sys.executable, "check_images.py", "--help"]
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begin)
        assert done.returncode == 0 and "--preview" in done.stdout
    assert min(seconds) < 0.5
