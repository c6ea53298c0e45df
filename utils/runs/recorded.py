"""What config.json records of a run, each entry with its rule."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from utils.checks import Rule, at_least, one_of, several, text
from utils.metrics.names import NUMBERS
from utils.options.config import TrainingConfig
from utils.options.merging import METHOD_DEFAULTS
from utils.options.model import WassersteinOptions
from utils.runs.reading import COUNT, Maybe, wrong_fields

_EXPORTED = ("last", "best")  # which generator a run exports
_SHAPE = several(at_least(1), 3)
_PAIRS = Rule("pairs of text", lambda value: isinstance(value, list) and all(
    isinstance(pair, list) and len(pair) == 2 and all(map(text.holds, pair)) for pair in value))
_TEXTS = Rule("text by name", lambda value: isinstance(value, dict) and all(
    map(text.holds, value.values())))
_COUNTS = Rule("counts by name", lambda value: isinstance(value, dict) and all(
    map(COUNT.holds, value.values())))
_NETWORK = {"config": {"name": Maybe(text)}}  # of one's own, as Keras writes it


def _rules(options: type) -> dict[str, Rule]:
    return {field.name: field.metadata["rule"] for field in dataclasses.fields(options)}


def _each_maybe(rules: Mapping[str, Any]) -> Maybe:
    """Another version may have written less, or more."""
    return Maybe({name: Maybe(rule) for name, rule in rules.items()})


_MODEL = {
    **_rules(WassersteinOptions), "method": one_of(*METHOD_DEFAULTS), "image_shape": _SHAPE,
    "name": text, "critic_optimizer": text, "generator_optimizer": text,
    "generator": _NETWORK, "critic": _NETWORK,
}  # fmt: skip
_DATA = {
    "source": text, "note": text, "num_images": COUNT, "held_out": COUNT, "image_shape": _SHAPE,
    "skipped": COUNT, "skipped_files": _PAIRS, "duplicates": COUNT, "duplicate_files": _PAIRS,
    "scaled": COUNT, "left_out": _COUNTS, "fingerprint": text, "digest": text, "cache_path": text,
    "cache_bytes": COUNT,
}  # fmt: skip
_JUDGE = {"evaluate_metric": one_of(*NUMBERS), "evaluate_images": COUNT, "real_images": COUNT,
          "label": text, "extractor": text, "weights_sha256": text, "resize_mode": text}
_SCHEDULE = {"first_step": COUNT, "train_steps": at_least(1), "save_interval": at_least(1)}
_EXPORT = Rule(
    "a generator, last or best, and the step after which it was exported",
    lambda value: value in _EXPORTED or (isinstance(value, dict) and COUNT.holds(value.get("step"))
                                        and value.get("generator") in _EXPORTED),
)  # fmt: skip
_CONFIG = {
    "options": _each_maybe(_rules(TrainingConfig)),
    "model": _each_maybe(_MODEL).fields,  # without it, the file is not a run's
    "data": _each_maybe(_DATA),
    "evaluation": _each_maybe(_JUDGE),
    "schedule": _each_maybe(_SCHEDULE),
    "exported": Maybe(_EXPORT),
    "versions": Maybe(_TEXTS),
}


def is_of_a_run(config: Any) -> bool:
    """Whether the content of a config.json is a run's, and not that of some other program."""
    return isinstance(config, dict) and isinstance(config.get("model"), dict)


def known_facts(config: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The content of a run's config.json without what breaks a rule, and what that is."""
    problems = {".".join(name.split(".")[:2]): problem
                for name, problem in wrong_fields(config, _CONFIG)}
    left = {part: value if not isinstance(value, dict) else {
        name: inner for name, inner in value.items() if f"{part}.{name}" not in problems
    } for part, value in config.items() if part not in problems}
    return left, list(problems.values())
