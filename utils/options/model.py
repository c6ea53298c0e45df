"""What is trained: networks, losses and optimizers. `gans` reads its options from here."""

import dataclasses
import inspect
import textwrap
from dataclasses import dataclass

from utils.checks import at_least, one_of, positive, share, whole
from utils.options.fields import Options, flag, help_with_default, option

ARCHITECTURES = ("dcgan", "anime", "conv4", "residual64", "resnet")
PUBLISHED_CRITICS = ("conv4", "residual64")  # whose published code normalizes in its own way
DEFAULT_PENALTY = 10.0


@dataclass(frozen=True)
class ModelOptions(Options):
    """Options of every method's model class."""

    heading = "model"

    architecture: str = option(
        "dcgan", "networks: dcgan (4x4 kernels), anime (5x5), conv4 (4x4, no dense layers, wide), "
        "residual64 (5x5, 64 filters everywhere) or resnet (residual blocks)",
        one_of(*ARCHITECTURES))
    base_filters: int | None = option(
        None, "width of the networks (default: 32 for dcgan and anime, 256 for conv4, 64 for "
        "residual64, 128 for resnet)", at_least(1), metavar="N")
    critic_normalization: str | None = option(
        None, "normalization in the critic; published: as in the published code of conv4 or "
        "residual64 (default: the architecture's own for the method)",
        one_of("none", "batch", "layer", "instance", "published"))
    noise_dim: int = option(
        128, "length of the noise vector", at_least(1), "-l", "--latent_size", metavar="N")
    noise: str = option(
        "normal", "distribution of the noise: standard normal, or uniform in [-1, "
                  "1]", one_of("normal", "uniform"))
    real_noise: float = option(
        0.0, "share of uniform noise mixed into the real images that the critic sees", share,
        metavar="SHARE")
    n_critic: int = option(
        1, "critic updates for each generator update", at_least(1), metavar="N")
    accumulate: int = option(
        1, "parts that a batch is computed in, one after the other, so that a large one fits into "
        "memory", at_least(1), metavar="K")
    ema_decay: float = option(
        0.9999, "largest decay of the generator's moving average, which is warmed up; 0 turns it "
        "off", share, metavar="D")
    precision: str = option(
        "float32", "arithmetic of the networks; auto: mixed_bfloat16 where the hardware multiplies "
        "bfloat16, else float32",
        one_of("float32", "mixed_bfloat16", "mixed_float16", "auto"))
    synchronized_batch_norm: bool = flag(
        "batch normalization over the whole batch instead of each device's part of it")
    seed: int = option(
        0, "seed of the initial weights, the order of the images and all noise",
        whole(0, 2**31 - 1), metavar="N")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.critic_normalization == "published" and self.architecture not in PUBLISHED_CRITICS:
            raise ValueError(
                "critic_normalization published needs architecture "
                f"{' or '.join(PUBLISHED_CRITICS)}: leave it out. "
                f"Received: architecture={self.architecture}"
            )
        if self.synchronized_batch_norm and self.accumulate > 1:
            raise ValueError(
                "synchronized_batch_norm must not be given with accumulate, which takes the "
                "statistics of each part by itself: leave one out. "
                f"Received: accumulate={self.accumulate}"
            )


@dataclass(frozen=True)
class WassersteinOptions(ModelOptions):
    """Options of `gans.WassersteinGAN`: a gradient penalty or, with a `clip_value`, clipping."""

    heading = "model"

    gradient_penalty: float | None = option(
        None, "weight of the gradient penalty (default: 10, unless --clip_value is given)",
        positive, metavar="WEIGHT")
    one_sided: bool = flag("penalize only gradient norms above 1")
    clip_value: float | None = option(
        None, "bound of the critic's weights, which selects weight clipping (default with wgan: "
        "0.01)", positive, metavar="C")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip_value is None:
            self._default("gradient_penalty", DEFAULT_PENALTY)
        elif self.gradient_penalty is not None:
            raise ValueError(
                "gradient_penalty and clip_value must not both be given: one of them keeps the "
                f"critic Lipschitz. Received: gradient_penalty={self.gradient_penalty}, "
                f"clip_value={self.clip_value}"
            )
        elif self.one_sided:
            raise ValueError(
                "one_sided needs the gradient penalty: leave it or clip_value out. "
                f"Received: clip_value={self.clip_value}"
            )
        if self.critic_normalization == "batch" and self.clip_value is None:
            raise ValueError(
                "critic_normalization must not be batch under the gradient penalty, which belongs "
                "to each image alone: take layer, instance or none. Received: 'batch'"
            )


@dataclass(frozen=True)
class OptimizerOptions(Options):
    """Options of a model's `compile`, of both networks; None takes the method's own."""

    heading = "training"

    optimizer: str | None = option(
        None, "optimizer of both networks (default: rmsprop with wgan, else adam)",
        one_of("adam", "rmsprop"))
    beta_1: float | None = option(
        None, "Adam's beta_1 (default: with wgan-gp 0, else 0.5)", share, metavar="B")
    beta_2: float | None = option(
        None, "Adam's beta_2 (default: with wgan-gp 0.99, wgan 0.9, dcgan 0.999)", share,
        metavar="B")
    learning_rate: float | None = option(
        None, "learning rate (default: with wgan-gp 8e-4, else 2e-4)", positive, metavar="RATE")
    generator_learning_rate: float | None = option(
        None, "the generator's learning rate, if it differs (default: --learning_rate or, if that "
        "is not given, with wgan-gp 16e-4)", positive, metavar="RATE")
    decay_rate: float = option(
        1.0, "factor that the learning rates are multiplied by every 1,000 generator "
             "steps", positive,
        metavar="FACTOR")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._default("generator_learning_rate", self.learning_rate)


_ARGUMENTS = """\
        image_shape: (H, W, C); C is 1 or 3. None: that of the networks given, else (64, 64, 3).
        generator: A network of one's own instead of the architecture's: noise [N, noise_dim] to
            float32 images [N, H, W, C] in [-1, 1].
        critic: Likewise: images [N, H, W, C] to float32 scores [N, 1].
        name: Name of the model.
"""


def documented(cls: type) -> type:
    """Puts the arguments of a model class into its docstring, for ARGUMENTS, and its signature."""
    lines = []
    parameters = [parameter for parameter in inspect.signature(cls).parameters.values()
                  if parameter.kind is not parameter.VAR_KEYWORD]  # fmt: skip
    for field in dataclasses.fields(cls.options_class):
        default = cls.published.get(field.name, field.default)
        text = f"{field.name}: {help_with_default(field, default)}"
        lines.append(textwrap.fill(text, 100, initial_indent=8 * " ", subsequent_indent=12 * " "))
        parameters.append(inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=field.type
        ))  # fmt: skip
    cls.__doc__ = cls.__doc__.replace("ARGUMENTS", _ARGUMENTS + "\n".join(lines))
    cls.__signature__ = inspect.Signature(parameters)
    return cls
