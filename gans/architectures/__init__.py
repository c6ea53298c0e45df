"""Generators and critics by name. Importing this package does not import TensorFlow.

An architecture is a module with `build_generator(image_shape, noise_dim, base_filters, seed)`,
`build_critic(image_shape, base_filters, normalization, seed)`, `BASE_FILTERS` (the default width),
`CRITIC_NORMALIZATIONS` (those that the critic has) and `critic_normalization(method, image_shape)`,
the default one for the method "wgan-gp", "wgan" (weight clipping) or "dcgan" (the non-saturating
baseline). The arguments are the same everywhere:

- image_shape: (H, W, C), H = x * 2^n and W = y * 2^n with x, y in 3..7; C is 1 or 3. Other sizes
  raise a ValueError.
- noise_dim: Length of a noise vector.
- base_filters: f, the width that the networks' descriptions count in.
- normalization: "none", "batch", "layer" or "instance", or another of `CRITIC_NORMALIZATIONS`.
  Unknown ones raise a ValueError.
- seed: Seed of the initial weights.

The architectures:

- "dcgan": the deep convolutional ladder with 4x4 kernels (Radford et al. 2016), half as wide.
- "anime": 5x5 kernels, as in a published WGAN for anime faces.
- "conv4": a wide 4x4 ladder without dense layers, of a published WGAN-GP for CIFAR-10 and CelebA.
- "residual64": 64 filters everywhere, of a published WGAN-GP for folders of any images.
- "resnet": the residual networks of the WGAN-GP paper (Gulrajani et al. 2017, appendix F).
"""

import importlib
from types import ModuleType

from gans.architectures.sizes import first_block, nearest_sizes
from utils.options.model import ARCHITECTURES

__all__ = ["ARCHITECTURES", "first_block", "get_architecture", "nearest_sizes"]


def get_architecture(name: str) -> ModuleType:
    """The module of the architecture `name`.

    Raises:
        ValueError: If no architecture has this name.
    """
    if name not in ARCHITECTURES:
        raise ValueError(
            f"architecture must be one of {', '.join(ARCHITECTURES)}. Received: {name!r}"
        )
    return importlib.import_module(f"gans.architectures.{name}")
