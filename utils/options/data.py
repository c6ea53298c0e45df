"""Which images a run learns from, and how they are prepared."""

from dataclasses import dataclass
from typing import Any

from utils.checks import at_least, one_of, positive, several, share, text, whole
from utils.options.fields import Options, flag, option

DEFAULT_SIZE = (64, 64)


@dataclass(frozen=True)
class DataOptions(Options):
    """Options of `utils.DataPreparator`."""

    heading = "data"

    source: str = option(
        "faces", "images to learn from: a folder, a .zip or .tar, a .npy or .npz array, an idx .gz "
        "file, tfds:NAME[:SPLIT], or faces, the built-in set", text, "-d", "--dir",
        metavar="SOURCE")
    resize: tuple[int, int] | None = option(
        None, "resize every image to H W (default: 64 64, unless --shape is given)",
        several(at_least(1), 2), metavar=("H", "W"))
    shape: tuple[int, int] | None = option(
        None, "require images of H W as they are, without resizing", several(at_least(1), 2),
        metavar=("H", "W"))
    to_grayscale: bool = flag("make images of one channel")
    crop: str = option(
        "center", "how to fit an image of another aspect ratio when it is resized",
        one_of("center", "stretch", "pad"))
    background: tuple[int, int, int] = option(
        (255, 255, 255), "color behind transparent images and around padded ones",
        several(whole(0, 255), 3), metavar=("R", "G", "B"))
    max_megapixels: float = option(100.0, "skip images larger than this", positive, metavar="M")
    hold_out: float = option(
        0.0, "share of the images to keep aside, so that the run can notice overfitting", share,
        metavar="SHARE")
    cache_dir: str | None = option(
        None, "where to keep prepared images (default: ~/.cache/wasserstein-gan)", text,
        metavar="DIR")
    no_cache: bool = flag("decode images during training, for collections that do not fit on disk")
    batch_size: int = option(
        32, "real images in one update", at_least(1), "-b", metavar="N")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._default("resize", DEFAULT_SIZE if self.shape is None else None)

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of `utils.DataPreparator`."""
        options = dict(vars(self))
        shape, no_cache = options.pop("shape"), options.pop("no_cache")
        return {**options, "image_shape": shape, "use_cache": not no_cache}
