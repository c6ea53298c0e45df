"""What the hardware does fast, for the options that leave the choice to the machine."""

from pathlib import Path

import tensorflow as tf

# Instructions that multiply bfloat16 numbers, as Linux names them.
_BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")
_BFLOAT16_CAPABILITY = (8, 0)  # of NVIDIA's GPUs, from Ampere on


def resolve_precision(precision: str) -> str:
    """The precision that "auto" stands for on this machine; other names are returned unchanged.

    "mixed_bfloat16" if every training device multiplies it natively: all GPUs or, without GPUs, the
    processor. Otherwise "float32", because emulated bfloat16 is several times slower.
    """
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capabilities = [
            tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
            for gpu in gpus
        ]
        is_native = min(capabilities) >= _BFLOAT16_CAPABILITY
    else:
        is_native = cpu_multiplies_bfloat16()
    return "mixed_bfloat16" if is_native else "float32"


def cpu_multiplies_bfloat16(cpuinfo: str | Path = "/proc/cpuinfo") -> bool:
    """Whether the processor has instructions for it, according to Linux."""
    try:
        lines = Path(cpuinfo).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False  # another system, which does not say
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return any(flag in flags for flag in _BFLOAT16_FLAGS)
