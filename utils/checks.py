"""The rules of values, the same for command lines, files and classes."""

import numbers


def at_least_1(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


at_least_1.__name__ = "whole number of at least 1"  # argparse names the type in its error


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


positive.__name__ = "positive number"


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError
    return value


share.__name__ = "number in [0, 1)"


def part(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise ValueError
    return value


part.__name__ = "number in (0, 1]"


def at_least_0(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


at_least_0.__name__ = "whole number of at least 0"


def number_or_all(text: str) -> int | str:
    return text if text == "all" else at_least_1(text)


number_or_all.__name__ = "whole number of at least 1, or all"


def check_integer(name: str, value: object, least: int) -> None:
    """Raises ValueError unless `value` is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}. Received: {value!r}")


def check_share(argument: str, value: float) -> None:
    """Raises ValueError if a value is not a number in [0, 1)."""
    if not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"{argument} must be a number in [0, 1). Received: {value!r}")
