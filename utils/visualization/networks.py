"""Diagrams and tables of networks."""

import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from utils.files import atomic_path

logger = logging.getLogger("utils")

DOTS_PER_INCH = 96
LINE_LENGTH = 100


def plot_models(models: Sequence[keras.Model], folder: str | Path) -> list[Path]:
    """Writes a table of each network's layers, and a diagram where Graphviz is installed.

    The table (`<name>.txt`) has the layers, their output shapes and their parameters; the
    diagram (`<name>.png`) has the layers with their shapes. Diagrams need pydot and Graphviz:
    without them a warning says so, and the tables are written all the same.

    Args:
        models: Built models with different names, such as `[gan.generator, gan.critic]`.
        folder: Where to write. It is made if it is missing.

    Returns:
        The files written: for each model the table and, if there is one, the diagram.

    Raises:
        ValueError: If `models` is not of this kind.
    """
    models = _require_models(models)
    folder = Path(folder)
    missing = _missing_programs()
    files = []
    for model in models:
        files.append(folder / f"{model.name}.txt")
        with atomic_path(files[-1]) as temporary:
            temporary.write_text(_table(model), encoding="utf-8")
        if missing:
            continue
        files.append(folder / f"{model.name}.png")
        with atomic_path(files[-1]) as temporary:
            keras.utils.plot_model(
                model, to_file=temporary, show_shapes=True, show_layer_names=True, dpi=DOTS_PER_INCH
            )
    if missing:
        logger.warning(
            "no network diagrams without %s; layer tables written: %s", " and ".join(missing),
            ", ".join(str(file) for file in files),
        )
    return files


def _require_models(models: Sequence[keras.Model]) -> list[keras.Model]:
    if not isinstance(models, Sequence) or not models:
        raise ValueError(
            "models must be a list of models, such as [gan.generator, gan.critic]. "
            f"Received: {models!r}"
        )
    for model in models:
        if not isinstance(model, keras.Model) or not model.built:
            raise ValueError(
                "models must be built Keras models: call each on a batch once. "
                f"Received: {getattr(model, 'name', type(model).__name__)}"
            )
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        raise ValueError(
            "models must have different names, because the files are named after them: plot them "
            f"into different folders. Received: {', '.join(names)}"
        )
    return list(models)


def _missing_programs() -> list[str]:
    """What is missing for diagrams, and how to get it."""
    missing = []
    # Keras imports pydot at its own import, or never.
    if "pydot" not in sys.modules:
        missing.append("pydot (pip install pydot, then restart Python)")
    if shutil.which("dot") is None:
        missing.append("Graphviz (apt-get install graphviz, or https://graphviz.org/download)")
    return missing


def _table(model: keras.Model) -> str:
    lines = []
    # Keras cuts the table's right side, the parameters, off at the terminal's width; a log file
    # or a pipe counts as 80 columns.
    with _terminal_width(LINE_LENGTH):
        model.summary(print_fn=lines.append, line_length=LINE_LENGTH)
    return "\n".join(lines).rstrip() + "\n"


@contextlib.contextmanager
def _terminal_width(columns: int) -> Iterator[None]:
    """Lets programs that ask how wide the terminal is see `columns`."""
    previous = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        if previous is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = previous
