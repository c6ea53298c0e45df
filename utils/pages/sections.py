"""The sections of a report, from what is on disk: plain values that the template shows."""

import dataclasses
import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np

from utils.metrics.tables import evaluation_notes, evaluation_rows, read_evaluation
from utils.options.config import TrainingConfig
from utils.options.writing import command_of
from utils.runs.columns import EvaluatedColumn, numeric_columns
from utils.runs.directory import RunDirectory
from utils.runs.health import Verdict, diagnose
from utils.runs.reading import read_times
from utils.wording import counted, duration, number, plain, size_of

METHOD_NAMES = {"wgan-gp": "WGAN-GP", "wgan": "WGAN with clipping", "dcgan": "DCGAN"}
_HELP = {field.name: field.metadata["help"] for field in dataclasses.fields(TrainingConfig)}


def read_facts(run: RunDirectory) -> tuple[dict[str, Any], list[str]]:
    """config.json, and in words what is wrong with it. Its parts, if present, are dicts."""
    try:
        config, problems = run.known_config()
    except ValueError as error:
        return {}, [f"The run cannot be described: {error}."]
    problems = [f"Left out of config.json: {problem}." for problem in problems]
    return {key: value for key, value in config.items() if isinstance(value, dict)}, problems


def read_columns(run: RunDirectory) -> tuple[dict[str, np.ndarray], list[str]]:
    """The columns of numbers of log.csv, float [rows] by name, and what is wrong with it."""
    rows, problem = run.whole_rows()
    columns = {name: np.array(column) for name, column in numeric_columns(rows).items()}
    return columns, [f"Only {counted(len(rows), 'row', 'rows')} of the log can be shown: "
                     f"{problem}."] if problem else []


