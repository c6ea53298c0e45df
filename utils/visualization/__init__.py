"""Pictures of a run: images, sample grids, training curves, animations, network diagrams."""

from utils.process import lazy_face

# A module is loaded where a name of it is first used.
_HOMES = {
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

__all__ = list(_HOMES)
__getattr__, __dir__ = lazy_face(__name__, _HOMES)
