"""The trained generator as a file of its own, for use without this package."""

import warnings
from collections import Counter
from pathlib import Path

import h5py
import keras

from gans.generators.exporting import export_generator
from gans.model.sealed import MemoryFile, require_whole, seal_folder, sealed_file
from utils.data.sources.zips import ZipMembers
from utils.files import full_disk_named, write_whole
from utils.foreign_networks import require_bounded
from utils.process import quiet_stderr
from utils.runs.trust import remember

# Where a whole run's checkpoint keeps them.
EMA_GROUP, RAW_GROUP = "ema_generator", "generator"
_WEIGHTS = "model.weights.h5"  # in a .keras file


def save_generator(generator: keras.Model, path: str | Path) -> None:
    """Writes a generator: noise float32 [N, noise_dim] -> images [N, H, W, C] in [-1, 1].

    Args:
        generator: The model.
        path: Ends in .keras (Keras 3), in .h5 (the older clear-text format), in .onnx or .tflite
            (for ONNX Runtime and LiteRT: see `gans.generators.exporting`), or in none of these: a
            SavedModel folder for `tf.saved_model.load` or `keras.layers.TFSMLayer`.

    Raises:
        ValueError: As `gans.generators.exporting.export_generator`.
        DiskFullError: If there is no room for it.
    """
    path = Path(path)
    if path.suffix in (".onnx", ".tflite"):
        export_generator(generator, path)
        return
    with quiet_stderr():  # that .h5 is a legacy format, say
        if path.suffix in (".keras", ".h5"):
            write_whole(path, sealed_file(generator, path.suffix))
        else:
            with full_disk_named(path):
                generator.export(path, verbose=False)
                seal_folder(path)
            remember(path)


def load_generator_weights(generator: keras.Model, path: str | Path, raw: bool = False) -> None:
    """Loads saved weights into a generator with the same layers.

    Only arrays are read; no layer or code that the file describes is built or run.

    Args:
        generator: A built model; it keeps its weights if this fails.
        path: A .keras or .h5 file of `save_generator`, a .weights.h5 file of
            `generator.save_weights`, or the checkpoint of a whole run
            (checkpoints/step-*.weights.h5), which gives its EMA generator.
        raw: From a run's checkpoint, take the generator without averaging instead.

    Raises:
        ValueError: If the generator is not a built model, or the file is missing, cannot be read,
            or is not of a generator with these layers.
    """
    path = Path(path)
    if not isinstance(generator, keras.Model) or not generator.built:
        raise ValueError(
            "generator must be a keras.Model that is built: call it on noise once. "
            f"Received: {type(generator).__name__}"
        )
    if path.is_dir():
        raise ValueError(
            "path must be a file with weights, not a folder: give generator.keras, generator.h5 or "
            f"a checkpoint (tf.saved_model.load reads a SavedModel folder). Received: '{path}'"
        )
    if path.suffix not in (".keras", ".h5"):
        raise ValueError(f"path must end in .keras, .h5 or .weights.h5. Received: '{path}'")
    if not path.is_file():
        raise ValueError(f"path must be a file that exists. Received: '{path}'")

    previous = generator.get_weights()
    try:
        require_bounded(path)
        require_whole(path)
        with warnings.catch_warnings():
            # Keras only warns if a part of the file fits nothing, and loads the rest.
            warnings.simplefilter("error", UserWarning)
            generator.load_weights(_generator_alone(path, generator, raw))
    except BaseException as error:
        generator.set_weights(previous)
        # A damaged file may raise anything in the libraries that read it.
        if not isinstance(error, Exception):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            "path must be an undamaged file of a generator with the same layers. "
            f"Received: '{path}' ({reason[:200]})"
        ) from error


def _generator_alone(path: Path, generator: keras.Model, raw: bool) -> Path | MemoryFile:
    """A file that `generator.load_weights` takes: `path`, or one made from it in memory.

    Raises:
        ValueError: If its arrays are not the generator's.
    """
    weights = path
    if path.suffix == ".keras":
        archive = ZipMembers(path)
        member = next((each for each in archive.members if each.filename == _WEIGHTS), None)
        if member is None:
            raise ValueError(f"no {_WEIGHTS} in it")
        archive.check(member)
        weights = MemoryFile(".weights.h5")
        weights.write(archive.open(member).read(member.file_size))
    elif not path.name.endswith(".weights.h5"):
        return path  # of the older format, which Keras compares layer by layer
    with h5py.File(weights) as source:
        root = source.get(RAW_GROUP if raw and EMA_GROUP in source else EMA_GROUP, source)
        stored = Counter()
        root.visititems(
            lambda _, item: stored.update([item.shape] if isinstance(item, h5py.Dataset) else [])
        )
        own = Counter(tuple(variable.shape) for variable in generator.variables)
        # Keras finds what is missing, if not always in clear words, but ignores what is left over.
        for shape in stored - own or own - stored:
            where = f"{stored[shape]} in the file, {own[shape]} in this generator"
            raise ValueError(f"arrays of shape {shape}: {where}")
        if root is source:
            return weights
        alone = MemoryFile(".weights.h5")  # on a full disk, HDF5 would end the process
        with h5py.File(alone, "w") as target:
            for name in root:
                source.copy(root[name], target, name)
    return alone
