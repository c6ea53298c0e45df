"""Files of what a generator makes: images, grids, and pictures of ways through its noise.

Here a generator is any object with `noise` ("normal" or "uniform"), `noise_dim`, `image_shape` and
`images(noise)`, which turns noise float32 [..., noise_dim] into images uint8 [..., H, W, C], such
as a `gans.SavedGenerator`. Every function writes one file or folder, `path`, whole or not at all.
`seed` is that of the noise; `truncation` is as for `utils.latent.sample`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from utils.exploring.directions import closed_form_directions, principal_directions
from utils.exploring.image_files import image_writer
from utils.latent import along, interpolate, loop, sample, traversal
from utils.process import progress_bar
from utils.visualization.animation import save_animation
from utils.visualization.exploring import direction_rows, interpolation_strip, traversal_grid
from utils.visualization.grids import image_grid, save_image

AT_ONCE = 512  # images in memory
FRAMES_PER_SECOND = 20
SECONDS_PER_TURN = 4  # of a walk
ACTIVATION_SAMPLES = 2000  # samples to find principal components from
DIRECTION_EXTENT = 4.0  # to both sides, in deviations of a component of the noise
DEVIATIONS = {"normal": 1.0, "uniform": 3**-0.5}


def write_images(
    generator: Any, path: str | Path, count: int = 64, seed: int = 0,
    seeds: Sequence[int] | None = None, truncation: float | None = None, image_format: str = "png",
    show_progress: bool = True,
) -> None:
    """Writes images as separate files, with no more than a few hundred in memory.

    Args:
        path: A folder, a .zip of image files, or an .npz with one array `images`.
        count: Images 0 to count - 1 of the seed.
        seeds: Instead, image 0 of each of these seeds.
        image_format: "png", "jpg" or "webp".
        show_progress: Whether to show a bar, with images a second.
    """
    if seeds is None:
        names = [f"{i:06d}" for i in range(count)]
    else:
        names = [f"seed-{each:06d}" for each in seeds]

    def noise(start: int) -> np.ndarray:
        n = min(AT_ONCE, len(names) - start)
        if seeds is None:
            return sample(n, generator.noise_dim, seed, generator.noise, truncation, start)
        return of_seeds(generator, seeds[start : start + n], truncation)

    with (
        progress_bar("Images", len(names), show_progress) as bar,
        image_writer(path, names, image_format) as add,
        # The next images' noise is drawn while the generator works on these.
        ThreadPoolExecutor(1) as ahead,
    ):
        drawn = ahead.submit(noise, 0)
        for start in range(0, len(names), AT_ONCE):
            vectors = drawn.result()
            if start + AT_ONCE < len(names):
                drawn = ahead.submit(noise, start + AT_ONCE)
            images = generator.images(vectors)
            add(images)
            bar.update(len(images))


def write_grid(
    generator: Any, path: str | Path, rows: int, columns: int, seed: int = 0,
    truncation: float | None = None,
) -> None:
    """Writes the first images of a seed as one PNG."""
    count = rows * columns
    noise = sample(count, generator.noise_dim, seed, generator.noise, truncation)
    save_image(image_grid(generator.images(noise), columns), path)


def write_interpolation(
    generator: Any, path: str | Path, seeds: Sequence[int], frames: int | None = None,
    linear: bool = False, truncation: float | None = None,
) -> None:
    """Writes the ways between the images of seeds as a PNG or an animation.

    Args:
        path: Ends in .png, .gif or .mp4.
        seeds: Two or more.
        frames: Images from one seed to the next; None: 9 in a picture, 48 in an animation.
        linear: Take straight lines even in normal noise, instead of arcs.
    """
    is_picture = Path(path).suffix == ".png"
    points = of_seeds(generator, seeds, truncation)
    spherical = generator.noise == "normal" and not linear
    noise = interpolate(points, frames or (9 if is_picture else 48), spherical)
    images = generator.images(noise)
    if is_picture:
        save_image(interpolation_strip(images, list(map(str, seeds))), path)
    else:
        # The end of a way is the start of the next one.
        save_animation(np.concatenate([*images[:, :-1], images[-1:, -1]]), path, FRAMES_PER_SECOND)


def write_traversal(
    generator: Any, path: str | Path, across: int | None = None, down: int | None = None,
    frames: int | None = None, seed: int = 0, truncation: float | None = None,
) -> None:
    """Writes a PNG of what two components of a noise vector do, each from -1 to 1.

    Args:
        across: The component that changes from column to column; None: the first.
        down: The component that changes from row to row; None: the last.
        frames: Images in a row and in a column; None: 9.
        seed: Seed of the vector.
    """
    across = 0 if across is None else across
    down = generator.noise_dim - 1 if down is None else down
    values = np.linspace(-1, 1, frames or 9)
    noise = traversal(of_seeds(generator, [seed], truncation)[0], across, down, values)
    save_image(traversal_grid(generator.images(noise), values, across, down), path)


def write_walk(
    generator: Any, path: str | Path, seconds: float, seed: int = 0, truncation: float | None = None
) -> None:
    """Writes an animation, .gif or .mp4, along a smooth closed way through noise."""
    frames = max(2, round(seconds * FRAMES_PER_SECOND))
    turns = max(1, round(seconds / SECONDS_PER_TURN))
    noise = loop(frames, generator.noise_dim, turns, seed, generator.noise, truncation)
    save_animation(generator.images(noise), path, FRAMES_PER_SECOND)


def write_directions(
    generator: Any, path: str | Path, count: int, by_activations: bool = False,
    frames: int | None = None, seed: int = 0, truncation: float | None = None,
) -> None:
    """Writes a PNG of the directions in noise that change images most.

    Args:
        generator: A `gans.SavedGenerator` with layers.
        count: Directions.
        by_activations: Find them by GANSpace instead of SeFa: see `utils.exploring.directions`.
        frames: Images in a row; None: 9.
        seed: Seed of the image to change.
    """
    if by_activations:
        noise = sample(ACTIVATION_SAMPLES, generator.noise_dim, 0, generator.noise)
        directions = principal_directions(noise, generator.first_activations(noise), count)
    else:
        directions = closed_form_directions(generator.first_kernel(), count)
    distances = np.linspace(-DIRECTION_EXTENT, DIRECTION_EXTENT, frames or 9)
    vector = of_seeds(generator, [seed], truncation)[0]
    moved = along(vector, directions, distances * DEVIATIONS[generator.noise])
    save_image(direction_rows(generator.images(moved), distances), path)


def of_seeds(generator: Any, seeds: Sequence[int], truncation: float | None) -> np.ndarray:
    """The first noise vector of each seed, float32 [len(seeds), noise_dim]."""
    dim, noise = generator.noise_dim, generator.noise
    return np.concatenate([sample(1, dim, seed, noise, truncation) for seed in seeds])
