"""report.html while a run goes on."""

import json
import re

import pytest

from utils.pages import Report
from utils.runs.directory import RunDirectory


def _steps(run: RunDirectory) -> list[int]:
    """The steps of the samples in the page."""
    found = re.search(r'id="data">(.*?)</script>', run.report.read_text(), re.S)
    return [frame["step"] for frame in json.loads(found[1])["runs"][0]]


def test_every_interval_and_the_end_are_in_the_page(tiny_gan, tiny_data, tmp_path, monkeypatch):
    written = []
    write = Report.write

    def observe(report, *arguments):
        write(report, *arguments)
        written.append((_steps(report.run), report.run.generator_keras.is_file()))

    monkeypatch.setattr(Report, "write", observe)
    options = {"save_interval": 2, "save_path": str(tmp_path / "run"), "quiet": True}
    tiny_gan().train(tiny_data, train_steps=4, **options)
    assert written == [([2], False), ([2, 4], False), ([2, 4], True)]
    tiny_gan().train(tiny_data, train_steps=5, resume=True, **options)
    assert _steps(RunDirectory(tmp_path / "run")) == [2, 4, 5]


def test_a_disk_that_is_full_when_the_page_is_written(tiny_gan, tiny_data, tmp_path, monkeypatch):
    """The run ends with the error, as for its other files, and can be resumed."""
    options = {"train_steps": 4, "save_interval": 2, "save_path": str(tmp_path), "quiet": True}
    with monkeypatch.context() as patch:
        patch.setattr("utils.pages.template.atomic_path", _full)
        with pytest.raises(OSError, match="No space left"):
            tiny_gan().train(tiny_data, **options)
    assert tiny_gan().train(tiny_data, resume=True, **options).finished
    assert _steps(RunDirectory(tmp_path)) == [2, 4]


def _full(path):
    raise OSError("No space left on device")
