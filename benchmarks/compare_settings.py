"""Compares training settings at equal cost on one collection of images: prints one table.

    python benchmarks/compare_settings.py --source photos --resize 64 64 --minutes 20 \\
        --settings "" "--n_critic 2" "--learning_rate 4e-4 --beta_1 0"

Each setting is a text of options of train_generator.py ("" is the defaults). It trains for the
same CPU time, so that other work on the machine hardly counts, and is then judged by the Fréchet
distance of its images to the real ones, and by precision and recall. What is done is kept in
OUTPUT/comparison.json with a grid of samples beside it, and not done again: settings can be added
later, or the comparison stopped and started again.
"""

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from gans import model_class
from utils import DataPreparator
from utils.command_line import training_parser
from utils.config import TrainingConfig
from utils.data.sources import available_cores
from utils.metrics import ImageSet, evaluate, inception_extractor, keras_extractor
from utils.run_directory import atomic_path
from utils.visualization import image_grid, save_image


class StopAfter(keras.callbacks.Callback):
    """Ends training after so many seconds of CPU time of all cores, not counting the first step.

    The first step builds the graph: half a minute for some settings, which would decide short
    comparisons and does not matter in a real run.
    """

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds, self._began, self.wall = seconds, None, 0.0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._began is None:
            self._began, self._wall_began = time.process_time(), time.perf_counter()
        elif time.process_time() - self._began > self.seconds:
            self.wall = time.perf_counter() - self._wall_began
            self.model.stop_training = True


def train(setting: str, common: list[str], seconds: float) -> tuple[object, DataPreparator, float]:
    """The trained model of a setting, its data, and the minutes of wall time it took."""
    given = training_parser().parse_given(common + shlex.split(setting))
    config = TrainingConfig(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    )
    data = DataPreparator(**config.data_options())
    keras.backend.clear_session()
    gan = model_class(config.method)(data.image_shape, **config.model_options())
    gan.compile(**config.compile_options())
    gan.fit(data.dataset(gan.n_critic), steps_per_epoch=10**9, verbose=0, shuffle=False,
            callbacks=[stop := StopAfter(seconds)])  # fmt: skip
    return gan, data, stop.wall / 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="All other options are of train_generator.py and hold for every setting.",
    )
    parser.add_argument("--settings", nargs="+", required=True, metavar="OPTIONS",
                        help="options of train_generator.py, each setting's in one text")
    parser.add_argument("--minutes", type=float, default=20,
                        help="CPU minutes of each core a setting (default: 20)")
    parser.add_argument("--num_images", type=int, default=5000,
                        help="fakes, and at most so many real images (default: 5000)")
    parser.add_argument("--inception_weights", metavar="FILE", help="as for evaluate_generator.py")
    parser.add_argument("--features", metavar="FILE.keras", help="likewise")
    parser.add_argument("--output", default="comparison", metavar="DIR")
    arguments, common = parser.parse_known_args()

    seconds = 60 * arguments.minutes * available_cores()
    if arguments.features is not None:
        extractor = keras_extractor(arguments.features)
    else:
        extractor = inception_extractor(arguments.inception_weights)
    output = Path(arguments.output)
    results = output / "comparison.json"
    rows = json.loads(results.read_text()) if results.is_file() else []
    width = max(len(setting) for setting in [*arguments.settings, "(defaults)"])
    columns = "  steps minutes  distance precision  recall real halves"
    print(f"{'setting':{width}} {columns}", flush=True)
    for setting in arguments.settings:
        key = {"setting": setting, "common": common, "minutes": arguments.minutes,
               "num_images": arguments.num_images, "extractor": extractor.protocol()}  # fmt: skip
        row = next((row for row in rows if key.items() <= row.items()), None)
        if row is None:
            gan, data, minutes = train(setting, common, seconds)
            fakes = ImageSet.generated(gan.generate, arguments.num_images, 1, "fakes")
            evaluation = evaluate(fakes, data, extractor, metrics=["fid", "prdc"],
                                  num_images=arguments.num_images)  # fmt: skip
            row = {**key, "steps": int(gan.step), "wall": minutes, "evaluation": evaluation}
            rows.append(row)
            save_image(image_grid(gan.generate(64, seed=1)), output / f"setting-{len(rows)}.png")
            with atomic_path(results) as temporary:
                temporary.write_text(json.dumps(rows, indent=2) + "\n")
        numbers = {number["name"]: number for number in row["evaluation"]["numbers"]}
        print(
            f"{setting or '(defaults)':{width}} {row['steps']:7,} {row['wall']:7.1f} "
            f"{numbers['fid']['value']:9.3f} "
            f"{numbers['precision']['value']:9.3f} {numbers['recall']['value']:7.3f} "
            f"{numbers['fid']['real']:11.3f}",
            flush=True,
        )
    print(f"\ndistance: {numbers['fid']['label']}, {arguments.num_images:,} images, tf1 resize")


if __name__ == "__main__":
    main()
