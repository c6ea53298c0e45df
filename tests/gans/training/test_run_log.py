"""The lines of run.log and of the console."""

import logging

from gans.training.run_log import run_log
from utils.runs.directory import RunDirectory


def test_names_in_a_line_of_the_log_are_printable(tmp_path, capsys):
    run = RunDirectory(tmp_path)
    with run_log(run, quiet=False):
        logging.getLogger("gans").info("Resuming %s\n%s", "\x1b[31mred", "caf\udce9")
    shown = "Resuming \\x1b[31mred\\ncaf\\udce9\n"
    assert capsys.readouterr().out == shown
    assert run.log.read_text(encoding="utf-8").endswith(f" INFO {shown}")
