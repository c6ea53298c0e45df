"""Which SavedModels were written on this machine: those of others may run code when they are read.

What a run directory says of itself may come from whoever sent it. So the digests of all SavedModels
that this package has written are kept in the user's cache folder, each as the name of an empty
file: nothing that is sent along can put one there.
"""

import contextlib
import hashlib
from pathlib import Path

from utils.files import default_cache_dir
from utils.wording import printable


def remember(folder: Path) -> None:
    """Notes that this SavedModel was written here; if that fails, reading it asks for trust."""
    with contextlib.suppress(OSError):
        known = _known(folder)
        known.parent.mkdir(parents=True, exist_ok=True)
        known.touch()


def require_trust(folder: Path, trust: bool) -> None:
    """Raises ValueError unless a SavedModel is trusted, or was written here and not changed."""
    if not trust and not _known(folder).is_file():
        raise ValueError(
            "trust must be given (--trust, or trust=True) for a SavedModel that was not written on "
            "this machine, because it may run any code: take a .keras file of the generator, which "
            f"cannot, or trust whoever made it. Received: '{printable(folder)}'"
        )


def _known(folder: Path) -> Path:
    """The file that stands for a SavedModel, by the names and contents of all its files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
        digest.update(hashlib.sha256(name).digest())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return default_cache_dir() / "written_here" / digest.hexdigest()
