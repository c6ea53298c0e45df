"""Makes images with a trained generator, and pictures of what its noise means. See --help."""

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from utils.files import expanded, require_writable
from utils.metrics.names import require_one_network
from utils.options.generation import generation_parser
from utils.options.saved import data_options, preparation
from utils.process import exit_status, quiet_stderr, run_script, start_tensorflow
from utils.runs.generators import NamedGenerator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

_ENDINGS = (".zip", ".npz", ".png", ".gif", ".mp4")  # endings that are not folders
_EXPORTED = {"onnx": "generator.onnx", "litert": "generator.tflite"}
_ONE_SEED = {"seed", "truncation"}
_PREPARATION = {"crop", "background", "max_megapixels", "cache_dir", "no_cache"}


class _Mode(NamedTuple):
    """Something to make.

    Attributes:
        make: Makes it from the given options, with the functions of utils.exploring.pictures.
        endings: How its path may end, the default first; "" is a folder.
        takes: The options that it uses.
    """

    make: Callable[[Any, argparse.Namespace, Any, Path], None]
    endings: tuple[str, ...]
    takes: set[str]


def _write_images(to: Any, given: argparse.Namespace, generator: Any, path: Path) -> None:
    to.write_images(generator, path, given.count, given.seed, given.seeds, given.truncation,
                    given.format or "png", not given.quiet)  # fmt: skip


