"""Names and paths of everything a run writes; config.json and log.csv as they are read again."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.files import atomic_path, locked_file, remove_unfinished, require_writable
from utils.runs.log_rows import Row, whole_rows
from utils.runs.reading import read_json
from utils.runs.recorded import is_of_a_run, known_facts
from utils.wording import printable


class RunDirectory:
    """The paths inside one run's folder.

    Args:
        path: The folder; it is created when the first file is written.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.log = self.path / "run.log"
        self.log_csv = self.path / "log.csv"
        self.training_plot = self.path / "training.png"
        self.animation = self.path / "training.gif"
        self.image_animation = self.path / "one_image.gif"
        self.real_and_generated = self.path / "real_and_generated.png"
        self.real = self.path / "real.png"
        self.times = self.path / "times.json"
        self.evaluation = self.path / "evaluation.json"
        self.report = self.path / "report.html"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.best_generator = self.checkpoints / "best_generator.weights.h5"
        self.tensorboard = self.path / "tensorboard"
        self.generator_keras = self.path / "generator.keras"
        self.generator_h5 = self.path / "generator.h5"
        self.best_generator_keras = self.path / "best_generator.keras"
        self.best_generator_h5 = self.path / "best_generator.h5"
        self.saved_model = self.path / "saved_model"

    def sample(self, step: int) -> Path:
        """The sample grid after `step` generator steps."""
        return self.samples / f"step-{step:08d}.png"

    def checkpoint(self, step: int) -> Path:
        """The checkpoint after `step` generator steps."""
        return self.checkpoints / f"step-{step:08d}.weights.h5"

    def list_samples(self) -> list[Path]:
        """Sample grids, by step."""
        return sorted(self.samples.glob("step-*.png"))

    def samples_by_step(self) -> dict[int, Path]:
        """Sample grids whose names tell their step, by step."""
        steps = {path.stem.removeprefix("step-"): path for path in self.list_samples()}
        return dict(sorted((int(step), path) for step, path in steps.items() if step.isdecimal()))

    def list_checkpoints(self) -> list[Path]:
        """Checkpoints, by step."""
        found = self.checkpoints.glob("step-*.weights.h5")
        return sorted((path for path in found if _step_of(path) >= 0), key=_step_of)

    def last_generator(self) -> Path | None:
        """generator.keras or, if training has gone on since, the last checkpoint.

        config.json says when it was exported. If it does not, generator.keras is taken.
        """
        last = next(reversed(self.list_checkpoints()), None)
        if last is None or not self.generator_keras.is_file():
            return self.generator_keras if self.generator_keras.is_file() else last
        exported = self.read_config().get("exported", "last") if self.config.exists() else "last"
        if isinstance(exported, dict):
            is_newer = _step_of(last) > exported["step"]
        else:  # None: training goes on; an earlier version wrote which one, but not when
            is_newer = exported is None
        return last if is_newer else self.generator_keras

    def require_unused(self) -> None:
        """Raises ValueError if a run has been trained here."""
        if self.list_checkpoints() or self.log_csv.is_file():
            raise ValueError(
                "save_path must not hold a run already: resume it (--resume, or resume=True), or "
                f"choose another folder. Received: {str(self.path)!r}"
            )

    def require_writable(self) -> None:
        """Raises ValueError unless files can be written wherever the run writes them."""
        for folder in (self.path, self.samples, self.checkpoints):
            require_writable(folder, "save_path")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Creates the folder, and keeps other processes from training in it.

        The lock ends with the process (`locked_file`). Unfinished files of a killed process are
        deleted.

        Raises:
            ValueError: If another process holds the lock.
        """
        self.path.mkdir(parents=True, exist_ok=True)

        def refuse() -> None:
            raise ValueError(
                f"save_path must not be in use by another process. Received: {str(self.path)!r}, "
                "where one is training"
            ) from None

        with locked_file(self.path / ".lock", refuse):
            for folder in (self.path, self.samples, self.checkpoints):
                remove_unfinished(folder)
            yield

    def read_config(self) -> dict[str, Any]:
        """What `write_config` wrote; every entry that is there keeps its rule.

        Raises:
            ValueError: If there is no run here, or its config.json cannot be read or was edited to
                something else.
        """
        config, problems = self.known_config()
        if problems:
            raise ValueError(f"{printable(self.config)} must hold what a run writes: restore it. "
                             f"In it, {problems[0]}")  # fmt: skip
        return config

    def known_config(self) -> tuple[dict[str, Any], list[str]]:
        """`read_config` without those entries that break their rules, and what is wrong with them.

        Raises:
            ValueError: If there is no run here, or its config.json cannot be read.
        """
        if not self.config.exists():
            raise ValueError(
                f"save_path must be a run directory with a config.json to resume. "
                f"Received: {str(self.path)!r}, where no run was started"
            )
        config = read_json(self.config)
        if not is_of_a_run(config):
            raise ValueError(f"{printable(self.config)} must hold what a run writes. "
                             "Received: other JSON")  # fmt: skip
        return known_facts(config)

    def read_log(self) -> list[Row]:
        """The rows of log.csv, one per interval, by column; no rows without a log.

        `step` is an int, `health` a string, the others are floats; an empty cell is NaN.

        Raises:
            ValueError: If it is damaged.
        """
        rows, problem = self.whole_rows()
        if problem:
            raise ValueError(problem)
        return rows

    def whole_rows(self) -> tuple[list[Row], str]:
        """`read_log` up to where log.csv is damaged, and the damage in words; "" without any."""
        return whole_rows(self.log_csv) if self.log_csv.exists() else ([], "")

    def note_exported(self, generator: str, step: int) -> None:
        """Writes into config.json which generator was exported, "last" or "best", and when."""
        exported = {"generator": generator, "step": step}
        self.write_config(self.read_config() | {"exported": exported})

    def write_config(self, config: dict[str, Any]) -> None:
        """Writes config.json: options, model, data and versions of the run."""
        with atomic_path(self.config) as temporary:
            temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _step_of(checkpoint: Path) -> int:
    """The generator step in a checkpoint's name; -1 for a file of somebody's own."""
    step = checkpoint.name.removeprefix("step-").removesuffix(".weights.h5")
    return int(step) if step.isascii() and step.isdecimal() else -1
