"""Mutated images as a folder, a .zip, a .tar and a .tar.gz: all must be used alike, or named."""

import io
import os
import random
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.hostile.children import Failure
from benchmarks.hostile.preparing import Prepared, prepare

COUNT, BATCH = 10_000, 100
_FORMS = ("folder", "zip", "tar", "tar.gz")
_EXTREMES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 30_000, 99_999]
# Ghostscript would run these for ever.
_PROGRAM = (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 70 70\n%%EndComments\n"
            b"{} loop\n")  # fmt: skip
_FOREIGN = [_PROGRAM, b"\xc5\xd0\xd3\xc6" + struct.pack("<6I", 30, len(_PROGRAM), 0, 0, 0, 0)
            + b"\xff\xff" + _PROGRAM, b"", b"text", b"\0" * 5000, b"<svg></svg>", b"%PDF-1.7\n",
            b"8BPS\0\1" + b"\xff" * 40, b"SIMPLE  =                    T" + b" " * 2850,
            b"\x89HDF\r\n\x1a\n" + b"\xff" * 90, b"PK\3\4" + b"\xff" * 60]  # fmt: skip


@cache
def seed_images() -> list[tuple[str, bytes]]:
    """(ending, file) of whole images, of every kind that Pillow writes and cameras make."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    rgb = small.resize((48, 36), Image.Resampling.BICUBIC)
    gray, deep = rgb.convert("L"), np.asarray(rgb.convert("L")).astype(np.uint16) * 257
    rgba = rgb.copy()
    rgba.putalpha(gray)
    palette, bits = rgb.convert("P"), rgb.convert("1")
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    several = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    tiffs = [{"compression": name} for name in
             (None, "packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "zstd")]  # fmt: skip
    made = [
        *((".png", "PNG", image, {}) for image in
          (rgb, gray, rgba, palette, bits, Image.fromarray(deep))),
        (".png", "PNG", rgb, several), (".apng", "PNG", rgb, several),
        (".jpg", "JPEG", rgb, {}), (".jpg", "JPEG", rgb, {"progressive": True}),
        (".jpeg", "JPEG", gray, {}), (".jpe", "JPEG", rgb.convert("CMYK"), {}),
        (".jfif", "JPEG", rgb, {"exif": exif}), (".jpg", "MPO", rgb, several),
        (".webp", "WEBP", rgb, {}), (".webp", "WEBP", rgba, {"lossless": True}),
        (".webp", "WEBP", rgb, several), (".gif", "GIF", rgb, {}), (".gif", "GIF", rgb, several),
        (".gif", "GIF", palette, {"transparency": 3}),
        (".bmp", "BMP", rgb, {}), (".bmp", "BMP", palette, {}), (".dib", "DIB", rgb, {}),
        *((".tif", "TIFF", rgb, options) for options in tiffs),
        (".tiff", "TIFF", bits, {"compression": "group4"}),
        (".tiff", "TIFF", rgb, {"save_all": True, "append_images": [gray]}),
        (".tiff", "TIFF", Image.fromarray(deep), {}), (".tiff", "TIFF", rgb.convert("CMYK"), {}),
        (".tiff", "TIFF", gray.convert("F"), {}), (".tiff", "TIFF", gray.convert("I"), {}),
        (".ico", "ICO", rgba, {}), (".ico", "ICO", rgba, {"bitmap_format": "bmp"}),
        (".ppm", "PPM", rgb, {}), (".pgm", "PPM", gray, {}), (".pbm", "PPM", bits, {}),
        (".tga", "TGA", rgb, {}), (".tga", "TGA", rgb, {"compression": "tga_rle"}),
        (".jp2", "JPEG2000", rgb, {}), (".j2k", "JPEG2000", gray, {"no_jp2": True}),
        (".avif", "AVIF", rgb, {}), (".avif", "AVIF", rgb, several),
        (".pcx", "PCX", rgb, {}), (".sgi", "SGI", rgb, {}),
    ]  # fmt: skip
    return [(ending, _encode(image, kind, options)) for ending, kind, image, options in made]


def _encode(image: Image.Image, kind: str, options: dict) -> bytes:
    buffer = io.BytesIO()
    image.copy().save(buffer, kind, **options)
    return buffer.getvalue()


def _flip(data: bytearray, rng: random.Random) -> None:
    # Nearer to the beginning, where the headers are, or anywhere.
    end = rng.choice([min(len(data), 64), len(data)])
    for _ in range(rng.choice([1, 1, 4, 32])):
        data[rng.randrange(end)] ^= 1 << rng.randrange(8)


def _extreme(data: bytearray, rng: random.Random) -> None:
    form = rng.choice("<>") + rng.choice("HI")
    place = rng.randrange(min(len(data), 256) - 4)
    value = rng.choice(_EXTREMES) & (2 ** (8 * struct.calcsize(form)) - 1)
    struct.pack_into(form, data, place, value)


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _part(data: bytearray, rng: random.Random) -> slice:
    start = rng.randrange(len(data))
    return slice(start, start + rng.choice([1, 4, 16, 64, 500]))


def _remove(data: bytearray, rng: random.Random) -> None:
    del data[_part(data, rng)]


def _repeat(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data))
    data[place:place] = data[_part(data, rng)] * rng.choice([1, 1, 50])


def _insert(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data))
    data[place:place] = rng.randbytes(rng.choice([1, 8, 300]))


def _swap(data: bytearray, rng: random.Random) -> None:
    one, other = _part(data, rng), _part(data, rng)
    data[one], data[other] = data[other], data[one]


def _append(data: bytearray, rng: random.Random) -> None:
    data += rng.choice(seed_images())[1]


def _prepend(data: bytearray, rng: random.Random) -> None:
    data[:0] = rng.choice(seed_images())[1][: rng.choice([4, 30, 5000])]


_MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [
    _flip, _flip, _flip, _extreme, _extreme, _cut, _remove, _repeat, _insert, _swap, _append,
    _prepend,
]  # fmt: skip


def mutated(seed: int, case: int) -> tuple[str, bytes, bool]:
    """(name, file, whether it is whole) of one case."""
    rng = random.Random(f"{seed} {case}")
    ending, data = rng.choice(seed_images())
    kind, data = rng.random(), bytearray(data)
    if kind < 0.02:
        data[:] = rng.choice(_FOREIGN)
    elif kind < 0.10:
        ending = rng.choice(seed_images())[0]  # Pillow looks at the contents
    elif kind > 0.15:
        for _ in range(rng.choice([1, 1, 2, 3])):
            if len(data) > 8:
                rng.choice(_MUTATIONS)(data, rng)
    return f"{case:05d}{ending}", bytes(data), 0.02 <= kind <= 0.15


def attempt(work: Path, shared: Path, seed: int, cases: Sequence[int],
            ready: Callable[[], None]) -> list[Failure]:
    """Prepares images in all forms and compares."""
    files = {"good.png": (seed_images()[0][1], True)}  # so that something is usable
    files |= {name: (data, whole) for name, data, whole in
              (mutated(seed, case) for case in cases)}  # fmt: skip
    started = _trap(work)
    write_forms(work, {name: data for name, (data, _) in sorted(files.items())})
    ready()
    results = {form: prepare(work / ("images" if form == "folder" else f"images.{form}"),
                             work / "cache") for form in _FORMS}  # fmt: skip
    failures: dict[Failure, list[str]] = {}  # and the forms that have it
    for form, result in results.items():
        for failure in [*result.failures(), *_lost(result, results["folder"], files)]:
            failures.setdefault(failure, []).append(form)
    named = [failure._replace(text=f"{failure.text} ({', '.join(forms)})")
             for failure, forms in failures.items()]  # fmt: skip
    if started.exists():
        named.append(Failure("hang", None, "Ghostscript was started, and its program may not end"))
    return named


def _lost(result: Prepared, first: Prepared,
          files: dict[str, tuple[bytes, bool]]) -> list[Failure]:
    """What is neither used nor named, whole but not used, or other than in the first form."""
    reasons = dict(result.skipped)
    lost = [Failure("loss", None if name == "good.png" else int(name[:5]),
                    f"a whole {name[5:]} is skipped: {reasons[name]}")
            for name, (_, whole) in files.items() if whole and name in reasons]  # fmt: skip
    named = len(reasons.keys() & files.keys())
    if len(result.images) + named != len(files):
        lost.append(Failure("loss", None, f"{len(files)} files, but {len(result.images)} used and "
                                          f"{named} named"))  # fmt: skip
    if (result.digest, sorted(result.skipped)) != (first.digest, sorted(first.skipped)):
        lost.append(Failure("loss", None, f"{len(result.images)} used, {len(first.images)} in the "
                                          "folder, or other pixels"))  # fmt: skip
    return lost


def _trap(work: Path) -> Path:
    """Puts a program before Ghostscript, which leaves a file; returns the file's path."""
    started, program = work / "started", work / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || : > '{started}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    os.environ["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return started


def write_forms(work: Path, files: dict[str, bytes]) -> None:
    """The files as a folder `images`, and as images.zip, .tar and .tar.gz in the same order."""
    shutil.rmtree(work / "images", ignore_errors=True)
    (work / "images").mkdir()
    with (
        zipfile.ZipFile(work / "images.zip", "w") as archive,
        tarfile.open(work / "images.tar", "w") as tar,
        tarfile.open(work / "images.tar.gz", "w:gz", compresslevel=1) as compressed,
    ):
        for name, data in files.items():
            (work / "images" / name).write_bytes(data)
            archive.writestr(name, data)
            for each in (tar, compressed):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                each.addfile(member, io.BytesIO(data))
