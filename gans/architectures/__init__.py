"""Generators and critics by name. Importing this package does not import TensorFlow.

An architecture is a module with `build_generator(image_shape, noise_dim, base_filters, seed)`,
`build_critic(image_shape, base_filters, normalization, seed)`, `BASE_FILTERS` (the default width)
and `CRITIC_NORMALIZATION` (the default by method: "gradient_penalty" or "clipping").
"""

import importlib
from types import ModuleType

from gans.architectures.sizes import first_block, nearest_sizes

__all__ = ["ARCHITECTURES", "first_block", "get_architecture", "nearest_sizes"]

ARCHITECTURES = ("dcgan", "anime")


def get_architecture(name: str) -> ModuleType:
    """The module of the architecture `name`.

    Raises:
        ValueError: If there is no architecture of this name.
    """
    if name not in ARCHITECTURES:
        raise ValueError(
            f"architecture must be one of {', '.join(ARCHITECTURES)}. Received: {name!r}"
        )
    return importlib.import_module(f"gans.architectures.{name}")
