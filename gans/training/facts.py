"""What config.json says about a run, and whether a run to resume is the one that was saved."""

import inspect
import json
import math
import re
from typing import Any

import keras

from gans import model_class
from gans.training.data import TrainingData
from gans.training.options import TrainArguments
from gans.training.schedule import Schedule
from utils.metrics.protocol import protocol_differences, versions

JUDGED_BY = ("evaluate_metric", "evaluate_images")  # what is known without the judge's network


def run_facts(
    model: keras.Model, data: TrainingData, options: TrainArguments,
    saved: dict[str, Any] | None, schedule: Schedule,
) -> dict[str, Any]:  # fmt: skip
    """What config.json is to hold, and of how the generator is judged, what the options say.

    `saved` is what the config.json of the run to resume holds, None for a new run. The schedule
    takes over the lengths of a run of minutes. Raises ValueError if it is not the run to resume.
    """
    evaluation = options.evaluation
    facts = {
        "options": None if options.options is None else dict(options.options),
        "model": {
            "method": model.method,
            **model.get_config(),
            "critic_optimizer": type(model.critic_optimizer).__name__,
            "generator_optimizer": type(model.generator_optimizer).__name__,
        },
        "data": data.description,
        "evaluation": evaluation and {name: getattr(evaluation, name) for name in JUDGED_BY},
        "schedule": {"first_step": model.steps_done},
        "exported": None,  # noted when it is done
        "versions": versions(),
    }
    if saved is not None:
        _require_same(saved, facts)
        require_same_judge(saved, facts["evaluation"])
        _keep_start(saved, facts, schedule)
    note_schedule(facts, schedule)
    return facts


def note_schedule(facts: dict[str, Any], schedule: Schedule) -> None:
    """Puts the lengths of a run among its facts; those of a run of minutes, among its options too.

    There they make it a run of so many steps, as which it is resumed.
    """
    facts["schedule"] |= schedule.lengths()
    if schedule.is_fixed and (facts["options"] or {}).get("minutes") is not None:
        facts["options"] |= {"minutes": None, **schedule.lengths()}


def _keep_start(saved: dict[str, Any], now: dict[str, Any], schedule: Schedule) -> None:
    """Takes over from a run that is resumed what its first start alone was given or found out."""
    for name in ("load_weights", "step_0"):
        if saved.get("options") and now["options"] and name in now["options"]:
            now["options"][name] = saved["options"].get(name)
    if isinstance(saved.get("exported"), dict):  # an earlier version did not say when
        now["exported"] = saved["exported"]
    before = saved.get("schedule") or {}
    now["schedule"]["first_step"] = before.get("first_step", 0)
    if not schedule.is_fixed:
        for name, value in schedule.lengths().items():
            setattr(schedule, name, value or before.get(name) or math.inf)


def _require_same(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ValueError if a resumed run would not be the one that was saved."""
    now_model = json.loads(json.dumps(now["model"]))  # as the saved one was written
    defaults = inspect.signature(model_class(now["model"]["method"])).parameters
    for key, value in now_model.items():
        if key not in saved["model"] and key not in defaults:
            raise ValueError(
                "save_path must hold a run started by this version: start a new run elsewhere. "
                f"Received: a run whose config.json does not name {key}"
            )
        # The default of an option that the saved run's version lacked.
        before = saved["model"][key] if key in saved["model"] else defaults[key].default
        if _comparable(before) != _comparable(value):
            raise ValueError(f"{key} must be the saved run's to resume it: {_short(before)}. "
                             f"Received: {_short(value)}")
    digests = [(facts.get("data") or {}).get("digest") for facts in (saved, now)]
    if digests[0] != digests[1]:
        raise ValueError(
            "source must hold the saved run's images, prepared with the same options and the same "
            f"hold_out (digest {digests[0]}), to resume it. Received: digest {digests[1]}"
        )


def _comparable(value: Any) -> Any:
    """A value of config.json; of a network's layers without the numbers that Keras gives them."""
    return re.sub(r'_\d+"', '"', json.dumps(value)) if isinstance(value, dict) else value


def _short(value: Any) -> str:
    """A value for an error; a network's layers would be pages."""
    return repr(value.get("config", {}).get("name")) if isinstance(value, dict) else repr(value)


def require_same_judge(saved: dict[str, Any] | None, judge: dict[str, Any] | None) -> None:
    """Raises ValueError if a resumed run would be judged differently than before.

    The judge's number is one column of the log, and says which generator is the best. A run that
    was not judged before may be judged from now on.
    `judge` is the judge's protocol, or what is known of it; None: no judge.
    """
    before = (saved or {}).get("evaluation")
    if not before:
        return
    if judge is None:
        raise ValueError(
            f"evaluate_every must be given to resume a run judged by {before['evaluate_metric']}; "
            "a large one leaves only the last step. Received: None"
        )
    known = {key: value for key, value in before.items() if key in judge}
    for key, saved_value, value in protocol_differences(known, judge):
        name = "inception_weights or features" if key == "weights_sha256" else key
        raise ValueError(f"{name} must be the saved run's, because its log has one judge: {key} "
                         f"{saved_value!r}. Received: {value!r}")
