"""New images from a generator, shown in a notebook or a window, or written to a file."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from utils.data.array_rows import in_batches
from utils.data.image_formats import UnusableImageError, load_picture
from utils.latent import NOISES, sample
from utils.visualization.grids import image_grid, require_png, save_image, to_uint8
from utils.wording import printable

BATCH_SIZE = 64  # like `generate` of the models: the same arithmetic for every image
# matplotlib's backends that only write files; all others show.
FILE_BACKENDS = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


def generate_and_show_image(
    generator: Callable[[np.ndarray], Any], path: str | Path | None = None, n: int = 1,
    noise: str | np.ndarray = "normal", seed: int = 0,
) -> np.ndarray:
    """Makes new images, and shows them or writes them to a file.

    Args:
        generator: A Keras model, or any function of noise float32 [N, noise_dim] that gives
            images [N, H, W, C] in [-1, 1], with C 1 or 3, and has an `input_shape` of
            (None, noise_dim).
        path: The PNG to write: the image, or a grid of them. Missing parent folders are created.
            None shows them instead: in the notebook, or in a window.
        n: Number of images.
        noise: "normal" or "uniform" (in [-1, 1]), whichever the generator was trained with; or
            the noise itself, [N, noise_dim]: an image for each row, whatever n and seed are.
        seed: Image i depends on (seed, i) only, and is the one that `generate(n, seed)` of the
            trained model makes.

    Returns:
        uint8 [n, H, W, C] in 0..255.

    Raises:
        ValueError: If an argument or the generator's images are not as described, or there is no
            path and nowhere to show them.
    """
    require_png(path)
    if path is None:
        _require_display()
    images = _generate(generator, _noise(_noise_dim(generator), n, noise, seed))
    picture = images[0] if len(images) == 1 else image_grid(images)
    if path is None:
        _show(picture)
    else:
        save_image(picture, path)
    return images


def show_image(image: np.ndarray | str | Path) -> None:
    """Shows an image in the notebook, or in a window.

    Args:
        image: uint8 [H, W, C] with C 1 or 3, or the path of a .png or .gif.

    Raises:
        ValueError: If there is nowhere to show it, or a file that is not a picture.
    """
    if "ipykernel" in sys.modules:
        from IPython.display import Image as Shown
        from IPython.display import display

        is_path = isinstance(image, str | Path)
        display(Shown(image) if is_path else Image.fromarray(image.squeeze()))
        return
    _require_display()
    if isinstance(image, str | Path):
        try:
            image = np.asarray(load_picture(image))
        except UnusableImageError as error:
            raise ValueError("image must be a picture that can be shown: name another. Received: "
                             f"{printable(image)} ({error})") from error
    _show(image)


def _noise_dim(generator: Any) -> int:
    shape = getattr(generator, "input_shape", None)
    try:
        _, noise_dim = shape
        return int(noise_dim)
    except (TypeError, ValueError):
        raise ValueError(
            "generator must have an input_shape of (None, noise_dim), like a Keras model of noise "
            f"vectors. Received: {type(generator).__name__} with input_shape {shape!r}"
        ) from None


def _noise(noise_dim: int, n: int, noise: str | np.ndarray, seed: int) -> np.ndarray:
    """float32 [n, noise_dim]: drawn, or as given."""
    if not isinstance(noise, str):
        try:
            rows = np.asarray(noise, np.float32)
        except (TypeError, ValueError):
            raise ValueError(
                f"noise must be {', '.join(NOISES)} or an array of numbers. "
                f"Received: {str(noise)[:60]!r}"
            ) from None
        if rows.ndim != 2 or rows.shape[1] != noise_dim or not rows.size:
            raise ValueError(
                f"noise must be an array [n, {noise_dim}] for this generator. "
                f"Received: shape {list(rows.shape)}"
            )
        return rows
    if noise not in NOISES:
        raise ValueError(
            f"noise must be one of {', '.join(NOISES)}, or an array [n, noise_dim]. "
            f"Received: {noise!r}"
        )
    for argument, value, least in [("n", n, 1), ("seed", seed, 0)]:
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(
                f"{argument} must be a whole number of at least {least}. Received: {value!r}"
            )
    return sample(n, noise_dim, seed, noise)


def _generate(generator: Callable[[np.ndarray], Any], noise: np.ndarray) -> np.ndarray:
    """uint8 [n, H, W, C] from noise [n, noise_dim], a whole batch at a time."""

    def batch_of(rows: np.ndarray) -> np.ndarray:
        images = np.asarray(generator(rows))
        if images.ndim != 4 or len(images) != BATCH_SIZE or images.shape[-1] not in (1, 3):
            raise ValueError(
                f"generator must turn noise {list(rows.shape)} into images [{BATCH_SIZE}, H, W, "
                f"C] with C 1 or 3. Received: {list(images.shape)}"
            )
        return images

    images = in_batches(batch_of, noise, BATCH_SIZE)
    try:
        return to_uint8(images)
    except ValueError as error:
        raise ValueError(f"generator must give images as described: {error}") from None


def _require_display() -> None:
    """Raises ValueError if `_show` would show nothing."""
    import matplotlib

    backend = matplotlib.get_backend()
    if backend.lower() in FILE_BACKENDS:
        raise ValueError(
            "path must be given if there is no notebook or window to show images in: "
            f"path='images.png' writes them. Received: path=None with matplotlib's {backend}"
        )


def _show(picture: np.ndarray) -> None:
    """Shows uint8 [H, W, C], enlarged: small images are hard to see pixel by pixel."""
    import matplotlib.pyplot as plt

    height, width = picture.shape[:2]
    inches = np.clip(max(height, width) / 32, 3, 8)  # 32 pixels of a picture per inch
    size = inches * np.array([width, height]) / max(height, width)
    figure = plt.figure(figsize=tuple(size), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    plt.show()
