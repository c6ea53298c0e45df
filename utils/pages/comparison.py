"""comparison.html: one page of several runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utils.metrics.protocol import protocol_differences
from utils.pages import sections
from utils.pages.frames import BUDGET, Frames
from utils.pages.panels import RUN_COLORS, compared_panels, judged_column
from utils.pages.template import require_run, write_page
from utils.runs.columns import PANELS, Runs, labeled_runs
from utils.runs.directory import RunDirectory
from utils.wording import number, plain

GENERATOR = "wasserstein-gan comparison"
_OF_NO_MATTER = {"save_path", "resume", "quiet"}  # options that do not affect what was learned
_HEAD = 4096  # bytes at the start in which a page says what made it


def write_comparison(runs: Runs, path: str | Path = "comparison.html") -> Path:
    """Writes one page of several runs: samples side by side, curves in shared plots.

    Args:
        runs: Run directories, or run directories by label; two or more.
        path: The file. An earlier comparison is replaced.

    Returns:
        The page's path.

    Raises:
        ValueError: If there are fewer than two runs, one is not a run directory, two are the same,
            or the file exists and is something else.
        OSError: If the page cannot be written.
    """
    labeled = {name: RunDirectory(run) for name, run in labeled_runs(runs).items()}
    if len(labeled) < 2:
        raise ValueError(
            "compare must be given two or more run directories; --report shows a single one. "
            f"Received: {', '.join(labeled)}"
        )
    for run in labeled.values():
        require_run(run, "compare")
    path = Path(path)
    _require_replaceable(path)
    problems, configs, logs, verdicts, frames = [], {}, {}, {}, []
    for name, run in labeled.items():
        configs[name], unclear = sections.read_facts(run)
        columns, unreadable = sections.read_columns(run)
        verdicts[name] = None if unreadable else sections.verdict(columns)
        logs[name] = sections.known(columns)
        pictures = Frames(run, BUDGET // len(labeled))
        frames.append(pictures.read())
        found = unclear + unreadable + pictures.problems()
        problems += [f"{name}: {problem}" for problem in found]
    judged = {name: judged_column(configs[name], logs[name]) for name in labeled}
    judges = list({column.name: column for column in judged.values() if column}.values())
    panels = compared_panels({name: log for name, log in logs.items() if log}, judges)
    values = {
        "generator": GENERATOR,
        "title": f"{len(labeled)} runs compared",
        "problems": problems,
        "runs": [
            {"name": name, "color": RUN_COLORS[i % len(RUN_COLORS)], "verdict": verdicts[name],
             "newest": frames[i][-1] if frames[i] else None}
            for i, name in enumerate(labeled)
        ],
        "frames": len({frame["step"] for one in frames for frame in one}),
        "has_curves": bool(panels),
        "comparable": _comparable(configs) if sum(map(bool, judged.values())) > 1 else "",
        "numbers": _numbers(configs, logs, {column.name: column.label for column in judges}),
        "differences": _differences(configs),
        "data": {"runs": frames, "panels": panels},
    }
    write_page("comparison.html", values, path)
    return path


def _require_replaceable(path: Path) -> None:
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(_HEAD)
    if path.exists() and f'name="generator" content="{GENERATOR}"'.encode() not in head:
        raise ValueError(
            "compare must not replace a file that it has not written: move it away, or go to "
            f"another folder. Received: '{path}'"
        )


def _comparable(configs: Mapping[str, dict[str, Any]]) -> str:
    """Whether the numbers that generators are judged by follow one protocol."""
    first, *others = (one["evaluation"] for one in configs.values() if "evaluation" in one)
    verdict = "the same protocol and can be compared"
    if any(protocol_differences(first, other) for other in others):
        verdict = "different protocols and cannot be compared either"
    return f"The numbers that they are judged by follow {verdict}."


def _numbers(
    configs: Mapping[str, dict[str, Any]], logs: Mapping[str, Any], judges: Mapping[str, str]
) -> list[tuple[str, list[str]]]:
    """Steps, time and the last numbers of each run, by name."""
    rows = [
        ("steps", [sections.steps_done(configs[name], logs[name]) for name in configs]),
        ("time", [sections.time_taken(log) for log in logs.values()]),
    ]
    titles = dict(judges)
    for panel in PANELS:
        titles |= {column.name: panel.title_of(column) for column in panel.columns}
    for name, title in titles.items():
        if any(name in log for log in logs.values()):
            last = [log[name][log[name] == log[name]][-1] if name in log else None  # not NaN
                    for log in logs.values()]  # fmt: skip
            cells = ["–" if value is None else number(float(value)) for value in last]
            rows.append((f"{title}, last", cells))
    return rows


def _differences(configs: Mapping[str, dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Options, and facts about the data, that differ between runs."""
    rows = []
    for part, names in [("options", None), ("data", ["source", "num_images", "image_shape"])]:
        parts = [config.get(part, {}) for config in configs.values()]
        keys = dict.fromkeys(key for one in parts for key in one) if names is None else names
        for key in keys:
            cells = [plain(one.get(key)) for one in parts]
            if key not in _OF_NO_MATTER and len(set(cells)) > 1:
                rows.append((key if part == "options" else f"data: {key}", cells))
    digests = [plain(config.get("data", {}).get("digest"))[:12] for config in configs.values()]
    return [*rows, ("data: digest", digests)] if len(set(digests)) > 1 else rows
