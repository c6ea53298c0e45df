"""Judges a generator, or a folder of fakes, against real images. See --help, docs/evaluation.md."""

import argparse
import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from utils.checks import at_least, one_of
from utils.files import atomic_path, expanded, require_writable
from utils.metrics.names import METRICS, NUMBERS, require_one_network
from utils.options.command_line import OptionParser, add_options
from utils.options.generation import TRUST_HELP
from utils.options.saved import PREPARATION, data_options, preparation
from utils.process import exit_status, quiet_stderr, run_script, start_tensorflow
from utils.runs.directory import RunDirectory
from utils.runs.generators import NamedGenerator, generator_file, is_generator, run_of

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

_EXAMPLES = """examples:
  %(prog)s runs/gan                                 against the images that it learned from
  %(prog)s runs/gan --held_out photos/test          and are its images copies?
  %(prog)s generator.keras --real photos --metrics fid kid
  %(prog)s fakes/ --real photos --resize 64 64      two folders of images
  %(prog)s runs/gan --features classifier.keras     judged by a network other than Inception

What the numbers mean: docs/evaluation.md."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = _parser()
    given = argparse.Namespace(**parser.parse_given(arguments))
    return exit_status(lambda: _run(given), "Finished features of real images are kept.")


def _parser() -> OptionParser:
    parser = OptionParser(
        usage="%(prog)s FAKES [--real SOURCE] [options]",
        description="Judge a generator by its images: how far they are from real ones, how varied, "
        "and whether\nthey are copies. Prints a table, and writes evaluation.json and copies.png.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("fakes", metavar="FAKES",
                        help="a run directory (its last generator), a saved generator (.keras, .h5 "
                        "or a SavedModel folder), or images as for --real")
    parser.add_argument("--real", metavar="SOURCE",
                        help="real images: a folder, a .zip or .tar, a .npy or .npz array, an idx "
                        ".gz file, tfds:NAME[:SPLIT] or faces (default: those of the run)")
    parser.add_argument("--held_out", metavar="SOURCE",
                        help="real images that the generator has not learned from, to find copies")
    judged = parser.add_argument_group("what is judged")
    judged.add_argument("--metrics", nargs="+", type=one_of(*dict.fromkeys([*METRICS, *NUMBERS])),
                        metavar="NAME",
                        help=f"among {', '.join(METRICS)}, where prdc is precision, recall, "
                        "density and coverage (default: all that there are enough images for)")
    judged.add_argument("--num_images", type=at_least(1), default=10_000, metavar="N",
                        help="fakes, and at most this many real images (default: 10000)")
    judged.add_argument("--seed", type=at_least(0), default=0, metavar="N",
                        help="seed of the fakes and of all random draws (default: 0)")
    judged.add_argument("--noise", type=one_of("normal", "uniform"), metavar="{normal,uniform}",
                        help="noise of a saved generator (default: its run's, else normal)")
    judged.add_argument("--trust", action="store_true", help=TRUST_HELP)
    how = parser.add_argument_group("by what")
    how.add_argument("--inception_weights", metavar="FILE",
                     help="inception-2015-12-05.tgz, the .pb in it, or an .npz of its arrays "
                     "(default: TensorFlow's file, downloaded once, 89 MB)")
    how.add_argument("--features", metavar="FILE.keras",
                     help="take features from this Keras model of images in 0..255 instead; of a "
                     "classifier, cut off the last layer")
    how.add_argument("--resize_mode", type=one_of("tf1", "clean"), default="tf1",
                     metavar="{tf1,clean}",
                     help="how images are resized for the network: tf1, the FID's own way, or "
                     "clean, that of clean-fid (default: tf1)")
    how.add_argument("--batch_size", type=at_least(1), default=32, metavar="N",
                     help="images at a time (default: 32)")
    prepared = parser.add_argument_group("how images are prepared (default: as the run did)")
    prepared.add_argument("--resize", nargs=2, type=at_least(1), metavar=("H", "W"),
                          help="size of all images (default: the fakes' own)")
    add_options(prepared, PREPARATION)
    output = parser.add_argument_group("output")
    output.add_argument("--output", metavar="DIR",
                        help="folder for evaluation.json and copies.png (default: the run "
                        "directory; for a generator in it, a folder of its name there; else "
                        "evaluation)")
    output.add_argument("--beside", nargs="+", default=[], metavar="FILE.json",
                        help="earlier evaluations to show in the same table")
    output.add_argument("--quiet", action="store_true", help="print the table only")
    return parser


def _run(given: argparse.Namespace) -> int:
    from utils.metrics.tables import evaluation_table, read_evaluation

    began = time.perf_counter()
    earlier = [read_evaluation(path) for path in given.beside]
    require_one_network(given.features, given.inception_weights)
    path = expanded(given.fakes, "fakes")
    run, config = run_of(path)
    named = None  # FAKES are images
    if is_generator(path) or (run is not None and path == run.path):
        named = NamedGenerator.of(path, given.noise, argument="fakes")
    trained_on = data_options(config)
    source = given.real or trained_on.get("source")
    if source is None:
        raise ValueError("real must name the real images to compare with (--real SOURCE), because "
                         f"{given.fakes!r} does not say what it was trained on. Received: None")
    output = _output(given.output, path, run)
    start_tensorflow(show_progress=not given.quiet)
    with quiet_stderr():
        from utils.metrics import evaluate, open_extractor

    options = preparation(trained_on, vars(given), show_progress=not given.quiet)
    held_out = 0.0 if given.real else trained_on.get("hold_out", 0.0)
    fakes, real, others = _image_sets(given, named, source, held_out, options)
    extractor = open_extractor(given.features, given.inception_weights, given.resize_mode,
                               given.batch_size)
    evaluation = evaluate(fakes, real, extractor, others, given.metrics, given.num_images,
                          given.seed, options.get("cache_dir"), show_progress=not given.quiet)
    learned = (config.get("data") or {}).get("digest")
    if learned not in (None, real.digest) and "copies" in evaluation:
        evaluation["warnings"].append("The real images are not those that the run was trained on, "
                                      "so copies of its training images are not found.")
    evaluation["seconds"] = round(time.perf_counter() - began, 1)
    names = [path.name or given.fakes, *(Path(name).parent.name or name for name in given.beside)]
    print(evaluation_table([evaluation, *earlier], names), flush=True)
    written = _write(evaluation, output, fakes, real, others)
    if run is not None and output == run.path:
        _show_in_run(run)
    print(f"\nWritten: {written}")
    return 0


def _output(given: str | None, path: Path, run: RunDirectory | None) -> Path:
    """The folder for what is written."""
    default = Path("evaluation")
    if run is not None:
        default = run.path if path == run.path else run.path / f"evaluation-{path.name}"
    output = expanded(default if given is None else given, "output")
    if output.exists() and not output.is_dir():
        raise ValueError(f"output must be a folder. Received: '{output}', which is a file")
    require_writable(output, "output")
    return output


def _image_sets(given: argparse.Namespace, named: NamedGenerator | None, source: str,
                hold_out: float, options: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The fakes, the real images and those held out (or None), of one size."""
    from utils.data.inspection import first_image_size

    if named is None:
        size = tuple(given.resize or first_image_size(given.fakes))
        demand = {"resize": size} if given.resize else {"image_shape": size}
        fakes = _images("FAKES", given.fakes, demand | options)
    else:
        fakes, (*size, channels) = _generated(given, named)
        if given.resize is not None and tuple(given.resize) != tuple(size):
            raise ValueError("resize must be left out with a generator, whose images are "
                             f"{size[0]} {size[1]}. Received: {' '.join(map(str, given.resize))}")
        options = {**options, "to_grayscale": channels == 1}
    options = {**options, "resize": size}
    real = _images("--real", source, {**options, "hold_out": hold_out})
    if given.held_out is None:
        return fakes, real, None
    return fakes, real, _images("--held_out", given.held_out, options)


