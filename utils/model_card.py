"""MODEL_CARD.md: what a saved generator is, from the facts of its run and nothing else."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from utils.command_line import command_of
from utils.health import diagnose
from utils.metrics.tables import evaluation_table, read_evaluation
from utils.run_directory import RunDirectory, atomic_path, numeric_columns

_NOISE = {
    "normal": "np.random.default_rng(0).standard_normal((4, {dim})).astype(np.float32)",
    "uniform": "np.random.default_rng(0).uniform(-1, 1, (4, {dim})).astype(np.float32)",
}
_BYTES = "images = np.uint8(np.round(({images} + 1) * 127.5))  # [4, {shape}] in 0..255"
_LOADED = {  # by what is in the folder: a title, what is imported, how it is loaded and called
    "generator.keras": (
        "Keras", "import keras",
        'generator = keras.models.load_model("generator.keras")', "np.asarray(generator(noise))"),
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


def write_model_card(
    run: RunDirectory, which: str | None = None, folder: str | Path | None = None
) -> None:
    """Writes MODEL_CARD.md beside saved generators.

    Args:
        run: The run that they come from; its config.json, log.csv and evaluation.json say what
            is known.
        which: Which generator of the run they are, in words. None: the one that the run exports.
        folder: Where they lie. None: in the run directory.

    Raises:
        ValueError: If there is no run, or its files cannot be read.
    """
    from jinja2 import Environment, StrictUndefined

    template = Environment(
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    ).from_string(Path(__file__).with_suffix(".md.jinja").read_text(encoding="utf-8"))
    folder = run.path if folder is None else Path(folder)
    card = template.render(_facts(run, which, folder))
    with atomic_path(folder / "MODEL_CARD.md") as temporary:
        temporary.write_text(card, encoding="utf-8")


def _facts(run: RunDirectory, which: str | None, folder: Path) -> dict[str, Any]:
    config, rows = run.read_config(), run.read_log()
    options, model = config.get("options") or {}, config["model"]
    height, width, channels = model["image_shape"]
    seconds = rows[-1].get("seconds", math.nan) if rows else math.nan
    batch_size = options.get("batch_size")
    evaluation = None
    if run.evaluation.is_file():
        evaluation = read_evaluation(run.evaluation)
    step = rows[-1]["step"] if rows else 0
    average = "the moving average (EMA) of " if model["ema_decay"] else ""
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "noise": model["noise"],
        "noise_dim": model["noise_dim"],
        "description": options.get("description"),
        "license": options.get("license"),
        "data": config.get("data"),
        "model": model,
        "step": step,
        "n_images": batch_size and step * batch_size * model["n_critic"],
        "seconds": None if math.isnan(seconds) else _duration(seconds),
        "weights": f"{average}those of the run's {which or config['exported']} generator",
        "versions": ", ".join(f"{name} {version}" for name, version in config["versions"].items()),
        "command": _command(options),
        "verdict": str(diagnose(numeric_columns(rows))) if rows else None,
        "judged": _judged(config.get("evaluation"), rows),
        "evaluation": evaluation and evaluation_table([evaluation], ["images"]),
        "protocol": evaluation and _protocol(evaluation["protocol"]),
        "folder": run.path.name,
        "snippets": _snippets(folder, model["noise"], model["noise_dim"], model["image_shape"]),
        "copies": _copies(evaluation),
    }


def _command(options: Mapping[str, Any]) -> str | None:
    """None where options are not those of a command: `train` records whatever it is given."""
    try:
        return command_of(options) if options else None
    except ValueError:
        return None


def _judged(protocol: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The last number that the run was judged by, and how."""
    name = protocol["evaluate_metric"] if protocol else ""
    known = [row for row in rows if math.isfinite(row.get(name, math.nan))]
    if not known:
        return None
    stated = ", ".join(f"{key} {value}" for key, value in protocol.items() if key != "label")
    return f"{protocol['label']} was {known[-1][name]:.4g} at step {known[-1]['step']:,} ({stated})"


def _protocol(protocol: Mapping[str, Any]) -> str:
    return (
        f"{protocol['fakes']['images']:,} of its images against {protocol['real']['images']:,} "
        f"real ones of {protocol['real']['source']}, {protocol['extractor']}, resize "
        f"{protocol['resize_mode']}, seed {protocol['seed']}"
    )


def _copies(evaluation: Mapping[str, Any] | None) -> str:
    found = (evaluation or {}).get("copies")
    if found is None:
        return "Whether its images are copies of those that it learned from has not been measured."
    return (
        f"Of {evaluation['protocol']['fakes']['images']:,} of its images {found['exact']:,} are "
        f"equal to one that it learned from, and {found['near']:,} nearly so."
    )


def _snippets(
    folder: Path, noise: str, noise_dim: int, image_shape: Sequence[int]
) -> dict[str, str]:
    """By format, what loads each generator in a folder and makes four images."""
    shape = ", ".join(map(str, image_shape))
    made = {}
    for name, (title, imported, load, images) in _LOADED.items():
        if (folder / name).exists():
            made[title] = "\n".join(
                [
                    *sorted([imported, "import numpy as np"]),
                    "",
                    load,
                    f"noise = {_NOISE[noise].format(dim=noise_dim)}",
                    _BYTES.format(images=images, shape=shape),
                ]
            )
    return made


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
