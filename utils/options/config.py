"""All options of a run, composed of their groups."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from utils.checks import one_of
from utils.options.data import DataOptions
from utils.options.evaluation import EvaluationOptions
from utils.options.fields import Options, option
from utils.options.merging import DEFAULT_METHOD, METHOD_DEFAULTS, method_of
from utils.options.model import ModelOptions, OptimizerOptions, WassersteinOptions
from utils.options.training import (
    DEFAULT_STEPS,
    DeviceOptions,
    RunOptions,
    StartOptions,
    TrainingOptions,
)


@dataclass(frozen=True)
class MethodOptions(Options):
    """Which model class is trained."""

    heading = "model"

    method: str | None = option(
        None, "wgan-gp: gradient penalty; wgan: weight clipping; dcgan: the GAN to compare them "
        "with (default: wgan-gp, or wgan where --clip_value is given)", one_of(*METHOD_DEFAULTS))


# A dataclass takes the fields of its last base first: this is the order of --help from its end.
@dataclass(frozen=True)
class TrainingConfig(
    StartOptions, RunOptions, EvaluationOptions, DeviceOptions, TrainingOptions,
    WassersteinOptions, MethodOptions, DataOptions,
):  # fmt: skip
    """Every option of `train_generator.py`, by the name it has on the command line and in YAML.

    An option that is None gets its default here if that depends on the method or another option.

    Raises:
        ValueError: If a value does not keep its rule, or two options conflict.
    """

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        self._default("method", method_of(vars(self)) or DEFAULT_METHOD)
        for name, method in [("gradient_penalty", "wgan-gp"), ("clip_value", "wgan")]:
            if getattr(self, name) is not None and self.method != method:
                raise ValueError(
                    f"{name} needs method {method}: leave it out, or choose that method. "
                    f"Received: method={self.method}, {name}={getattr(self, name)}"
                )
        if self.one_sided and self.method != "wgan-gp":
            raise ValueError(
                "one_sided needs method wgan-gp, which has the penalty: leave it out. "
                f"Received: method={self.method}"
            )
        lengths = {name: getattr(self, name) for name in ("train_steps", "epochs", "minutes")
                   if getattr(self, name) is not None}  # fmt: skip
        if len(lengths) > 1:
            received = ", ".join(f"{name}={value}" for name, value in lengths.items())
            raise ValueError(
                f"{' and '.join(lengths)} must not be given together: leave one. "
                f"Received: {received}"
            )
        if not lengths:
            self._set("train_steps", DEFAULT_STEPS)
        if self.resume and (self.load_weights is not None or self.step_0 is not None):
            raise ValueError(
                "resume must not be given with load_weights or step_0, because it goes on from the "
                "run's own checkpoint: leave them out. "
                f"Received: load_weights={self.load_weights}, step_0={self.step_0}"
            )
        self._default("generator_learning_rate", self.learning_rate)
        for name, value in METHOD_DEFAULTS[self.method].items():
            self._default(name, value)
        for group in (DataOptions, self._model_group, TrainingOptions, DeviceOptions,
                      EvaluationOptions, RunOptions):  # fmt: skip
            for name, value in vars(group.of(self)).items():
                self._default(name, value)
        if self.batch_size % self.accumulate:
            raise ValueError(
                "accumulate must divide batch_size: choose another. "
                f"Received: accumulate={self.accumulate}, batch_size={self.batch_size}"
            )
        if self.evaluate_every is not None:
            if self.save_interval is not None:
                self.check_interval(self.save_interval)
        elif self.save_best_only and self.method == "dcgan":
            raise ValueError(
                "save_best_only needs evaluate_every with method dcgan: a DCGAN's log does not say "
                "which generator is best. Received: evaluate_every=None"
            )

    @property
    def _model_group(self) -> type[ModelOptions]:
        return ModelOptions if self.method == "dcgan" else WassersteinOptions

    def data_options(self) -> dict[str, Any]:
        """Keyword arguments of `utils.DataPreparator`."""
        return {
            **DataOptions.of(self).arguments(),
            "seed": self.seed,
            "show_progress": not self.quiet,
        }

    def model_options(self) -> dict[str, Any]:
        """Keyword arguments of `gans.model_class(method)`, except the image shape."""
        return vars(self._model_group.of(self))

    def compile_options(self) -> dict[str, Any]:
        """Keyword arguments of the model's `compile`."""
        jit_compile = {"auto": "auto", "on": True, "off": False}[self.xla]
        return {**vars(OptimizerOptions.of(self)), "jit_compile": jit_compile}

    def evaluation_options(self) -> EvaluationOptions | None:
        """How the generator is judged; None if it is not."""
        return None if self.evaluate_every is None else EvaluationOptions.of(self)

    def train_options(self, num_images: int) -> dict[str, Any]:
        """Keyword arguments of the model's `train` on this many images, except the data."""
        run = dict(vars(RunOptions.of(self)))
        if self.epochs is not None:
            images_per_step = self.n_critic * self.batch_size
            run["train_steps"] = math.ceil(self.epochs * num_images / images_per_step)
        return {
            **run,
            "evaluation": self.evaluation_options(),
            "options": dataclasses.asdict(self),
        }
