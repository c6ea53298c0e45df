"""Run directories that were edited, cut or copied, and the commands that read them."""

import json
import os
import random
import shutil
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.hostile.children import ROOT, Failure, command_failures, run
from benchmarks.hostile.trained import TRAIN, train, write_source

COUNT = 300
_VALUES = [None, True, -1, 0, 2**70, 1e308, float("nan"), "", "x", "\x1b[31mred\x1b]0;t\x07",
           [], [None], {}, {"a": {}}, [[[]]], "~nosuchuser", "/nonexistent/\ud800"]  # fmt: skip
_READ = ["config.json", "log.csv", "times.json", "run.log", "samples/step-00000012.png",
         "real.png", "checkpoints/step-00000012.weights.h5", "generator.keras",
         "checkpoints/best_generator.weights.h5", "MODEL_CARD.md", "report.html"]  # fmt: skip


def attempt_all(folder: Path, seed: int,
                cases: Sequence[int]) -> tuple[list[Failure], float]:
    """Edits a copy of a run and gives it to a command, once a case."""
    source = write_source(folder)
    for name, options in (("run", []), ("best", ["--save_best_only"])):
        ended = train(source, folder / name, *options)
        assert not ended.status, ended.errors
    features = _write_features(folder)
    (folder / "there.py").write_text(  # a comparison is written to the current folder
        f"import os, runpy\nos.chdir({str(folder)!r})\n"
        f"runpy.run_path({str(TRAIN)!r}, run_name='__main__')\n")
    failures, most = [], 0.0
    for case in cases:
        rng = random.Random(f"{seed} {case}")
        path = folder / f"case-{case}"
        shutil.copytree(folder / rng.choice(["run", "best"]), path, symlinks=True)
        edit = rng.choice(_EDITS)
        edit(path, rng)
        script, arguments = _command(path, features, rng)
        ended = run(script, arguments)
        what = f"{edit.__name__.strip('_')}, then {Path(script).name} {' '.join(arguments[:1])}: "
        failures += [failure._replace(text=what + failure.text)
                     for failure in command_failures(case, ended)]  # fmt: skip
        most = max(most, ended.megabytes)
        shutil.rmtree(path, ignore_errors=True)
    return failures, most


def _command(path: Path, features: Path, rng: random.Random) -> tuple[Path, list[str]]:
    quiet = ["--quiet"]
    return rng.choice([
        (TRAIN, ["--resume", "--save_path", str(path), "--train_steps", "14", *quiet]),
        (TRAIN, ["--report", str(path)]), (TRAIN, ["--report", str(path)]),
        (path.parent / "there.py", ["--compare", str(path), str(path.parent / "run")]),
        (ROOT / "generate_images.py", [str(path), "--count", "4", "--output",
                                       str(path / "made"), *quiet]),
        (ROOT / "evaluate_generator.py",
         [str(path), "--features", str(features), "--metrics", "fid", "--num_images", "30",
          "--output", str(path / "judged"), *quiet]),
    ])  # fmt: skip


def _write_features(folder: Path) -> Path:
    script = folder / "features.py"
    script.write_text(
        "import keras, sys\n"
        "keras.Sequential([keras.Input((16, 16, 3)), keras.layers.AveragePooling2D(8),\n"
        "                  keras.layers.Flatten()]).save(sys.argv[1])\n")
    run(script, [str(folder / "features.keras")])
    return folder / "features.keras"


