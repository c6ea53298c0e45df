"""What an option of `TrainingConfig` consists of, and how layers of options are put together."""

import dataclasses
from numbers import Real
from typing import Any


def option(default: Any, group: str, text: str, *aliases: str, **argparse_options: Any) -> Any:
    """A field with its place in the help, its text, its aliases and what argparse needs."""
    metadata = {"group": group, "help": text, "aliases": aliases, "argparse": argparse_options}
    return dataclasses.field(default=default, metadata=metadata)


def check_value(field: dataclasses.Field, value: Any) -> None:
    """Raises ValueError where a value is not what its option takes; None stands for unset."""
    rules = field.metadata["argparse"]
    values = value if isinstance(value, (tuple, list)) else [value]
    count = rules.get("nargs", 1)
    problem = None
    if value is None:
        return
    if isinstance(field.default, bool):
        problem = None if isinstance(value, bool) else "True or False"
    elif count == "+" and not values:
        problem = "one value or more"
    elif count != "+" and len(values) != count:
        problem = f"{count} values" if count > 1 else "one value"
    elif "choices" in rules and not set(values) <= set(rules["choices"]):
        problem = f"one of {', '.join(rules['choices'])}"
    elif "type" in rules:
        try:
            for each in values:
                # Not a number's text instead of the number.
                if rules["type"](str(each)) != each and not isinstance(each, Real):
                    raise ValueError
        except ValueError:
            problem = rules["type"].__name__
    if problem:
        raise ValueError(f"{field.name} must be {problem}. Received: {value!r}")


