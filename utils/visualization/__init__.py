"""Pictures of a run: images, sample grids, training curves, animations, network diagrams."""

import importlib

_MODULES = {
    "animate": "animation",
    "generate_and_show_image": "showing",
    "image_grid": "grids",
    "plot_loss": "comparison",
    "plot_models": "networks",
    "plot_training": "curves",
    "save_image": "grids",
    "track_noise": "tracking",
    "training_figure": "curves",
}

__all__ = [
    "animate",
    "generate_and_show_image",
    "image_grid",
    "plot_loss",
    "plot_models",
    "plot_training",
    "save_image",
    "track_noise",
    "training_figure",
]


def __getattr__(name: str):
    if name in _MODULES:  # looked up late: importing this package loads nothing heavy
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
