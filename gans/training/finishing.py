"""What a finished run leaves: the generator in several formats and pictures of its training."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from gans.generators.exporting import FORMATS
from gans.generators.files import load_generator_weights
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
    model: keras.Model, run: RunDirectory, data: TrainingData, options: TrainArguments,
    best: str | None,
) -> None:  # fmt: skip
    """Exports a trained generator, and says what was written.

    With `save_best_only`, that is the best EMA generator, which the run directory holds, instead
    of the last. Otherwise the best by evaluations is written too, as best_generator.keras and
    best_generator.h5.

    `best` says what the best generator is by evaluations; None where it was not judged.
    """
    logger.info("Trained %d steps. Exporting the generator", model.steps_done)
    if best is not None:
        logger.info("The best by %s", best)
    with _weights(model, run, options.save_best_only):
        files = _save(model, {"generator (Keras)": run.generator_keras,
                              "generator (HDF5)": run.generator_h5,
                              "generator (SavedModel)": run.saved_model})  # fmt: skip
        real = data.real_images(SHOWN, model.options.seed)
        fake = model.generate(len(real), seed=model.options.seed)
        save_image(real_and_generated(real, fake), run.real_and_generated)
    run.note_exported("best" if options.save_best_only else "last", model.steps_done)
    if best is not None and not options.save_best_only:
        with _weights(model, run, best=True):
            files |= _save(model, {"best generator (Keras)": run.best_generator_keras,
                                   "best generator (HDF5)": run.best_generator_h5})  # fmt: skip
    pictures = {"real and generated": run.real_and_generated, **_pictures_of_training(model, run)}
    with _weights(model, run, options.save_best_only):  # last: a refusal spoils nothing else
        files |= _save_formats(model, run, options.export or ())
    write_model_card(run)
    for name, path in {**pictures, **files, "model card": run.path / "MODEL_CARD.md"}.items():
        logger.info("  %-24s %s", name, path)


def _pictures_of_training(model: keras.Model, run: RunDirectory) -> dict[str, Path]:
    samples = run.list_samples()
    if not samples:
        return {}
    animate(samples, run.animation)
    animate_image(samples, model.image_shape[:2], run.image_animation)
    return {"sample grid": samples[-1], "animation": run.animation,
            "animation of one image": run.image_animation,
            "loss plot": run.training_plot}  # fmt: skip


def _save(model: keras.Model, files: dict[str, Path]) -> dict[str, Path]:
    for path in files.values():
        with atomic_path(path) as temporary:
            model.save_generator(temporary)
    return files


def _save_formats(model: keras.Model, run: RunDirectory, formats: Sequence[str]) -> dict[str, Path]:
    files = {}
    for name in formats:
        path = run.path / f"generator{FORMATS[name].ending}"
        try:
            model.save_generator(path)
            files[f"generator ({name})"] = path
        except ValueError as error:
            logger.warning("%s", error)
    return files


@contextlib.contextmanager
def _weights(model: keras.Model, run: RunDirectory, best: bool) -> Iterator[None]:
    """The EMA generator with its best weights, or as it is."""
    last = model.ema_generator.get_weights()
    if best:
        load_generator_weights(model.ema_generator, run.best_generator)
    try:
        yield
    finally:
        model.ema_generator.set_weights(last)
