"""Command lines and YAML files from the fields of `TrainingConfig`, with one set of checks."""

import argparse
import dataclasses
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from utils.checks import one_of
from utils.options.config import TrainingConfig
from utils.options.fields import Options, by_heading, help_with_default
from utils.options.merging import merge_options, method_of
from utils.options.presets import PRESETS, list_presets, preset_options
from utils.runs.directory import RunDirectory
from utils.wording import printable

# What a resumed run does not take over from its earlier part.
_OF_ONE_START = {"save_path", "resume", "load_weights", "step_0", "quiet",
                 "devices", "workers", "worker_index"}  # fmt: skip


class OptionParser(argparse.ArgumentParser):
    """argparse with one-line errors that suggest the right option, and with help as it is laid out.

    Args:
        **options: Those of `argparse.ArgumentParser`.
    """

    def __init__(self, **options: Any):
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
                         **options)  # fmt: skip

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {printable(message)} (see {self.prog} --help)\n")

    def parse_given(self, arguments: Sequence[str] | None) -> dict[str, Any]:
        """The given options, by name; an unknown one ends the program."""
        namespace, unknown = self.parse_known_args(arguments)
        if unknown:
            name = unknown[0].split("=")[0]
            known = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(f"unknown option {name}{suggestion(name, known)}")
        return vars(namespace)


def suggestion(name: str, known: Sequence[str]) -> str:
    """", did you mean X?" with the nearest of the known names, or nothing."""
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f": did you mean {nearest[0]}?" if nearest else ""


def add_groups(parser: argparse.ArgumentParser, options: type[Options]) -> None:
    """Adds the options of a class to a parser, under their headings.

    No option has a default: options that are not given do not appear in the result.
    """
    for heading, fields in by_heading(options).items():
        section = parser.add_argument_group(heading)
        for field in fields:
            _add_option(section, field)


def add_options(section: Any, names: Sequence[str]) -> None:
    """Adds some options of `TrainingConfig` to a group of a parser's arguments, likewise."""
    for field in dataclasses.fields(TrainingConfig):
        if field.name in names:
            _add_option(section, field)


def _add_option(section: Any, field: dataclasses.Field) -> None:
    rule, name = field.metadata["rule"], f"--{field.name}"
    common = {"dest": field.name, "default": argparse.SUPPRESS}
    if isinstance(field.default, bool):
        section.add_argument(name, action="store_true", help=field.metadata["help"], **common)
        # Unsets what a file has set; not in the help, where it would double every flag.
        section.add_argument(f"--no_{field.name}", action="store_false", help=argparse.SUPPRESS,
                             **common)  # fmt: skip
        return
    common |= {
        "type": rule if rule.count == 1 else rule.of_text,
        "metavar": field.metadata["metavar"] or f"{{{','.join(rule.choices)}}}",
    }
    if rule.count != 1:
        common["nargs"] = rule.count
    section.add_argument(name, *field.metadata["aliases"],
                         help=help_with_default(field, field.default), **common)  # fmt: skip
    if field.name == "resize":
        square = {**common, "nargs": 1, "metavar": "N"}
        section.add_argument("-s", "--size", action=_Square, help="the same as --resize N N",
                             **square)  # fmt: skip


