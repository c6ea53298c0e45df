"""Sample grids as text for a page: JPEG data URIs, within a budget."""

import base64
import io
import math
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from utils.runs.directory import RunDirectory
from utils.visualization.grids import read_image
from utils.wording import printable

MOST_FRAMES = 80
BUDGET = 10_000_000  # characters of all pictures of a page
LARGEST = 400_000  # of one picture
MAX_SIDE = 1060  # pixels: 8x8 images of 128 and the gaps between them
QUALITY = 85
_NAMED = 5  # unreadable grids


class Picture(NamedTuple):
    """A picture as a data URI, with its size in pixels, so that a page can reserve its place."""

    uri: str
    width: int
    height: int


class Frames:
    """The pictures of a run, each encoded once, however often the page is written.

    Of many grids, every second, fourth ... is taken, and always the first and the last. When more
    come later, those taken were taken before.

    Args:
        run: The run directory.
        budget: Characters that all pictures may take.

    Attributes:
        unreadable: The names of the grids that were to be shown, but cannot be read; the log says
            why.
    """

    def __init__(self, run: RunDirectory, budget: int = BUDGET):
        self.run = run
        self.budget = budget
        self.unreadable: list[str] = []
        self._encoded: dict[Path, tuple[Any, Picture | None]] = {}
        self._stride = 1

    def read(self) -> list[dict[str, Any]]:
        """[{"step", "uri", "width", "height"}], by step; unreadable grids are skipped."""
        samples = self.run.samples_by_step()
        steps = list(samples)
        if not steps:
            return []
        while -(-len(steps) // self._stride) >= MOST_FRAMES:
            self._stride *= 2
        # The newest is usually the most detailed: it bounds the size of all before their encoding.
        picture = self.picture(samples[steps[-1]])
        newest = 0 if picture is None else len(picture.uri)
        while newest * len(steps) // self._stride > self.budget and len(steps) > self._stride:
            self._stride *= 2
        while True:
            chosen = sorted({*steps[:: self._stride], steps[-1]})
            pictures = {step: self.picture(samples[step]) for step in chosen}
            found = {step: picture for step, picture in pictures.items() if picture is not None}
            if sum(len(one.uri) for one in found.values()) <= self.budget or len(chosen) <= 2:
                break
            self._stride *= 2
        kept = {self.run.real, *(samples[step] for step in chosen)}
        self._encoded = {path: entry for path, entry in self._encoded.items() if path in kept}
        self.unreadable = [samples[step].name for step in chosen if step not in found]
        return [{"step": step, **picture._asdict()} for step, picture in found.items()]

    def problems(self) -> list[str]:
        """In words, which of the grids that were to be shown cannot be read."""
        if not self.unreadable:
            return []
        names = ", ".join(map(printable, self.unreadable[:_NAMED]))
        more = len(self.unreadable) - _NAMED
        return [f"Not shown, because not readable: {names}{f' and {more} more' * (more > 0)}."]

    def picture(self, path: Path) -> Picture | None:
        """A PNG, encoded again only if the file has changed; None if it cannot be read."""
        try:
            status = path.stat()
        except OSError:
            return None
        version = (status.st_mtime_ns, status.st_size)
        if self._encoded.get(path, (None,))[0] != version:
            self._encoded[path] = (version, _encode(path))
        return self._encoded[path][1]


def _encode(path: Path) -> Picture | None:
    image = read_image(path)
    if image is None:
        return None
    side = min(MAX_SIDE, max(image.size))
    while True:
        smaller = image
        if side < max(image.size):
            size = tuple(max(1, round(length * side / max(image.size))) for length in image.size)
            smaller = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        buffer = io.BytesIO()
        # Full color resolution: the images have few pixels, and each shows.
        smaller.save(buffer, format="JPEG", quality=QUALITY, subsampling=0)
        text = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
        if len(text) <= LARGEST:
            return Picture(text, *smaller.size)
        # Bytes grow about in proportion to the area.
        side = max(1, min(side - 1, round(side * 0.95 * math.sqrt(LARGEST / len(text)))))
