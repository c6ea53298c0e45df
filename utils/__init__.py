"""What surrounds the learning: data, metrics, pictures, files. Imports nothing from gans."""

from utils.process import lazy_face

_HOMES = {"DataPreparator": "data.preparator"}  # `import utils.options.config` needs no Pillow

__all__ = list(_HOMES)
__getattr__, __dir__ = lazy_face(__name__, _HOMES)
