"""What an option consists of, and the base of the groups of options."""

import dataclasses
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from utils import checks
from utils.checks import Rule


def option(
    default: Any, help_: str, rule: Rule, *aliases: str, metavar: str | tuple | None = None
) -> Any:
    """A field of a group of options.

    Args:
        default: None where another option, or the method, says what holds.
        help_: One sentence without a period, for `--help`, README and docstrings.
        rule: What a value must be; None is allowed too where it is the default.
        aliases: Other names on the command line.
        metavar: What stands for a value in `--help`.
    """
    metadata = {"help": help_, "rule": rule, "aliases": aliases, "metavar": metavar}
    return dataclasses.field(default=default, metadata=metadata)


def flag(help_: str) -> Any:
    """An option that is on or off, and off by default."""
    return option(False, help_, checks.flag)


@dataclass(frozen=True)
class Options:
    """A group of options; its fields are made by `option`.

    Raises:
        ValueError: If a value does not keep its option's rule.
    """

    heading: ClassVar[str]  # under which --help lists what a class adds to its parent

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list | os.PathLike):  # as YAML and JSON have it
                value = tuple(value) if isinstance(value, list) else str(value)
                self._set(field.name, value)
            if value is not None or field.default is not None:
                field.metadata["rule"].check(field.name, value)

    @classmethod
    def of(cls, values: "Mapping[str, Any] | Options") -> Any:
        """The group, with those of the values, by name, that are options of it."""
        values = vars(values) if isinstance(values, Options) else values
        return cls(**{name: values[name] for name in cls.names() if name in values})

    @classmethod
    def names(cls) -> list[str]:
        """The names of the options."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def check(cls, **values: Any) -> None:
        """Raises ValueError unless values keep the rules of the options of their names."""
        for field in dataclasses.fields(cls):
            if field.name in values:
                field.metadata["rule"].check(field.name, values[field.name])

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # frozen, but not yet in use

    def _default(self, name: str, value: Any) -> None:
        if getattr(self, name) is None:
            self._set(name, value)


def by_heading(options: type[Options]) -> dict[str, list[dataclasses.Field]]:
    """The fields of a class of options by heading, in the order of their declarations."""
    found: dict[str, list[dataclasses.Field]] = {}
    known = {field.name: field for field in dataclasses.fields(options)}
    for group in reversed(options.__mro__):
        own = inspect.get_annotations(group)
        fields = [known[name] for name in own if name in known]
        if fields:
            found.setdefault(group.heading, []).extend(fields)
    return found


def help_with_default(field: dataclasses.Field, default: Any) -> str:
    """The help of an option, with its default where that is worth saying."""
    text = field.metadata["help"]
    if isinstance(default, bool) or default is None or "default:" in text:
        return text
    shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
    return f"{text} (default: {shown})"
