"""An animation of sample grids over training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from utils.run_directory import atomic_path
from utils.visualization.grids import read_image

COLOURS = 128  # a GIF may have 256: hard to tell apart, but a third more bytes
LAST_FRAME_SECONDS = 2.0


def animate(
    frame_paths: Sequence[str | Path],
    path: str | Path,
    max_frames: int = 60,
    max_width: int = 512,
    seconds_per_frame: float = 0.15,
) -> None:
    """Writes an endless GIF of images, whole or not at all.

    Where there are more than `max_frames`, evenly spread ones are taken, the first and the last
    among them. Files that cannot be read are passed over. All frames share one palette, so that
    colours do not flicker, and the last one's size; it is held for two seconds.

    Args:
        frame_paths: Image files, in order.
        path: The GIF. Missing parent folders are created.
        max_frames: Frames of the GIF, at most; 2 or more.
        max_width: Width of the GIF in pixels, at most; the aspect is kept.
        seconds_per_frame: Time that each frame but the last is shown; a GIF counts in hundredths.

    Raises:
        ValueError: If no frame is given or none can be read, or an argument is out of its range.
    """
    if max_frames < 2:
        raise ValueError(f"max_frames must be at least 2. Received: max_frames={max_frames}")
    if max_width < 1:
        raise ValueError(f"max_width must be at least 1. Received: max_width={max_width}")
    if seconds_per_frame < 0.01:
        raise ValueError(
            "seconds_per_frame must be at least 0.01. "
            f"Received: seconds_per_frame={seconds_per_frame}"
        )
    count = min(len(frame_paths), max_frames)
    chosen = np.linspace(0, len(frame_paths) - 1, count).round().astype(int)
    frames = [_read_frame(frame_paths[i], max_width) for i in chosen]
    frames = [frame for frame in frames if frame is not None]
    if not frames:
        raise ValueError(
            f"frame_paths must hold an image that can be read. Received: {len(frame_paths)} paths"
        )
    size = frames[-1].size
    frames = [frame if frame.size == size else frame.resize(size) for frame in frames]
    palette = _shared_palette(frames)
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [seconds_per_frame] * len(others) + [LAST_FRAME_SECONDS]
    with atomic_path(path) as temporary:
        first.save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=[round(1000 * seconds) for seconds in durations],
            loop=0,
        )


def _read_frame(path: str | Path, max_width: int) -> Image.Image | None:
    """The image in RGB, reduced to `max_width`; None, and a warning, if it cannot be read."""
    frame = read_image(path)
    if frame is None or frame.width <= max_width:
        return frame
    height = max(1, round(frame.height * max_width / frame.width))
    return frame.resize((max_width, height), Image.Resampling.LANCZOS)


def _shared_palette(frames: Sequence[Image.Image]) -> Image.Image:
    """One palette for all, from a strip of them at about 128 pixels a side.

    The strip keeps single pixels: averaged ones would lose the strongest colours.
    """
    width, height = (max(1, round(n * min(1, 128 / max(frames[0].size)))) for n in frames[0].size)
    strip = Image.new("RGB", (width, height * len(frames)))
    for i, frame in enumerate(frames):
        strip.paste(frame.resize((width, height), Image.Resampling.NEAREST), (0, i * height))
    return strip.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
