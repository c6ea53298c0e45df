"""The built-in image set: cartoon faces drawn by code, so that a first run needs no download.

A face is a function of (seed, index). All its random factors are drawn first, as numbers
(`_sample_factors`), and it is painted only then, so the same face appears at every size. Lengths
are in head units: the middle of the head is (0, 0), its right side (1, 0), its chin (0, 1).
"""

import colorsys
import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from utils.data.sources.base import Source

NUM_FACES = 8192

_SUPERSAMPLING = 4  # drawn this much larger, then averaged down: anti-aliased at any size
_ANGLE = np.linspace(0, 2 * np.pi, 64, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], 1)  # right, bottom, left, top
_POWERS = np.linspace(0, 1, 10)[:, None] ** np.arange(4)
_CATMULL_ROM = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2

# fmt: off
_WHITE, _INK, _RED, _DEEP = (255, 252, 248), (36, 22, 32), (150, 45, 55), (120, 34, 48)
_SKIN = [(255, 226, 203), (250, 210, 178), (241, 191, 150), (222, 165, 119), (193, 132, 88),
         (158, 102, 66), (122, 76, 50), (92, 57, 41)]
_HAIR = [(38, 32, 38), (58, 40, 36), (88, 56, 40), (122, 76, 48), (150, 72, 42), (204, 104, 48),
         (214, 164, 88), (240, 212, 150), (172, 170, 176), (228, 226, 230)]
_DYED_HAIR = [(236, 120, 160), (84, 128, 206), (138, 96, 190), (64, 168, 160), (206, 66, 84)]
_IRIS = [(84, 54, 36), (120, 80, 44), (66, 110, 80), (70, 120, 180), (96, 112, 128), (54, 40, 40)]
# Hair behind the head and over the forehead, in pairs that fit; repeated pairs are likelier.
_LONG = [("fall", "fringe"), ("fall", "parted"), ("fall", "swept")] * 3 + [
    ("bun", "short"), ("bun", "parted"), ("tails", "fringe"), ("tails", "parted"),
    ("tails", "swept"), ("scarf", "scarf")]
_SHORT = [("none", front) for front in ("short", "short", "swept", "spiky", "curls")] * 3 + [
    ("none", "buzz"), ("none", "bald"), ("afro", "curls"), ("afro", "curls")]
_HAIRLINES = {  # from temple to temple
    "fringe": [(x, -0.36) for x in np.linspace(-0.84, 0.84, 9)],
    "swept": [(-0.87, -0.2), (-0.5, -0.36), (0.1, -0.58), (0.4, -0.82), (0.7, -0.5), (0.88, -0.2)],
    "parted": [(-0.87, -0.12), (-0.62, -0.5), (0, -0.86), (0.62, -0.5), (0.87, -0.12)],
    "short": [(-0.88, -0.3), (-0.7, -0.6), (0, -0.66), (0.7, -0.6), (0.88, -0.3)],
}
# fmt: on


class FacesSource(Source):
    """The built-in cartoon faces, drawn at a size (H, W) in pixels."""

    def __init__(self, size: tuple[int, int]):
        super().__init__("faces")
        self._size = size
        if Path("faces").is_dir():
            self.note = "the built-in faces; for the folder of that name write ./faces"

    def stamps(self) -> Iterator[tuple[str, int, int]]:
        code = Path(__file__).read_bytes()  # other code may draw other faces
        yield hashlib.blake2b(code).hexdigest(), NUM_FACES, 0

    def __len__(self) -> int:
        return NUM_FACES

    def name(self, index: int) -> str:
        return f"face {index}"

    def read(self, index: int) -> np.ndarray:
        return draw_face(index, self._size)


def draw_face(index: int, size: tuple[int, int] = (64, 64), seed: int = 0) -> np.ndarray:
    """Draws one face; the same (seed, index) is the same face at every size.

    Args:
        index: Which face, 0 or more. The built-in set is the first `NUM_FACES`.
        size: (H, W) in pixels. The face is fitted into it; the background fills the rest.
        seed: 0 or more; another seed is another set.

    Returns:
        uint8 [H, W, 3], RGB.
    """
    face = _sample_factors(np.random.default_rng([seed, index]))
    canvas = _Canvas(*size, face)
    for paint in (_behind, _body, _head, _eyes, _nose_and_mouth, _hair):
        canvas.tilt = 0.0 if paint is _body else face.tilt
        paint(canvas, face)
    return np.array(canvas.image.reduce(_SUPERSAMPLING))


