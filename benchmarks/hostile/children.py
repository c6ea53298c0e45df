"""Cases in processes of their own, whose time and memory are watched.

The processes are forked from one that has loaded TensorFlow, as the tests' are (tests/forking.py).
"""

import dataclasses
import functools
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
if str(ROOT / "tests") not in sys.path:
    sys.path.append(str(ROOT / "tests"))

from commands import SERVER  # noqa: E402

SECONDS = 60.0  # of one case: a hang beyond it
MEGABYTES = 1024.0  # beyond TensorFlow's own
_KILLED_BEYOND = 3 * MEGABYTES  # before the machine has no memory left
_BATCHES = 10  # that one process takes: its request has a limited size
_WORKER = Path(__file__).with_name("worker.py")


class Failure(NamedTuple):
    """What went wrong in a case.

    Attributes:
        kind: "traceback" (or a crash), "hang", "loss" (silent), "memory", or "words": an error of
            several lines, or escape sequences on the terminal.
        case: Its number in its part; None if it is one of a batch, not known which.
        text: What it was, on one line.
    """

    kind: str
    case: int | None
    text: str


@dataclasses.dataclass
class Ended:
    """A process that has ended: its exit status, what it wrote, its memory, whether it hung."""

    status: int
    output: str
    errors: str
    megabytes: float
    hung: bool
    too_large: bool


@functools.cache
def own_megabytes() -> float:
    """What a process holds that has loaded TensorFlow and multiplied two matrices with it."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write("import tensorflow as tf; tf.function(tf.matmul)(tf.eye(9), tf.eye(9))")
        script.flush()
        return run(script.name, [], watched=False).megabytes


def run(script: str | Path, arguments: Sequence[str | Path], seconds: float = SECONDS,
        watched: bool = True, environment: dict[str, str] | None = None) -> Ended:
    """Runs a script to its end or, if it takes too long or too much, kills it.

    The time counts from the last line that it printed.
    """
    most = own_megabytes() + _KILLED_BEYOND if watched else float("inf")
    process = SERVER.start(script, arguments, environment=environment, separate=True)
    printed, since = "", time.monotonic()
    hung = too_large = False
    while process.poll() is None and not hung and not too_large:
        time.sleep(0.02)
        if process.output() != printed:
            printed, since = process.output(), time.monotonic()
        hung = time.monotonic() - since > seconds
        too_large = megabytes(process.pid) > most
    if hung or too_large:
        process.send_signal(signal.SIGKILL)
    output, errors = process.communicate()
    return Ended(process.returncode, output, errors, process.peak, hung, too_large)


def megabytes(pid: int | str = "self") -> float:
    """The most memory that a process has held; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0) / 1024


def command_failures(case: int, ended: Ended) -> Iterator[Failure]:
    """What is wrong with how a command ended, whatever it was to do."""
    lines = ended.errors.splitlines()
    last = " ".join(lines[-1:])[:200]
    if ended.hung:
        yield Failure("hang", case, f"still running: {last}")
    elif ended.too_large:
        yield Failure("memory", case, f"killed at {ended.megabytes:,.0f} MB")
    elif "Traceback" in ended.errors + ended.output or ended.status not in (0, 1, 2):
        yield Failure("traceback", case, f"exit status {ended.status}: {last}")
    elif ended.status and sum(": error: " in line for line in lines) != 1:
        yield Failure("words", case, f"exit status {ended.status}, not one error: {last!r}")
    if not ended.too_large and ended.megabytes > own_megabytes() + MEGABYTES:
        yield Failure("memory", case, f"{ended.megabytes:,.0f} MB")
    if any(not c.isprintable() and c not in "\r\n\t" for c in ended.output + ended.errors):
        yield Failure("words", case, "an escape sequence on the terminal")


def attempt_all(part: str, folder: Path, seed: int, cases: Sequence[int],
                batch: int = 1) -> tuple[list[Failure], float]:
    """Tries cases in one process after another; returns failures and the most memory in MB.

    A process takes some batches of cases, or as many as it survives. A batch that fails is tried
    again in halves until one case is to blame.
    """
    failures, most = [], 0.0
    batches = [list(cases[first : first + batch]) for first in range(0, len(cases), batch)]
    while batches:
        now = batches[:_BATCHES]
        numbers = [",".join(map(str, each)) for each in now]
        ended = run(_WORKER, [part, folder, seed, *numbers])
        results = [json.loads(line) for line in ended.output.splitlines() if line[:1] == "{"]
        found = [([Failure(*failure) for failure in result["failures"]], result["megabytes"])
                 for result in results]  # fmt: skip
        if len(results) < len(now):
            found.append((list(_end(ended)), ended.megabytes))
        for tried, (wrong, held) in zip(batches, found, strict=False):
            most = max(most, held)
            if held > own_megabytes() + MEGABYTES and not ended.too_large:
                wrong.append(Failure("memory", None, f"{held:,.0f} MB"))
            unknown = any(failure.case is None for failure in wrong)
            if unknown and len(tried) > 1:
                singly, _ = attempt_all(part, folder, seed, tried, len(tried) // 2)
                alone = "only with others: "
                wrong = singly or [failure._replace(text=alone + failure.text) for failure in wrong]
            failures += [failure if failure.case is not None else failure._replace(case=tried[0])
                         for failure in wrong]  # fmt: skip
        batches = batches[len(found) :]
    return failures, most


def _end(ended: Ended) -> Iterator[Failure]:
    """Why a worker did not get to the end of its cases."""
    if ended.hung:
        yield Failure("hang", None, f"more than {SECONDS:g} s")
    elif ended.too_large:
        yield Failure("memory", None, f"killed at {ended.megabytes:,.0f} MB")
    else:
        last = " ".join(ended.errors.splitlines()[-1:])[:200]
        yield Failure("traceback", None, f"the process ended with {ended.status}: {last}")
