"""How good fakes are: features of images, and numbers from features."""

from utils.process import lazy_face

# TensorFlow and Pillow are loaded when a name that needs them is first used.
_HOMES = {
    "FeatureExtractor": "features.extractor",
    "ImageSet": "features.image_sets",
    "Moments": "frechet",
    "evaluate": "evaluation",
    "evaluation_table": "tables",
    "frechet_at_infinity": "frechet",
    "frechet_distance": "frechet",
    "inception_extractor": "features.extractor",
    "inception_score": "inception_score",
    "kernel_distance": "kernel",
    "kernel_distance_of_subsets": "kernel",
    "keras_extractor": "features.extractor",
    "open_extractor": "features.extractor",
    "precision_recall_density_coverage": "manifold",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = lazy_face(__name__, _HOMES)
