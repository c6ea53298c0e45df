"""MODEL_CARD.md: what a saved generator is, from the facts of its run alone."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from utils.files import atomic_path
from utils.metrics.names import NUMBERS
from utils.metrics.tables import evaluation_table, read_evaluation
from utils.options.writing import command_of
from utils.runs.columns import numeric_columns
from utils.runs.directory import RunDirectory
from utils.runs.health import diagnose
from utils.wording import duration, printable

_NOISE = {
    "normal": "np.random.default_rng(0).standard_normal((4, {dim})).astype(np.float32)",
    "uniform": "np.random.default_rng(0).uniform(-1, 1, (4, {dim})).astype(np.float32)",
}
_BYTES = "images = np.uint8(np.round(({images} + 1) * 127.5))  # [4, {shape}] in 0..255"
_LOADED = {  # by file in the folder: a title, the import, how to load and call it
    "generator.keras": (
        "Keras", "import keras",
        'generator = keras.models.load_model("generator.keras")', "np.asarray(generator(noise))"),
    "best_generator.keras": (
        "Keras, the generator at its best", "import keras",
        'generator = keras.models.load_model("best_generator.keras")',
        "np.asarray(generator(noise))"),
    "generator.h5": (
        "HDF5, with Keras", "import keras",
        'generator = keras.models.load_model("generator.h5", compile=False)',
        "np.asarray(generator(noise))"),
    "saved_model": (
        "SavedModel, with TensorFlow alone", "import tensorflow as tf",
        'generator = tf.saved_model.load("saved_model")', "generator.serve(noise).numpy()"),
    "generator.onnx": (
        "ONNX", "import onnxruntime",
        'session = onnxruntime.InferenceSession("generator.onnx")',
        'session.run(None, {"noise": noise})[0]'),
    "generator.tflite": (
        "LiteRT", "from ai_edge_litert.interpreter import Interpreter",
        'runner = Interpreter("generator.tflite").get_signature_runner()',
        'runner(noise=noise)["output_0"]'),
}  # fmt: skip

_NEEDED = {  # of config.json, by part
    "model": ("method", "image_shape", "noise", "noise_dim", "n_critic", "ema_decay", "precision",
              "seed", "architecture", "base_filters"),
    "data": ("source", "num_images", "skipped", "duplicates", "fingerprint", "digest"),
}  # fmt: skip


def write_model_card(
    run: RunDirectory, file: Path | None = None, raw: bool = False, folder: str | Path | None = None
) -> None:
    """Writes MODEL_CARD.md beside saved generators.

    Args:
        run: The run that they come from, with its config.json, log.csv and evaluation.json.
        file: The run's file with the generator. None: the one that the run exports.
        raw: Whether it is the generator without averaging.
        folder: The folder of the saved files. None: the run directory.

    Raises:
        ValueError: If there is no run, or its config.json or log.csv cannot be read.
    """
    from jinja2 import Environment, StrictUndefined

    template = Environment(
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    ).from_string(Path(__file__).with_suffix(".md.jinja").read_text(encoding="utf-8"))
    folder = run.path if folder is None else Path(folder)
    card = template.render(_facts(run, file or run.generator_keras, raw, folder))
    with atomic_path(folder / "MODEL_CARD.md") as temporary:
        # A name may hold bytes that are not text, or what a terminal would obey.
        lines = map(printable, card.split("\n"))
        temporary.write_text("\n".join(lines), encoding="utf-8")


def _facts(run: RunDirectory, file: Path, raw: bool, folder: Path) -> dict[str, Any]:
    config, (rows, damage) = run.read_config(), run.whole_rows()
    _require(run, config)
    options, model, data = config.get("options") or {}, config["model"], config.get("data")
    height, width, channels = model["image_shape"]
    versions = [f"{name} {each}" for name, each in (config.get("versions") or {}).items()]
    columns, steps = numeric_columns(rows), rows[-1]["step"] if rows else 0
    seconds = [value for value in columns.get("seconds", []) if math.isfinite(value)]
    batch_size = None if damage else options.get("batch_size")
    which, step = _moment(run, file, config.get("exported"))
    judged = None if damage else _judged(config.get("evaluation"), rows, which, step)
    command, no_command = _command(options)
    evaluation, no_evaluation = _evaluation(run, file)
    return {
        "height": height, "width": width, "channels": channels,
        "noise": model["noise"], "noise_dim": model["noise_dim"],
        "description": options.get("description"), "license": options.get("license"),
        "data": data, "source": options.get("source"),
        "model": model, "networks": _networks(model),
        "steps": f"at least {steps:,}" if damage else f"{steps:,}",
        "n_images": batch_size and steps * batch_size * model["n_critic"],
        "seconds": duration(max(seconds)) if seconds and not damage else None,
        "weights": f"{'' if raw or not model['ema_decay'] else 'the moving average (EMA) of '}"
                   f"those of the generator {which}",
        "versions": ", ".join(versions) or "unknown",
        "command": command, "no_command": no_command,
        "verdict": None if damage or not rows else str(diagnose(columns)),
        "no_verdict": f"not known: {damage}." if damage else "not known, because it has no log.",
        "judged": judged,
        "evaluation": evaluation and evaluation_table([evaluation], ["images"]),
        "no_evaluation": no_evaluation,
        "protocol": evaluation and _protocol(evaluation["protocol"]),
        "snippets": _snippets(folder, model["noise"], model["noise_dim"], model["image_shape"]),
        "copies": _copies(evaluation, (data or {}).get("digest")),
    }  # fmt: skip


def _require(run: RunDirectory, config: Mapping[str, Any]) -> None:
    """Raises ValueError unless config.json names what a card cannot do without."""
    for part, names in _NEEDED.items():
        for name in () if config.get(part) is None else names:
            is_own = name in ("architecture", "base_filters") and "critic" in config[part]
            if config[part].get(name) is None and not is_own:
                raise ValueError(f"{printable(run.config)} must name {part}.{name} for a model "
                                 "card: restore it. Received: a file without it")


def _moment(run: RunDirectory, file: Path, exported: Any) -> tuple[str, int | None]:
    """When in the run a file's generator was made, and the step if the file names it."""
    if file.parent == run.checkpoints and file.name.startswith("step-"):
        step = int(file.name.split(".")[0].removeprefix("step-"))
        return f"after {step:,} steps", step
    if file in (run.best_generator, run.best_generator_keras, run.best_generator_h5):
        return "at its best", None
    known = {"last": "at the end of the run", "best": "at its best"}
    exported = exported["generator"] if isinstance(exported, dict) else exported
    return known.get(exported, "that the run exported; which one is not known"), None


