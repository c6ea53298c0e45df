"""Damaged, hostile and oversized inputs, and what the commands make of them, in one table.

    python benchmarks/hostile_inputs.py                                      all parts
    python benchmarks/hostile_inputs.py --part archives --case 17 --seed 0   one case again

A failure is a traceback or a crash, a hang (60 s), a silent loss (something is neither used nor
named), more than 1 GB of memory beyond what a process holds that has loaded TensorFlow, or an error
that is not one plain line. Every failure is listed with its case. The status is 1 if there is one.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
# Before NumPy or TensorFlow is imported: networks here are tiny.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.hostile.children import SERVER, Failure, attempt_all, own_megabytes

PARTS = ("images", "archives", "run_directories", "checkpoints", "full_disk", "kills")
_KINDS = {"traceback": "tracebacks", "hang": "hangs", "loss": "silent losses", "memory": "memory",
          "words": "words"}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS, help="some parts")
    parser.add_argument("--case", type=int, nargs="+", help="some cases of one part")
    parser.add_argument("--cases", type=int, help="the first so many cases of each part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where to work (default: a temporary folder)")
    arguments = parser.parse_args()
    if arguments.case and len(arguments.part) != 1:
        parser.error("--case goes with one --part")
    rows, failed = [], False
    try:
        own = own_megabytes()
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            for name in arguments.part:
                part = importlib.import_module(f"benchmarks.hostile.{name}")
                cases = arguments.case or range(part.COUNT)[: arguments.cases]
                begin = time.perf_counter()
                failures, most = try_part(name, Path(folder), arguments.seed, cases)
                seconds = time.perf_counter() - begin
                for kind, case, text in sorted(failures, key=lambda failure: failure.case):
                    print(f"{kind}: --part {name} --case {case} --seed {arguments.seed}: {text}",
                          flush=True)  # fmt: skip
                counts = [sum(failure.kind == kind for failure in failures) for kind in _KINDS]
                beyond = max(0.0, most - own)
                rows.append([name, len(cases), *counts, f"{beyond:,.0f}", f"{seconds:,.0f}"])
                failed |= bool(failures)
    finally:
        SERVER.end()
    print(f"\nTensorFlow's own: {own:,.0f} MB, without which the peaks are given")
    print_table([["part", "cases", *_KINDS.values(), "peak MB", "seconds"], *rows])
    return int(failed)


def try_part(name: str, folder: Path, seed: int, cases) -> tuple[list[Failure], float]:
    """The failures of some cases of a part, and the most memory that one took, in MB."""
    part = importlib.import_module(f"benchmarks.hostile.{name}")
    work = folder / name
    work.mkdir()
    if hasattr(part, "set_up"):
        part.set_up(work)
    if hasattr(part, "attempt"):
        return attempt_all(name, work, seed, cases, getattr(part, "BATCH", 1))
    return part.attempt_all(work, seed, cases)


def print_table(rows: list[list]) -> None:
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    for name, *cells in rows:
        right = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        print(f"{name:{widths[0]}}", *right, sep="  ")


if __name__ == "__main__":
    sys.exit(main())
