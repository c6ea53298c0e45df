"""Checkpoints with a flipped bit, or cut: none may be taken for whole.

One that gives the same weights is harmless: the bit is in none of them, as in HDF5's free space.
"""

import logging
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np

from benchmarks.hostile.children import Failure
from benchmarks.hostile.trained import train, write_source

COUNT = 400


def set_up(folder: Path) -> None:
    train(write_source(folder), folder / "run")


def attempt(work: Path, shared: Path, seed: int, cases: Sequence[int],
            ready: Callable[[], None]) -> list[Failure]:
    """Damages the last checkpoint, or a file beside it; then resumes, or makes images from it."""
    from utils.runs.directory import RunDirectory

    (case,) = cases
    rng = random.Random(f"{seed} {case}")
    run, whole = RunDirectory(work / "run"), RunDirectory(shared / "run")
    shutil.copytree(whole.path, run.path)
    step = run.list_checkpoints()[-1]
    file = rng.choice(sorted(run.checkpoints.glob(f"{step.name.split('.')[0]}*")))
    data = bytearray(file.read_bytes())
    if case % 20 == 19:
        del data[rng.randrange(len(data)) :]
    else:
        place = _place_of_weights(file, rng) if case % 4 < 2 else rng.randrange(len(data))
        data[place] ^= 1 << rng.randrange(8)
    file.write_bytes(data)
    ready()
    if case % 2:
        return _of_generator(run, whole, step.name)
    return _of_resumption(run, whole)


def _place_of_weights(file: Path, rng: random.Random) -> int:
    """The place of a byte of some array in a checkpoint; of any byte in what is beside it."""
    if not h5py.is_hdf5(file):
        return rng.randrange(file.stat().st_size)
    places = []
    with h5py.File(file) as opened:
        opened.visititems(lambda _, item: places.append((item.id.get_offset(), item.nbytes))
                          if isinstance(item, h5py.Dataset) and item.nbytes else None)  # fmt: skip
    start, size = rng.choice(places)
    return start + rng.randrange(size)


def _of_resumption(run, whole) -> list[Failure]:
    from gans.training.callbacks.checkpoint import restore

    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("gans").addHandler(handler)
    model, same = _model(run), _model(run)
    step = restore(model, run)
    same.load_weights(whole.checkpoint(step))
    if not all(np.array_equal(one, other, equal_nan=True) for one, other in
               zip(model.get_weights(), same.get_weights(), strict=True)):  # fmt: skip
        return [Failure("loss", None, f"resumed from other weights at step {step}")]
    last = int(whole.list_checkpoints()[-1].name.removeprefix("step-").split(".")[0])
    if step != last and not said:
        return [Failure("loss", None, f"resumed from step {step}, not said")]
    return []


def _of_generator(run, whole, name: str) -> list[Failure]:
    from gans import SavedGenerator

    model = whole.read_config()["model"]
    try:
        damaged = SavedGenerator.of_run(model, run.checkpoints / name, raw=True)
    except (ValueError, OSError):  # one line for a user
        return []
    true = SavedGenerator.of_run(model, whole.checkpoints / name, raw=True)
    if any(not np.array_equal(one, other, equal_nan=True) for one, other in
           zip(damaged.keras_model().get_weights(), true.keras_model().get_weights(),
               strict=True)):  # fmt: skip
        return [Failure("loss", None, "images were made from other weights")]
    return []


def _model(run):
    from gans import model_class
    from gans.generators.saved import NO_OPTIONS

    model = run.read_config()["model"]
    options = {name: value for name, value in model.items() if name not in NO_OPTIONS}
    made = model_class(model["method"]).from_config(options)
    made.compile()
    return made
