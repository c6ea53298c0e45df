"""What a finished run leaves: the generator in several formats and pictures of its training."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from gans.generators.exporting import FORMATS
from gans.training.data import TrainingData
from gans.training.options import TrainArguments
from utils.files import atomic_path
from utils.pages.model_card import write_model_card
from utils.runs.directory import RunDirectory
from utils.visualization.animation import animate, animate_image
from utils.visualization.exploring import real_and_generated
from utils.visualization.grids import save_image

logger = logging.getLogger("gans")

SHOWN = 36  # real images, and as many generated ones


def finish(
    model: keras.Model,
    run: RunDirectory,
    data: TrainingData,
    options: TrainArguments,
    best: str | None,
) -> None:
    """Exports a trained generator, and says what was written.

    Args:
        model: The trained model.
        run: Its run directory.
        data: What it was trained on.
        options: Of the run.
        best: What the best generator is by evaluations, as text; None where it was not judged.
    """
    logger.info("Trained %d steps. Exporting the generator", model.steps_done)
    if best is not None:
        logger.info("The best by %s", best)
    for name, path in export_run(
        model, run, data, options.save_best_only, best is not None, options.export or ()
    ):
        logger.info("  %-24s %s", name, path)


def export_run(
    model: keras.Model,
    run: RunDirectory,
    data: TrainingData,
    best_only: bool,
    evaluated: bool,
    formats: Sequence[str] = (),
) -> list[tuple[str, Path]]:
    """Writes generator.keras, generator.h5, saved_model/ and pictures of the training.

    Args:
        model: The trained model.
        run: Its run directory.
        data: What it was trained on.
        best_only: Export the best EMA generator, which the run directory holds, instead of the
            last.
        evaluated: Evaluations have found the best: unless it is all that is exported, also write
            it, as best_generator.keras and best_generator.h5.
        formats: Names of `gans.generators.exporting.FORMATS` to write the generator in too.

    Returns:
        What was made, with its path.
    """
    with _best_weights(model, run) if best_only else contextlib.nullcontext():
        files = _save(
            model,
            [
                ("generator (Keras)", run.generator_keras),
                ("generator (HDF5)", run.generator_h5),
                ("generator (SavedModel)", run.saved_model),
            ],
        )
        real = data.real_images(SHOWN, model.options.seed)
        fake = model.generate(len(real), seed=model.options.seed)
        save_image(real_and_generated(real, fake), run.real_and_generated)
    if evaluated and not best_only:
        with _best_weights(model, run):
            files += _save(
                model,
                [
                    ("best generator (Keras)", run.best_generator_keras),
                    ("best generator (HDF5)", run.best_generator_h5),
                ],
            )
    pictures = [("real and generated", run.real_and_generated), *_pictures_of_training(model, run)]
    with _best_weights(model, run) if best_only else contextlib.nullcontext():
        files += _save_formats(model, run, formats)  # last: a refusal spoils nothing else
    write_model_card(run)
    return pictures + files + [("model card", run.path / "MODEL_CARD.md")]


def _pictures_of_training(model: keras.Model, run: RunDirectory) -> list[tuple[str, Path]]:
    samples = run.list_samples()
    if not samples:
        return []
    animate(samples, run.animation)
    animate_image(samples, model.image_shape[:2], run.image_animation)
    return [
        ("sample grid", samples[-1]),
        ("animation", run.animation),
        ("animation of one image", run.image_animation),
        ("loss plot", run.training_plot),
    ]


def _save(model: keras.Model, files: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    for _, path in files:
        with atomic_path(path) as temporary:
            model.save_generator(temporary)
    return files


def _save_formats(
    model: keras.Model, run: RunDirectory, formats: Sequence[str]
) -> list[tuple[str, Path]]:
    files = []
    for name in formats:
        path = run.path / f"generator{FORMATS[name].ending}"
        try:
            model.save_generator(path)
            files.append((f"generator ({name})", path))
        except ValueError as error:
            logger.warning("%s", error)
    return files


@contextlib.contextmanager
def _best_weights(model: keras.Model, run: RunDirectory) -> Iterator[None]:
    last = model.ema_generator.get_weights()
    model.ema_generator.load_weights(run.best_generator)
    try:
        yield
    finally:
        model.ema_generator.set_weights(last)