def _generated(given: argparse.Namespace, named: NamedGenerator) -> tuple[Any, tuple[int, ...]]:
    """The images of a generator as an `ImageSet`, and the shape of one."""
    from gans import SavedGenerator
    from utils.metrics import ImageSet

    generator = SavedGenerator.of_run(named.model, named.file, trust=given.trust)
    content = named.file / "saved_model.pb" if named.file.is_dir() else named.file
    sha256 = hashlib.sha256(content.read_bytes()).hexdigest()
    facts = {"file": str(named.file), "sha256": sha256, "noise": generator.noise,
             "image_shape": list(generator.image_shape)}
    images = ImageSet.generated(generator.generate, given.num_images, given.seed, str(named.path),
                                facts)
    return images, generator.image_shape


def _images(argument: str, source: str, options: dict[str, Any]) -> Any:
    """The prepared images of a source, as an `ImageSet`."""
    from utils import DataPreparator
    from utils.metrics import ImageSet

    try:
        return ImageSet.of(DataPreparator(source, **options), argument)
    except ValueError as error:
        raise ValueError(f"{argument} {source}: {error}") from error


def _write(evaluation: dict[str, Any], output: Path, fakes: Any, real: Any, held_out: Any) -> str:
    """Writes evaluation.json and copies.png; returns what to say of it."""
    from utils.visualization.pairs import save_closest_pairs

    with atomic_path(output / "evaluation.json") as temporary:
        temporary.write_text(json.dumps(evaluation, indent=2) + "\n", encoding="utf-8")
    written, pairs = str(output / "evaluation.json"), output / "copies.png"
    pairs.unlink(missing_ok=True)  # from an earlier evaluation
    if "copies" in evaluation:
        title = "Fakes closest to a training image, in feature space"
        save_closest_pairs(evaluation["copies"]["closest"], fakes, real, held_out, title, pairs)
        written += f", {pairs} (the fakes closest to a training image)"
    return written


def _show_in_run(run: RunDirectory) -> None:
    """Writes the run's pages that show the numbers."""
    from utils.pages import write_report
    from utils.pages.model_card import write_model_card

    # The card is of what was exported, not of steps after that.
    if generator_file(run) == run.generator_keras:
        write_model_card(run)
    write_report(run)


if __name__ == "__main__":
    run_script(main)
