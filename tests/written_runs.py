"""Run directories as training leaves them, written without training."""

import csv
import json

import numpy as np

from utils.runs.directory import RunDirectory
from utils.visualization.grids import image_grid, save_image

# A file's name that would do harm where it is not escaped.
NASTY = '"><img src=x onerror="window.harmed=1"><script>window.harmed=1</script>.jpg'


def write_run(path, rows=24, interval=100, size=8, method="wgan-gp", **parts) -> RunDirectory:
    """A run directory with config.json, log.csv, sample grids, real.png and times.json.

    Args:
        path: Its folder.
        rows: Intervals.
        interval: Generator steps of one.
        size: Height and width of the images.
        method: What trained it.
        parts: Parts of config.json that are to be other ones: options, model, data, evaluation.
    """
    run = RunDirectory(path)
    write_config(run, size, method, rows * interval, parts)
    write_log(run, method, rows, interval)
    rng = np.random.default_rng(rows)
    for row in range(1, rows + 1):
        save_image(_grid(rng, size, 200 * row / rows), run.sample(row * interval))
    save_image(_grid(rng, size, 255), run.real)
    run.times.write_text(json.dumps({"training": 723.4, "judging": 61, "building": 9.2}))
    return run


def write_config(run, size, method, train_steps, parts):
    config = {
        "options": {"source": "photos", "resize": [size, size], "method": method,
                    "train_steps": train_steps, "save_path": "runs/photos", "seed": 7},
        "model": {"method": method, "image_shape": [size, size, 3], "seed": 7},
        "data": {"source": "photos", "note": None, "num_images": 12345,
                 "image_shape": [size, size, 3], "skipped": 2, "duplicates": 1,
                 "fingerprint": "f00d", "digest": "beef",
                 "skipped_files": [[NASTY, "not an image"], ["cut.png", "cut off"]],
                 "duplicate_files": [["b.png", "a.png"]]},
        "evaluation": None,
        "versions": {"python": "3.11", "tensorflow": "2.21"},
        **parts,
    }  # fmt: skip
    run.write_config(config)


def write_log(run, method, rows, interval):
    names = {
        "dcgan": ["discriminator_loss", "generator_loss", "real_probability", "fake_probability"],
        "wgan": ["wasserstein_estimate", "critic_loss", "generator_loss", "clipped_weights"],
        "wgan-gp": ["wasserstein_estimate", "critic_loss", "generator_loss", "gradient_penalty",
                    "gradient_norm", "sample_diversity", "sample_change", "held_out_gap"],
    }[method]  # fmt: skip
    random = np.random.default_rng(rows).random((rows, len(names))) * 0.9 + 0.05
    with run.log_csv.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *names, "seconds", "steps_per_second", "images_per_second"])
        for row in range(rows):
            values = [-v if name == "critic_loss" else v
                      for name, v in zip(names, random[row], strict=True)]  # fmt: skip
            speed = [30.0 * (row + 1), 5.0, 160.0]
            writer.writerow([(row + 1) * interval, *(f"{v:.9g}" for v in values), *speed])


def _grid(rng, size, level) -> np.ndarray:
    noise = rng.integers(0, 56, (64, size, size, 3))
    return image_grid((noise + min(level, 199)).astype(np.uint8))
