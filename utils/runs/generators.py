"""What a run's folder says of its generator and of the images that it learned from."""

from pathlib import Path
from typing import Any

from utils.runs.directory import RunDirectory


def run_of(path: Path) -> tuple[RunDirectory | None, dict[str, Any]]:
    """The run directory that a path is, or that the saved generator there lies in.

    Returns:
        The run and its config.json; None and nothing if there is none.

    Raises:
        ValueError: If the path is a run directory whose config.json cannot be read.
    """
    run = RunDirectory(path)
    if run.config.is_file():
        return run, run.read_config()
    run = RunDirectory(path.parent)
    try:
        return run, run.read_config()
    except ValueError:  # it is no run: its config.json, if there is one, is something else's
        return None, {}


def is_generator(path: Path) -> bool:
    """Whether a path is that of a saved generator: .keras, .h5 or the folder of a SavedModel."""
    return path.suffix in (".keras", ".h5") or (path / "saved_model.pb").is_file()


def require_whole_generator(path: Path, argument: str) -> None:
    """Raises ValueError if a path is one of weights alone."""
    if path.name.endswith(".weights.h5"):
        raise ValueError(
            f"{argument} must be a run directory or a whole generator, for weights do not say what "
            f"model they are of: give the run that they lie in. Received: '{path}'"
        )


def generator_file(
    run: RunDirectory,
    raw: bool = False,
    best: bool = False,
    step: int | None = None,
    argument: str = "GENERATOR",
) -> Path:
    """The file that holds a run's generator: the last EMA generator unless another is wanted.

    Args:
        run: The run.
        raw: The generator without averaging, which only checkpoints hold.
        best: The best EMA generator that the run kept.
        step: That of the checkpoint after so many generator steps.
        argument: What errors call the run.

    Raises:
        ValueError: If the run has no such generator, or both best and another are wanted.
    """
    if best and (raw or step is not None):
        raise ValueError(
            "best must be given without raw and step: of the best generator only the EMA "
            f"generator is kept. Received: best with {'raw' if raw else f'step={step}'}"
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
