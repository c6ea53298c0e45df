"""Files of models that vouch for themselves: each ends in a checksum of all that comes before it.

A sealed file is a normal one: HDF5 ignores what follows its last object, and of a .keras file,
which is a zip archive, the checksum is the comment. A copy vouches for itself wherever it is. A
SavedModel is a folder, and has a file with the checksums of the others, which TensorFlow ignores.
"""

import hashlib
import io
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

SUMS = "SHA256SUMS"  # in a SavedModel, for `sha256sum -c` too

# Two marks: with one bit changed in one of them, the other still says that the file is sealed.
_BEFORE, _AFTER = b"\nsha256:", b":sha256\n"
_SEALED = "sealed"  # attribute of an HDF5 file
_LENGTH = len(_BEFORE) + 2 * hashlib.sha256().digest_size + len(_AFTER)


class MemoryFile(io.BytesIO):
    """A file in memory that Keras takes for a path with this ending."""

    def __init__(self, ending: str):
        super().__init__()
        self.ending = ending

    def __str__(self) -> str:
        return self.ending


class _LegacyFile(h5py.File):
    """An open HDF5 file that Keras takes for a path that ends in .h5."""

    def __str__(self) -> str:
        return ".h5"


def sealed_file(model: keras.Model, ending: str) -> memoryview:
    """What Keras writes of a model, with its seal.

    Made in memory: HDF5 ends the process if it cannot write to a disk.

    Args:
        model: A built model.
        ending: ".weights.h5", ".keras", or ".h5" for the older format of whole models.

    Returns:
        The bytes of the file.
    """
    memory = MemoryFile(ending)
    if ending == ".weights.h5":
        model.save_weights(memory)
    elif ending == ".keras":
        model.save(memory)
        with zipfile.ZipFile(memory, "a") as archive:
            archive.comment = bytes(_LENGTH)  # its length is part of what the checksum is of
        memory.truncate(len(memory.getbuffer()) - _LENGTH)
    else:
        with _LegacyFile(memory, "w") as file:
            model.save(file)
    if ending != ".keras":
        with h5py.File(memory, "a") as file:
            file.attrs[_SEALED] = True  # so that the loss of a seal is noticed
    digest = hashlib.sha256(memory.getbuffer()).hexdigest()
    memory.seek(0, io.SEEK_END)
    memory.write(_seal(digest))
    return memory.getbuffer()


def seal_folder(folder: Path) -> None:
    """Seals a SavedModel."""
    (folder / SUMS).write_text(_sums(folder), encoding="utf-8")


def require_whole(path: str | Path) -> None:
    """Raises an error if a sealed file or SavedModel is not, bit for bit, what was written.

    That is a ValueError, or what the libraries raise that read such files. Of one without a seal,
    as earlier versions and other programs write it, a .keras file has checksums of its own, which
    are checked.
    """
    path = Path(path)
    if path.is_dir():
        sums = path / SUMS
        if sums.is_file() and sums.read_bytes() != _sums(path).encode():
            raise ValueError(f"its files are not those that {SUMS} describes")
        return
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - _LENGTH))
        end = file.read()
        if _BEFORE in end or _AFTER in end:
            file.seek(0)
            if end != _seal(_digest(file, size - _LENGTH)):
                raise ValueError("its bytes do not match their checksum")
            return
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} does not match its checksum")
        return
    with h5py.File(path) as file:
        if _SEALED in file.attrs:
            raise ValueError("it was cut or changed after it was written: its checksum is gone")


def is_finite(model: keras.Model) -> bool:
    """Whether all weights of a model are finite."""
    return all(np.isfinite(np.asarray(weight, np.float32)).all() for weight in model.weights)


def _seal(digest: str) -> bytes:
    return _BEFORE + digest.encode() + _AFTER


def _sums(folder: Path) -> str:
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != SUMS:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)


def _digest(file: io.BufferedReader, size: int) -> str:
    """The checksum of the first `size` bytes."""
    digest = hashlib.sha256()
    while size > 0 and (part := file.read(min(size, 2**20))):
        digest.update(part)
        size -= len(part)
    return digest.hexdigest()
