"""What a run can be told."""

from dataclasses import dataclass
from typing import Any

import keras

from utils.checks import Rule
from utils.options.evaluation import EvaluationOptions
from utils.options.fields import option
from utils.options.training import RunOptions

_CALLBACKS = Rule(
    "Keras callbacks",
    lambda values: isinstance(values, tuple)
    and all(isinstance(value, keras.callbacks.Callback) for value in values),
)
_EVALUATION = Rule("EvaluationOptions", lambda value: isinstance(value, EvaluationOptions))
_RECORD = Rule("a dict", lambda value: isinstance(value, dict))


@dataclass(frozen=True)
class TrainArguments(RunOptions):
    """Keyword arguments of `train`: those of `RunOptions`, and those that only Python has."""

    evaluation: EvaluationOptions | None = option(
        None, "how to judge the generator while it is trained, which does not change the training; "
        "a resumed run must go on with the same judge", _EVALUATION)
    callbacks: tuple[keras.callbacks.Callback, ...] = option(
        (), "more Keras callbacks, called before those of the run", _CALLBACKS)
    options: dict[str, Any] | None = option(
        None, "what to record in config.json as the options that the run was started with", _RECORD)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_steps is None and self.minutes is None:
            raise ValueError("train_steps or minutes must be given. Received: neither of them")
