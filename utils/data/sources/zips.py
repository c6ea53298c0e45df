"""Zip archives of images, and the members of any zip archive."""

import bz2
import functools
import itertools
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from utils.data.image_formats import UnreadableImageError, UnusableImageError, check_bytes
from utils.data.sources.base import Source, is_image_name, other_endings, whole_archive
from utils.data.sources.unpacking import MOST_TIMES, Plain, Unpacked, deflated, lzma_alone

_FREE_BYTES = 2**26  # below it, a member may become as much larger as it likes
_LOCAL_HEADER = struct.Struct("<4s22x2H")  # signature; lengths of the name and of the extra fields


class ZipSource(Source):
    """The image members of a .zip archive, in its order."""

    @functools.cached_property
    def _archive(self) -> "ZipMembers":
        with whole_archive(self.location):
            return ZipMembers(self.location)

    @functools.cached_property
    def _members(self) -> list[zipfile.ZipInfo]:
        files = [member for member in self._archive.members if not member.is_dir()]
        self.left_out = other_endings(member.filename for member in files)
        return [member for member in files if is_image_name(member.filename)]

    def __len__(self) -> int:
        return len(self._members)

    def name(self, index: int) -> str:
        return self._members[index].filename

    def size(self, index: int) -> int:
        return self._members[index].file_size

    def read(self, index: int) -> bytes:
        member = self._members[index]
        check_bytes(member.file_size, self.max_megapixels)
        try:
            self._archive.check(member)
        except ValueError as error:
            raise UnusableImageError(str(error)) from error
        try:
            stream = self._archive.open(member)
            data = stream.read(member.file_size)
            stream.read(1)  # the checksum is compared at the end
            return data
        except MemoryError as error:
            raise UnreadableImageError("not enough memory to read it") from error
        except Exception as error:  # zlib, lzma, bz2 each have their own
            if isinstance(error, OSError) and error.errno is not None:
                raise UnreadableImageError(f"cannot be read ({error.strerror})") from error
            raise UnusableImageError("damaged in the archive") from error


class ZipMembers:
    """The members of a zip archive; none is unpacked to more than it declares.

    Args:
        path: The archive.

    Attributes:
        members: All of them, in the archive's order.

    Raises:
        Exception: Nearly any, if the archive is damaged.
    """

    def __init__(self, path: str | os.PathLike):
        self._file = Path(path).open("rb")  # noqa: SIM115 - as long as this object
        self.members = zipfile.ZipFile(self._file).infolist()
        self._overlapping = _overlapping(self.members)

    def check(self, member: zipfile.ZipInfo) -> None:
        """Raises ValueError, with a short reason, for a member that cannot or must not be read."""
        if member.flag_bits & 1:
            raise ValueError("encrypted in the archive")
        if member.compress_type not in _METHODS:
            raise ValueError("compressed by a method that is not supported "
                             f"(number {member.compress_type})")
        if member.header_offset in self._overlapping:
            raise ValueError("overlaps with another member of the archive")
        if member.file_size > max(_FREE_BYTES, MOST_TIMES * member.compress_size):
            raise ValueError(f"becomes over {MOST_TIMES} times larger when unpacked")

    def open(self, member: zipfile.ZipInfo) -> "_CheckedStream":
        """Its contents, to be read from front to end. Safe to use from threads.

        Raises:
            Exception: Nearly any, if it is damaged; also while it is read.
        """
        start = member.header_offset
        header = os.pread(self._file.fileno(), _LOCAL_HEADER.size, start)
        signature, name, extra = _LOCAL_HEADER.unpack(header)
        if signature != b"PK\3\4":
            raise zipfile.BadZipFile("no member where one should be")
        start += _LOCAL_HEADER.size + name + extra
        return _CheckedStream(_unpacked(self._file, start, member), member)


class _CheckedStream:
    """A member's contents; compares size and checksum at the end."""

    def __init__(self, stream: Plain | Unpacked, member: zipfile.ZipInfo):
        self._stream, self._member = stream, member
        self._crc, self._left = 0, member.file_size

    def read(self, size: int) -> bytes:
        """The next bytes, all that were asked for; none at the end."""
        data = self._stream.read(size if size <= self._left else self._left + 1)
        self._crc = zlib.crc32(data, self._crc)
        self._left -= len(data)
        at_end = len(data) < size
        if self._left < 0 or (at_end and (self._left or self._crc != self._member.CRC)):
            raise zipfile.BadZipFile("wrong size or checksum")
        return data


def _unpacked(file: BinaryIO, start: int, member: zipfile.ZipInfo) -> Plain | Unpacked:
    stop = start + member.compress_size
    if member.compress_type == zipfile.ZIP_STORED:
        return Plain(file, start, stop)
    if member.compress_type != zipfile.ZIP_LZMA:
        return Unpacked(file, start, stop, _METHODS[member.compress_type])
    # Zip has two fields of its own before the properties, which a .lzma file begins with.
    header = os.pread(file.fileno(), 9, start)
    if header[2:4] != b"\5\0":
        raise zipfile.BadZipFile("unknown lzma properties")
    size = b"\xff" * 8 if member.flag_bits & 2 else struct.pack("<Q", member.file_size)

    def begun():
        stream = lzma_alone()
        stream.decompress(header[4:] + size, 0)
        return stream

    return Unpacked(file, start + len(header), stop, begun)


_METHODS = {
    zipfile.ZIP_STORED: None,
    zipfile.ZIP_DEFLATED: deflated,
    zipfile.ZIP_BZIP2: bz2.BZ2Decompressor,
    zipfile.ZIP_LZMA: lzma_alone,
}


def _overlapping(members: list[zipfile.ZipInfo]) -> set[int]:
    """Where members begin that share bytes with a later one: a small archive would have no end."""
    places = sorted((member.header_offset, member.compress_size) for member in members)
    shared = set()
    for (start, size), (following, _) in itertools.pairwise(places):
        if start + _LOCAL_HEADER.size + size > following:
            shared |= {start, following}
    return shared
