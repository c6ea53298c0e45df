"""Evaluations as text for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from utils.checks import Rule, one_of, text
from utils.metrics.names import SHARES_FROM
from utils.metrics.protocol import protocol_differences
from utils.runs.reading import COUNT, NUMBER, Maybe, read_json, wrong_fields
from utils.wording import printable

_DIVERSITY = {"ratio": NUMBER, "near_identical": NUMBER, "sample": COUNT}
_SET = {"images": COUNT, "of": COUNT, "source": Maybe(text), "digest": Maybe(text)}
_EVALUATION = {  # what is read of evaluation.json, here and in the model card
    "numbers": [{"label": text, "better": one_of("lower", "higher"), "value": NUMBER,
                 "error": Maybe(NUMBER), "real": NUMBER}],
    "diversity": Maybe({**_DIVERSITY, "real": _DIVERSITY}),
    "copies": Maybe({
        "exact": COUNT, "exact_searched": COUNT, "near": COUNT, "searched": COUNT,
        "nearer_to_training": Maybe({"share": NUMBER, "low": NUMBER, "high": NUMBER}),
    }),
    "warnings": [text],
    "left_out": Rule("reasons by name", lambda value: isinstance(value, dict)
                     and all(map(text.holds, value.values()))),
    "protocol": {"fakes": {**_SET, "sha256": Maybe(text)}, "real": _SET, "extractor": text,
                 "weights_sha256": text, "resize_mode": text, "seed": COUNT},
}


def read_evaluation(path: str | Path) -> dict[str, Any]:
    """Reads the evaluation.json that `evaluate_generator.py` wrote.

    Raises:
        ValueError: If the file is missing, or is something else.
    """
    try:
        evaluation = read_json(Path(path))
        for _, problem in wrong_fields(evaluation, _EVALUATION):
            raise ValueError(f"'{printable(path)}', in which {problem}")
    except ValueError as error:
        raise ValueError("an evaluation must be the evaluation.json of an earlier one. "
                         f"Received: {error}") from None
    return evaluation


def evaluation_table(evaluations: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """One table of evaluations side by side, and notes for reading it.

    Args:
        evaluations: Results of `evaluate`, the most important first.
        names: Their names in the table.

    Returns:
        Lines of text. If the protocols differ, each difference has a line.
    """
    rows = evaluation_rows(evaluations, names)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
             for row in rows]
    # What was read may hold anything that is text.
    return "\n".join(map(printable, [*lines, "", *evaluation_notes(evaluations, names)]))


def evaluation_rows(evaluations: Sequence[dict[str, Any]], names: Sequence[str]) -> list[list[str]]:
    """The cells of `evaluation_table`, its header first."""
    first = evaluations[0]
    # By label: another network's value is another number.
    labels = dict.fromkeys(row["label"] for one in evaluations for row in one["numbers"])
    rows = [["", *names, "real halves", "better"]]
    for label in labels:
        found = [_number(one, label) for one in evaluations]
        own = next(row for row in found if row)
        real = f"{own['real']:.4g}" if found[0] else ""
        rows.append([label, *map(_text, found), real, own["better"]])
    for title, value in [("diversity (mean distance, fake / real)", "ratio"),
                         ("near-identical fakes", "near_identical")]:
        cells = [_varied(one.get("diversity"), value) for one in evaluations]
        if any(cells):
            real = _varied(first.get("diversity", {}).get("real"), value)
            rows.append([title, *cells, real, ""])
    return rows


def evaluation_notes(evaluations: Sequence[dict[str, Any]], names: Sequence[str]) -> list[str]:
    """The lines below `evaluation_table`: counts, protocol, differences, copies, warnings."""
    first = evaluations[0]
    lines = _counts(first["protocol"])
    for one, name in zip(evaluations[1:], names[1:], strict=True):
        differences = protocol_differences(first["protocol"], one["protocol"])
        lines += [f"Not comparable: {name} has {key} {_short(theirs)}, where {names[0]} has "
                  f"{_short(ours)}." for key, ours, theirs in differences]
    for one, name in zip(evaluations, names, strict=True):
        prefix = f"{name}: " if len(evaluations) > 1 else ""
        lines += [f"{prefix}{line}" for line in [*_copies(one), *one["warnings"]]]
        lines += [f"{prefix}Left out: {metric}: {reason}."
                  for metric, reason in one["left_out"].items()]
    return lines


def _short(value: Any) -> str:
    """A value for a sentence; a digest is shortened to what distinguishes it."""
    text = str(value)
    return text if len(text) < 32 else f"{text[:12]}..."


def _number(evaluation: dict[str, Any], label: str) -> dict[str, Any] | None:
    return next((row for row in evaluation["numbers"] if row["label"] == label), None)


def _text(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    error = "" if row.get("error") is None else f" +- {row['error']:.2g}"
    return f"{row['value']:.4g}{error}"


def _varied(varied: dict[str, Any] | None, key: str) -> str:
    if varied is None or (key == "near_identical" and varied["sample"] < SHARES_FROM):
        return ""
    return f"{varied[key]:.3g}" if key == "ratio" else f"{varied[key]:.1%}"


def _counts(protocol: dict[str, Any]) -> list[str]:
    def count(name: str) -> str:
        used, total = protocol[name]["images"], protocol[name]["of"]
        return f"{used:,}" if used == total else f"{used:,} of {total:,}"

    half = protocol["real"]["images"] // 2
    sha256 = protocol["weights_sha256"][:12]
    return [
        f"{count('fakes')} fakes against {count('real')} real images of "
        f"{protocol['real'].get('source', 'an array')}.",
        f"Features: {protocol['extractor']} (sha256 {sha256}...), {protocol['resize_mode']} "
        f"resize. Real halves: {half:,} real images against {half:,} others.",
    ]


def _copies(evaluation: dict[str, Any]) -> list[str]:
    copies = evaluation.get("copies")
    if copies is None:
        return []
    fakes = evaluation["protocol"]["fakes"]["images"]
    lines = [
        f"Copies among {fakes:,} fakes: {copies['exact']:,} exact, of {copies['exact_searched']:,} "
        f"real images; {copies['near']:,} near, of {copies['searched']:,} with features (by "
        f"chance about {fakes / 100:,.0f})."
    ]
    nearer = copies.get("nearer_to_training")
    if nearer:
        lines.append(
            f"Nearer to a training than to a held-out image: {nearer['share']:.1%} of the fakes "
            f"(95% interval {nearer['low']:.1%} to {nearer['high']:.1%}; 50% without copying)."
        )
    return lines