def _sample_factors(rng: np.random.Generator) -> SimpleNamespace:
    """Every random number of a face, in a fixed order, before anything is drawn."""
    between, pick = rng.uniform, rng.choice
    f = SimpleNamespace()
    # Pose (in parts of the picture, and radians) and shape of the head.
    f.scale, f.x, f.y = between(0.262, 0.305), between(-0.04, 0.04), between(-0.02, 0.03)
    f.tilt, f.turn, f.side = between(-0.16, 0.16), between(-0.15, 0.15), pick([-1, 1])
    f.width, f.height, f.taper = between(0.86, 1.0), between(1.02, 1.16), between(0.1, 0.36)
    # Colors: clothes are a few hue steps away from the background, so that the two match.
    tone, strength, hue = between(0, len(_SKIN) - 1.001), between(0.12, 0.4), between(0, 1)
    f.skin = _mix(_SKIN[int(tone)], _SKIN[int(tone) + 1], tone % 1)
    f.shade, f.ink = _mix(f.skin, _RED, 0.3), _mix(f.skin, _INK, 0.86)
    f.lip, f.iris = _mix(f.skin, (190, 50, 80), between(0.45, 0.8)), pick(_IRIS)
    dyed = rng.random() < 0.2
    f.hair = _mix(pick(_DYED_HAIR if dyed else _HAIR), f.skin, between(0, 0.2))
    f.background, f.backdrop = _hsv(hue, strength, 0.92), pick(["flat", "ramp", "disc"])
    f.background_2 = _hsv(hue + between(-0.12, 0.12), strength * between(0.3, 0.9), 0.98)
    f.clothes = _hsv(hue + pick([0.08, 0.33, 0.5, 0.6]), between(0.3, 0.65), between(0.35, 0.9))
    f.accent = _hsv(hue + pick([0.15, 0.45, 0.75]), between(0.45, 0.7), between(0.75, 0.95))
    # Hair, eyes, brows, nose and mouth.
    f.long = rng.random() < 0.5
    f.back, f.front = pick(_LONG if f.long else _SHORT)
    f.volume, f.length, f.flare = between(0.07, 0.17), between(0.7, 2.1), between(-0.05, 0.18)
    f.wave, f.locks = max(0.0, between(-0.09, 0.09)), rng.random(9)
    f.eyes = pick(["round"] * 5 + ["almond"] * 5 + ["sleepy"] * 2 + ["smiling"])
    f.eye_size, f.eye_gap, f.eye_y = between(0.18, 0.25), between(0.39, 0.46), between(0.0, 0.1)
    f.gaze, f.brow_y, f.brow_bend = between(-0.3, 0.25, 2), between(0.27, 0.33), between(0.03, 0.12)
    f.lashes, f.lips, f.earrings = rng.random(3) < ((0.8, 0.5, 0.4) if f.long else (0, 0, 0.08))
    f.nose, f.brow_size = pick(["button", "bridge", "profile"]), between(0.04, 0.1 - 0.03 * f.long)
    f.mouth = pick(["smile"] * 5 + ["open"] * 3 + ["grin", "grin", "neutral", "sad"])
    f.mouth_width, f.mouth_y, f.blush = between(0.26, 0.39), between(0.55, 0.62), between(-0.4, 0.4)
    # Features that only some faces have.
    f.beard = pick(["none"] * 4 + ["full"] * 2 + ["moustache"]) if not (f.long or dyed) else "none"
    f.glasses = pick(["none"] * 14 + ["round"] * 3 + ["square"] * 3 + ["sun"])
    f.frame = pick([(50, 46, 56), (120, 70, 40), f.accent, (170, 60, 60)])
    f.collar = pick(["crew", "vee", "shirt"])
    f.hat = rng.random() < 0.15 and f.back not in ("bun", "afro", "scarf") and f.front != "spiky"
    return f


