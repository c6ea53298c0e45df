"""What a finished run leaves: the generator in three formats and the animation of its samples."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from gans.adversarial import AdversarialModel
from utils.run_directory import RunDirectory, atomic_path
from utils.visualization.animation import animate

logger = logging.getLogger("gans")


def export_run(
    model: AdversarialModel, run: RunDirectory, best_only: bool, evaluated: bool
) -> list[tuple[str, Path]]:
    """Writes generator.keras, generator.h5, saved_model/ and training.gif.

    Args:
        model: The trained model.
        run: Its run directory.
        best_only: Export the best EMA generator, which the run directory holds, instead of the
            last.
        evaluated: The best is known by evaluations: unless it is all that is exported, write it
            too, as best_generator.keras and best_generator.h5.

    Returns:
        What was made, with its path.
    """
    files = [
        ("generator (Keras)", run.generator_keras),
        ("generator (HDF5)", run.generator_h5),
        ("generator (SavedModel)", run.saved_model),
    ]
    best_files = [
        ("best generator (Keras)", run.best_generator_keras),
        ("best generator (HDF5)", run.best_generator_h5),
    ]
    with _best_weights(model, run) if best_only else contextlib.nullcontext():
        _save(model, files)
    if evaluated and not best_only:
        with _best_weights(model, run):
            _save(model, best_files)
        files += best_files
    samples = run.list_samples()
    if samples:
        animate(samples, run.animation)
        files = [
            ("sample grid", samples[-1]),
            ("animation", run.animation),
            ("loss plot", run.training_plot),
            *files,
        ]
    return files


def _save(model: AdversarialModel, files: list[tuple[str, Path]]) -> None:
    for _, path in files:
        with atomic_path(path) as temporary:
            model.save_generator(temporary)


@contextlib.contextmanager
def _best_weights(model: AdversarialModel, run: RunDirectory) -> Iterator[None]:
    last = model.ema_generator.get_weights()
    model.ema_generator.load_weights(run.best_generator)
    try:
        yield
    finally:
        model.ema_generator.set_weights(last)
