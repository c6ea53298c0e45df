"""Compressed data, unpacked from front to end in pieces, however much it claims or turns out to be.

Python's own readers of archives may unpack gigabytes at once from a few kilobytes, and end without
a look at the checksum, or at what follows.
"""

import bz2
import functools
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

MOST_TIMES = 200  # files of images hardly become that much larger when they are unpacked ...
_FREE_BYTES = 2**30  # ... but a few that are all of one color may
_PIECE = 2**18  # bytes read, or unpacked, at a time
_DICTIONARY = 2**28  # bytes that xz and lzma may use; `xz -9` needs 65 MB


class Plain:
    """Reads a part of a file from front to end. Others may read the same file meanwhile.

    Args:
        file: The file; its own position is neither used nor changed.
        start: Where the part begins.
        stop: Where it ends.
    """

    left_over = False

    def __init__(self, file: BinaryIO, start: int, stop: int):
        self._file, self._start, self._at, self._stop = file, start, start, stop

    def tell(self) -> int:
        """Bytes from the beginning of the part."""
        return self._at - self._start

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        parts = []
        while size > 0 and self._at < self._stop:
            count = min(size, self._stop - self._at)
            part = os.pread(self._file.fileno(), count, self._at)
            if not part:
                break  # the file has become shorter
            parts.append(part)
            self._at += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, size: int) -> None:
        """Passes over the next bytes. Raises: EOFError: There are fewer."""
        if size > self._stop - self._at:
            raise EOFError("it ends too early")
        self._at += size


class Unpacked:
    """Unpacks a part of a file from front to end. A wrong checksum is an error at the end.

    Args:
        file: The file; its own position is neither used nor changed.
        start: Where the compressed part begins.
        stop: Where it ends.
        decompressor: Makes what unpacks one stream, with the interface of `zlib` or `bz2`.
        magic: How a further stream after the first begins. None: there is only one.

    Attributes:
        left_over: Whether bytes after the end, which are not zeros, could not be unpacked.
    """

    def __init__(self, file: BinaryIO, start: int, stop: int, decompressor: Callable[[], Any],
                 magic: bytes | None = None):
        self._packed = Plain(file, start, stop)
        self._new, self._magic = decompressor, magic
        self._stream = decompressor()
        self._rest = b""  # read, but not yet given to the stream
        self._piece, self._used = b"", 0
        self._total = 0
        self.left_over = False

    def tell(self) -> int:
        """Unpacked bytes that were read."""
        return self._total - len(self._piece) + self._used

    def read(self, size: int) -> bytes:
        """The next unpacked bytes; fewer only at the end.

        Raises:
            EOFError, OSError, ValueError, lzma.LZMAError, zlib.error: The data is damaged, or far
                larger than its file.
        """
        if size <= len(self._piece) - self._used:
            self._used += size
            return self._piece[self._used - size : self._used]
        whole = io.BytesIO()  # grows in place
        for part in self._parts(size):
            whole.write(part)
        return whole.getvalue()

    def skip(self, size: int) -> None:
        """Passes over the next bytes. Raises: as `read`; EOFError also if there are fewer."""
        if sum(map(len, self._parts(size))) != size:
            raise EOFError("it ends too early")

    def _parts(self, size: int) -> Iterator[memoryview]:
        while size > 0:
            if self._used == len(self._piece):
                self._piece, self._used = self._next_piece(), 0
                if not self._piece:
                    return
            part = memoryview(self._piece)[self._used : self._used + size]
            self._used += len(part)
            size -= len(part)
            yield part

    def _next_piece(self) -> bytes:
        while not self._stream.eof or self._begin_next_stream():
            # zlib gives back the input that it has not used, the others keep it.
            wanted = getattr(self._stream, "needs_input", True)
            packed = getattr(self._stream, "unconsumed_tail", b"") or self._rest
            if wanted and not packed:
                packed = self._packed.read(_PIECE)
            self._rest = b""
            piece = self._stream.decompress(packed, _PIECE)
            if piece:
                self._total += len(piece)
                if self._total > max(_FREE_BYTES, MOST_TIMES * self._packed.tell()):
                    raise ValueError(f"becomes over {MOST_TIMES} times larger when unpacked")
                return piece
            if wanted and not packed and not self._stream.eof:
                raise EOFError("it ends too early")
        return b""

    def _begin_next_stream(self) -> bool:
        if self._magic is None:
            return False
        rest = self._stream.unused_data.lstrip(b"\0")
        while len(rest) < len(self._magic) and (more := self._packed.read(_PIECE)):
            rest = (rest + more).lstrip(b"\0")  # zeros may pad it
        if not rest.startswith(self._magic):
            self.left_over = bool(rest)
            return False
        self._stream, self._rest = self._new(), rest
        return True


Stream = Plain | Unpacked

deflated = functools.partial(zlib.decompressobj, -zlib.MAX_WBITS)  # without header and checksum
gzipped = functools.partial(zlib.decompressobj, 16 + zlib.MAX_WBITS)
lzma_alone = functools.partial(lzma.LZMADecompressor, lzma.FORMAT_ALONE, _DICTIONARY)
GZIP_MAGIC = b"\x1f\x8b"
_KINDS = {
    GZIP_MAGIC: gzipped,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": functools.partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _DICTIONARY),
    b"\x5d\0\0\x80": lzma_alone,
}


def unpacked(file: BinaryIO) -> Stream:
    """A whole file, unpacked if its first bytes are those of gzip, bzip2, xz or lzma."""
    size = os.fstat(file.fileno()).st_size
    begin = os.pread(file.fileno(), 8, 0)
    for magic, decompressor in _KINDS.items():
        if begin.startswith(magic):
            return Unpacked(file, 0, size, decompressor, magic)
    return Plain(file, 0, size)
