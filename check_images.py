"""Says what a run would make of a collection of images, before anyone waits for a run."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence

from utils.data.remarks import remarks
from utils.options.command_line import OptionParser, add_groups
from utils.options.data import DataOptions
from utils.process import exit_status, run_script

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow is only imported for tfds:NAME

_ROWS = 6  # of each kind in the table
_NAMES = 5  # of each kind in the lists
_INSPECTION_OPTIONS = ("source", "image_shape", "resize", "batch_size", "to_grayscale", "crop",
                       "background", "max_megapixels")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0 if a run would work, 1 if it would stop, 2 for a wrong option."""
    parser = _parser()
    given = parser.parse_given(arguments)
    as_json, preview = given.pop("json", False), given.pop("preview", None)
    source = given.pop("source_argument", None)
    if source is not None and given.setdefault("source", source) != source:
        parser.error(f"give the source once. Received: {source} and --source {given['source']}")
    try:
        options = DataOptions(**given)
    except ValueError as error:
        parser.error(str(error))
    return exit_status(lambda: _run(options, as_json, preview), "Nothing was changed.")


def _parser() -> OptionParser:
    parser = OptionParser(
        usage="%(prog)s SOURCE [options]",
        description="Say what a training run would use of a collection of images: how many, of "
        "which kinds,\nwhat is skipped and why, duplicates, and what resizing does. Nothing is "
        "changed or kept.",
        epilog="""examples:
  %(prog)s photos --resize 96 64
  %(prog)s photos.zip --json > facts.json
  %(prog)s photos --preview sheet.png""",
    )
    parser.add_argument("source_argument", nargs="?", metavar="SOURCE", default=argparse.SUPPRESS,
                        help="the same as --source SOURCE")
    add_groups(parser, DataOptions)
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", default=argparse.SUPPRESS,
                        help="print the facts as JSON and nothing else")
    output.add_argument("--preview", metavar="FILE.png", default=argparse.SUPPRESS,
                        help="write a contact sheet of up to 64 prepared images")
    return parser


def _run(options: DataOptions, as_json: bool, preview: str | None) -> int:
    from gans.architectures import nearest_sizes
    from utils.data.inspection import inspect_source

    arguments = options.arguments()
    with contextlib.redirect_stdout(sys.stderr):  # a library's words are not facts
        facts, images = inspect_source(**{name: arguments[name] for name in _INSPECTION_OPTIONS},
                                       show_progress=not as_json)
    size = tuple(facts["image_shape"][:2])
    facts["nearest_sizes"] = [list(near) for near in nearest_sizes(*size)]
    if preview is not None and len(images):
        from utils.visualization.grids import image_grid, save_image

        save_image(image_grid(images), preview)
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        print(report(facts, options.batch_size))
        if preview is not None and len(images):
            print(f"Contact sheet: {preview}")
    return 1 if facts["problem"] else 0


def report(facts: dict, batch_size: int) -> str:
    """The facts of `inspect_source`, with "nearest_sizes", as text for people."""
    shape = "x".join(map(str, facts["image_shape"]))
    lines = [f"{facts['source']}: {facts['images']:,} images, to be used at {shape}"]
    if facts["note"]:
        lines.append(f"Using {facts['note']}.")
    lines += ["", *_table(facts)] if facts["usable"] else []
    lines += ["", *_lists(facts), *remarks(facts["left_out"], facts["scaled"])]
    lines += [*_resizing(facts["resizing"]), ""]
    disk, batch = (f"{facts[f'{name}_bytes'] / 1e6:,.1f} MB" for name in ("disk", "batch"))
    lines.append(
        f"Prepared set: {disk} on disk and at most as much in memory, "
        f"which the system\n"
        f"takes back when it needs it. A batch of {batch_size}: {batch}."
    )
    sizes = [f"{height}x{width}" for height, width in facts["nearest_sizes"]]
    size = "{}x{}".format(*facts["image_shape"])
    nearest = f" none. The nearest sizes that fit: {', '.join(sizes)}"
    lines.append(f"Architectures: {size} fits{'.' if sizes[0] == size else nearest}")
    used = f"use {facts['usable']:,} of {facts['images']:,} images"
    stop = facts["problem"] and f"stop: {facts['problem']}"
    return "\n".join([*lines, f"A run would {stop or used}."])


def _table(facts: dict) -> list[str]:
    columns = []
    for title in ("size", "mode", "format"):
        counts = list(facts[f"{title}s"].items())
        if len(counts) > _ROWS:
            rest = counts[_ROWS - 1 :]
            counts[_ROWS - 1 :] = [(f"{len(rest)} others", sum(count for _, count in rest))]
        cells = [(title, "images")] + [(str(name), f"{count:,}") for name, count in counts]
        widths = [max(len(cell[i]) for cell in cells) for i in range(2)]
        columns.append([f"{name:<{widths[0]}}  {count:>{widths[1]}}" for name, count in cells])
    height = max(map(len, columns))
    padded = [column + [" " * len(column[0])] * (height - len(column)) for column in columns]
    return ["    ".join(row).rstrip() for row in zip(*padded, strict=True)]


def _lists(facts: dict) -> list[str]:
    lines = [f"Skipped: {len(facts['skipped']):,}"]
    for reason, count in facts["skipped_reasons"].items():
        names = [name for name, why in facts["skipped"] if why == reason]
        lines.append(f"  {count:,} x {reason}: {_some(names, count)}")
    if facts["different_shape"]:
        names = _some(facts["different_shape_names"], facts["different_shape"])
        lines.append(f"Not of the required shape: {facts['different_shape']:,}: {names}")
    for title, key in (("Exact duplicates", "duplicates"), ("Near duplicates", "near_duplicates")):
        lines.append(f"{title}: {facts[key]:,}")
        groups = facts[f"{key.removesuffix('s')}_groups"]
        lines += [f"  {_some(group, len(group), ' = ')}" for group in groups[:_NAMES]]
    flat = f": {_some(facts['flat_names'], facts['flat'])}" if facts["flat"] else ""
    return [*lines, f"Of one flat color: {facts['flat']:,}{flat}"]


def _some(names: list[str], count: int, separator: str = ", ") -> str:
    more = f" and {count - _NAMES:,} more" if count > _NAMES else ""
    return separator.join(names[:_NAMES]) + more


def _resizing(facts: dict) -> list[str]:
    if not facts or facts["fit"] == "demand":
        return []
    verb, unit, values = {
        "stretch": ("stretches one side", ".2f", facts["aspect_change"]),
        "center": ("cuts off", ".0%", facts.get("cropped_share")),
        "pad": ("fills with background", ".0%", facts.get("padded_share")),
    }[facts["fit"]]
    typical, most = format(values["median"], unit), format(values["max"], unit)
    times = " times" if facts["fit"] == "stretch" else " of an image"
    return [
        f"Resizing ({facts['fit']}): {verb} {typical}{times} (median), {most} at most; "
        f"{facts['enlarged']:,} images are enlarged."
    ]


if __name__ == "__main__":
    run_script(main)
