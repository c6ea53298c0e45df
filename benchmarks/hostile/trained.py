"""A tiny run to damage."""

from pathlib import Path

import h5py
import numpy as np

from benchmarks.hostile.children import ROOT, Ended, run

TRAIN = ROOT / "train_generator.py"
_OPTIONS = ["--resize", "16", "16", "--base_filters", "4", "--noise_dim", "6", "--batch_size", "8",
            "--n_critic", "1", "--train_steps", "12", "--save_interval", "3", "--deterministic",
            "--quiet"]  # fmt: skip


def write_source(folder: Path) -> Path:
    """40 images as an array."""
    blocks = np.random.default_rng(5).integers(0, 256, (40, 4, 4, 3), np.uint8)
    np.save(folder / "images.npy", blocks.repeat(4, axis=1).repeat(4, axis=2))
    return folder / "images.npy"


def arguments(source: Path, path: Path, *options: str) -> list[str | Path]:
    """Those of `train_generator.py` for a run of 12 steps; options win over what makes it tiny."""
    cache = ["--cache_dir", source.parent / "cache"]
    return ["--source", source, *cache, *_OPTIONS, "--save_path", path, *options]


def train(source: Path, path: Path, *options: str) -> Ended:
    """Trains such a run to its end."""
    return run(TRAIN, arguments(source, path, *options))


def contents(path: Path) -> dict[str, bytes]:
    """What must be equal in equal runs: the last weights, the log but for its times, samples."""
    last = max((path / "checkpoints").glob("step-*.weights.h5"))
    kept = {"last": last.name.encode()}
    with h5py.File(last) as file:
        file.visititems(lambda name, item: kept.update({name: item[()].tobytes()})
                        if isinstance(item, h5py.Dataset) else None)  # fmt: skip
    rows = [line.split(",") for line in (path / "log.csv").read_text().splitlines()]
    timeless = [number for number, name in enumerate(rows[0])
                if name != "seconds" and not name.endswith("_per_second")]  # fmt: skip
    kept["log"] = repr([[row[number] for number in timeless] for row in rows]).encode()
    return kept | {file.name: file.read_bytes() for file in (path / "samples").glob("*.png")}


def leftovers(path: Path) -> list[str]:
    """What a killed process has left under a folder."""
    return [str(each.relative_to(path)) for each in path.rglob(".*")
            if each.name.startswith((".unfinished", ".lock"))]  # fmt: skip
