"""Pictures of a run: sample grids, training curves, animations."""

import importlib

_MODULES = {
    "animate": "animation",
    "image_grid": "grids",
    "plot_training": "curves",
    "save_image": "grids",
    "training_figure": "curves",
}

__all__ = ["animate", "image_grid", "plot_training", "save_image", "training_figure"]


def __getattr__(name: str):
    if name in _MODULES:  # looked up late: importing this package loads neither Pillow nor NumPy
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
