"""Tar archives of images, compressed or not, read past what is damaged in them."""

import functools
import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from utils.data.image_formats import UnreadableImageError, UnusableImageError, check_bytes
from utils.data.sources.base import Item, Source, is_image_name, other_endings, whole_archive
from utils.data.sources.unpacking import Plain, Stream, unpacked

_BLOCK = tarfile.BLOCKSIZE
_ZEROS = bytes(_BLOCK)
_HEADER_BYTES = 2**20  # of one member with its extended headers; a name is at most a path's length
_NAME_BYTES = 4096


class TarMember(NamedTuple):
    """A file in an archive, or a part of the archive that is lost.

    Attributes:
        name: Its name; of a lost part, where it is.
        size: Bytes.
        start: Where its data begins in the unpacked archive.
        pieces: (place in the file, bytes) of the stored pieces, between which there are zeros.
        problem: Why it cannot be read, or None.
    """

    name: str
    size: int = 0
    start: int = 0
    pieces: tuple[tuple[int, int], ...] = ()
    problem: str | None = None


class TarSource(Source):
    """The image members of a .tar archive, compressed or not, in its order.

    Where a header is damaged, an entry that cannot be used stands for what is lost.
    """

    def __init__(self, location: str):
        super().__init__(location)
        self.random_access = location.lower().endswith(".tar")

    @functools.cached_property
    def _file(self) -> BinaryIO:
        return Path(self.location).open("rb")

    @functools.cached_property
    def _members(self) -> list[TarMember]:
        with whole_archive(self.location):
            return list(self._wanted(self._plain()))

    def _plain(self, start: int = 0) -> Plain:
        return Plain(self._file, start, os.fstat(self._file.fileno()).st_size)

    def __len__(self) -> int:
        return len(self._members) if self.random_access else 0

    def name(self, index: int) -> str:
        return self._members[index].name

    def size(self, index: int) -> int:
        return self._members[index].size

    def read(self, index: int) -> bytes:
        member = self._members[index]
        try:
            return self._content(self._plain(member.start), member)
        except EOFError as error:
            raise UnreadableImageError("cannot be read (the archive has become shorter)") from error
        except OSError as error:
            raise UnreadableImageError(f"cannot be read ({error.strerror})") from error

    def items(self) -> Iterator[Item]:
        if self.random_access:
            yield from super().items()
            return
        with whole_archive(self.location), Path(self.location).open("rb") as file:
            stream = unpacked(file)
            for member in self._wanted(stream):
                yield Item(member.name, member.size,
                           functools.partial(self._read_on, stream, member))

    def _wanted(self, stream: Stream) -> Iterator[TarMember]:
        self.left_out = Counter()
        for member in members(stream):
            if member.problem is not None or is_image_name(member.name):
                yield member
            else:
                self.left_out.update(other_endings([member.name]))

    def _read_on(self, stream: Stream, member: TarMember) -> bytes:
        with whole_archive(self.location):
            return self._content(stream, member)

    def _content(self, stream: Stream, member: TarMember) -> bytes:
        if member.problem is not None:
            raise UnusableImageError(member.problem)
        check_bytes(member.size, self.max_megapixels)
        return content(stream, member)


def members(stream: Stream) -> Iterator[TarMember]:
    """The files of an archive, without folders, and what is lost between them.

    After each, the stream is at its data, which `content` may read.

    Raises:
        tarfile.TarError: It is not a tar archive.
        EOFError: It ends in the middle of a file.
        Exception: As the stream's `read`.
    """
    lost_from, begun, is_ended = None, False, False
    while block := stream.read(_BLOCK):
        at = stream.tell() - len(block)
        if block == _ZEROS[: len(block)]:  # the end, but archives may be joined
            is_ended = True
            continue
        reader = _HeaderReader(stream, block)
        try:
            member, following = reader.member()
        except Exception:  # tarfile raises nearly anything on damaged headers
            if reader.failure is not None:
                raise reader.failure from None
            lost_from = at if lost_from is None else lost_from
            continue
        if lost_from is not None:
            yield _lost(lost_from, at)
        lost_from, begun, is_ended = None, True, False
        if member is not None:
            yield member
        try:
            stream.skip(following - stream.tell())
        except EOFError:
            name = "a folder" if member is None else member.name
            raise EOFError(f"it ends in the middle of {name}") from None
    if not begun and (lost_from is not None or not is_ended):
        raise tarfile.ReadError("not a tar archive")
    if lost_from is not None:
        yield _lost(lost_from, stream.tell())
    elif not is_ended:
        yield TarMember(f"[byte {stream.tell():,}]", problem="the archive lacks its end mark here: "
                        "what followed may be cut off")
    if stream.left_over:
        yield TarMember(f"[byte {stream.tell():,}]", problem="what follows in the compressed "
                        "archive cannot be unpacked")


def content(stream: Stream, member: TarMember) -> bytes:
    """A member's data, from a stream that is there. Raises: EOFError; as the stream's `read`."""
    if not member.pieces:
        data = stream.read(member.size)
        if len(data) == member.size:
            return data
        raise EOFError(f"it ends in the middle of {member.name}")
    whole = bytearray(member.size)
    for place, size in member.pieces:
        piece = stream.read(size)
        if len(piece) != size:
            raise EOFError(f"it ends in the middle of {member.name}")
        whole[place : place + size] = piece
    return bytes(whole)


def _lost(start: int, stop: int) -> TarMember:
    return TarMember(f"[bytes {start:,} to {stop:,}]",
                     problem="a damaged header in the archive: the files here are lost")


class _HeaderReader:
    """Stands for the archive that `tarfile.TarInfo.fromtarfile` reads a header from.

    Bounds what is read: a header may declare a name of gigabytes, or a chain of headers.

    Args:
        stream: The archive after the header's first block.
        block: That block.

    Attributes:
        failure: The error of the stream, if that is what failed.
    """

    encoding, errors = "utf-8", "surrogateescape"

    def __init__(self, stream: Stream, block: bytes):
        self.failure: Exception | None = None
        self.fileobj, self.offset, self.pax_headers = self, 0, {}
        self._stream, self._block, self._left = stream, block, _HEADER_BYTES

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int) -> bytes:
        if self._block is not None:
            block, self._block = self._block, None
            return block
        if not 0 <= size <= self._left:
            raise tarfile.HeaderError("too long")
        self._left -= size
        try:
            return self._stream.read(size)
        except RecursionError:  # too many extended headers in a chain
            raise
        except Exception as error:
            self.failure = error
            raise

    def member(self) -> tuple[TarMember | None, int]:
        """The member, None for a folder, and where the next header is.

        Raises:
            Exception: Nearly any, if the header is damaged.
        """
        info = tarfile.TarInfo.fromtarfile(self)
        start, name = self.tell(), info.name
        if info.size < 0 or self.offset < start or len(name) > _NAME_BYTES or "\0" in name:
            raise tarfile.HeaderError("damaged")
        if info.isdir():
            return None, self.offset
        if info.issym() or info.islnk():
            problem = "a link in the archive: pack with tar --dereference --hard-dereference"
        elif not info.isreg():
            problem = "not a regular file"
        else:
            pieces = tuple(info.sparse or ())
            stored = sum(size for _, size in pieces) if info.issparse() else info.size
            if stored > self.offset - start or any(
                    place < 0 or size < 0 or place + size > info.size for place, size in pieces):
                raise tarfile.HeaderError("damaged")
            if info.issparse() and not pieces:
                pieces = ((0, 0),)  # zeros only
            return TarMember(name, info.size, start, pieces), self.offset
        return TarMember(name, problem=problem if is_image_name(name) else None), self.offset
