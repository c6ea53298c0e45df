"""What all scripts and packages do as processes."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from utils.process import exit_status, quiet_stderr

ROOT = Path(__file__).parents[2]


def say(text):
    """In every way in which a library does."""
    os.write(2, f"C++ {text}\n".encode())
    warnings.warn(f"warning {text}", stacklevel=1)
    logging.getLogger("a library").warning("log %s", text)


def test_quiet_stderr_silences_what_libraries_say_and_no_more(capfd, caplog, recwarn):
    with pytest.raises(ValueError, match="passes"), quiet_stderr():
        say("within")
        raise ValueError("passes")
    say("after")
    assert capfd.readouterr().err == "C++ after\n"
    assert caplog.messages == ["log after"]
    assert [str(warning.message) for warning in recwarn] == ["warning after"]


def test_a_lazy_face_loads_a_module_when_its_name_is_used(tmp_path, monkeypatch):
    (tmp_path / "face").mkdir()
    (tmp_path / "face" / "__init__.py").write_text(
        "from utils.process import lazy_face\n"
        "__getattr__, __dir__ = lazy_face(__name__, {'answer': 'home'})\n"
    )
    (tmp_path / "face" / "home.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    import face

    assert "answer" in dir(face) and "face.home" not in sys.modules
    assert face.answer == 42
    with pytest.raises(AttributeError, match="module 'face' has no attribute 'question'"):
        _ = face.question


def test_our_errors_inside_a_graph_keep_their_words(capsys):
    import tensorflow as tf

    def run():
        raise tf.errors.InvalidArgumentError(
            None, None, "Graph execution error:\n\nDetected at node Next defined at (most recent "
            "call last):\n<stack traces unavailable>\nError in user-defined function passed to "
            "Map:3: ValueError: source must not change. Received: a.png\nTraceback:\n  File")

    assert exit_status(run, "") == 1
    assert capsys.readouterr().err.endswith(": error: source must not change. Received: a.png\n")


@pytest.mark.parametrize(
    "command",
    [("train_generator.py", "--list_presets"), ("check_images.py", "--help"),
     ("generate_images.py", "--help"), ("evaluate_generator.py", "--help")],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_script_whose_output_nobody_reads_ends_quietly(command):
    unread, output = os.pipe()
    os.close(unread)
    done = subprocess.run([sys.executable, *command], cwd=ROOT, stdout=output,
                          stderr=subprocess.PIPE, timeout=60)  # fmt: skip
    os.close(output)
    assert done.stderr == b"" and done.returncode in (0, 141)  # 0: argparse passes over it


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_character_that_the_console_lacks_is_printed_as_an_escape(encoding):
    code = "from utils.process import run_script; run_script(lambda: print('\\u0141 \\udcff') or 0)"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment,
                          capture_output=True, timeout=60)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"\\u0141 \\udcff\n"


@pytest.mark.parametrize("flush", [True, False])
def test_output_to_a_full_disk_is_called_so(flush):
    code = ("from utils.process import *; run_script(lambda: exit_status("
            f"lambda: print('a', flush={flush}) or 0, ''))")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=full,
                              stderr=subprocess.PIPE, timeout=60)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b"-c: error: cannot print: [Errno 28] No space left on device\n"


def test_an_error_is_one_printable_line(capsys):
    def fail():
        raise ValueError("a name\nof \x1b[31mred\x1b[0m letters, \udcff")

    assert exit_status(fail, "") == 1
    assert capsys.readouterr().err.endswith("a name of \\x1b[31mred\\x1b[0m letters, \\udcff\n")
