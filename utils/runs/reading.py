"""Files of a run, maybe edited, cut or copied: what they hold, or in one line why not."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from utils.checks import Rule, at_least
from utils.wording import printable

_LARGEST = 64 * 2**20  # bytes; the log of a million intervals is larger, of a hundred thousand not
_DEEPEST = 100  # levels of JSON; a network of one's own takes about 20
COUNT = at_least(0)
# Of whole numbers, those that a float can hold.
NUMBER = Rule("a number", lambda value: isinstance(value, float) or (
    COUNT.holds(value) and value < 2**63))

_SECONDS = Rule("seconds", lambda value: NUMBER.holds(value) and 0 <= value < math.inf)


class Maybe(NamedTuple):
    """What a value must be unless it is missing or null: a rule, fields, or a list of either."""

    fields: Any


def read_text(path: Path, errors: str = "strict") -> str:
    """A text file in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        errors: What is done about bytes that are not UTF-8, as for `bytes.decode`.

    Raises:
        ValueError: It is missing, not a file, too large, or cannot be read or decoded.
    """
    try:
        if not path.is_file():
            raise ValueError("not a file" if path.exists() else "no such file")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError(f"more than {_LARGEST >> 20} MiB")
        return content.decode("utf-8-sig", errors)
    except (OSError, ValueError) as error:
        raise ValueError(f"{printable(path)} must be readable text. Received: {error}") from None


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        ValueError: As `read_text`; or it is not JSON, is nested too deeply, or names a key twice.
    """
    text = read_text(path)
    try:
        value = json.loads(text, object_pairs_hook=_each_once)
        level = [value]
        for _ in range(_DEEPEST):
            level = [inner for outer in level for inner in _inside(outer)]
        if level:
            raise RecursionError
    except RecursionError:
        reason = f"more than {_DEEPEST} levels"
    except ValueError as error:
        reason = printable(str(error))
    else:
        return value
    raise ValueError(f"{printable(path)} must be readable JSON. Received: {reason}")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {_short(twice)} twice")
    return found


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else (
        value if isinstance(value, list) else [])


def wrong_fields(value: Any, fields: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """What of a JSON value is not as it should be: (its name, "name must be ...").

    Args:
        value: The value.
        fields: What it must be: a `Rule`; a dict of such by name, where other names are free; a
            list of one such, for every element; or `Maybe` one.
        name: What the value is called; "" for a whole file.
    """
    if isinstance(fields, Maybe):
        if value is not None:
            yield from wrong_fields(value, fields.fields, name)
    elif isinstance(fields, Mapping):
        if isinstance(value, dict):
            for key, inner in fields.items():
                yield from wrong_fields(value.get(key), inner, f"{name}.{key}" if name else key)
        else:
            yield name, _must_be(name, "an object with names", value)
    elif isinstance(fields, list):
        if isinstance(value, list):
            for index, element in enumerate(value):
                yield from wrong_fields(element, fields[0], f"{name}[{index}]")
        else:
            yield name, _must_be(name, "a list", value)
    elif not fields.holds(value):
        yield name, _must_be(name, fields.words, value)


def _must_be(name: str, words: str, value: Any) -> str:
    return f"{name or 'it'} must be {words}. Received: {_short(value)}"


def _short(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) < 80 else f"{text[:60]}..."


def read_times(path: Path) -> dict[str, float]:
    """The seconds of a times.json by what they were spent on; none without the file.

    Raises:
        ValueError: It is damaged.
    """
    times = read_json(path) if path.exists() else {}
    rules = dict.fromkeys(times, _SECONDS) if isinstance(times, dict) else {}
    for _, problem in wrong_fields(times, rules):
        raise ValueError(f"{printable(path)} must hold seconds by name: {problem}")
    return times