class _ListPresets(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        print(list_presets())
        parser.exit()


class _Square(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        setattr(namespace, self.dest, [values[0], values[0]])


def training_parser(prog: str | None = None) -> OptionParser:
    """The parser of `train_generator.py`."""
    parser = OptionParser(
        prog=prog,
        usage="%(prog)s [options]",
        description="Train a Wasserstein GAN on images. Without options it trains on built-in "
        "cartoon faces.",
        epilog="""examples:
  %(prog)s --resize 64 64                      the built-in faces
  %(prog)s --source photos --resize 96 64      your own pictures, 96 high and 64 wide
  %(prog)s --source photos --resume            go on with the run in --save_path
  %(prog)s --preset cifar10 --source photos    a published system, on your own pictures
  %(prog)s --config run.yml --n_critic 2       options from a file; the command line wins

--no_FLAG unsets a flag that a file sets.""",
    )
    add_groups(parser, TrainingConfig)
    general = parser.add_argument_group("general")
    general.add_argument("--preset", type=one_of(*PRESETS),
                         default=argparse.SUPPRESS,
                         help="options of a published system; other options given win over them: "
                         f"{', '.join(PRESETS)}", metavar="NAME")
    general.add_argument("--list_presets", action=_ListPresets, nargs=0, default=argparse.SUPPRESS,
                         help="print the presets with their options, and stop")
    general.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS,
                         help="YAML file with options by name")
    general.add_argument("--dry_run", action="store_true", default=argparse.SUPPRESS,
                         help="print what would run, and stop")
    general.add_argument("--report", metavar="RUN_DIR", default=argparse.SUPPRESS,
                         help="write RUN_DIR/report.html from what is in RUN_DIR, and stop")
    general.add_argument("--compare", nargs="+", metavar="RUN_DIR", default=argparse.SUPPRESS,
                         help="write comparison.html, a page of two or more runs, here, and stop")
    return parser


def read_page(parser: OptionParser, arguments: Sequence[str] | None) -> dict[str, Any] | None:
    """{"report": RUN_DIR} or {"compare": [RUN_DIR, ...]}, if a page is wanted instead of a run.

    Raises:
        SystemExit: With one line, if that is not the only option.
    """
    given = parser.parse_given(arguments)
    for name in ("report", "compare"):
        if name in given and len(given) > 1:
            others = ", ".join(f"--{other}" for other in given if other != name)
            parser.error(
                f"--{name} must be given alone, because it makes a page of what is on disk: leave "
                f"out the other options. Received: --{name} with {others}"
            )
    return given if given.keys() & {"report", "compare"} else None


def read_options(
    parser: OptionParser, arguments: Sequence[str] | None
) -> tuple[TrainingConfig, bool]:
    """The configuration, and whether it is a dry run.

    Built-in defaults < --preset < --config < the command line. A resumed run's config.json takes
    the place of a preset, which then only says where the run is.

    Raises:
        SystemExit: With one line, if anything is wrong with an option or a file.
    """
    given = parser.parse_given(arguments)
    path, dry_run = given.pop("config", None), given.pop("dry_run", False)
    try:
        upper = merge_options(_read_yaml(parser, path) if path else {}, given)
        preset = upper.pop("preset", None)
        lower = preset_options(preset, method_of(upper)) if preset is not None else {}
        if upper.get("resume"):
            run = RunDirectory({**lower, **upper}.get("save_path", TrainingConfig.save_path))
            saved = run.read_config().get("options") or {}
            saved = {name: v for name, v in saved.items() if name not in _OF_ONE_START}
            if unknown := saved.keys() - set(TrainingConfig.names()):
                raise ValueError(
                    "save_path must hold a run that this version has started to resume it: train "
                    f"anew elsewhere. Received: a run with the option {', '.join(sorted(unknown))}"
                )
            lower = _check(parser, saved, str(run.config)) | {"save_path": str(run.path)}
        return TrainingConfig(**merge_options(lower, upper)), dry_run
    except (ValueError, OSError) as error:
        parser.error(" ".join(str(error).split()))


def _read_yaml(parser: OptionParser, path: str) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"--config must be a readable YAML file. Received: {path!r}: {error}")
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        parser.error(f"--config must be a YAML file of options. Received: {path!r}: {problem}")
    if content is None:
        return {}
    if not isinstance(content, dict):
        parser.error(f"--config must hold lines of the form name: value. Received: {path!r}")
    return _check(parser, content, path)


def _check(parser: OptionParser, values: dict[str, Any], path: str) -> dict[str, Any]:
    """Values of a file by the rules of their options; text is read as on the command line.

    None stays for an option that may be unset; for others it means that the file does not set it.
    """
    fields = {field.name: field for field in dataclasses.fields(TrainingConfig)}
    checked = {}
    for name, value in values.items():
        if name not in fields and name != "preset":
            parser.error(
                f"{path}: unknown option {name!r}{suggestion(str(name), list(fields))}")
        default = fields[name].default if name in fields else ""
        rule = fields[name].metadata["rule"] if name in fields else one_of(*PRESETS)
        try:
            if isinstance(value, str):
                value = rule(value) if rule.count == 1 else (rule.of_text(value),)
            if value is not None:
                rule.check(name, value)
        except (ValueError, argparse.ArgumentTypeError) as error:
            text = str(error) if str(error).startswith(name) else f"{name} {error}"
            is_word = isinstance(value, bool) and not isinstance(default, bool)
            parser.error(f"{path}: {text}{' (quote a word)' if is_word else ''}")
        if value is not None or default is None:
            checked[name] = value
    return checked
