"""Writes many images while they are made: to a folder, a .zip, or one array in an .npz."""

import contextlib
import io
import tempfile
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from utils.files import UNFINISHED, atomic_path, full_disk_named, remove_unfinished
from utils.process import available_cores
from utils.visualization.grids import picture_of

FORMATS = {
    # Half the time of Pillow's default, and hardly larger files for generated images.
    "png": {"format": "PNG", "compress_level": 1, "compress_type": zlib.Z_RLE},
    "jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "webp": {"format": "WEBP", "quality": 95},
}
Add = Callable[[np.ndarray], None]  # writes the next images
_PART = 16  # images that a thread encodes at a time
_WAITING_PER_CORE = 4  # parts that may wait to be encoded and written


@contextlib.contextmanager
def image_writer(
    path: str | Path, names: Sequence[str], image_format: str = "png"
) -> Iterator[Add]:
    """Writes images as they come, whole or not at all: unfinished files are removed.

    Threads encode the images while the next ones are made; a few hundred are in memory at a time.

    Args:
        path: Ends in .zip (of image files), in .npz (one array `images`, uint8 [N, H, W, C]), or
            is a folder, whose other files stay. Files of the same names are replaced.
        names: The images' file names without ending, in order.
        image_format: "png", "jpg" or "webp"; an .npz has none.

    Yields:
        A function that takes the next images, uint8 [n, H, W, C] with C 1 or 3.

    Raises:
        ValueError: If there are not as many images as names.
        DiskFullError: If the disk is full.
    """
    path = Path(path)
    kind = {".npz": _array, ".zip": _archive}.get(path.suffix.lower(), _folder)
    place = _into if kind is _folder else atomic_path
    left = len(names)

    def require(enough: bool) -> None:
        if not enough:
            raise ValueError(f"names must be as many as the images. Received: {left:+} more")

    with (
        full_disk_named(path),
        place(path) as temporary,
        kind(temporary, names, image_format) as add,
    ):

        def counted(images: np.ndarray) -> None:
            nonlocal left
            left -= len(images)
            require(left >= 0)
            add(images)

        yield counted
        require(left == 0)


@contextlib.contextmanager
def _into(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes this one, or whose files move here, if the block succeeds.

    If this folder has files, the temporary one is inside it, as are those of killed processes.
    """
    place = folder if folder.is_dir() and any(folder.iterdir()) else folder.parent
    place.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=place) as temporary:
        made = Path(temporary) / "images"
        yield made
        try:
            made.rename(folder)  # in one call, if nothing or an empty folder is there
        except OSError:
            for file in made.iterdir():
                file.replace(folder / file.name)


@contextlib.contextmanager
def _folder(path: Path, names: Sequence[str], image_format: str) -> Iterator[Add]:
    path.mkdir()

    def work(part: np.ndarray, part_names: Sequence[str]) -> None:
        for name, data in _encoded(part, part_names, image_format):
            (path / name).write_bytes(data)

    with _threads(names, work) as add:
        yield add


@contextlib.contextmanager
def _archive(path: Path, names: Sequence[str], image_format: str) -> Iterator[Add]:
    def work(part: np.ndarray, part_names: Sequence[str]) -> list[tuple[str, bytes]]:
        return list(_encoded(part, part_names, image_format))

    # In order, by one thread; without compression, because the images are compressed already.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:

        def store(files: list[tuple[str, bytes]]) -> None:
            for name, data in files:
                archive.writestr(name, data)

        with _threads(names, work, store) as add:
            yield add


@contextlib.contextmanager
def _array(path: Path, names: Sequence[str], image_format: str) -> Iterator[Add]:
    """Writes what numpy.savez writes, without holding all of it."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive,
        archive.open("images.npy", "w", force_zip64=True) as file,
    ):

        begun = False

        def add(images: np.ndarray) -> None:
            nonlocal begun
            if not begun:
                shape = (len(names), *images.shape[1:])
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                begun = True
            file.write(np.ascontiguousarray(images).data)

        yield add


@contextlib.contextmanager
def _threads(
    names: Sequence[str], work: Callable[[np.ndarray, Sequence[str]], Any],
    store: Callable[[Any], None] = lambda result: None,
) -> Iterator[Add]:
    """Works on parts of the images in threads; the caller's thread takes the results in order."""
    given, waiting = 0, deque()
    with ThreadPoolExecutor(available_cores()) as pool:

        def store_all_but(most: int) -> None:
            while len(waiting) > most:
                store(waiting.popleft().result())

        def add(images: np.ndarray) -> None:
            nonlocal given
            for start in range(0, len(images), _PART):
                part = images[start : start + _PART]
                waiting.append(pool.submit(work, part, names[given : given + len(part)]))
                given += len(part)
                store_all_but(_WAITING_PER_CORE * available_cores())

        yield add
        store_all_but(0)


def _encoded(
    images: np.ndarray, names: Sequence[str], image_format: str
) -> Iterator[tuple[str, bytes]]:
    for image, name in zip(images, names, strict=True):
        file = io.BytesIO()
        picture_of(image).save(file, **FORMATS[image_format])
        yield f"{name}.{image_format}", file.getvalue()