def _of_config(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    config = json.loads((path / "config.json").read_text())
    change(config)
    (path / "config.json").write_text(json.dumps(config))


def _any_of(config: dict[str, Any], rng: random.Random) -> tuple[dict[str, Any], str]:
    """A dictionary in config.json, and a key of it."""
    inner = [each for each in config.values() if isinstance(each, dict)]
    here = rng.choice([config, *inner, *inner])
    return here, rng.choice(sorted(here))


def _value_in_config(path: Path, rng: random.Random) -> None:
    def change(config: dict[str, Any]) -> None:
        here, key = _any_of(config, rng)
        here[key] = rng.choice(_VALUES)

    _of_config(path, change)


def _key_deleted_in_config(path: Path, rng: random.Random) -> None:
    def change(config: dict[str, Any]) -> None:
        here, key = _any_of(config, rng)
        del here[key]

    _of_config(path, change)


def _other_json(path: Path, rng: random.Random) -> None:
    text = (path / "config.json").read_bytes()
    other = [b"[" * 100_000, b'{"model":' * 50_000, b"\xef\xbb\xbf" + text, text.decode().encode(
        "utf-16"), text.replace(b"a", b"\xff"), text[: rng.randrange(len(text))], b"", b"null",
        b"[]", b"{}", b'{"model": {}}', b"1e999", b"9" * 5000, text + text]  # fmt: skip
    name = rng.choice(["config.json", "config.json", "times.json"])
    (path / name).write_bytes(rng.choice(other))


def _log(path: Path, rng: random.Random) -> None:
    file = path / "log.csv"
    lines = file.read_text().splitlines()
    header, *rows = lines
    other = [
        "", header, "\n".join(rows), "\n".join(lines)[: rng.randrange(40, 700)],
        "\n".join([header, *(row + ",7,8" for row in rows)]),
        "\n".join([header, *(row.rsplit(",", 3)[0] for row in rows)]),
        "\n".join([header.replace("step,", "stop,", 1), *rows]),
        "\n".join(line.split(",", 1)[1] for line in lines),
        "\n".join([header, *("x" + row for row in rows)]),
        "\n".join([header, *(row.replace(".", "x") for row in rows)]),
        "\n".join([header, *reversed(rows)]), "\n".join([header, *rows * 3]),
        "\n".join([header + "," + header, *(f"{row},{row}" for row in rows)]),
        "\n".join([header, *(f"{2**70},{row}" for row in rows)]), header + "\n" + '"' * 200_000,
        "\0" * 300, "\n".join(lines).replace("health", "\x1b[31m"), "\n".join(lines) + "\n12",
    ]  # fmt: skip
    data = rng.choice([*(each.encode() for each in other), rng.randbytes(500)])
    file.write_bytes(data)


def _file_replaced(path: Path, rng: random.Random) -> None:
    file = path / rng.choice(_READ)
    file.unlink(missing_ok=True)
    kind = rng.randrange(5)
    if kind == 0:
        file.mkdir()
    elif kind == 1:
        file.symlink_to(rng.choice([file.name, "/nonexistent", "/etc/passwd"]))
    elif kind == 2:
        os.mkfifo(file)
    elif kind == 3:
        file.write_bytes(rng.randbytes(rng.choice([0, 10, 3000])))


def _file_damaged(path: Path, rng: random.Random) -> None:
    file = path / rng.choice(_READ)
    if file.is_file():
        data = bytearray(file.read_bytes())
        if rng.random() < 0.5:
            del data[rng.randrange(len(data)) :]
        for _ in range(20 if data else 0):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file.write_bytes(data)


def _samples(path: Path, rng: random.Random) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        shutil.rmtree(path / "samples")
    elif kind == 1:
        (path / "samples" / f"step-{rng.choice(['00000099', 'x', '²', '9' * 40])}.png").write_bytes(
            (path / "real.png").read_bytes())
    else:
        file = sorted((path / "samples").iterdir())[rng.randrange(4)]
        file.write_bytes([_huge_png(30_000), _huge_png(2**31 - 1), b"%!PS-Adobe-3.0\n{} loop\n"][
            kind - 2])


def _huge_png(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))  # fmt: skip

    packer = zlib.compressobj(9)
    rows = packer.compress(bytes(5 * 10**7)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows)
            + chunk(b"IEND", b""))  # fmt: skip


_EDITS = [_value_in_config, _value_in_config, _value_in_config, _key_deleted_in_config,
          _other_json, _log, _log, _file_replaced, _file_damaged, _samples]  # fmt: skip
