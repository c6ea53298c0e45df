"""Animations as GIF or MP4: of sample grids over training, and of any images."""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from utils.files import atomic_path
from utils.visualization.grids import picture_of, read_cells, read_image, spread
from utils.visualization.labeled import enlarged

COLORS = 128  # a GIF may have 256, which look the same but take a third more bytes
LAST_FRAME_SECONDS = 2.0
MOST_BYTES = 10e6  # of a GIF
SMALLEST_SHARE = 0.1  # of its width: the smallest size that it is reduced to for that
SMALLEST_WIDTH = 256  # pixels, of an animation of single images


def animate(
    frame_paths: Sequence[str | Path], path: str | Path, max_frames: int = 60, max_width: int = 512,
    seconds_per_frame: float = 0.15,
) -> None:
    """Writes an endless GIF of images, whole or not at all.

    Of more than `max_frames` files, evenly spread ones are taken, including the first and the last.
    Unreadable files are skipped. All frames share one palette, so that colors do not flicker, and
    the size of the last one, which is held for two seconds. If the file would exceed 10 MB, the
    frames are made smaller.

    Args:
        frame_paths: Image files, in order.
        path: The GIF. Missing parent folders are created.
        max_frames: The most frames of the GIF; 2 or more.
        max_width: The largest width of the GIF in pixels; the aspect ratio is kept.
        seconds_per_frame: Time that each frame but the last is shown; a GIF counts in hundredths.

    Raises:
        ValueError: If no frame is given or readable, or an argument is out of range.
    """
    _check(max_frames, seconds_per_frame)
    if max_width < 1:
        raise ValueError(f"max_width must be at least 1. Received: max_width={max_width}")
    frames = _spread(frame_paths, max_frames, read_image)
    last, width = frames[-1], min(frames[-1].width, max_width)
    size = (width, max(1, round(last.height * width / last.width)))
    frames = [frame if frame.size == size else frame.resize(size, Image.Resampling.LANCZOS)
              for frame in frames]  # fmt: skip
    _write_gif(frames, path, [seconds_per_frame] * (len(frames) - 1) + [LAST_FRAME_SECONDS])


def animate_image(
    frame_paths: Sequence[str | Path], image_size: tuple[int, int], path: str | Path,
    index: int = 0, max_frames: int = 60, seconds_per_frame: float = 0.15,
) -> None:
    """Writes an endless GIF of one image from sample grids, as `animate` does for whole grids.

    Args:
        frame_paths: Files of grids that `image_grid` laid out, in order.
        image_size: (H, W) of an image.
        path: The GIF. Missing parent folders are created.
        index: Which image of a grid, counted from 0.
        max_frames: The most frames of the GIF; 2 or more.
        seconds_per_frame: Time that each frame but the last is shown.

    Raises:
        ValueError: If no grid of such images can be read, or an argument is out of range.
    """
    _check(max_frames, seconds_per_frame)
    grids = _spread(frame_paths, max_frames, lambda path: read_cells(path, image_size))
    most = min(len(cells) for cells in grids) - 1
    if not 0 <= index <= most:
        raise ValueError(f"index must be 0 to {most}, the images of a grid. Received: {index}")
    frames = [Image.fromarray(enlarged(cells[index], SMALLEST_WIDTH)) for cells in grids]
    _write_gif(frames, path, [seconds_per_frame] * (len(frames) - 1) + [LAST_FRAME_SECONDS])


