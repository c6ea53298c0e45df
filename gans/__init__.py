"""Wasserstein GANs in Keras 3 on TensorFlow. Importing this package does not import TensorFlow."""

import importlib
from typing import Any

__all__ = [
    "DCGAN",
    "AdversarialModel",
    "SavedGenerator",
    "WassersteinGAN",
    "initialize_weights",
    "load_generator_weights",
    "model_class",
]

_MODULES = {
    "AdversarialModel": "gans.model.adversarial",
    "DCGAN": "gans.methods.nonsaturating",
    "SavedGenerator": "gans.generators.saved",
    "WassersteinGAN": "gans.methods.wasserstein",
    "initialize_weights": "gans.architectures.blocks",
    "load_generator_weights": "gans.generators.files",
}


def model_class(method: str) -> Any:
    """The class that trains by a method: "wgan-gp", "wgan" or "dcgan".

    Raises:
        ValueError: If there is no such method.
    """
    names = {"wgan-gp": "WassersteinGAN", "wgan": "WassersteinGAN", "dcgan": "DCGAN"}
    if method not in names:
        raise ValueError(f"method must be one of {', '.join(names)}. Received: {method!r}")
    return __getattr__(names[method])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'gans' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
