"""Sources of images in arrays: NumPy's .npy and .npz, and idx files.

No array that is larger than `_IN_MEMORY` is held in memory: it is memory-mapped or, if its file is
compressed, unpacked image by image.
"""

import contextlib
import functools
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from utils.data.array_rows import ArrayRows
from utils.data.image_formats import most_bytes
from utils.data.npy import ArrayHeader, Readable, map_values, read_header
from utils.data.sources.base import Item, Source
from utils.data.sources.unpacking import GZIP_MAGIC, Unpacked, gzipped
from utils.data.sources.zips import ZipMembers
from utils.wording import printable

TRAINING_IDX = "train-images-idx3-ubyte.gz"  # one of the four files of MNIST and its relatives
_NPZ_NAMES = ("images", "x_train")  # preferred if an archive holds several arrays
_IN_MEMORY = 2**28  # bytes of a compressed array that are kept for random access
_GZIP_MOST = 1100  # gzip makes nothing more times smaller


class _ArraySource(Source):
    """Images in one array; subclasses say where it is."""

    _damaged = "is damaged"

    def _find(self) -> ArrayHeader:
        """The array's header. Raises: Exception: Nearly any, if the file is damaged."""
        raise NotImplementedError

    @contextlib.contextmanager
    def _unpacked(self) -> Iterator[Readable]:
        """The values of a compressed array, from front to end. Raises: as `_find`."""
        raise NotImplementedError

    def _error(self, problem: str) -> ValueError:
        """The error for a file "which ..."."""
        raise NotImplementedError

    @property
    def _is_packed(self) -> bool:
        """Whether the array is compressed."""
        raise NotImplementedError

    @functools.cached_property
    def _header(self) -> ArrayHeader:
        """Of [N, H, W], [N, H, W, 1] or [N, H, W, 3], uint8 or floats; nothing of it is empty."""
        with self._named_errors():
            header = self._find()
        shape, dtype, received = header.shape, header.dtype, printable(self.location)
        if not (len(shape) == 3 or (len(shape) == 4 and shape[-1] in (1, 3))):
            raise ValueError(
                "source: an array of images must have the shape [N, H, W], [N, H, W, 1] or "
                "[N, H, W, 3]: rearrange it with numpy.moveaxis or numpy.reshape and save it "
                f"again. Received: {list(shape)} from {received}"
            )
        if 0 in shape:
            raise ValueError("source: an array of images must hold images with pixels. Received: "
                             f"the empty shape {list(shape)} from {received}")
        if dtype != np.uint8 and dtype.kind != "f":
            raise self._wrong_values(dtype)
        if (math.prod(shape[1:3]) > self.max_megapixels * 1e6
                or header.nbytes // shape[0] > most_bytes(self.max_megapixels)):
            raise ValueError(f"source: images must have at most max_megapixels="
                             f"{self.max_megapixels:g}: raise it, or make them smaller. Received: "
                             f"{shape[1]}x{shape[2]} from {received}")
        if self._is_packed and header.fortran_order and header.nbytes > _IN_MEMORY:
            raise ValueError("source: a large compressed array must be in C order: save it again "
                             f"with numpy.ascontiguousarray. Received: {received}")
        return header

    @property
    def random_access(self) -> bool:
        return not self._is_packed or self._header.nbytes <= _IN_MEMORY

    @functools.cached_property
    def _array(self) -> np.ndarray:
        header = self._header
        with self._named_errors():
            if not self._is_packed:
                return map_values(Path(self.location), header)
            (values,) = self._values([header.nbytes])
        return header.array(values)

    @functools.cached_property
    def _rows(self) -> ArrayRows | np.ndarray:
        """The array; for a memory map, without its pages in memory."""
        return ArrayRows(self._array) if isinstance(self._array, np.memmap) else self._array

    def _values(self, sizes: Iterable[int]) -> Iterator[bytes]:
        """Unpacks pieces of these sizes, which are the whole array."""
        with self._unpacked() as stream:
            for size in sizes:
                values = stream.read(size)
                if len(values) != size:
                    raise self._error(self._header.wrong_size)
                yield values
            if stream.read(1):
                raise self._error(self._header.wrong_size)

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            if str(error).startswith("source"):
                raise
            raise self._error(str(error)) from error
        except Exception as error:  # each library has its own, and damage brings out all kinds
            is_of_disk = isinstance(error, OSError) and error.errno is not None
            problem = f"cannot be read ({error.strerror})" if is_of_disk else self._damaged
            raise self._error(problem) from error

    def _images(self) -> Iterator[np.ndarray]:
        """All images as they are stored, in order."""
        if self.random_access:
            yield from (self._rows[[index]][0] for index in range(len(self)))
            return
        count, *shape = self._header.shape
        size = self._header.nbytes // count
        with self._named_errors():
            for values in self._values(size for _ in range(count)):
                yield np.frombuffer(values, self._header.dtype).reshape(shape)

    @property
    def channels(self) -> int:
        return 3 if self._header.shape[3:] == (3,) else 1

    def __len__(self) -> int:
        return len(self._array) if self.random_access else self._header.shape[0]

    def name(self, index: int) -> str:
        return f"{Path(self.location).name}[{index}]"

    def size(self, index: int) -> int:
        return self._header.nbytes // self._header.shape[0]

    def read(self, index: int) -> np.ndarray:
        (image,) = self._rows[[index]]
        return self._as_bytes(image)

    def items(self) -> Iterator[Item]:
        if self.random_access:
            yield from super().items()
            return
        for index, image in enumerate(self._images()):
            yield Item(self.name(index), image.nbytes, functools.partial(self._as_bytes, image))

    def _as_bytes(self, image: np.ndarray) -> np.ndarray:
        scale, offset = self._to_bytes
        if scale is not None:
            image = np.rint(image.astype(np.float64) * scale + offset).astype(np.uint8)
        return np.ascontiguousarray(image)

    @functools.cached_property
    def _to_bytes(self) -> tuple[float | None, float]:
        """(scale, offset) that bring the values to 0..255; scale None if they are uint8 already."""
        if self._header.dtype == np.uint8:
            return None, 0.0
        low, high = math.inf, -math.inf
        for image in self._images():  # one by one: they may not fit in memory
            low, high = np.minimum(low, image.min()), np.maximum(high, image.max())
        if low >= 0 and high <= 1:
            return 255.0, 0.0
        if low >= -1 and high <= 1:
            return 127.5, 127.5
        raise self._wrong_values(f"{self._header.dtype} in [{low:.4g}, {high:.4g}]")

    def _wrong_values(self, received: object) -> ValueError:
        return ValueError(
            "source: an array of images must be uint8, or float in [0, 1] or [-1, 1]: convert it "
            f"and save it again. Received: {received} from {printable(self.location)}"
        )


class NumpySource(_ArraySource):
    """A .npy file (memory-mapped) or the array of images in a .npz file. Nothing is unpickled."""

    @property
    def _is_packed(self) -> bool:
        return self.location.lower().endswith(".npz")

    def _find(self) -> ArrayHeader:
        if self._is_packed:
            return self._member[1]
        with Path(self.location).open("rb") as file:
            return read_header(file)

    @functools.cached_property
    def _archive(self) -> ZipMembers:
        return ZipMembers(self.location)

    @functools.cached_property
    def _member(self):
        """The member that holds the images, and its header; others are not even unpacked."""
        members = {member.filename.removesuffix(".npy"): member
                   for member in self._archive.members if member.filename.endswith(".npy")}
        preferred = [name for name in _NPZ_NAMES if name in members]
        images, problem = [], None
        for name in preferred[:1] or members:
            try:
                self._archive.check(members[name])
                header = read_header(self._archive.open(members[name]))
            except ValueError as error:
                problem = ValueError(f"has an array named {printable(name)} that {error}")
                continue
            if len(header.shape) in (3, 4):
                images.append((members[name], header))
        if not images and problem is not None:
            raise problem
        if len(images) != 1:
            raise ValueError(
                f"source must hold one array of images, or one named {' or '.join(_NPZ_NAMES)}. "
                f"Received: {len(images)} among {list(map(printable, members))} in "
                f"{printable(self.location)}"
            )
        member, header = images[0]
        if header.offset + header.nbytes != member.file_size:
            raise ValueError(header.wrong_size)
        return images[0]

    @contextlib.contextmanager
    def _unpacked(self) -> Iterator[Readable]:
        member, header = self._member
        stream = self._archive.open(member)
        stream.read(header.offset)
        yield stream

    def _error(self, problem: str) -> ValueError:
        return ValueError("source must be an array file that can be read: save it again. Received: "
                          f"{printable(self.location)}, which {problem}")


class IdxSource(_ArraySource):
    """An idx file of images (the format of MNIST), compressed with gzip or not."""

    _damaged = "cannot be decompressed"

    def __init__(self, location: str, note: str | None = None):
        super().__init__(location)
        self.note = note

    @property
    def _is_packed(self) -> bool:
        return self.location.lower().endswith(".gz")

    def _find(self) -> ArrayHeader:
        size = Path(self.location).stat().st_size
        if not size:
            raise self._error("is not an idx file, but empty")
        with self._whole() as stream:
            start = stream.read(4)
            sides = stream.read(4 * start[3]) if len(start) == 4 else b""
        if start[:3] != b"\0\0\x08" or len(sides) != 4 * start[3]:
            raise self._error("is not an idx file of bytes")
        shape = tuple(np.frombuffer(sides, ">u4").tolist())
        if len(shape) not in (3, 4):
            raise self._error(f"holds {len(shape)}-dimensional data, perhaps labels")
        header = ArrayHeader(shape, np.dtype(np.uint8), False, len(start) + 4 * len(shape))
        if header.nbytes > _GZIP_MOST * size if self._is_packed else (
                header.offset + header.nbytes != size):
            raise self._error(header.wrong_size)
        return header

    @contextlib.contextmanager
    def _whole(self) -> Iterator[Readable]:
        with Path(self.location).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            yield Unpacked(file, 0, size, gzipped, GZIP_MAGIC) if self._is_packed else file

    @contextlib.contextmanager
    def _unpacked(self) -> Iterator[Readable]:
        with self._whole() as stream:
            stream.read(self._header.offset)
            yield stream
            if stream.left_over:
                raise self._error("is followed by something else")

    def _error(self, problem: str) -> ValueError:
        return ValueError(
            "source must be a whole idx file of images: get it again, or name another, such as "
            f"{TRAINING_IDX}. Received: {printable(self.location)}, which {problem}"
        )
