"""Damaged and hostile archives and arrays: all is used, or what is lost is said."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.hostile.children import Failure
from benchmarks.hostile.preparing import SIZE, prepare

IMAGES = 16
_BLOCK = 512
_HUGE = 300 * 2**20  # bytes of one member of a bomb
_PACK = {"": bytes, ".gz": lambda data: gzip.compress(data, 1), ".bz2": bz2.compress,
         ".xz": lzma.compress}  # fmt: skip


class Case(NamedTuple):
    """A file to prepare.

    Attributes:
        name: Its name.
        data: What is in it.
        images: How many images it was made of.
        whole: Whether all of them must be used; else it must be said what is not.
    """

    name: str
    data: bytes
    images: int = IMAGES
    whole: bool = False


@cache
def pictures() -> dict[str, bytes]:
    """Images of one level of gray each."""
    files = {}
    for number in range(IMAGES):
        buffer = io.BytesIO()
        Image.new("RGB", SIZE, (20 + 10 * number,) * 3).save(buffer, "PNG")
        files[f"images/{number:02d}.png"] = buffer.getvalue()
    return files


def _member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields) -> bytes:
    """A member of a tar, with its padding; fields are those of `tarfile.TarInfo`."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % _BLOCK)


def _members() -> list[bytes]:
    return [_member(name, data) for name, data in pictures().items()]


def _patched(member: bytes, place: int, value: bytes, checksum: bool = True) -> bytes:
    """A member with other bytes in its header, whose checksum is made to fit."""
    header = bytearray(member[:_BLOCK])
    header[place : place + len(value)] = value
    if checksum:
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + member[_BLOCK:]


def _pax(text: bytes) -> bytes:
    return _member("pax", text, tarfile.XHDTYPE)


def _record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    size = len(rest) + len(str(len(rest) + len(str(len(rest)))))
    return str(size).encode() + rest


def _tar(parts: Sequence[bytes], name: str = "x.tar", packed: str = "", **facts) -> Case:
    return Case(name + packed, _PACK[packed](b"".join(parts) + b"\0" * 1024), **facts)


