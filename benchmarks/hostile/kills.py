"""SIGKILL: ten times in a run, three times in export, three in preparation: the same bits."""

import functools
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.hostile.children import SERVER, Failure, run
from benchmarks.hostile.trained import TRAIN, arguments, contents, leftovers, train, write_source

COUNT = 3
_KINDS = ((10, "in a run"), (3, "in export"), (3, "in preparation"))


def attempt_all(folder: Path, seed: int,
                cases: Sequence[int]) -> tuple[list[Failure], float]:
    """Kills at random moments, goes on each time, and compares with what was never killed."""
    source = write_source(folder)
    large = np.random.default_rng(0).integers(0, 256, (20_000, 32, 32, 3), np.uint8)
    np.save(folder / "large.npy", large)
    failures = []
    for case in cases:
        rng, path = random.Random(f"{seed} {case}"), folder / f"killed-{case}"
        times, where = _KINDS[case]
        of = folder / "large.npy" if case == 2 else source
        steps = ["--train_steps", "12" if case else "400", "--save_interval", "3" if case else "20"]
        shutil.rmtree(folder / "cache", ignore_errors=True)
        whole = train(of, folder / f"whole-{case}", *steps)
        shutil.rmtree(folder / "cache", ignore_errors=case != 2)
        begun = [
            lambda count, path=path: _rows(path) > count,
            lambda count, path=path: any(path.glob("checkpoints/step-00000012*")),
            lambda count: any((folder / "cache").glob(".unfinished*")),
        ][case]
        killed = 0
        for count in range(times):
            options = ["--resume"] if (path / "config.json").exists() else []
            killed += _kill(of, path, [*steps, *options], functools.partial(begun, count),
                            rng.uniform(0, 0.4))  # fmt: skip
        resume = ["--resume"] if (path / "config.json").exists() else []
        ended = train(of, path, *steps, *resume)
        if whole.status or ended.status or contents(path) != contents(folder / f"whole-{case}"):
            failures.append(Failure("loss", case, f"killed {killed} times {where}, it ends in "
                                                  f"other bits: {ended.errors[-200:]!r}"))
        for place in (path, folder / "cache"):
            for left in leftovers(place):
                failures.append(Failure("loss", case, f"killed {where}: {left} is left over"))
        print(f"kills: {killed} of {times} {where}", file=sys.stderr)
    return failures, run(TRAIN, ["--help"]).megabytes


def _kill(source: Path, path: Path, options: list[str], begun: Callable[[], bool],
          delay: float) -> bool:
    """Trains until something has begun, and a little more; returns whether it was killed then."""
    process = SERVER.start(TRAIN, arguments(source, path, *options))
    while process.poll() is None and not begun():
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _rows(path: Path) -> int:
    log = path / "log.csv"
    return len(log.read_text().splitlines()) - 1 if log.exists() else 0
