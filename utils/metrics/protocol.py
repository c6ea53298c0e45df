"""Under which protocol numbers were taken, and what keeps those of two from being compared."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from utils.metrics import names

_FREE = ("fakes", "versions")  # may differ, but for the number of fakes
_NAMES = ("extractor", "label", "source", "fingerprint")  # of what other entries identify


def protocol_of(sets: Mapping[str, Any], chosen: Mapping[str, np.ndarray], extractor: Any,
                seed: int) -> dict[str, Any]:
    """What must be the same for two evaluations to be compared, and what made the numbers.

    Args:
        sets: An `ImageSet` by name, "fakes" and "real" among them.
        chosen: The numbers of the images that were judged, int64 [n], by the same names.
        extractor: The `FeatureExtractor`.
        seed: Of what was drawn.
    """
    return {
        **extractor.protocol(),
        **{name: {**images.facts, "images": len(chosen[name]), "of": images.count}
           for name, images in sets.items()},
        "seed": seed,
        "ddof": 1,
        "precision_recall_k": names.PRECISION_K,
        "density_coverage_k": names.DENSITY_K,
        "kid": {"subsets": names.KID_SUBSETS, "subset_size": names.KID_SUBSET_SIZE, "degree": 3},
        "inception_splits": names.INCEPTION_SPLITS,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of Python, and of the packages that numbers depend on."""
    packages = ("tensorflow", "keras", "numpy", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def protocol_differences(one: Mapping[str, Any],
                         other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """What keeps numbers of two protocols from being compared: (key, one's value, other's).

    Args:
        one: The protocol of an evaluation ("protocol" in evaluation.json) or of a run's judge
            ("evaluation" in config.json).
        other: Likewise.
    """
    before, after = _flatten(one), _flatten(other)
    keys = [key for key in before | after if key.split(".")[-1] not in _NAMES
            and (key.split(".")[0] not in _FREE or key == "fakes.images")]
    # The FID's weights are the same in every file that holds them.
    if one.get("fid_weights") and other.get("fid_weights"):
        keys = [key for key in keys if key != "weights_sha256"]
    if not ("held_out" in one and "held_out" in other):  # only one looked for copies
        keys = [key for key in keys if not key.startswith("held_out.")]
    return [(key, before.get(key), after.get(key)) for key in keys
            if before.get(key) != after.get(key)]


def _flatten(protocol: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in protocol.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
