"""Runs that go wrong on purpose beside healthy ones, what is said of them, and how they look.

    python benchmarks/health_runs.py --output /tmp/health [--pictures docs/images/health]

Trains small networks on the built-in faces, 32x32, some minutes in all, and prints a table of
verdicts. With --pictures it writes the strips of docs/reading-a-run.md: three curves and the last
samples of each run.
"""

import argparse
import contextlib
import io
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from utils import DataPreparator
from utils.runs.columns import COLUMNS, numeric_columns
from utils.runs.directory import RunDirectory
from utils.runs.health import diagnose
from utils.visualization.columns import PALETTE
from utils.visualization.curves import DOTS_PER_INCH, add_grid, save_figure
from utils.visualization.grids import image_grid, read_cells

SIZE = 32
STEPS, ROWS = 600, 12
RUNS = {  # options of train_generator.py, and the third curve of the strip
    "penalty": ("", "gradient_norm"),
    "clipping": ("--method wgan", "clipped_weights"),
    "dcgan": ("--method dcgan", "fake_probability"),
    "critic-rate-0": ("--learning_rate 1e-12 --generator_learning_rate 16e-4", "gradient_norm"),
    "generator-rate-100": ("--generator_learning_rate 0.16", "raw_distance"),
    "20-images": ("--hold_out 0.5", "held_out_gap"),
    "clip-1e-5": ("--clip_value 1e-5", "clipped_weights"),
    "clip-10": ("--clip_value 10", "gradient_norm"),
    "no-penalty": ("--gradient_penalty 1e-9 --learning_rate 1e-2", "gradient_norm"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--pictures", type=Path, help="folder for the strips")
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS), help="some runs")
    arguments = parser.parse_args()
    from train_generator import main as train

    few = arguments.output / "40-faces.npy"
    few.parent.mkdir(parents=True, exist_ok=True)
    np.save(few, DataPreparator("faces", resize=(SIZE, SIZE)).sample(40, 0))
    print(f"{'run':20} {'verdict':26} {'since':>6}  because")
    for name in arguments.only:
        options, third = RUNS[name]
        path = arguments.output / name
        shutil.rmtree(path, ignore_errors=True)
        source = few if name == "20-images" else "faces"
        batch = 16 if name == "20-images" else 32
        command = (
            f"--source {source} --resize {SIZE} {SIZE} --base_filters 16 --batch_size {batch} "
            f"--train_steps {STEPS} --save_interval {STEPS // ROWS} --save_path {path} --quiet"
        )
        with contextlib.redirect_stdout(io.StringIO()):  # its warnings are the table's
            train([*command.split(), *options.split()])
        run = RunDirectory(path)
        columns = numeric_columns(run.read_log())
        verdict = diagnose(columns)
        print(f"{name:20} {verdict.name:26} {verdict.since:6,}  {verdict.because}", flush=True)
        if arguments.pictures is not None:
            strip(run, columns, third, arguments.pictures / f"{name}.png")


def strip(run: RunDirectory, columns: dict[str, list[float]], third: str, path: Path) -> None:
    """Writes three curves and the last samples as one PNG."""
    first = "wasserstein_estimate"
    if first not in columns:
        first = "real_probability"
    figure = Figure(figsize=(10, 2.2), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(0.06, 0.2, 0.995, 0.87, wspace=0.28)
    *panels, picture = figure.subplots(1, 4, width_ratios=[1, 1, 1, 0.7])
    for panel, name in zip(panels, [first, "sample_diversity", third], strict=True):
        add_grid(panel)
        column = COLUMNS[name]
        color = PALETTE[column.color]
        panel.plot(columns["step"], columns[name], color=color, marker="o", ms=3, linewidth=1.3)
        panel.set_title(column.label, fontsize=9)
        panel.set_xlabel("generator step", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.margins(y=0.15)
    cells = read_cells(run.list_samples()[-1], (SIZE, SIZE))
    picture.imshow(image_grid(cells[:16], 4), interpolation="nearest")
    picture.set_title("samples", fontsize=9)
    picture.set_axis_off()
    save_figure(figure, path)


if __name__ == "__main__":
    main()
