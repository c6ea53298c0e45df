"""From the source that a user names to a `Source` of images."""

import difflib
import os
from pathlib import Path

from utils.data.image_formats import MAX_MEGAPIXELS
from utils.data.sources.arrays import TRAINING_IDX, IdxSource, NumpySource
from utils.data.sources.base import Source, is_image_name
from utils.data.sources.faces import FacesSource
from utils.data.sources.files import FolderSource
from utils.data.sources.tars import TarSource
from utils.data.sources.tfds import TfdsSource
from utils.data.sources.zips import ZipSource
from utils.files import expanded
from utils.wording import printable

TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")


def open_source(source: str | os.PathLike, size: tuple[int, int], show_progress: bool = False,
                max_megapixels: float = MAX_MEGAPIXELS) -> Source:
    """The source that a user named.

    Args:
        source: A folder, an archive, an array or idx file, `tfds:NAME[:SPLIT]` or `faces`.
        size: (H, W) at which to draw the built-in faces; other sources have their own size.
        show_progress: Whether to show on stderr the progress of listing a large folder.
        max_megapixels: Larger images are not wanted.

    Raises:
        ValueError: It does not exist, or its kind is unknown.
    """
    opened = _open(source, size, show_progress)
    opened.max_megapixels = max_megapixels
    return opened


def _open(source: str | os.PathLike, size: tuple[int, int], show_progress: bool) -> Source:
    name = os.fspath(source)
    if name == "faces":
        return FacesSource(size)
    if name.startswith("tfds:"):
        return TfdsSource(name)
    path = expanded(name, "source")
    if not name or not path.exists():
        raise ValueError(_no_such_source(name, path))
    location, lower = str(path.resolve()), path.name.lower()
    if path.is_dir():
        idx = path / TRAINING_IDX
        if idx.is_file():
            return IdxSource(str(idx.resolve()), note=f"the folder's {idx.name}")
        return FolderSource(location, show_progress)
    if lower.endswith(".zip"):
        return ZipSource(location)
    if lower.endswith(TAR_ENDINGS):
        return TarSource(location)
    if lower.endswith((".npy", ".npz")):
        return NumpySource(location)
    if "idx" in lower and lower.endswith(("ubyte", ".gz")):
        return IdxSource(location)
    hint = f"name its folder, {printable(path.parent)}" if is_image_name(lower) else "unpack it"
    raise ValueError("source must be a folder, a .zip or .tar archive, a .npy, .npz or idx .gz "
                     f"array, tfds:NAME or faces: {hint}. Received: the file {printable(name)}")


def _no_such_source(name: str, path: Path) -> str:
    parent = path.parent if path.parent.is_dir() else Path()
    names = {entry.name: printable(entry) for entry in parent.iterdir()} | {"faces": "faces"}
    near = difflib.get_close_matches(path.name, names, n=1)
    hint = f" (did you mean {names[near[0]]}?)" if near else ""
    return ("source must be an existing folder or file, tfds:NAME or faces: name a folder, "
            f"--source FOLDER{hint}. Received: {printable(name)}, which is not there")
