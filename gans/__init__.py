"""Wasserstein GANs in Keras 3 on TensorFlow. Importing this package does not import TensorFlow."""

from typing import Any

from utils.process import lazy_face

_HOMES = {
    "AdversarialModel": "model.adversarial",
    "DCGAN": "methods.nonsaturating",
    "SavedGenerator": "generators.saved",
    "WassersteinGAN": "methods.wasserstein",
    "initialize_weights": "architectures.blocks",
    "load_generator_weights": "generators.files",
}

__all__ = [*_HOMES, "model_class"]
__getattr__, __dir__ = lazy_face(__name__, _HOMES)


def model_class(method: str) -> Any:
    """The class that trains by a method: "wgan-gp", "wgan" or "dcgan".

    Raises:
        ValueError: If there is no such method.
    """
    names = {"wgan-gp": "WassersteinGAN", "wgan": "WassersteinGAN", "dcgan": "DCGAN"}
    if method not in names:
        raise ValueError(f"method must be one of {', '.join(names)}. Received: {method!r}")
    return __getattr__(names[method])