def _command(options: Mapping[str, Any]) -> tuple[str | None, str]:
    """The command that made the run, or None and the reason."""
    if not options:
        return None, "It was trained from Python: beyond config.json, its options are not known."
    try:
        return command_of(options), ""
    except ValueError:
        return None, "Its options, in config.json, are not those of this version's commands."


def _evaluation(run: RunDirectory, file: Path) -> tuple[dict[str, Any] | None, str]:
    """The evaluation of the generator in a file, or None and the reason."""
    command = "`python evaluate_generator.py` on its run does that, and adds the numbers here."
    if not run.evaluation.is_file():
        return None, f"It has not been evaluated: {command}"
    try:
        evaluation = read_evaluation(run.evaluation)
    except ValueError:
        return None, f"evaluation.json cannot be read. {command}"
    evaluated = evaluation["protocol"]["fakes"].get("sha256")
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != evaluated:
        return None, f"The run's evaluation.json describes another of its generators. {command}"
    return evaluation, ""


def _judged(
    protocol: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]], which: str,
    step: int | None,
) -> str | None:
    """The number that the generator was judged by during training, and how."""
    name = (protocol or {}).get("evaluate_metric")
    known = [row for row in rows if math.isfinite(row.get(name, math.nan))]
    if step is not None:
        known = [row for row in known if row["step"] == step]
    if not known:
        return None
    row = known[-1]
    if which == "at its best":
        sign = 1 if NUMBERS[name].better == "lower" else -1
        row = min(known, key=lambda row: sign * row[name])
    stated = ", ".join(f"{key} {value}" for key, value in protocol.items() if key != "label")
    label = protocol.get("label", name)
    return f"{label} was {row[name]:.4g} at step {row['step']:,} ({stated})"


def _protocol(protocol: Mapping[str, Any]) -> str:
    return (
        f"{protocol['fakes']['images']:,} of its images against {protocol['real']['images']:,} "
        f"real ones of {protocol['real'].get('source', 'an array')}, {protocol['extractor']}, "
        f"resize {protocol['resize_mode']}, seed {protocol['seed']}"
    )


def _copies(evaluation: Mapping[str, Any] | None, learned: str | None) -> str:
    found = (evaluation or {}).get("copies")
    # Copies can be found only among the images that it learned from.
    if found is None or evaluation["protocol"]["real"].get("digest") != learned:
        return "Whether its images are copies of its training images has not been measured."
    return (
        f"Of {evaluation['protocol']['fakes']['images']:,} of its images, {found['exact']:,} equal "
        f"a training image, and {found['near']:,} nearly do."
    )


def _networks(model: dict[str, Any]) -> str:
    """Which architecture, or whose networks, as text."""
    own = [model[name]["config"].get("name", name) for name in ("generator", "critic")
           if name in model]  # fmt: skip
    if len(own) == 2:
        return f"networks of its author's own: {own[0]} and {own[1]}"
    text = f"networks {model['architecture']} with {model['base_filters']} filters"
    return f"{text}, but for its author's own {own[0]}" if own else text


def _snippets(
    folder: Path, noise: str, noise_dim: int, image_shape: Sequence[int]
) -> dict[str, str]:
    """Code by format that loads each generator in a folder and makes four images."""
    shape = ", ".join(map(str, image_shape))
    made = {}
    for name, (title, imported, load, images) in _LOADED.items():
        if (folder / name).exists():
            lines = [*sorted([imported, "import numpy as np"]), "", load,
                     f"noise = {_NOISE[noise].format(dim=noise_dim)}",
                     _BYTES.format(images=images, shape=shape)]  # fmt: skip
            made[title] = "\n".join(lines)
    return made
