"""What a run would make of a source, found without preparing it: the dataset doctor."""

import dataclasses
import hashlib
import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

from utils.data.arguments import check_channels, check_options, target_size
from utils.data.decoding import DifferentShapeError, ImageDecoder, is_scaled
from utils.data.duplicates import difference_hash, near_duplicates, thumbnail
from utils.data.image_formats import MAX_MEGAPIXELS, UnusableImageError
from utils.data.remarks import most_common
from utils.data.sources.base import Payload
from utils.data.sources.opening import open_source
from utils.options.data import DEFAULT_SIZE
from utils.process import available_cores, progress_bar
from utils.wording import printable

_NAMES_SHOWN = 20  # of every kind
_PREVIEW_IMAGES = 64
_FLAT = 2  # largest difference of two values of one channel in a flat image, of 255


@dataclasses.dataclass(frozen=True)
class _Looks:
    """What is kept of one image."""

    kind: str  # "JPEG", ... or "array"
    mode: str  # Pillow's, before conversion
    size: tuple[int, int]  # (H, W), upright
    scaled: bool  # from its own range of numbers
    pixels: np.ndarray  # prepared, uint8 [H, W, C]
    digest: bytes
    hash: int
    thumbnail: np.ndarray


def inspect_source(
    source: str,
    image_shape: Sequence[int] | None = None,
    resize: Sequence[int] | None = None,
    batch_size: int = 64,
    to_grayscale: bool = False,
    crop: str = "center",
    background: Sequence[int] = (255, 255, 255),
    max_megapixels: float = MAX_MEGAPIXELS,
    workers: int | None = None,
    show_progress: bool = True,
) -> tuple[dict, np.ndarray]:
    """Reads and prepares every image of a source once, as `DataPreparator` would, keeping none.

    Args:
        source, image_shape, ... : As for `DataPreparator`.

    Returns:
        The facts, a dictionary of plain JSON values, and up to 64 prepared images from all over
        the source, uint8 [n, H, W, C]. facts["problem"] says why a run would stop, or is None.

    Raises:
        ValueError: An argument is wrong, or the source cannot be opened.
    """
    check_options(workers, batch_size=batch_size, crop=crop, background=tuple(background),
                  max_megapixels=max_megapixels)
    size = target_size(image_shape, resize)
    opened = open_source(source, size, show_progress, max_megapixels)
    channels = 1 if to_grayscale else opened.channels
    check_channels(image_shape, channels)
    demanded = image_shape is not None and resize is None
    decoder = ImageDecoder(size, channels, not demanded, crop, tuple(background),
                           float(max_megapixels))
    findings = _Findings(max(1, len(opened) // _PREVIEW_IMAGES))
    with warnings.catch_warnings(), progress_bar("Inspecting", len(opened), show_progress) as bar:
        warnings.filterwarnings("ignore", module=r"PIL\.")
        results = opened.map(lambda data: _look(data, decoder), workers or available_cores())
        for name, result in results:
            findings.add(printable(name), result)
            bar.update()
    facts = {"source": printable(opened.location), "note": opened.note,
             "image_shape": [*size, channels], "left_out": most_common(opened.left_out or {}),
             **findings.facts(size, "demand" if demanded else crop)}
    image_bytes = math.prod(facts["image_shape"])
    facts["disk_bytes"] = facts["usable"] * image_bytes
    facts["batch_bytes"] = 4 * batch_size * image_bytes
    facts["problem"] = _problem(facts, batch_size)
    return facts, np.stack(findings.preview) if findings.preview else np.zeros((0, *size, channels))


def first_image_size(source: str) -> tuple[int, int]:
    """(H, W), upright, of the first image of a source that can be used.

    Raises:
        ValueError: The source cannot be opened or holds no such image.
    """
    opened = open_source(source, DEFAULT_SIZE)
    decoder = ImageDecoder(DEFAULT_SIZE, opened.channels)
    for item in opened.items():
        try:
            image = decoder.load(item.read())
        except UnusableImageError:
            continue
        return image.height, image.width
    raise ValueError(f"source must hold images. Received: {printable(opened.location)}, where none "
                     "can be read")


def _look(payload: Payload, decoder: ImageDecoder) -> _Looks:
    if isinstance(payload, np.ndarray):
        kind, size = "array", payload.shape[:2]
        mode = "RGB" if payload.shape[2:] == (3,) else "L"
    else:
        header = decoder.open(payload)
        kind, mode, size = header.format, header.mode, (header.height, header.width)
        if _lies_on_its_side(header):
            size = size[::-1]
    image = decoder.load(payload)
    pixels = decoder.finish(image)
    digest = hashlib.blake2b(pixels, digest_size=16).digest()
    # Likeness is judged on the whole image, because cropping or padding could make others alike.
    return _Looks(kind, mode, size, is_scaled(image), pixels, digest, difference_hash(image),
                  thumbnail(image))


def _lies_on_its_side(header: Image.Image) -> bool:
    try:
        return header.getexif().get(0x0112, 1) >= 5
    except Exception:  # a damaged EXIF block, which the decoder ignores too
        return False


class _Findings:
    """Collects what was seen in all images."""

    def __init__(self, preview_stride: int):
        self.preview: list[np.ndarray] = []
        self._stride = preview_stride
        self._count = 0
        self._skipped: list[tuple[str, str]] = []
        self._different: list[str] = []
        self._flat: list[str] = []
        self._scaled: list[str] = []
        self._sizes, self._modes, self._kinds = Counter(), Counter(), Counter()
        self._same: dict[bytes, list[str]] = defaultdict(list)
        self._hashes: list[int] = []
        self._thumbnails: list[np.ndarray] = []
        self._hashed: list[str] = []

    def add(self, name: str, result: _Looks | UnusableImageError) -> None:
        self._count += 1
        if isinstance(result, DifferentShapeError):
            self._different.append(f"{name} ({result})")
            return
        if isinstance(result, UnusableImageError):
            self._skipped.append((name, str(result)))
            return
        self._sizes[result.size] += 1
        self._modes[result.mode] += 1
        self._kinds[result.kind] += 1
        self._same[result.digest].append(name)
        if result.scaled:
            self._scaled.append(name)
        flat = (np.ptp(result.pixels, axis=(0, 1)) <= _FLAT).all()
        if flat:
            self._flat.append(name)
        elif len(self._same[result.digest]) == 1:
            self._hashes.append(result.hash)
            self._thumbnails.append(result.thumbnail)
            self._hashed.append(name)
        if (self._count - 1) % self._stride == 0 and len(self.preview) < _PREVIEW_IMAGES:
            self.preview.append(result.pixels)

    def facts(self, size: tuple[int, int], fit: str) -> dict:
        same = [names for names in self._same.values() if len(names) > 1]
        near = []
        if self._hashes:
            groups = near_duplicates(self._hashes, np.stack(self._thumbnails))
            near = [[self._hashed[index] for index in group] for group in groups]
        reasons = Counter(reason for _, reason in self._skipped)
        return {
            "images": self._count,
            "usable": sum(self._sizes.values()),
            "skipped": [list(pair) for pair in self._skipped],
            "skipped_reasons": dict(reasons.most_common()),
            "different_shape": len(self._different),
            "different_shape_names": self._different[:_NAMES_SHOWN],
            "sizes": {f"{h}x{w}": count for (h, w), count in self._sizes.most_common()},
            "modes": dict(self._modes.most_common()),
            "formats": dict(self._kinds.most_common()),
            "duplicates": sum(len(names) - 1 for names in same),
            "duplicate_groups": same[:_NAMES_SHOWN],
            "near_duplicates": sum(len(names) - 1 for names in near),
            "near_duplicate_groups": near[:_NAMES_SHOWN],
            "scaled": len(self._scaled),
            "scaled_names": self._scaled[:_NAMES_SHOWN],
            "flat": len(self._flat),
            "flat_names": self._flat[:_NAMES_SHOWN],
            "resizing": _resizing(self._sizes, size, fit),
        }


def _resizing(sizes: Counter, size: tuple[int, int], fit: str) -> dict:
    """How much the images lose or change when resized to `size`; shares are in 0..1."""
    if not sizes:
        return {}
    shapes = np.repeat(np.array(list(sizes)), list(sizes.values()), axis=0)  # [n, (H, W)]
    aspect = (shapes[:, 1] / shapes[:, 0]) / (size[1] / size[0])
    change = np.maximum(aspect, 1 / aspect)
    facts = {"fit": fit, "aspect_change": change,
             "enlarged": int((shapes < size).any(axis=1).sum())}
    if fit in ("center", "pad"):
        facts["cropped_share" if fit == "center" else "padded_share"] = 1 - 1 / change
    return {name: {"median": float(np.median(value)), "max": float(value.max())}
            if isinstance(value, np.ndarray) else value for name, value in facts.items()}


def _problem(facts: dict, batch_size: int) -> str | None:
    if facts["different_shape"]:
        return f"{facts['different_shape']} images do not have the required shape"
    if not facts["usable"]:
        return "there is no usable image"
    if facts["usable"] < batch_size:
        return f"batch_size {batch_size} is larger than the {facts['usable']} usable images"
    return None