class _Canvas:
    """A large image and the map from head units to its pixels."""

    def __init__(self, height: int, width: int, face: SimpleNamespace):
        self.image = Image.new("RGB", (width * _SUPERSAMPLING, height * _SUPERSAMPLING))
        self.pen = ImageDraw.Draw(self.image, "RGBA")
        # A tall picture has room for a slightly larger head than its width suggests.
        unit = face.scale * min(1.15 * width, height) * _SUPERSAMPLING
        self.scale, self.tilt = unit * np.array([face.width, face.height]), 0.0
        self.center = np.array([width * (0.5 + face.x), height * (0.475 + face.y)]) * _SUPERSAMPLING

    def fill(self, points, color, alpha: float = 1.0) -> None:
        """A filled polygon; `points` [n, 2] in head units, rotated by `tilt` about the chin."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        chin = np.array([0, 0.85]) * self.scale
        pixels = (points * self.scale - chin) @ [[cos, sin], [-sin, cos]] + chin + self.center
        self.pen.polygon(pixels.ravel().tolist(), fill=(*color, int(255 * alpha)))

    def oval(self, x, y, rx, ry, color, alpha: float = 1.0) -> None:
        self.fill(_CIRCLE * (rx, ry) + (x, y), color, alpha)

    def stroke(self, points, thickness, color, taper: float = 0.0) -> None:
        """A line along `points`, rounded at its ends; `taper` 1 narrows it to nothing there."""
        points = np.asarray(points)
        along = np.gradient(points, axis=0)
        half = thickness / 2 * (1 - taper * np.linspace(-1, 1, len(points))[:, None] ** 2)
        across = half * along[:, ::-1] * (-1, 1) / np.hypot(*along.T)[:, None]
        self.fill([*(points + across), *(points - across)[::-1]], color)
        for x, y in points[[0, -1]]:
            self.oval(x, y, half[0, 0], half[0, 0], color)


def _behind(c: _Canvas, f: SimpleNamespace) -> None:
    below = f.background_2 if f.backdrop == "ramp" else f.background
    ramp = Image.fromarray(np.array([[f.background], [below]], np.uint8))
    c.image.paste(ramp.resize(c.image.size, Image.Resampling.BILINEAR, box=(0, 0.5, 1, 1.5)))
    if f.backdrop == "disc":
        c.oval(0, 0, 1.62 / f.width, 1.62 / f.height, f.background_2)
    dark = _mix(f.hair, _INK, 0.2)
    if f.back == "fall":
        y = np.linspace(-1.02 - f.volume, f.length, 18)
        x = (1.12 + f.volume) * np.sqrt(1 - np.clip(-y / (1.04 + f.volume), 0, 1) ** 2)
        x += np.maximum(0, y + 0.2) * f.flare + f.wave * np.sin(6 * y)
        c.fill(_smooth(_mirror([*np.stack([x, y], 1), (0.5, y[-1] + 0.12)])), dark)
    elif f.back == "afro":
        bumps = 1.3 + f.volume + 0.14 * np.abs(np.sin(_ANGLE * 7.5))[:, None]
        c.fill(_CIRCLE * bumps * (1, 0.85) + (0, -0.3), dark)
    elif f.back == "bun":
        c.oval(0.1 * f.side, -1.23, 0.45, 0.33, dark)
    for s in (-1, 1) if f.back == "tails" else ():
        tail = [(0.8, -0.3), (1.3, -0.4), (1.6, 0.3), (1.5, 1.0), (1.35, 1.2), (1.15, 0.7)]
        c.fill(_smooth(np.array(tail) * (s, 1)), dark)
        c.oval(s * 1.08, -0.25, 0.14, 0.14, f.accent)


def _body(c: _Canvas, f: SimpleNamespace) -> None:
    right = [(0, 1.27), (0.45, 1.24), (1.07, 1.42), (1.6, 1.6), (1.94, 2.2), (2, 2.8), (2, 9)]
    c.fill(_smooth(_mirror(right)), f.clothes)
    c.oval(0, 1.28, 0.5, 0.2, _mix(f.clothes, _INK, 0.25))
    if f.collar == "vee":
        c.fill([(-0.5, 1.26), (0.5, 1.26), (0, 1.85)], f.skin)
    c.oval(0, 1.28, 0.43, 0.16, f.skin)
    c.fill([(-0.39, 0.6), (0.39, 0.6), (0.43, 1.28), (-0.43, 1.28)], f.skin)
    c.fill([(-0.39, 0.6), *_bow(0, 1.1, 0.4, 0.15), (0.39, 0.6)], f.shade)
    for s in (-1, 1) if f.collar == "shirt" else ():
        c.fill([(s * 0.4, 1.15), (0, 1.47), (s * 0.32, 1.74), (s * 0.66, 1.38)], _WHITE)


def _head(c: _Canvas, f: SimpleNamespace) -> None:
    for s in (-1, 1) if f.back != "fall" else ():  # else the ears are under the hair
        x = s * 0.98 - 0.25 * f.turn
        c.oval(x, 0.12, 0.19, 0.22, f.skin)
        c.oval(x, 0.13, 0.1, 0.14, f.shade)
        if f.earrings:
            c.oval(x + 0.02 * s, 0.42, 0.09, 0.08, (246, 206, 92))
    outline = _CIRCLE.copy()
    outline[:, 0] *= 1 - f.taper * np.maximum(0, outline[:, 1]) ** 2
    c.fill(outline, f.skin)
    cheek = np.roll(outline, 10, axis=0)[:30] * (f.side, 1)  # a soft shade along one side
    c.fill([*cheek, *cheek[::-1] * (0.88, 0.98)], f.shade, 0.4)
    if f.beard == "full":
        edge = [(0.2, 0.42), (0.46, 0.46), (0.78, 0.36), (0.93, 0.1), *outline[3:17:3] * (1, 1.03)]
        c.fill(_smooth(_mirror(edge)), f.hair)


def _eyes(c: _Canvas, f: SimpleNamespace) -> None:
    r, y = f.eye_size, f.eye_y
    ry = r * {"round": 1.02, "almond": 0.75}.get(f.eyes, 0.88)
    for s in (-1, 1):
        x = s * f.eye_gap + f.turn
        c.oval(x + s * 0.16, 0.4, 0.2, 0.11, (245, 70, 90), max(0, f.blush))
        brow = _bow(x + s * 0.02, y - f.brow_y, r * 1.12, -f.brow_bend)
        c.stroke(brow, f.brow_size, _mix(f.hair, _INK, 0.4), 0.5)
        if f.eyes == "smiling":
            c.stroke(_bow(x, y + 0.05, r, -0.17), 0.075, f.ink, 0.3)
        else:
            (gx, gy), k = (x, y) + f.gaze * (r, 0.6 * ry), ry * 0.75
            lid = _bow(x, y - 0.12 * ry, r * 1.1, (-0.3 if f.eyes == "sleepy" else -1) * ry)
            c.oval(x, y, r, ry, _WHITE)
            c.oval(gx, gy, k * 1.1, k, f.iris)
            c.oval(gx, gy, k * 0.6, k * 0.55, _INK)
            c.oval(gx + 0.3 * k, gy - 0.38 * k, k * 0.3, k * 0.3, _WHITE)
            if f.eyes == "sleepy":
                c.fill([*lid, *_bow(x, y - 0.12 * ry, -r * 1.1, -1.15 * ry)], f.shade)
            c.stroke(lid, 0.075, f.ink, 0.5)
            if f.lashes:
                c.stroke([(x + s * r, y - 0.2 * r), (x + s * r * 1.5, y - r / 2)], 0.06, f.ink)
        if f.glasses != "none":
            corners = 0.45 if f.glasses == "square" else 1.0
            ring = np.sign(_CIRCLE) * np.abs(_CIRCLE) ** corners * (0.36, 0.29) + (x, y)
            c.fill(ring, *((_INK, 1.0) if f.glasses == "sun" else (_WHITE, 0.14)))
            c.stroke([*ring, *ring[:2]], 0.06, f.frame)
            c.stroke([(x + s * 0.36, y - 0.05), (s * 0.98, y - 0.08)], 0.06, f.frame)
            c.stroke(_bow(f.turn, y - 0.04, 0.08, -0.06), 0.06, f.frame)


def _nose_and_mouth(c: _Canvas, f: SimpleNamespace) -> None:
    x, y, n = f.turn * 1.35, f.eye_y + 0.31, f.mouth_width * 0.47
    if f.nose == "button":
        c.oval(x, y, n, n * 0.7, _mix(f.skin, _RED, 0.24))
    elif f.nose == "bridge":
        c.stroke(_bow(x, y, n, 0.08), 0.06, _mix(f.skin, _RED, 0.5), 0.3)
    else:
        c.fill(_smooth([(x, y - 0.28), (x + n * f.side, y + 0.04), (x, y + 0.07)]), f.shade)
    x, y, m = f.turn * 1.1, f.mouth_y, f.mouth_width
    if f.beard != "none":
        half = _smooth(_mirror([(0, y - 0.14), (0.22, y - 0.17), (0.47, y), (0.22, y - 0.04)]))
        c.fill(half + np.array([x, 0]), _mix(f.hair, _INK, 0.12))
    if f.mouth in ("open", "grin"):
        depth, teeth = (0.32, 0.08) if f.mouth == "open" else (0.25, 0.14)
        c.fill([*_bow(x, y, m, 0.04), *_bow(x, y, -m, depth)], _DEEP)
        c.fill([*_bow(x, y + 0.02, m * 0.86, 0.04), *_bow(x, y + 0.04, -m * 0.8, teeth)], _WHITE)
    else:
        bend = {"smile": 0.15, "neutral": 0.02, "sad": -0.09}[f.mouth]
        if f.lips:
            c.fill([*_bow(x, y, m * 0.8, bend - 0.09), *_bow(x, y, -m * 0.8, bend + 0.15)], f.lip)
        c.stroke(_bow(x, y, m, bend), 0.055, f.ink, 0.4)


def _hair(c: _Canvas, f: SimpleNamespace) -> None:
    if f.front == "scarf":
        right = [(0.4, -1.2), (1.05, -0.8), (1.25, 0), (1.1, 0.8), (1.4, 1.45), (0.5, 2)]
        around, window = _smooth(_mirror(right)), _CIRCLE * (0.8, 0.86) + (f.turn / 3, 0.06)
        c.fill([*around, around[0], *window, window[0]], f.accent)
    if f.front in ("scarf", "bald"):
        return
    line = np.array(_HAIRLINES.get(f.front, _HAIRLINES["short"])) * (f.side, 1)
    line = np.add(line[:: f.side], (f.turn / 3, 0))
    angle = np.linspace(np.pi, 2 * np.pi, 25)
    swell = np.full(25, 0.02 if f.front == "buzz" else f.volume)
    if f.front == "fringe":
        line[:, 1] += 0.16 * (f.locks - 0.5)
    elif f.front == "spiky":
        swell = np.resize([0.02, 0.24], 25) * np.abs(np.sin(angle)) ** 0.4
    cap = np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + swell[:, None])
    # Down the sides: locks over the ears, or a tip before them.
    end = 0.4 + 0.5 * f.length if f.back == "fall" else 0.3 if f.long else 0.0
    outer, tip = (1.21, 0.98) if f.back == "fall" else (0.98, 0.95)
    hairline = _smooth([(-tip, end), (-0.9, 0), *line, (0.9, 0), (tip, end)], closed=False)
    c.fill([*hairline, *np.add(hairline[::-1], (0, 0.08))], f.shade, 0.7)
    c.fill([(-outer, 0.7 * end), *cap, (outer, 0.7 * end), *hairline[::-1]], f.hair)
    for x, y in [*cap[::3] * 0.93, *line[1:-1]] if f.front == "curls" else ():
        c.oval(x, y, 0.26, 0.2, f.hair)
    c.stroke(_CIRCLE[38:46] * (0.84 * f.side, 0.93), 0.1, _mix(f.hair, _WHITE, 0.22), 1.0)
    if f.hat:
        c.fill(_CIRCLE[32:] * (1.14, 0.9) - (0, 0.4), f.accent)
        c.stroke(_bow(0, -0.4, 1.1, -0.15), 0.3, _mix(f.accent, _INK, 0.2))


def _bow(x, y, half, bend) -> np.ndarray:
    """[12, 2]: an arc `half` to each side of (x, y), its middle `bend` lower than its ends."""
    t = np.linspace(-1, 1, 12)
    return np.stack([x + half * t, y + bend * (1 - t * t)], 1)


def _mirror(points) -> np.ndarray:
    """A closed outline from its right half, which goes from top to bottom."""
    return np.array([*points, *np.array(points)[::-1] * (-1, 1)])


def _smooth(points, closed: bool = True) -> np.ndarray:
    """A Catmull-Rom curve through `points` [n, 2]."""
    p = list(points)
    around = np.array([p[-1], *p, *p[:2]] if closed else [p[0], *p, p[-1]])
    windows = np.lib.stride_tricks.sliding_window_view(around, 4, axis=0)  # [pieces, 2, 4]
    return (_POWERS @ _CATMULL_ROM @ windows.swapaxes(1, 2)).reshape(-1, 2)


def _mix(a, b, share: float) -> tuple[int, int, int]:
    """`share` of color b in color a."""
    return tuple(int(p + (q - p) * share) for p, q in zip(a, b, strict=True))


def _hsv(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    """Greens are toned down: they look stronger than other hues with the same numbers."""
    saturation *= 1 - 0.4 * np.exp(-(((hue % 1 - 0.36) / 0.13) ** 2))
    return tuple(int(255 * v) for v in colorsys.hsv_to_rgb(hue % 1, saturation, value))
