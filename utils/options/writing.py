"""Options as a YAML file and as a command."""

import argparse
import contextlib
import dataclasses
import shlex
from collections.abc import Mapping
from typing import Any

from utils.options.config import TrainingConfig


def yaml_text(config: TrainingConfig) -> str:
    """The configuration as a YAML file that --config reads."""
    import yaml

    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(config).items()
    }
    return yaml.safe_dump(values, sort_keys=False, default_flow_style=None)


def command_of(options: Mapping[str, Any]) -> str:
    """The shortest train_generator.py command with these options, quoted for a shell.

    Args:
        options: The options in a run's config.json. `resume` and `quiet` are left out.

    Raises:
        ValueError: If they are not options of this version.
    """
    values = {name: value for name, value in options.items() if name not in ("resume", "quiet")}
    try:
        wanted = TrainingConfig(**values)
    except TypeError as error:
        raise ValueError(f"options must be those of this version ({error})") from None
    given = {field.name: getattr(wanted, field.name) for field in dataclasses.fields(wanted)
             if field.name in values and getattr(wanted, field.name) != field.default}  # fmt: skip
    for name in list(given):  # what follows from the others need not be given
        others = {key: value for key, value in given.items() if key != name}
        with contextlib.suppress(ValueError):
            if TrainingConfig(**others) == wanted:
                given = others
    words = ["python", "train_generator.py"]
    for name, value in given.items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no_{name}")
        elif isinstance(value, tuple):
            words += [f"--{name}", *map(str, value)]
        elif str(value).startswith("-"):  # it would be taken for an option
            words.append(f"--{name}={value}")
        else:
            words += [f"--{name}", str(value)]
    return shlex.join(words)


def options_table(parser: argparse.ArgumentParser) -> str:
    """README's table of a parser's options, by heading."""
    lines = ["| group | options |", "|---|---|"]
    for group in parser._action_groups:
        shown = [action for action in group._group_actions
                 if action.help != argparse.SUPPRESS and action.dest != "help"]  # fmt: skip
        if shown:
            lines.append(f"| {group.title} | {' '.join(map(_cell, shown))} |")
    return "\n".join(lines)


def _cell(action: argparse.Action) -> str:
    name, *others = sorted(action.option_strings, key=lambda name: not name.startswith("--"))
    values = f" {' '.join(action.metavar)}" if isinstance(action.metavar, tuple) else ""
    aliases = f" ({', '.join(f'`{other}`' for other in others)})" if others else ""
    return f"`{name}{values}`{aliases}"
