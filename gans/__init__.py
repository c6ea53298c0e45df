"""Wasserstein GANs in Keras 3 on TensorFlow. Importing this package does not import TensorFlow."""

import importlib
from typing import Any

__all__ = ["AdversarialModel", "WassersteinGAN"]

_MODULES = {"AdversarialModel": "gans.adversarial", "WassersteinGAN": "gans.wasserstein"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'gans' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