def known(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns with a finite number in any row."""
    return {name: column for name, column in columns.items() if np.isfinite(column).any()}


def verdict(columns: Mapping[str, np.ndarray]) -> Verdict | None:
    """The verdict on the run's health; None without a log."""
    return diagnose(columns) if "step" in columns else None


def headline(config: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> list[str]:
    """What the run is, in a few words each."""
    model, data = config.get("model", {}), config.get("data", {})
    method = model.get("method")
    facts = [METHOD_NAMES.get(method, str(method))] if method else []
    if "image_shape" in model:
        facts.append(f"images of {size_of(model['image_shape'])}")
    if "num_images" in data:
        facts.append(f"learned from {counted(data['num_images'], 'image', 'images')}")
    facts.append(f"{steps_done(config, columns)} generator steps")
    if "seconds" in columns:
        facts.append(f"{time_taken(columns)} of training")
    return facts


def steps_done(config: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> str:
    """How many generator steps are in the log, and of how many."""
    wanted = config.get("options", {}).get("train_steps")
    of = f" of {number(wanted)}" if isinstance(wanted, int) else ""
    return f"{int(columns['step'][-1]) if 'step' in columns else 0:,}{of}"


def time_taken(columns: Mapping[str, np.ndarray]) -> str:
    """How long the logged training took."""
    # The row of a step that was not finite has no time.
    return duration(float(np.nanmax(columns["seconds"]))) if "seconds" in columns else "unknown"


def judged_while_training(
    config: Mapping[str, Any], columns: Mapping[str, np.ndarray], judged: EvaluatedColumn | None
) -> str | None:
    """The best number that the generator was judged by, with its protocol."""
    if judged is None:
        return None
    protocol, values = config["evaluation"], columns[judged.name]
    best = judged.best(values)
    return (
        f"During training, {judged.label} was measured with "
        f"{number(protocol.get('evaluate_images'))} images against "
        f"{number(protocol.get('real_images'))} real ones. Best: {number(float(values[best]))} at "
        f"step {int(columns['step'][best]):,}; {judged.better} is better."
    )


def evaluation(run: RunDirectory) -> dict[str, Any] | None:
    """evaluation.json as {"header", "rows", "notes"} or {"problem"}; None without it."""
    if not run.evaluation.is_file():
        return None
    try:
        found = read_evaluation(run.evaluation)
        header, *rows = evaluation_rows([found], ["this generator"])
        return {"header": header, "rows": rows, "notes": evaluation_notes([found], [""])}
    except ValueError as error:
        return {"problem": str(error)}


def configuration(config: Mapping[str, Any]) -> dict[str, Any]:
    """Options as (name, value, help): those that were set, and the others.

    For a run started from Python, its model's facts; "options" is then None.
    """
    options = config.get("options")
    if options is None:
        model = [(name, plain(value), "") for name, value in config.get("model", {}).items()]
        return {"options": None, "model": model}
    try:
        chosen = {word.split("=")[0] for word in shlex.split(command_of(options))}
    except ValueError:  # options of another version: all are shown alike
        chosen = {f"--{name}" for name in options}
    rows = {"options": [], "defaults": []}
    for name, value in options.items():
        part = rows["options" if f"--{name}" in chosen else "defaults"]
        part.append((name, plain(value), _HELP.get(name, "")))
    return rows


def data_facts(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the images were: rows of (what, value), and skipped files by name."""
    data = config.get("data")
    if data is None:
        return None
    rows = [
        ("Source", plain(data.get("source"))),
        ("Images", number(data.get("num_images"))),
        ("Shape", f"{size_of(data.get('image_shape'))} (height x width x channels)"),
    ]
    if data.get("note"):
        rows.insert(1, ("Namely", plain(data["note"])))
    if data.get("held_out"):
        rows.append(("Held out", f"{number(data['held_out'])}, which the networks never see"))
    lists = []
    for count, names, title, one, many in [
        ("skipped", "skipped_files", "Skipped", "file that is not a usable image",
         "files that are not usable images"),
        ("duplicates", "duplicate_files", "Duplicates", "exact duplicate", "exact duplicates"),
    ]:  # fmt: skip
        rows.append((title, counted(data.get(count), one, many)))
        if not isinstance(data.get(count), int) or not data[count]:
            continue
        files = data[names] if isinstance(data.get(names), list) else []
        pairs = [pair for pair in files if isinstance(pair, list) and len(pair) == 2]
        left = max(0, data[count] - len(pairs))
        lists.append({"title": title, "files": pairs, "left": number(left) if left else ""})
    return {"rows": rows, "lists": lists}


def times(run: RunDirectory, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Where the time went: [(what, duration, percent)], or in words why it is not known."""
    found, problem = {}, "This run has no record of where its time went (times.json)."
    try:
        found = read_times(run.times)
    except ValueError as error:
        problem = f"{error}."
    total = sum(found.values())
    rows = [(key, duration(value), round(100 * value / total, 1) if total else 0.0)
            for key, value in sorted(found.items(), key=lambda item: -item[1])]  # fmt: skip
    speed = ""
    if "steps_per_second" in columns and "images_per_second" in columns:
        steps, images = (columns[f"{name}_per_second"] for name in ("steps", "images"))
        speed = (f"Median speed over the intervals: {np.nanmedian(steps):,.3g} generator steps and "
                 f"{np.nanmedian(images):,.4g} real images a second.")  # fmt: skip
    return {"rows": rows, "total": duration(total), "problem": "" if rows else problem,
            "seconds": time_taken(columns), "speed": speed}  # fmt: skip


def commands(run: RunDirectory, config: Mapping[str, Any]) -> dict[str, Any]:
    """The commands that repeat the run, go on with it, and make images from it."""
    folder, data = str(run.path), config.get("data", {})
    again, problem = None, "The run was started from Python, so no command repeats it."
    if "options" in config:
        try:
            again = _in_lines(command_of(config["options"]))
        except ValueError as error:
            problem = f"Its command cannot be given: {error}."
    elif not config:
        problem = "Its command is not known, because config.json cannot be read."
    path = shlex.quote(folder)
    return {
        "again": again,
        "problem": problem,
        "resume": f"python train_generator.py --resume --save_path {path}" if again else None,
        "generate": f"python generate_images.py {path} --count 100",
        "report": f"python train_generator.py --report {path}",
        "evaluate": f"python evaluate_generator.py {path}",
        "seed": number(config.get("model", {}).get("seed")),
        "fingerprint": data.get("fingerprint"),
        "digest": plain(data.get("digest")),
        "versions": [(name, plain(value)) for name, value in config.get("versions", {}).items()],
    }


def _in_lines(command: str) -> str:
    """A command with one option per line, which a shell reads as one command."""
    return " ".join(
        ("\\\n    " if word.startswith("--") else "") + shlex.quote(word)
        for word in shlex.split(command)
    )
