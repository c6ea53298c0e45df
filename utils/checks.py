"""The rules of values, written once for command lines, files, dataclasses and classes."""

import argparse
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What a value must be.

    Attributes:
        words: The rule, as it stands after "must be".
        holds: Whether a value keeps it.
        of_text: Turns a word of a command line into a value; raises ValueError if it cannot.
        choices: The values, where there are only a few.
        count: Words of the command line that make up a value; "+" for one or more.
    """

    words: str
    holds: Callable[[Any], bool]
    of_text: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    count: int | str = 1

    def check(self, argument: str, value: Any) -> None:
        """Raises ValueError unless the value keeps the rule."""
        if not self.holds(value):
            raise ValueError(f"{argument} must be {self.words}. Received: {value!r}")

    def __call__(self, given: str) -> Any:
        """The value of one word of a command line, as the `type` of an argparse argument.

        Raises:
            argparse.ArgumentTypeError: If it is not a value that keeps the rule.
        """
        try:
            value = self.of_text(given)
        except ValueError:
            value = None
        if value is None or not (self.count != 1 or self.holds(value)):
            raise argparse.ArgumentTypeError(f"must be {self.words}. Received: {given!r}")
        return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def at_least(least: int) -> Rule:
    """A whole number with a lower bound."""
    words = f"a whole number of at least {least}"
    return Rule(words, lambda value: _is_whole(value) and value >= least, int)


def whole(least: int, most: int) -> Rule:
    """A whole number between two bounds, which belong to it."""
    words = f"a whole number from {least} to {most}"
    return Rule(words, lambda value: _is_whole(value) and least <= value <= most, int)


positive = Rule(
    "a positive number", lambda value: _is_number(value) and 0 < value < math.inf, float
)
share = Rule("a number in [0, 1)", lambda value: _is_number(value) and 0 <= value < 1, float)
text = Rule("text", lambda value: isinstance(value, str))
flag = Rule("True or False", lambda value: isinstance(value, bool))


def one_of(*names: str) -> Rule:
    """One of a few names."""
    return Rule(f"one of {', '.join(names)}", lambda value: value in names, choices=names)


def number_or(word: str, rule: Rule) -> Rule:
    """What another rule says, or a word."""
    return Rule(
        f"{rule.words}, or {word}",
        lambda value: value == word or rule.holds(value),
        lambda given: given if given == word else rule.of_text(given),
    )


def several(rule: Rule, count: int | str = "+") -> Rule:
    """A tuple or list of values, `count` of them or, for "+", one or more."""
    words = f"{'one or more' if count == '+' else count} values, each {rule.words}"

    def holds(values: Any) -> bool:
        if not isinstance(values, tuple | list) or not all(map(rule.holds, values)):
            return False
        return bool(values) if count == "+" else len(values) == count

    return Rule(words, holds, rule, rule.choices, count)