def _tars(rng: random.Random) -> list[Case]:
    """Each plain and compressed."""
    files, end = _members(), b"\0" * 1024
    one = files[5]
    other = {  # what stands before the last member
        "a bad checksum": _patched(files[3], 0, b"?", checksum=False),
        "no checksum": _patched(files[3], 148, b"\0" * 8, checksum=False),
        "letters for a size": _patched(one, 124, b"zzzzzzzzzzz\0"),
        "a negative size": _patched(one, 124, b"\xff" * 12),
        "8 EB": _patched(one, 124, b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7),
        "2 GB": _patched(one, 124, b"17777777777\0"),
        "a wrong magic": _patched(one, 257, b"?????"),
        "a sparse file past its end": _patched(
            _patched(one, 156, b"S"), 386, b"00077777777\00000000777\0".ljust(97, b"\0")
            + b"77777777777\0"),
        "a pax size": _pax(_record("size", "-5")) + one,
        "a pax size in letters": _pax(_record("size", "many")) + one,
        "a huge pax size": _pax(_record("size", str(2**62))) + one,
        "a pax record that lies": _pax(b"99999999 path=x.png\n") + one,
        "pax garbage": _pax(rng.randbytes(300)) + one,
        "a sparse pax map": _pax(_record("GNU.sparse.major", "1") + _record(
            "GNU.sparse.minor", "0") + _record("GNU.sparse.realsize", str(2**40))) + one,
        "a long path": _pax(_record("path", "d/" * 50_000 + "x.png")) + one,
        "a long name of 1 GB": _patched(
            _member("././@LongLink", b"x", tarfile.GNUTYPE_LONGNAME), 124, b"10000000000\0") + one,
        "a thousand long names": _member("l", b"x.png\0", tarfile.GNUTYPE_LONGNAME) * 2000 + one,
        "a thousand global headers": _member(
            "g", _record("comment", "x" * 400), tarfile.XGLTYPE) * 1000 + one,
        "a hard link": _member("images/link.png", kind=tarfile.LNKTYPE, linkname="images/00.png"),
        "a link": _member("images/link.png", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "a fifo": _member("images/fifo.png", kind=tarfile.FIFOTYPE),
        "an unknown type": _patched(one, 156, b"~"),
    }  # fmt: skip
    cases = [_tar([*files[:7], part, *files[7:]], images=IMAGES + 1, packed=packed)
             for part in other.values() for packed in ("", ".gz")]  # fmt: skip
    for packed in _PACK:
        whole = b"".join(files) + end
        data = _PACK[packed](whole)
        cases += [
            Case(f"cut.tar{packed}", data[: rng.randrange(len(data) // 8, len(data) * 7 // 8)]),
            Case(f"in-a-header.tar{packed}", _PACK[packed](whole[: 9 * len(one) + 100])),
            Case(f"no-end.tar{packed}", _PACK[packed](whole[:-1024]), whole=True),
            Case(f"empty.tar{packed}", b"", 0),
        ]
    names = ["../../x.png", "/x.png", "d/" * 300 + "x.png", "\udcff\udcfe.png", "a\x1b[31m\n.png",
             "images/00.png", "é" * 60 + ".png"]  # fmt: skip
    cases += [_tar([*files, _member(name, pictures()["images/00.png"])], images=IMAGES + 1,
                   whole=True) for name in names]  # fmt: skip
    data = gzip.compress(b"".join(files) + end, 1)
    cases += [
        Case("crc.tar.gz", data[:-8] + rng.randbytes(4) + data[-4:]),
        Case("length.tar.gz", data[:-4] + b"\xff" * 4),
        Case("no-trailer.tar.gz", data[:-8]),
        Case("garbage-after.tar.gz", data + b"garbage"),
        Case("flipped.tar.gz", data[:400] + bytes([data[400] ^ 8]) + data[401:]),
        Case("two.tar.gz", gzip.compress(b"".join(files[:7])) + gzip.compress(
            b"".join(files[7:]) + end), whole=True),
        Case("zip.tar", _zip(), 0), Case("text.tar", b"text" * 500, 0),
        Case("zeros.tar", b"\0" * 10_240, 0), Case("random.tar", rng.randbytes(10_240), 0),
    ]  # fmt: skip
    return cases


def _bombs() -> list[Callable[[], Case]]:
    """Made when they are tried: a few megabytes that become gigabytes."""

    def tar(packed: str, members: int) -> Case:
        part = _PACK[packed](_patched(_member("big.png"), 124, b"%011o\0" % _HUGE))
        return Case(f"bomb.tar{packed}",
                    _PACK[packed](b"".join(_members()))
                    + (part + _PACK[packed](bytes(_HUGE // 10)) * 10) * members
                    + _PACK[packed](b"\0" * 1024), IMAGES + members)  # fmt: skip

    def gzipped(members: int) -> Case:
        # One stream, whose parts are made once; its checksum is wrong.
        def packed(data: bytes) -> bytes:
            packer = zlib.compressobj(1, wbits=-15)
            return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)

        part = packed(_patched(_member("big.png"), 124, b"%011o\0" % _HUGE))
        data = (b"\x1f\x8b\x08" + bytes(7) + packed(b"".join(_members()))
                + (part + packed(bytes(_HUGE // 10)) * 10) * members + b"\3\0" + bytes(8))
        return Case("bomb.tar.gz", data, IMAGES + members)

    def zipped(members: int, **lie) -> Case:
        return Case("bomb.zip", _zip({f"{i}.png": bytes(_HUGE) for i in range(members)}, **lie),
                    IMAGES + members)  # fmt: skip

    def overlapping() -> Case:
        big = _zip({"big.png": bytes(_HUGE)})
        start = big.rindex(b"PK\1\2")
        end = big.index(b"PK\5\6")
        more = big[start:end] * 200
        tail = bytearray(big[end:])
        struct.pack_into("<HHI", tail, 8, *[IMAGES + 201] * 2,
                         struct.unpack_from("<I", tail, 12)[0] + len(more))  # fmt: skip
        return Case("overlap.zip", big[:end] + more + bytes(tail), IMAGES + 201)

    def numpy() -> Case:
        return Case("bomb.npz", _npz(images=np.zeros((20, 5000, 10_000), np.float32)), 20)

    def idx() -> Case:
        rows = struct.pack(">HBB3I", 0, 8, 3, 10 * _HUGE // 4096, 64, 64)
        return Case("bomb-idx3-ubyte.gz",
                    gzip.compress(rows) + gzip.compress(bytes(_HUGE), 1) * 10, 0)  # fmt: skip

    return [
        lambda: gzipped(30), lambda: tar(".bz2", 8), lambda: tar(".xz", 8),
        lambda: zipped(1), lambda: zipped(12), lambda: zipped(4, file_size=1000), overlapping,
        numpy, idx,
    ]  # fmt: skip


def _zip(more: dict[str, bytes] | None = None, method: int = zipfile.ZIP_DEFLATED, **lie) -> bytes:
    """A zip of the images, and more files, whose directory lies in some fields."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method, compresslevel=1) as archive:
        for name, data in {**pictures(), **(more or {})}.items():
            archive.writestr(name, data)
        for info in archive.infolist()[-1 if more is None else -len(more) :]:
            for field, value in lie.items():
                setattr(info, field, value)
    return buffer.getvalue()


def _zips(rng: random.Random) -> list[Case]:
    plain, good = _zip(method=zipfile.ZIP_STORED), pictures()["images/00.png"]
    directory, end = plain.index(b"PK\1\2"), plain.index(b"PK\5\6")
    patch = lambda place, value: (  # noqa: E731
        plain[:place] + value + plain[place + len(value) :])
    lies = [{"extract_version": 99}, {"flag_bits": 1}, {"flag_bits": 0x40}, {"flag_bits": 0x20},
            {"compress_type": 97}, {"compress_type": 9}, {"compress_type": 93}, {"CRC": 1},
            {"file_size": 5}, {"file_size": 2**32 - 2}, {"file_size": 2**63 - 1},
            {"compress_size": 5}, {"compress_size": 2**31}, {"header_offset": 2**31},
            {"header_offset": 3}, {"filename": "images/other.png"},
            {"extra": b"\x01\0\xff\xff"}, {"volume": 9}]  # fmt: skip
    cases = [Case("lies.zip", _zip(**lie)) for lie in lies]
    names = ["../../x.png", "/x.png", "C:\\x.png", "d/" * 2000 + "x.png", "a\x1b[31m\n.png",
             "é.png", "images/00.png"]  # fmt: skip
    cases += [Case("names.zip", _zip({name: good}), IMAGES + (name not in pictures()),
                   whole=name not in pictures()) for name in names]  # fmt: skip
    cases += [Case("method.zip", _zip(method=method), whole=True)
              for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)]  # fmt: skip
    cases += [
        Case("before.zip", rng.randbytes(999) + plain, whole=True),
        Case("after.zip", plain + b"garbage", whole=True),
        Case("cut.zip", plain[: directory // 2]), Case("no-end.zip", plain[:end]),
        Case("empty.zip", b"", 0), Case("nothing.zip", plain[end:][:4] + bytes(18), 0),
        Case("count.zip", patch(end + 8, struct.pack("<HH", 3, 3))),
        Case("size.zip", patch(end + 12, struct.pack("<I", 100))),
        Case("offset.zip", patch(end + 16, struct.pack("<I", 2**31))),
        Case("local.zip", patch(0, b"??")), Case("central.zip", patch(directory, b"??")),
        Case("middle.zip", patch(directory + 60, rng.randbytes(40))),
        Case("in-a-zip.zip", _zip({"more.zip": plain}), whole=True),
        Case("tar.zip", b"".join(_members()), 0),
    ]  # fmt: skip
    return cases


def _npy(header: bytes, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(header) & 0xFFFF) + header + data


def _save(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def _npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _arrays(rng: random.Random) -> list[Case]:
    levels = np.arange(20, 20 + 10 * IMAGES, 10, np.uint8)
    images = levels[:, None, None].repeat(16, 1).repeat(16, 2)
    good, objects = _save(images), np.array([{}, None])
    text = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"
    headers = [("'|u1'", "(-1, 16, 16)"), ("'|u1'", f"({2**62}, 16, 16)"),
               ("'|u1'", f"({2**40}, 1, 1)"), ("'|u1'", "('a', 1, 1)"), ("'|u1'", "7"),
               ("'|u1'", "(" * 300 + ")" * 300), ("'|u1'", "(True, 16, 16)"), ("'|O'", "(2, 4, 4)"),
               ("'nonsense'", "(2, 4, 4)"), ("[('a', '<i4')]", "(2, 4, 4)"), ("'|V0'", "(2, 4, 4)"),
               ("{'a': 1}", "(2, 4, 4)"), ("'|u1'", "(2, 4, 4), 'more': 1")]  # fmt: skip
    cases = [Case("header.npy", _npy(text.format(*each).encode(), bytes(4096)), 0)
             for each in headers]  # fmt: skip
    cases += [Case("text.npy", _npy(each, bytes(4096)), 0) for each in
              (b"__import__('os')", b"[" * 5000, b"{}", b"\xff\xfe{}", b"{'descr': 1",
               b"")]  # fmt: skip
    others = [objects, images[:0], np.zeros((5, 0, 0), np.uint8), np.zeros((3, 4), np.uint8),
              np.zeros((2, 2, 2, 2, 2), np.uint8), images.astype(complex), images.astype(str),
              np.full((3, 4, 4), np.nan), np.full((3, 4, 4), np.inf), images.astype(np.uint16),
              images.astype("M8[s]"), np.zeros((3, 4, 4), bool)]  # fmt: skip
    cases += [Case("other.npy", _save(each), 0) for each in others]
    cases += [Case("good.npy", _save(each), whole=True) for each in
              (images, np.asfortranarray(images), (images / 255).astype(">f4"),
               (images / 255).astype(np.float16))]  # fmt: skip
    cases += [
        Case("cut.npy", good[:3000]), Case("header-only.npy", good[:128]),
        Case("empty.npy", b"", 0),
        Case("version.npy", good[:6] + b"\x09\x09" + good[8:]),
        Case("length.npy", good[:8] + b"\xff\xff" + good[10:]),
        Case("pickle.npy", b"\x80\x04cos\nsystem\n.", 0),
        Case("objects.npz", _npz(images=objects), 0), Case("two.npz", _npz(a=images, b=images), 0),
        Case("labels.npz", _npz(images=images, labels=np.arange(IMAGES)), whole=True),
        Case("one.npz", _npz(other=images), whole=True),
        Case("labels-of-objects.npz", _npz(images=images, labels=objects), whole=True),
        Case("no-array.npz", _zip({"images.npy": b"text"}), 0),
        Case("text.npz", _zip({"images": b"text"}), 0), Case("pictures.npz", _zip(), 0),
        Case("npy.npz", good, 0), Case("cut.npz", _npz(images=images)[:-40]),
        Case("encrypted.npz", _npz(images=images).replace(b"PK\1\2\x2d\x03\x2d\0\0",
                                                          b"PK\1\2\x2d\x03\x2d\0\1"), 0),
    ]  # fmt: skip
    return cases


def _idx(rng: random.Random) -> list[Case]:
    pixels = b"".join(bytes([20 + 10 * number]) * 256 for number in range(IMAGES))
    head = lambda *sizes, kind=8: struct.pack(  # noqa: E731
        f">HBB{len(sizes)}I", 0, kind, len(sizes), *sizes)
    files = [head(*[2**32 - 1] * 3), head(2**31, 1, 1) + pixels, head(IMAGES, 16, 15) + pixels,
             head(0, 16, 16), head(IMAGES, 0, 0), head(IMAGES * 256) + pixels,
             head(*[1] * 255) + b"1", head(IMAGES, 16, 16, kind=13) + pixels, b"", b"\0\0\x08",
             rng.randbytes(900), head(IMAGES, 16, 16) + pixels[:-1]]  # fmt: skip
    cases = [Case("x-idx3-ubyte.gz", gzip.compress(data, 1), 0) for data in files]
    cases += [Case("x-idx3-ubyte", data, 0) for data in files]
    data = gzip.compress(head(IMAGES, 16, 16) + pixels)
    return [*cases, Case("x-idx3-ubyte.gz", data, whole=True), Case("x-idx3-ubyte.gz", data[:-30]),
            Case("x-idx3-ubyte.gz", data[:-8] + bytes(4) + data[-4:]),
            Case("x-idx3-ubyte.gz", zlib.compress(pixels), 0)]  # fmt: skip


def all_cases(seed: int) -> list[Callable[[], Case]]:
    rng = random.Random(f"{seed} archives")
    made = [case for kind in (_tars, _zips, _arrays, _idx) for case in kind(rng)]
    return [*(lambda case=case: case for case in made), *_bombs()]


COUNT = len(all_cases(0))


def attempt(work: Path, shared: Path, seed: int, cases: Sequence[int],
            ready: Callable[[], None]) -> list[Failure]:
    """Prepares one file and compares with what is in it."""
    (number,) = cases
    case = all_cases(seed)[number]()
    name, images, whole = case.name, case.images, case.whole
    (work / name).write_bytes(case.data)
    del case
    ready()
    result = prepare(work / name, work / "cache")
    failures = list(result.failures())
    if result.status:
        if name not in result.errors:
            failures.append(Failure("words", None, f"{name} is not named: {result.errors[:150]}"))
        if whole:
            failures.append(Failure("loss", None, f"refused, though whole: {result.errors[:150]}"))
        return failures
    levels = result.images.reshape(len(result.images), -1)
    wrong = int((levels != levels[:, :1]).any(1).sum()) + sum(
        int(level) not in range(20, 20 + 10 * IMAGES, 10) for level in levels[:, 0])
    if wrong:
        failures.append(Failure("loss", None, f"{name}: {wrong} images that were never in it"))
    used, skipped = len(result.images), len(result.skipped)
    if whole and used != images:
        failures.append(Failure("loss", None, f"{name}: {used} of {images} whole images used"))
    # Nobody can tell how many a part of an archive held that is lost; that it is must be said.
    elif used + skipped < images and not any("[byte" in name for name, _ in result.skipped):
        failures.append(Failure("loss", None, f"{name}: {used} of {images} images used, "
                                              f"{skipped} named"))  # fmt: skip
    return failures
