"""Tries cases of a part one after another, and prints a line of JSON for each.

    python worker.py PART FOLDER SEED CASES [CASES ...]     CASES: numbers, separated by commas
"""

import gc
import importlib
import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from benchmarks.hostile.children import Failure, megabytes


def main(part: str, folder: str, seed: str, *batches: str) -> None:
    attempt = importlib.import_module(f"benchmarks.hostile.{part}").attempt
    result = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is tried may print
    for batch in batches:
        work = Path(tempfile.mkdtemp(dir=folder))
        failures = []
        try:
            numbers = [int(number) for number in batch.split(",")]
            failures += attempt(work, Path(folder), int(seed), numbers, forget_memory)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            text += f" ({Path(place.filename).name}:{place.lineno})"
            failures.append(Failure("traceback", None, text))
        shutil.rmtree(work, ignore_errors=True)
        print(json.dumps({"failures": failures, "megabytes": megabytes()}), file=result, flush=True)


def forget_memory() -> None:
    """Makes what is held now the most that was held: `attempt` calls it when its case is made."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main(*sys.argv[1:])
