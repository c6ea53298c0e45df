"""Files are written whole or not at all."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from utils.files import atomic_path, remove_unfinished
from utils.runs.directory import RunDirectory


def test_a_file_is_moved_into_place(tmp_path):
    path = tmp_path / "new" / "file.png"
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent and temporary.suffix == ".png"
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["file.png"]


def test_errors_name_the_file_and_not_the_temporary_one(tmp_path):
    path = tmp_path / "a.json"
    path.mkdir()
    with pytest.raises(IsADirectoryError) as caught, atomic_path(path) as temporary:
        temporary.write_text("{}")
    assert str(caught.value) == f"[Errno 21] Is a directory: '{path}'"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="disk"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_folder_replaces_a_folder(tmp_path):
    path = tmp_path / "model"
    for content in ("first", "second"):
        with atomic_path(path) as temporary:
            temporary.mkdir()
            (temporary / "file").write_text(content)
        assert (path / "file").read_text() == content
    assert os.listdir(tmp_path) == ["model"]


def test_a_killed_write_leaves_what_was_there_and_is_cleaned_up(tmp_path):
    path = tmp_path / "deep" / "file"
    path.parent.mkdir()
    path.write_text("old")
    code = (
        "import sys, time\n"
        "from utils.runs.directory import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    time.sleep(60)"
    )
    root = Path(__file__).parents[3]
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=root)
    deadline = time.time() + 20
    while len(os.listdir(path.parent)) < 2 and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.read_text() == "old" and len(os.listdir(path.parent)) == 2
    remove_unfinished(path.parent)
    assert os.listdir(path.parent) == ["file"]


def test_config_round_trip_and_errors(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(ValueError, match="where no run was started"):
        run.read_config()
    run.write_config({"options": None, "model": {"seed": 1}})
    assert run.read_config()["model"] == {"seed": 1} == json.loads(run.config.read_text())["model"]
    for content in ("{", "[]", "{}"):
        run.config.write_text(content)
        with pytest.raises(ValueError, match="config.json must"):
            run.read_config()


def test_an_empty_cell_of_the_log_is_nan(tmp_path):
    run = RunDirectory(tmp_path)
    assert run.read_log() == []
    run.log_csv.write_text("step,critic_loss,fid\n4,0.5,\n8,0.25,12.5\n")
    first, second = run.read_log()
    assert (first["step"], first["critic_loss"]) == (4, 0.5) and math.isnan(first["fid"])
    assert second == {"step": 8, "critic_loss": 0.25, "fid": 12.5}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "can't decode byte"),
        (b'{"model": ' + b"[" * 200_000, "levels"),
        (b'{"model": {}, "data": ' + b"[" * 150 + b"]" * 150 + b"}", "more than 100 levels"),
        (b'{"model": {}, "model": {"seed": 1}}', "the name 'model' twice"),
        (b'{"model": {}, "options": {"batch_size": "8"}}', "options.batch_size must be a whole"),
        (b'{"model": {"image_shape": [8, 8]}}', "model.image_shape must be 3 values"),
        (b'{"model": {"seed": NaN}}', "model.seed must be a whole number"),
        (b'{"model": {}, "versions": [1]}', "versions must be text by name"),
        (b'{"model": {}, "data": {"source": ["\\u001b[31m"]}}', r"\['\\x1b\[31m'\]"),
    ],
)
def test_an_edited_config_is_one_line(tmp_path, content, message):
    run = RunDirectory(tmp_path)
    run.config.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        run.read_config()
    assert str(run.config) in str(caught.value) and "\n" not in str(caught.value)
    run.config.unlink()
    run.config.mkdir()
    with pytest.raises(ValueError, match="must be readable text. Received: not a file"):
        run.read_config()


def test_a_config_with_a_byte_order_mark_is_read_and_what_is_wrong_can_be_left_out(tmp_path):
    run = RunDirectory(tmp_path)
    run.config.write_text('\ufeff{"model": {"seed": -1, "noise": "normal"}, "evaluation": 3}')
    config, problems = run.known_config()
    assert config == {"model": {"noise": "normal"}}
    assert [problem.split(" ")[0] for problem in problems] == ["model.seed", "evaluation"]


@pytest.mark.parametrize(
    ("text", "kept", "problem"),
    [
        ("step,fid\n2,1\n4,2\n", 2, ""),
        ("step,fid\n2,1\n4,2", 1, "at line 3: cut off"),
        ("step,fid\n2,1\n4\n6,1\n", 1, "at line 3: 1 cells in place of 2"),
        ("step,fid\n2,1\n2,1\n", 1, "at line 3: step 2 after step 2"),
        ("step,fid\n2,1\n4,\x1b\n", 1, "at line 3: could not convert string to float: '\\x1b'"),
        ("step,fid\n2.5,1\n", 0, "at line 2: step must be a whole number"),
        ("step,fid\n2,1e300\n", 0, "at line 2: fid must be a number of training"),
        ("fid\n2\n", 0, "at its columns"),
        ("step,step\n2,2\n", 0, "at its columns"),
        ("", 0, "at its columns"),
    ],
)
def test_the_rows_of_a_log_before_the_first_that_is_damaged(tmp_path, text, kept, problem):
    run = RunDirectory(tmp_path)
    run.log_csv.write_text(text)
    rows, found = run.whole_rows()
    assert [row["step"] for row in rows] == [2, 4][:kept]
    assert problem in found and bool(found) == bool(problem)
    if problem:
        with pytest.raises(ValueError, match="log.csv is damaged"):
            run.read_log()


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "samples").touch()
    for path, reason in [
        (tmp_path / "file", "Not a directory"), (tmp_path / "file" / "run", "Not a directory"),
        (tmp_path / "run", "Not a directory"), (Path("/proc/run"), "No such file or directory"),
        (tmp_path / "caf\udce9", r"udce9' \(its name is not valid UTF-8"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=f"that can be written to: choose another.*{reason}"):
            RunDirectory(path).require_writable()
    RunDirectory(tmp_path / "new" / "run").require_writable()
    assert not (tmp_path / "new").exists() and os.listdir(tmp_path / "run") == ["samples"]


def test_a_run_is_locked_while_it_is_trained(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with (
        run.locked(),
        pytest.raises(ValueError, match="by another process"),
        RunDirectory(tmp_path / "run").locked(),
    ):
        pass
    with run.locked():
        pass


def test_samples_and_checkpoints_sort_by_step(tmp_path):
    run = RunDirectory(tmp_path)
    for step in (100_000, 9, 20):
        for path in (run.sample(step), run.checkpoint(step)):
            path.parent.mkdir(exist_ok=True)
            path.touch()
    run.best_generator.touch()
    assert run.list_samples() == [run.sample(step) for step in (9, 20, 100_000)]
    assert run.list_checkpoints() == [run.checkpoint(step) for step in (9, 20, 100_000)]


def test_the_last_generator_is_the_export_until_the_run_goes_on(tmp_path):
    """By what config.json says: a copy's files may have any times."""
    run = RunDirectory(tmp_path)
    assert run.last_generator() is None
    run.write_config({"model": {}, "exported": None})
    for path in (run.checkpoint(2), run.generator_keras):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert run.last_generator() == run.checkpoint(2)  # killed before it was noted
    run.note_exported("best", 2)
    for seconds in (0, 2**31):
        os.utime(run.checkpoint(2), (seconds, seconds))
        assert run.last_generator() == run.generator_keras
    run.checkpoint(100_000_000).touch()
    assert run.last_generator() == run.checkpoint(100_000_000)
    run.checkpoint(2).with_name("step-best.weights.h5").touch()
    assert run.list_checkpoints() == [run.checkpoint(2), run.checkpoint(100_000_000)]
    run.generator_keras.unlink()
    assert run.last_generator() == run.checkpoint(100_000_000)


def test_a_run_that_does_not_say_what_it_exported_has_its_export(tmp_path):
    run = RunDirectory(tmp_path)
    for path in (run.generator_keras, run.checkpoint(2)):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    for config in ({"model": {}}, {"model": {}, "exported": "last"}):  # of earlier versions
        run.write_config(config)
        assert run.last_generator() == run.generator_keras
