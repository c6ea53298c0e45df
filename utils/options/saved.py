"""How the images of a run were prepared, as its config.json says."""

from typing import Any

from utils.options.data import DataOptions

# Options of a run that say how its images are prepared.
PREPARATION = ("to_grayscale", "crop", "background", "max_megapixels", "cache_dir", "no_cache")


def data_options(config: dict[str, Any]) -> dict[str, Any]:
    """The source of a run's images, how they were prepared and which share was held out.

    All are `DataOptions` by name.

    Args:
        config: The run's config.json. A run that was trained from Python says nothing here.

    Raises:
        ValueError: If someone has edited it to an invalid option.
    """
    options = config.get("options")
    if not isinstance(options, dict):
        return {}
    names = [name for name in ("source", "hold_out", *PREPARATION) if name in options]
    checked = DataOptions(**{name: options[name] for name in names})
    return {name: getattr(checked, name) for name in names}


def preparation(
    trained_on: dict[str, Any], given: dict[str, Any], show_progress: bool
) -> dict[str, Any]:
    """Keyword arguments of `DataPreparator` to read images as a run did, except size and channels.

    Args:
        trained_on: The result of `data_options`.
        given: Options of a command, which win.
        show_progress: Whether preparing shows a bar.
    """
    options = {name: value for name, value in {**trained_on, **given}.items()
               if name in PREPARATION}  # fmt: skip
    options["use_cache"] = not options.pop("no_cache", False)
    # A batch of 1 allows any number of images.
    return options | {"batch_size": 1, "show_progress": show_progress}
