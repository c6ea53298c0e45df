"""The animation of sample grids."""

import sys

import numpy as np
import pytest
from PIL import Image

from utils.visualization import animate, image_grid, save_image
from utils.visualization.animation import animate_image, save_animation


def _frames(folder, count: int, height: int = 12, width: int = 16) -> list:
    """PNG files; frame i is gray level 2 * i."""
    paths = [folder / f"frame-{i:04d}.png" for i in range(count)]
    for i, path in enumerate(paths):
        save_image(np.full((height, width, 3), 2 * i, np.uint8), path)
    return paths


def _read(path) -> tuple[list[int], list[int], tuple[int, int]]:
    """Gray levels and durations in milliseconds of the frames; the size."""
    levels, durations = [], []
    with Image.open(path) as gif:
        assert gif.format == "GIF"
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info.get("duration"))
            levels.append(int(np.asarray(gif.convert("L")).mean().round()))
        return levels, durations, gif.size


def test_all_frames_in_order_and_the_last_held(tmp_path):
    path = tmp_path / "new" / "training.gif"
    animate(_frames(tmp_path, 90)[::20], path, seconds_per_frame=0.2)
    assert _read(path) == ([0, 40, 80, 120, 160], [200, 200, 200, 200, 2000], (16, 12))
    assert list(path.parent.iterdir()) == [path]


def test_chosen_frames_are_evenly_spread_with_first_and_last(tmp_path):
    animate(_frames(tmp_path, 101), tmp_path / "training.gif", max_frames=11)
    levels, _, _ = _read(tmp_path / "training.gif")
    assert levels == list(range(0, 201, 20))


def test_it_plays_for_ever(tmp_path):
    animate(_frames(tmp_path, 2), tmp_path / "training.gif")
    with Image.open(tmp_path / "training.gif") as gif:
        assert gif.info["loop"] == 0


def test_wide_frames_are_reduced_and_small_ones_kept(tmp_path):
    paths = _frames(tmp_path, 2, height=60, width=40)
    animate(paths, tmp_path / "reduced.gif", max_width=20)
    assert _read(tmp_path / "reduced.gif")[2] == (20, 30)
    animate(paths, tmp_path / "kept.gif", max_width=41)
    assert _read(tmp_path / "kept.gif")[2] == (40, 60)


def test_one_frame_is_a_still(tmp_path):
    animate(_frames(tmp_path, 1), tmp_path / "training.gif")
    assert _read(tmp_path / "training.gif")[0] == [0]


def test_colors_survive_in_one_palette(tmp_path):
    colors = np.array([[200, 30, 40], [20, 60, 220], [240, 220, 60]], np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, color in zip(paths, colors, strict=True):
        save_image(np.broadcast_to(color, (8, 8, 3)), path)
    animate(paths, tmp_path / "training.gif")
    with Image.open(tmp_path / "training.gif") as gif:
        for i, color in enumerate(colors):
            gif.seek(i)
            np.testing.assert_allclose(np.asarray(gif.convert("RGB"))[4, 4], color, atol=2)


def test_unreadable_frames_are_passed_over(tmp_path):
    paths = _frames(tmp_path, 90)[::20]
    paths[0].unlink()
    paths[2].write_bytes(b"not an image")
    paths[4].write_bytes(paths[4].read_bytes()[:40])  # cut off
    animate(paths, tmp_path / "training.gif")
    assert _read(tmp_path / "training.gif")[0] == [40, 120]


def test_frames_of_another_size_take_the_last_ones(tmp_path):
    paths = _frames(tmp_path, 2)
    save_image(np.full((6, 8, 3), 90, np.uint8), paths[0])
    animate(paths, tmp_path / "training.gif")
    assert _read(tmp_path / "training.gif") == ([90, 2], [150, 2000], (16, 12))


def test_gray_frames(tmp_path):
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    for level, path in zip((10, 200), paths, strict=True):
        save_image(np.full((8, 8, 1), level, np.uint8), path)
    animate(paths, tmp_path / "training.gif")
    assert _read(tmp_path / "training.gif")[0] == [10, 200]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_frames": 1}, "max_frames=1"),
        ({"max_width": 0}, "max_width=0"),
        ({"seconds_per_frame": 0}, "seconds_per_frame=0"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        animate(_frames(tmp_path, 2), tmp_path / "training.gif", **options)


def test_no_frame_is_refused_and_an_older_file_kept(tmp_path):
    path = tmp_path / "training.gif"
    path.write_bytes(b"older")
    for paths in ([], [tmp_path / "missing.png"]):
        with pytest.raises(ValueError, match="frame_paths"):
            animate(paths, path)
    assert path.read_bytes() == b"older"


def test_one_image_of_grids(tmp_path):
    paths = []
    for step in range(30):
        images = np.stack([np.full((5, 4, 1), 3 * i + 5 * step, np.uint8) for i in range(9)])
        paths.append(tmp_path / f"step-{step}.png")
        save_image(image_grid(images), paths[-1])
    animate_image(paths, (5, 4), tmp_path / "one.gif", index=7, max_frames=4)
    levels, durations, size = _read(tmp_path / "one.gif")
    assert levels == [21, 71, 116, 166] and durations == [150, 150, 150, 2000]
    assert size == (256, 320)
    paths[-1].write_bytes(b"damaged")
    animate_image(paths, (5, 4), tmp_path / "one.gif", index=7, max_frames=4)
    assert _read(tmp_path / "one.gif")[0] == [21, 71, 116]
    with pytest.raises(ValueError, match="index must be 0 to 8, the images of a grid. Received: 9"):
        animate_image(paths, (5, 4), tmp_path / "one.gif", index=9)


def test_frames_of_an_array(tmp_path):
    images = np.arange(0, 250, 50, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(6, 1).repeat(8, 2)
    for channels in (1, 3):
        save_animation(images.repeat(channels, -1), tmp_path / "new" / "a.gif", 10)
        assert _read(tmp_path / "new" / "a.gif") == ([0, 50, 100, 150, 200], [100] * 5, (256, 192))
    with pytest.raises(ValueError, match="path must end in .gif or .mp4. Received: "):
        save_animation(images, tmp_path / "a.avi")


def test_film(tmp_path):
    """An odd width and height are made even, as the format wants."""
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="pip install -r requirements-dev.txt")
    images = np.arange(0, 250, 50, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(101, 1).repeat(301, 2)
    save_animation(images, tmp_path / "a.mp4", 10)
    frames = ffmpeg.read_frames(tmp_path / "a.mp4")
    facts = next(frames)
    assert (facts["codec"], facts["size"], facts["fps"]) == ("h264", (302, 102), 10)
    levels = [np.frombuffer(frame, np.uint8).mean() for frame in frames]
    np.testing.assert_allclose(levels, [0, 50, 100, 150, 200], atol=3)


def test_a_film_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ValueError, match="pip install imageio-ffmpeg$"):
        save_animation(np.zeros((2, 4, 4, 1), np.uint8), tmp_path / "a.mp4")


def test_an_animation_of_a_long_run_stays_small(tmp_path):
    """Colorful noise, the worst case: 8x8 images of 64x64 over 40 intervals."""
    rng = np.random.default_rng(0)
    for step in range(40):
        grid = rng.integers(0, 256, (530, 530, 3)).astype(np.uint8)
        save_image(grid, tmp_path / f"{step:02d}.png")
    animate(sorted(tmp_path.glob("*.png")), tmp_path / "a.gif")
    assert (tmp_path / "a.gif").stat().st_size < 10e6
