"""Pictures of a run: images, sample grids, training curves, animations, network diagrams."""

import importlib

_MODULES = {
    "animate": "animation",
    "animate_image": "animation",
    "direction_rows": "exploring",
    "generate_and_show_image": "showing",
    "image_grid": "grids",
    "interpolation_strip": "exploring",
    "plot_loss": "comparison",
    "plot_models": "networks",
    "plot_training": "curves",
    "real_and_generated": "exploring",
    "save_animation": "animation",
    "save_image": "grids",
    "show_image": "showing",
    "track_noise": "tracking",
    "training_figure": "curves",
    "traversal_grid": "exploring",
}

__all__ = list(_MODULES)


def __getattr__(name: str):
    if name in _MODULES:  # looked up late: importing this package loads nothing heavy
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
