"""Sources that are not encoded images: NumPy arrays, idx files and the built-in faces."""

import functools
import gzip
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from utils.data.array_rows import ArrayRows
from utils.data.sources.base import Source
from utils.wording import printable

TRAINING_IDX = "train-images-idx3-ubyte.gz"  # one of the four files of MNIST and its relatives
_NPZ_NAMES = ("images", "x_train")  # preferred if an archive holds several arrays


class _ArraySource(Source):
    """Images in one array; subclasses say how to get it."""

    @functools.cached_property
    def _array(self) -> np.ndarray:
        """[N, H, W], [N, H, W, 1] or [N, H, W, 3], uint8 or float in [0, 1] or [-1, 1]."""
        array = self._load()
        if not (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] in (1, 3))):
            raise ValueError(
                "source: an array of images must have the shape [N, H, W], [N, H, W, 1] or "
                "[N, H, W, 3]: rearrange it with numpy.moveaxis or numpy.reshape and save it "
                f"again. Received: {list(array.shape)} from {printable(self.location)}"
            )
        return array

    def _load(self) -> np.ndarray:
        raise NotImplementedError

    @functools.cached_property
    def _rows(self) -> ArrayRows | np.ndarray:
        """The same; for a memory map, without its pages in memory."""
        return ArrayRows(self._array) if isinstance(self._array, np.memmap) else self._array

    @property
    def channels(self) -> int:
        return 3 if self._array.shape[3:] == (3,) else 1

    def __len__(self) -> int:
        return len(self._array)

    def name(self, index: int) -> str:
        return f"{Path(self.location).name}[{index}]"

    def read(self, index: int) -> np.ndarray:
        scale, offset = self._to_bytes
        (image,) = self._rows[[index]]
        if scale is not None:
            image = np.rint(image.astype(np.float64) * scale + offset).astype(np.uint8)
        return np.ascontiguousarray(image)

    @functools.cached_property
    def _to_bytes(self) -> tuple[float | None, float]:
        """(scale, offset) that bring the values to 0..255; scale None if they are uint8 already."""
        array = self._array
        if array.dtype == np.uint8:
            return None, 0.0
        low, high = math.inf, -math.inf
        if np.issubdtype(array.dtype, np.floating):
            for index in range(len(array)):  # one by one: they may not fit in memory
                image = self._rows[[index]]
                low, high = np.minimum(low, image.min()), np.maximum(high, image.max())
            if low >= 0 and high <= 1:
                return 255.0, 0.0
            if low >= -1 and high <= 1:
                return 127.5, 127.5
        values = f" in [{low:.4g}, {high:.4g}]" if low != math.inf else ""
        raise ValueError(
            "source: an array of images must be uint8, or float in [0, 1] or [-1, 1]: convert it "
            f"and save it again. Received: {array.dtype}{values} from {printable(self.location)}"
        )


class NumpySource(_ArraySource):
    """A .npy file (memory-mapped) or the array of images in a .npz file. Nothing is unpickled."""

    def _load(self) -> np.ndarray:
        try:
            loaded = np.load(self.location, mmap_mode="r", allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            with loaded:
                preferred = [name for name in _NPZ_NAMES if name in loaded.files]
                arrays = {name: loaded[name] for name in preferred[:1] or loaded.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            reason = "it holds Python objects" if "pickle" in str(error) else "it is damaged"
            raise ValueError("source must be an array file that can be read. Received: "
                             f"{printable(self.location)}: {reason}") from error
        images = [array for array in arrays.values() if array.ndim in (3, 4)]
        if len(images) != 1:
            raise ValueError(
                f"source must hold one array of images, or one named {' or '.join(_NPZ_NAMES)}. "
                f"Received: {len(images)} among {list(arrays)} in {printable(self.location)}"
            )
        return images[0]


class IdxSource(_ArraySource):
    """An idx file of images (the format of MNIST), compressed with gzip or not."""

    def __init__(self, location: str, note: str | None = None):
        super().__init__(location)
        self.note = note

    def _load(self) -> np.ndarray:
        opener = gzip.open if self.location.lower().endswith(".gz") else open
        try:
            with opener(self.location, "rb") as file:
                data = file.read()
        except (OSError, EOFError, zlib.error) as error:
            raise self._error("cannot be decompressed") from error
        if len(data) < 4 or data[:2] != b"\0\0" or data[2] != 8 or len(data) < 4 + 4 * data[3]:
            raise self._error("is not an idx file of bytes")
        shape = np.frombuffer(data, ">u4", data[3], offset=4).astype(int)
        if len(shape) not in (3, 4):
            raise self._error(f"holds {len(shape)}-dimensional data, perhaps labels")
        if len(data) - 4 - 4 * len(shape) != math.prod(shape.tolist()):
            raise self._error(f"is cut off or too long for its shape {shape.tolist()}")
        return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)

    def _error(self, problem: str) -> ValueError:
        return ValueError(
            "source must be a whole idx file of images: get it again, or name another, such as "
            f"{TRAINING_IDX}. Received: {printable(self.location)}, which {problem}"
        )
