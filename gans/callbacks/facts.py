"""What config.json says of a run, and whether a run to resume is the one that was saved."""

import platform
from importlib.metadata import version
from typing import Any

import tensorflow as tf

from gans.adversarial import AdversarialModel


def run_facts(model: AdversarialModel, data: Any, options: dict[str, Any] | None) -> dict[str, Any]:
    """What config.json holds."""
    if isinstance(data, tf.data.Dataset):
        shape, description = tuple(data.element_spec.shape[1:]), None
    else:
        shape, description = tuple(data.image_shape), data.describe()
    if shape != model.image_shape:
        raise ValueError(
            f"data must have images of the model's shape {model.image_shape}. Received: {shape}"
        )
    return {
        "options": options,
        "model": {
            "method": model.method,
            **model.get_config(),
            "critic_optimizer": type(model.critic_optimizer).__name__,
            "generator_optimizer": type(model.generator_optimizer).__name__,
        },
        "data": description,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy", "pillow")},
        },
    }


def require_same(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ValueError where a resumed run would not be the one that was saved."""
    for key, value in now["model"].items():
        if key not in saved["model"]:
            raise ValueError(
                "save_path must hold a run that this version has started to resume it: train "
                f"anew elsewhere. Received: a run whose config.json does not name {key}"
            )
        before = saved["model"][key]
        before = tuple(before) if isinstance(before, list) else before
        if before != value:
            raise ValueError(
                f"{key} must be the saved run's to resume it: {before!r}. Received: {value!r}"
            )
    digests = [(facts.get("data") or {}).get("digest") for facts in (saved, now)]
    if digests[0] != digests[1]:
        raise ValueError(
            "source must hold the saved run's images, prepared with the same options, to resume "
            f"it (digest {digests[0]}). Received: digest {digests[1]}"
        )