_MODES = {  # the first that is given is made
    "nearest": _Mode(
        lambda to, given, g, path: _write_nearest(to, given, g, path), (".png",),
        {"count", "seeds", "inception_weights", "features"} | _ONE_SEED | _PREPARATION),
    "grid": _Mode(
        lambda to, given, g, path: to.write_grid(
            g, path, *given.grid, given.seed, given.truncation),
        (".png",), _ONE_SEED),
    "interpolate": _Mode(
        lambda to, given, g, path: to.write_interpolation(
            g, path, given.interpolate, given.frames, given.linear, given.truncation),
        (".png", ".gif", ".mp4"), {"frames", "linear", "truncation"}),
    "traverse": _Mode(
        lambda to, given, g, path: to.write_traversal(
            g, path, *(given.traverse or (None, None)), given.frames, given.seed, given.truncation),
        (".png",), {"frames"} | _ONE_SEED),
    "walk": _Mode(
        lambda to, given, g, path: to.write_walk(
            g, path, given.walk, given.seed, given.truncation),
        (".mp4", ".gif"), _ONE_SEED),
    "directions": _Mode(
        lambda to, given, g, path: to.write_directions(
            g, path, given.directions, given.by == "activations", given.frames, given.seed,
            given.truncation),
        (".png",), {"by", "frames"} | _ONE_SEED),
    "export": _Mode(lambda to, given, g, path: _export(given, g, path), ("",), set()),
    "seeds": _Mode(_write_images, ("", ".zip", ".npz"), {"truncation", "format"}),
    "count": _Mode(_write_images, ("", ".zip", ".npz"), {"format"} | _ONE_SEED),
}  # fmt: skip
_ALWAYS = {"generator", "raw", "best", "step", "noise", "trust", "output", "overwrite", "quiet"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    given = argparse.Namespace(**generation_parser().parse_given(arguments))
    return exit_status(lambda: _run(given), "Unfinished files were removed.")


def _run(given: argparse.Namespace) -> int:
    named = NamedGenerator.of(
        expanded(given.generator, "GENERATOR"), given.noise, given.raw, given.best, given.step
    )
    name = _mode(given)
    folder = named.path.parent if named.file == named.path else named.path
    output = _output(given, name, folder / "generated")
    trained_on = data_options(named.run.read_config()) if name == "nearest" and named.run else {}
    start_tensorflow(show_progress=not given.quiet)
    with quiet_stderr():
        from gans import SavedGenerator
        from utils.exploring import pictures

    given.named, given.trained_on, given.seed = named, trained_on, given.seed or 0
    generator = SavedGenerator.of_run(named.model, named.file, named.raw, given.trust)
    _MODES[name].make(pictures, given, generator, output)
    if not given.quiet:
        print(f"Written: {output}")
    return 0


def _mode(given: argparse.Namespace) -> str:
    """What to make; every other given option must have a meaning for it."""
    values = {name: value for name, value in vars(given).items()
              if value is not None and value is not False}  # fmt: skip
    name = next((name for name in _MODES if name in values), "count")
    for option in values.keys() - _ALWAYS - _MODES[name].takes - {name}:
        takers = [f"--{mode}" for mode in _MODES if option in _MODES[mode].takes]
        rule = f"goes with {', '.join(takers)}" if takers else "makes something else"
        raise ValueError(
            f"{option} must be left out with --{name}: it {rule}. Received: {values[option]}"
        )
    if name == "interpolate" and len(given.interpolate) < 2:
        raise ValueError(f"interpolate must be two or more seeds. Received: {given.interpolate[0]}")
    if name == "traverse" and len(given.traverse) not in (0, 2):
        raise ValueError(
            "traverse must be two components of the noise, or none for the first and the last. "
            f"Received: {len(given.traverse)}"
        )
    require_one_network(given.features, given.inception_weights)
    if name == "count":
        given.count = given.count or 64
    return name


def _output(given: argparse.Namespace, name: str, folder: Path) -> Path:
    """Where to write, checked before any work is done."""
    endings = _MODES[name].endings
    if given.output is None:
        output = folder / _default_name(given, name)
    else:
        output = expanded(given.output, "output")
        is_folder = "" in endings and output.suffix.lower() not in _ENDINGS
        if not is_folder and output.suffix not in endings:
            kinds = ", ".join(ending or "a folder" for ending in endings)
            raise ValueError(f"output must be {kinds}. Received: '{output}'")
    if output.suffix == ".mp4":
        from utils.visualization.animation import require_video

        try:
            require_video()
        except ValueError as error:
            print(f"{error}. A GIF is written instead.", file=sys.stderr)
            output = output.with_suffix(".gif")
    is_folder = output.suffix not in _ENDINGS
    if is_folder and output.exists() and not output.is_dir():
        raise ValueError(f"output must be a folder. Received: '{output}', which is a file")
    require_writable(output if is_folder else output.parent, "output")
    if name == "export":
        there = sum((output / _EXPORTED[each]).exists() for each in given.export)
    else:
        there = sum(1 for _ in output.iterdir()) if output.is_dir() else int(output.exists())
    if there and not given.overwrite:
        raise ValueError(
            "output must not exist yet: choose another with --output, or give --overwrite. "
            f"Received: '{output}'"
        )
    if there and is_folder and name != "export":
        print(f"{output} holds {there} files: those with the same names are replaced, the others "
              "stay.",
              file=sys.stderr)  # fmt: skip
    return output


def _default_name(given: argparse.Namespace, name: str) -> str:
    """Everything that decides what is made, so that two commands write two files."""
    parts = [{"count": "images"}.get(name, name)]
    shown = [name, "count", "seeds", "seed", "by", "truncation", "frames", "step"]
    for option in dict.fromkeys(shown):
        value = getattr(given, option)
        if option == "seed" and "seed" in _MODES[name].takes:
            value = value or 0
        if value is None or option in ("nearest", "export"):
            continue
        values = value if isinstance(value, (list, tuple)) else [value]
        text = ("x" if option == "grid" else "-").join(map(str, values))
        parts.append(text if option in (name, "by") else f"{option}{text}")
    parts += [flag for flag in ("linear", "raw", "best") if getattr(given, flag)]
    text = "-".join(part for part in parts if part)
    if len(text) > 100:  # a file name has 255 bytes at most
        text = f"{text[:80]}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"
    return text + _MODES[name].endings[0]


def _write_nearest(to: Any, given: argparse.Namespace, generator: Any, path: Path) -> None:
    from utils import DataPreparator
    from utils.exploring.nearest import write_nearest
    from utils.metrics import open_extractor

    extractor = None
    if given.features is not None or given.inception_weights is not None:
        extractor = open_extractor(given.features, given.inception_weights)
    *size, channels = generator.image_shape
    options = preparation(given.trained_on, vars(given), show_progress=not given.quiet)
    options |= {"resize": tuple(size), "to_grayscale": channels == 1}
    try:
        real = DataPreparator(given.nearest, **options)
    except ValueError as error:
        raise ValueError(f"nearest {given.nearest}: {error}") from error
    if given.seeds:
        images = generator.images(to.of_seeds(generator, given.seeds, given.truncation))
    else:
        images = generator.generate(given.count or 10, given.seed, given.truncation)
    cache_dir = options.get("cache_dir")
    write_nearest(images, path, real, extractor, cache_dir, not given.quiet)


def _export(given: argparse.Namespace, generator: Any, folder: Path) -> None:
    from gans.generators.exporting import export_generator
    from utils.pages.model_card import write_model_card

    folder.mkdir(parents=True, exist_ok=True)
    for name in given.export:
        export_generator(generator.keras_model(), folder / _EXPORTED[name])
    if given.named.run is not None:
        write_model_card(given.named.run, given.named.file, given.raw, folder)


if __name__ == "__main__":
    run_script(main)
