"""Compares training settings at equal cost on one collection of images: prints one table.

    python benchmarks/compare_settings.py --source photos --resize 64 64 --minutes 20 \\
        --settings "" "--n_critic 2" "--learning_rate 4e-4 --beta_1 0"

Each setting is a text of options of train_generator.py ("" is the defaults). It trains for the
same CPU time, so that other work on the machine hardly counts, and is judged after each of the
minutes given by the Fréchet distance of its images to the real ones, and by precision and recall.
With --steps it is judged after so many generator steps instead, whatever they cost.
What is done is kept in OUTPUT/comparison.json with a grid of samples beside it, and not done
again: settings can be added later, or the comparison stopped and started again.
"""

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from gans import model_class
from utils import DataPreparator
from utils.files import atomic_path
from utils.metrics import ImageSet, evaluate, open_extractor
from utils.options.command_line import training_parser
from utils.options.config import TrainingConfig
from utils.process import available_cores
from utils.visualization import image_grid, save_image


class At(keras.callbacks.Callback):
    """Calls `judge(model, due, minutes, wall minutes)` at each point, and ends after the last.

    Points are minutes, or generator steps where `in_steps` is True. Minutes are of the CPU time
    of all cores. The first step does not count: it builds the graph, half a minute for some
    settings, which would decide short comparisons and does not matter in a real run. Nor does the
    judge's own time.
    """

    def __init__(self, points: list[float], judge: Callable, in_steps: bool = False):
        super().__init__()
        self.points, self.judge, self.in_steps = sorted(points), judge, in_steps
        self.cpu, self.wall = 0.0, 0.0

    def _start(self) -> None:
        self._cpu_began, self._wall_began = time.process_time(), time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if batch == 0:
            self._start()
        cpu = self.cpu + time.process_time() - self._cpu_began
        minutes = cpu / 60 / available_cores()
        if (int(self.model.step) if self.in_steps else minutes) >= self.points[0]:
            self.cpu, self.wall = cpu, self.wall + time.perf_counter() - self._wall_began
            self.judge(self.model, self.points.pop(0), minutes, self.wall / 60)
            self.model.stop_training = not self.points
            self._start()


def parse(setting: str, common: list[str]) -> TrainingConfig:
    given = training_parser().parse_given(common + shlex.split(setting))
    return TrainingConfig(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    )


def train(config: TrainingConfig, data: DataPreparator, callback: At) -> None:
    keras.backend.clear_session()
    gan = model_class(config.method)(data.image_shape, **config.model_options())
    gan.compile(**config.compile_options())
    gan.fit(data.dataset(gan.options.n_critic), steps_per_epoch=10**9, verbose=0, shuffle=False,
            callbacks=[callback])  # fmt: skip


class Comparison:
    """The rows that were measured under one protocol, in a file that keeps those of others too."""

    def __init__(self, output: Path, protocol: dict):
        self.output, self.protocol = output, protocol
        self._file = output / "comparison.json"
        self._rows = json.loads(self._file.read_text()) if self._file.is_file() else []

    def rows(self, setting: str, unit: str) -> dict[float, dict]:
        """What was measured of a setting, by its "minutes" or "steps"."""
        key = {**self.protocol, "setting": setting}
        return {row[unit]: row for row in self._rows if key.items() <= row.items()}

    def add(self, samples: np.ndarray, **row: object) -> None:
        self._rows.append({**self.protocol, **row})
        save_image(image_grid(samples), self.output / f"setting-{len(self._rows)}.png")
        with atomic_path(self._file) as temporary:
            temporary.write_text(json.dumps(self._rows, indent=2) + "\n")


def line(row: dict, width: int) -> str:
    fid, precision, recall = row["evaluation"]["numbers"][:3]
    return (
        f"{row['setting'] or '(defaults)':{width}} {row['minutes']:7.4g} {row['wall']:7.1f} "
        f"{row['steps']:7,} {fid['value']:9.3f} {precision['value']:9.3f} {recall['value']:7.3f} "
        f"{fid['real']:11.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="All other options are of train_generator.py and hold for every setting.",
    )
    parser.add_argument("--settings", nargs="+", required=True, metavar="OPTIONS",
                        help="options of train_generator.py, each setting's in one text")
    parser.add_argument("--minutes", type=float, nargs="+", default=[20], metavar="M",
                        help="judge after so many CPU minutes of each core (default: 20)")
    parser.add_argument("--steps", type=int, nargs="+", metavar="N",
                        help="judge after so many generator steps instead")
    parser.add_argument("--num_images", type=int, default=5000,
                        help="fakes, and at most so many real images (default: 5000)")
    parser.add_argument("--inception_weights", metavar="FILE", help="as for evaluate_generator.py")
    parser.add_argument("--features", metavar="FILE.keras", help="likewise")
    parser.add_argument("--output", default="comparison", metavar="DIR")
    arguments, common = parser.parse_known_args()

    extractor = open_extractor(arguments.features, arguments.inception_weights)
    number = arguments.num_images
    comparison = Comparison(
        Path(arguments.output),
        {"common": common, "num_images": number, "extractor": extractor.protocol()},
    )
    unit = "steps" if arguments.steps else "minutes"
    points = set(arguments.steps or arguments.minutes)
    width = max(len(setting) for setting in [*arguments.settings, "(defaults)"])
    columns = "minutes    wall   steps  distance precision  recall real halves"
    print(f"{'setting':{width}} {columns}", flush=True)
    for setting in arguments.settings:
        config = parse(setting, common)
        data = DataPreparator(**config.data_options())
        done = comparison.rows(setting, unit)
        for point in sorted(done.keys() & points):
            print(line(done[point], width), flush=True)

        def judge(gan, point, minutes, wall, setting=setting, data=data) -> None:
            fakes = ImageSet.generated(gan.generate, number, 1, "fakes")
            evaluation = evaluate(
                fakes, data, extractor, metrics=["fid", "prdc"], num_images=number
            )
            comparison.add(gan.generate(64, seed=1), setting=setting, wall=wall,
                           **{"minutes": minutes, "steps": int(gan.step), unit: point},
                           evaluation=evaluation)  # fmt: skip
            print(line(comparison.rows(setting, unit)[point], width), flush=True)

        if left := points - done.keys():
            train(config, data, At(list(left), judge, unit == "steps"))
    print(f"\ndistance: {extractor.name}, {number:,} images, tf1 resize")


if __name__ == "__main__":
    main()
