"""The rows of a log.csv as far as they are whole."""

import csv
import io
import math
from pathlib import Path

from utils.runs.columns import VERDICT
from utils.runs.reading import read_text
from utils.wording import printable

_LARGEST_STEP = 2**53  # whole numbers up to it are exact as floats
_LARGEST = 1e100  # above what float32 holds, below what overflows when it is squared

Row = dict[str, float | str]


def whole_rows(path: Path) -> tuple[list[Row], str]:
    """The rows before the first that is damaged, and what is wrong with that; "" if none is.

    `step` is an int and rises from row to row, `health` is a string, the others are floats; an
    empty cell is NaN. A last line without its end counts as cut off: its last number may be.
    """
    try:
        text = read_text(path, errors="replace")  # one bad byte spoils one row
    except ValueError as error:
        return [], str(error)
    rows: list[Row] = []
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(lines, [])
        if "step" not in names or len(set(names)) < len(names):
            raise ValueError("its first line must name every column once, and step among them")
        for cells in filter(None, lines):
            if len(cells) != len(names):
                raise ValueError(f"{len(cells)} cells in place of {len(names)}")
            row = {name: _cell(name, cell) for name, cell in zip(names, cells, strict=True)}
            if rows and row["step"] <= rows[-1]["step"]:
                raise ValueError(f"step {row['step']} after step {rows[-1]['step']}")
            rows.append(row)
        if not text.endswith("\n"):
            del rows[-1:]
            raise ValueError("cut off")
    except (csv.Error, ValueError) as error:
        where = f"line {lines.line_num}" if lines.line_num > 1 else "its columns"
        return rows, f"{printable(path)} is damaged at {where}: {printable(str(error))}"
    return rows, ""


def _cell(column: str, text: str) -> float | str:
    if column == VERDICT:
        return text
    if column != "step":
        number = math.nan if text == "" else float(text)
        if _LARGEST < abs(number) < math.inf:
            raise ValueError(f"{column} must be a number of training. Received: {text[:40]}")
        return number
    if not (text.isascii() and text.isdecimal() and len(text) < 17 and int(text) < _LARGEST_STEP):
        raise ValueError(f"step must be a whole number. Received: {text[:40]!r}")
    return int(text)
