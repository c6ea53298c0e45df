"""Numbers, durations, options and names as a person reads them."""

import math
import os
from typing import Any


def number(value: Any) -> str:
    """1,234 or 0.01235; "unknown" if it is not a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if not isinstance(value, float) or not math.isfinite(value):
        return "unknown"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def duration(seconds: Any) -> str:
    """12 min 3 s; "unknown" if it is not a duration."""
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds < math.inf:
        return "unknown"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, small_unit in [
        (86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"),
    ]:  # fmt: skip
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size:,} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def byte_size(count: int) -> str:
    """12.3 MB; 45 kB where it is less than one."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def counted(count: Any, one: str, many: str) -> str:
    """1 file, 1,234 files."""
    return f"{number(count)} {one if count == 1 else many}"


def size_of(shape: Any) -> str:
    """32x32x3, of [32, 32, 3]."""
    return "x".join(map(str, shape)) if isinstance(shape, list | tuple) else "unknown"


def plain(value: Any) -> str:
    """An option's value as on a command line; a dash if it is unset."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)


def printable(name: str | os.PathLike) -> str:
    """A name on one line of valid text: odd bytes and control characters are written as escapes."""
    text = os.fspath(name).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
