"""What surrounds the learning: data, metrics, pictures, files. Imports nothing from gans."""

__all__ = ["DataPreparator"]


def __getattr__(name: str):
    if name == "DataPreparator":  # looked up late: `import utils.options.config` needs no Pillow
        from utils.data.preparator import DataPreparator

        return DataPreparator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