def save_animation(images: np.ndarray, path: str | Path, frames_per_second: float = 20) -> None:
    """Writes images as an endless GIF or as an MP4 (H.264), whole or not at all.

    Small images are enlarged by a whole factor. A GIF of more than 10 MB is made smaller.

    Args:
        images: uint8 [N, H, W, C]; C is 1 or 3.
        path: Ends in .gif, or in .mp4, which needs the package imageio-ffmpeg.
        frames_per_second: Images shown a second. A GIF counts in hundredths of a second.

    Raises:
        ValueError: If the ending is unknown, or the package is not installed.
    """
    path = Path(path)
    if path.suffix not in (".gif", ".mp4"):
        raise ValueError(f"path must end in .gif or .mp4. Received: '{path}'")
    if path.suffix == ".mp4":
        require_video()
        _write_mp4(images, path, frames_per_second)
        return
    frames = [picture_of(image).convert("RGB") for image in enlarged(images, SMALLEST_WIDTH)]
    _write_gif(frames, path, [1 / frames_per_second] * len(frames))


def require_video() -> None:
    """Raises ValueError if there is nothing to write an MP4 with."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # the package may come without the program
        message = ".mp4 needs the package imageio-ffmpeg: pip install imageio-ffmpeg"
        raise ValueError(message) from None


def _write_gif(frames: Sequence[Image.Image], path: str | Path, seconds: Sequence[float]) -> None:
    """Frames of one size, made smaller if the file would exceed `MOST_BYTES`."""
    data, share = _gif(frames, seconds), 1.0
    while len(data) > MOST_BYTES and share > SMALLEST_SHARE:
        share *= 0.95 * math.sqrt(MOST_BYTES / len(data))
        size = tuple(max(1, round(side * share)) for side in frames[0].size)
        smaller = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
        data = _gif(smaller, seconds)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _gif(frames: Sequence[Image.Image], seconds: Sequence[float]) -> bytes:
    palette = _shared_palette(frames)
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    file = io.BytesIO()
    durations = [round(1000 * each) for each in seconds]
    first.save(file, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return file.getvalue()


def _write_mp4(images: np.ndarray, path: Path, frames_per_second: float) -> None:
    import imageio_ffmpeg

    def frame(image: np.ndarray) -> np.ndarray:
        image = enlarged(image, SMALLEST_WIDTH)
        # The format needs an even width and height: a row or a column is doubled if necessary.
        image = np.pad(image, [(0, size % 2) for size in image.shape[:2]] + [(0, 0)], mode="edge")
        return np.ascontiguousarray(image.repeat(4 - image.shape[-1], -1)[..., :3])

    height, width = frame(images[0]).shape[:2]
    with atomic_path(path) as temporary:
        writer = imageio_ffmpeg.write_frames(
            temporary, (width, height), fps=frames_per_second, codec="libx264", quality=8,
            macro_block_size=2, ffmpeg_log_level="error",
        )  # fmt: skip
        writer.send(None)
        try:
            for image in images:
                writer.send(frame(image))
        finally:
            writer.close()


def _check(max_frames: int, seconds_per_frame: float) -> None:
    if max_frames < 2:
        raise ValueError(f"max_frames must be at least 2. Received: max_frames={max_frames}")
    if seconds_per_frame < 0.01:
        raise ValueError(
            "seconds_per_frame must be at least 0.01. "
            f"Received: seconds_per_frame={seconds_per_frame}"
        )


def _spread(paths: Sequence[str | Path], most: int, read: Callable[[str | Path], Any]) -> list[Any]:
    """What can be read of evenly spread files."""
    frames = [frame for each in spread(paths, most) if (frame := read(each)) is not None]
    if not frames:
        raise ValueError(f"frame_paths must include a readable image. Received: {len(paths)} paths")
    return frames


def _shared_palette(frames: Sequence[Image.Image]) -> Image.Image:
    """One palette for all frames, from a strip of them at about 128 pixels a side.

    The strip keeps single pixels: averaged ones would lose the strongest colors.
    """
    width, height = (max(1, round(n * min(1, 128 / max(frames[0].size)))) for n in frames[0].size)
    strip = Image.new("RGB", (width, height * len(frames)))
    for i, frame in enumerate(frames):
        strip.paste(frame.resize((width, height), Image.Resampling.NEAREST), (0, i * height))
    return strip.quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
