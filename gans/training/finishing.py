"""What a finished run leaves: the generator in several formats, and pictures of its training."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gans.generators.exporting import FORMATS
from gans.model.adversarial import AdversarialModel
from utils.files import atomic_path
from utils.pages.model_card import write_model_card
from utils.runs.directory import RunDirectory
from utils.visualization.animation import animate, animate_image
from utils.visualization.exploring import real_and_generated
from utils.visualization.grids import save_image

logger = logging.getLogger("gans")

SHOWN = 36  # real images, and as many generated ones


def export_run(
    model: AdversarialModel,
    run: RunDirectory,
    data: Any,
    best_only: bool,
    evaluated: bool,
    formats: Sequence[str] = (),
) -> list[tuple[str, Path]]:
    """Writes generator.keras, generator.h5, saved_model/ and pictures of the training.

    Args:
        model: The trained model.
        run: Its run directory.
        data: What it was trained on; the real images of a `DataPreparator` are shown beside
            generated ones.
        best_only: Export the best EMA generator, which the run directory holds, instead of the
            last.
        evaluated: The best is known by evaluations: unless it is all that is exported, write it
            too, as best_generator.keras and best_generator.h5.
        formats: Names of `gans.generators.exporting.FORMATS` to write the generator in too.

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
    pictures = []
    with _best_weights(model, run) if best_only else contextlib.nullcontext():
        _save(model, files)
        if hasattr(data, "sample"):
            real = data.sample(SHOWN, seed=model.options.seed)
            fake = model.generate(len(real), seed=model.options.seed)
            save_image(real_and_generated(real, fake), run.real_and_generated)
            pictures.append(("real and generated", run.real_and_generated))
    if evaluated and not best_only:
        with _best_weights(model, run):
            _save(model, best_files)
        files += best_files
    samples = run.list_samples()
    if samples:
        animate(samples, run.animation)
        animate_image(samples, model.image_shape[:2], run.image_animation)
        pictures += [
            ("sample grid", samples[-1]),
            ("animation", run.animation),
            ("animation of one image", run.image_animation),
            ("loss plot", run.training_plot),
        ]
    with _best_weights(model, run) if best_only else contextlib.nullcontext():
        for name in formats:  # last: what a converter refuses spoils nothing else
            path = run.path / f"generator{FORMATS[name].ending}"
            try:
                model.save_generator(path)
                files.append((f"generator ({name})", path))
            except ValueError as error:
                logger.warning("%s", error)
    write_model_card(run)
    return pictures + files + [("model card", run.path / "MODEL_CARD.md")]


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
