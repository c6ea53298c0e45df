"""What a run's folder says about its generator and the images that it learned from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.runs.directory import RunDirectory
from utils.runs.reading import read_json
from utils.runs.recorded import is_of_a_run


def run_of(path: Path) -> tuple[RunDirectory | None, dict[str, Any]]:
    """The run directory at a path, or the one that holds the saved generator there.

    Returns:
        The run and its config.json; None and nothing if there is no run.

    Raises:
        ValueError: If the config.json there, or beside it, cannot be read or was edited.
    """
    run = RunDirectory(path)
    if run.config.exists():
        return run, run.read_config()
    run = RunDirectory(path.parent)
    # Beside a saved generator, a config.json may belong to something else.
    if not run.config.is_file() or not is_of_a_run(read_json(run.config)):
        return None, {}
    return run, run.read_config()


def is_generator(path: Path) -> bool:
    """Whether a path is a saved generator: .keras, .h5 or the folder of a SavedModel."""
    return path.suffix in (".keras", ".h5") or (path / "saved_model.pb").is_file()


@dataclass(frozen=True)
class NamedGenerator:
    """A generator by the path that a user gave.

    Attributes:
        path: A run directory, or a saved generator.
        file: What holds it: a whole generator, or a .weights.h5 of the run.
        run: The run that it is of; None where that is not known.
        model: "model" of the run's config.json, with the noise that was given.
        raw: Whether it is the generator without averaging.
    """

    path: Path
    file: Path
    run: RunDirectory | None
    model: dict[str, Any]
    raw: bool

    @classmethod
    def of(
        cls, path: Path, noise: str | None = None, raw: bool = False, best: bool = False,
        step: int | None = None, argument: str = "GENERATOR",
    ) -> "NamedGenerator":
        """The generator that a path is, or the one of a run that the other arguments choose.

        Args:
            path: A run directory, or a saved generator.
            noise: Of a saved generator: "normal" or "uniform"; None: as its run says.
            raw: As for `generator_file`; likewise best and step.
            best: Of a run, likewise.
            step: Of a run, likewise.
            argument: What errors call the path.

        Raises:
            ValueError: If there is no generator, or an argument has no meaning for it.
        """
        run, config = run_of(path)
        if run is not None and path == run.path:
            if noise is not None:
                raise ValueError(
                    "noise must be left out with a run, which records the noise that it was "
                    f"trained with. Received: {noise}"
                )
            file = generator_file(run, raw, best, step, argument)
        elif path.name.endswith(".weights.h5"):
            raise ValueError(
                f"{argument} must be a run directory or a whole generator, because weights alone "
                f"do not describe their model: give the run that they are in. Received: '{path}'"
            )
        elif not (is_generator(path) and path.exists()):
            raise ValueError(
                f"{argument} must be a run directory or a saved generator (.keras, .h5, "
                f"SavedModel) that exists. Received: '{path}'"
            )
        elif raw or best or step is not None:
            raise ValueError(
                "raw, best and step must be left out with a saved generator: they choose one from "
                f"a run. Received: '{path}'"
            )
        else:
            file = path
        given = {} if noise is None else {"noise": noise}
        return cls(path, file, run, config.get("model", {}) | given, raw)


def generator_file(
    run: RunDirectory, raw: bool = False, best: bool = False, step: int | None = None,
    argument: str = "GENERATOR",
) -> Path:
    """The file that holds a run's generator: the last EMA generator, unless another is chosen.

    Args:
        run: The run.
        raw: The generator without averaging, which only checkpoints hold.
        best: The best EMA generator that the run kept.
        step: The generator in the checkpoint after this many generator steps.
        argument: The run's name in errors.

    Raises:
        ValueError: If the run has no such generator, or both best and another are chosen.
    """
    if best and (raw or step is not None):
        raise ValueError(
            "best must be given without raw and step, because only the EMA generator is kept of "
            f"the best one. Received: best with {'raw' if raw else f'step={step}'}"
        )
    checkpoints = run.list_checkpoints()
    wanted, help_ = "has been trained", "train until the first checkpoint"
    if best:
        file = run.best_generator
        wanted, help_ = "has a best generator", "train with evaluate_every or save_best_only"
    elif step is not None:
        file = run.checkpoint(step)
        kept = ", ".join(path.name.split(".")[0].removeprefix("step-").lstrip("0") or "0"
                         for path in checkpoints)  # fmt: skip
        wanted = f"has the checkpoint of step {step}"
        help_ = f"those kept are {kept or 'none'}"
    elif raw:
        file = checkpoints[-1] if checkpoints else None
    else:
        file = run.last_generator()
    if file is None or not file.is_file():
        raise ValueError(f"{argument} must be a run that {wanted}: {help_}. Received: '{run.path}'")
    return file
