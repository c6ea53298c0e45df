"""Runs on disks of nine sizes that are too small: one line, and all that was saved is whole."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.hostile.children import Failure, command_failures, run
from benchmarks.hostile.trained import TRAIN, contents, train, write_source

_SHARES = (0.02, 0.1, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9)  # of what a whole run holds
COUNT = len(_SHARES)
_WIDE = ["--base_filters", "32"]  # checkpoints of more than HDF5 keeps in memory


def attempt_all(folder: Path, seed: int,
                cases: Sequence[int]) -> tuple[list[Failure], float]:
    """Trains on a tmpfs of each size, and resumes in a larger place."""
    source = write_source(folder)
    whole = folder / "whole"
    most = train(source, whole, *_WIDE).megabytes
    size = sum(4096 * (file.stat().st_size // 4096 + 1) for file in whole.rglob("*"))
    failures = []
    for case in cases:
        with contextlib.ExitStack() as stack:
            try:
                disk = stack.enter_context(_disk(folder / f"disk-{case}", _SHARES[case] * size))
            except (OSError, subprocess.CalledProcessError):
                print("full_disk: left out: mounting a tmpfs needs the rights of root",
                      file=sys.stderr)  # fmt: skip
                return [], most
            ended = train(source, disk / "run", *_WIDE)
            failures += command_failures(case, ended)
            if ended.status == 1 and str(disk) not in ended.errors:
                failures.append(Failure("words", case, f"no file is named: {ended.errors[-200:]}"))
            larger = folder / f"larger-{case}"
            if (disk / "run").exists():
                shutil.copytree(disk / "run", larger)
        most = max(most, ended.megabytes)
        if not ended.status:
            continue
        resumed = run(TRAIN, ["--resume", "--save_path", larger, "--quiet"])
        if resumed.status and not list(larger.glob("checkpoints/step-*")):
            shutil.rmtree(larger, ignore_errors=True)  # nothing was saved yet
            resumed = train(source, larger, *_WIDE)
        failures += command_failures(case, resumed)
        if resumed.status or contents(larger) != contents(whole):
            failures.append(Failure("loss", case, "resumed, it does not end in the same bits: "
                                                  f"{resumed.errors[-200:]!r}"))  # fmt: skip
    return failures, most


@contextlib.contextmanager
def _disk(path: Path, size: float) -> Iterator[Path]:
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={int(size)}", "none", path], check=True,
                   capture_output=True)  # fmt: skip
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=False)
