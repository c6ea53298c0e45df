"""The trained generator as a file of its own, for use without this package."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
from absl import logging


def save_generator(generator: keras.Model, path: str | Path) -> None:
    """Writes a generator: noise float32 [N, noise_dim] -> images [N, H, W, C] in [-1, 1].

    Args:
        generator: The model.
        path: Ends in .keras (Keras 3), in .h5 (the older clear-text format), or in neither: a
            SavedModel folder for `tf.saved_model.load` or `keras.layers.TFSMLayer`.
    """
    path = Path(path)
    if path.suffix in (".keras", ".h5"):
        with _without_legacy_warning():
            generator.save(path)
    else:
        generator.export(path, verbose=False)


@contextlib.contextmanager
def _without_legacy_warning() -> Iterator[None]:
    """Silences the warning that .h5 is a legacy format: here it is asked for by name."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.set_verbosity(verbosity)
