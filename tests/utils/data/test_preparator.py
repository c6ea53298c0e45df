"""`DataPreparator`: what is prepared and what is refused."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from encoded_images import numbered, write_images
from PIL import Image

from utils.data.remarks import most_common, remarks


class TestPreparation:
    def test_folder(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 5)
        data = prepare(folder, resize=(8, 12), batch_size=2)
        assert data.image_shape == (8, 12, 3) and data.num_images == 5
        assert data.skipped == [] and data.duplicates == 0
        expected = [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]
        np.testing.assert_array_equal(data.images, expected)
        assert isinstance(data.images, np.memmap) and not data.images.flags.writeable

    def test_default_size_and_non_square(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 2)
        assert prepare(folder).image_shape == (64, 64, 3)
        assert prepare(folder, resize=(96, 64)).image_shape == (96, 64, 3)
        assert prepare(folder, resize=[16, 48], to_grayscale=True).image_shape == (16, 48, 1)

    def test_bad_files_are_skipped_and_the_rest_is_used(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 40)
        (folder / "005.png").write_bytes(b"")
        (folder / "010 text.jpg").write_text("hello")
        (folder / os.fsdecode(b"odd\n\xff.png")).write_bytes(b"x")
        data = prepare(folder, resize=(8, 12))
        assert data.num_images == 39
        assert data.skipped == [
            ("005.png", "the file is empty"),
            ("010 text.jpg", "not an image, or an unknown format"),
            ("odd\\n\\udcff.png", "not an image, or an unknown format"),
        ]
        np.testing.assert_array_equal(data.images[5], np.asarray(Image.open(folder / "006.png")))
        assert prepare(folder, resize=(8, 12)).skipped == data.skipped  # also from the cache

    def test_duplicates_are_of_prepared_pixels(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 3)
        Image.open(folder / "001.png").save(folder / "other format.bmp")
        (folder / "000 copy.png").write_bytes((folder / "000.png").read_bytes())
        (folder / "000 more.png").write_bytes((folder / "000.png").read_bytes())
        data = prepare(folder)
        assert data.num_images == 6 and data.duplicates == 3
        assert dict(data.duplicate_names) == {
            "000 more.png": "000 copy.png",
            "000.png": "000 copy.png",
            "other format.bmp": "001.png",
        }
        assert prepare(folder).duplicate_names == data.duplicate_names

    def test_one_channel_arrays_stay_one_channel(self, prepare, tmp_path):
        assert prepare(numbered(tmp_path / "a.npy", 3)).image_shape == (64, 64, 1)
        np.save(tmp_path / "b.npy", np.zeros((3, 4, 4, 3), np.uint8))
        assert prepare(tmp_path / "b.npy").image_shape == (64, 64, 3)
        assert prepare(tmp_path / "b.npy", to_grayscale=True).image_shape == (64, 64, 1)

    def test_describe_is_plain_json(self, prepare, tmp_path):
        data = prepare(write_images(tmp_path / "photos", 3), resize=(8, 12))
        facts = json.loads(json.dumps(data.describe()))
        assert facts["num_images"] == 3 and facts["image_shape"] == [8, 12, 3]
        assert facts["cache_bytes"] > 3 * 8 * 12 * 3
        assert Path(facts["cache_path"]) == data.cache_path
        assert facts["digest"] == data.digest

    def test_the_folder_of_idx_files_says_what_it_takes(self, prepare, tmp_path, capsys):
        header = bytes([0, 0, 8, 3]) + np.array([2, 4, 4], ">u4").tobytes()
        name = "train-images-idx3-ubyte.gz"
        (tmp_path / name).write_bytes(gzip.compress(header + bytes(32)))
        data = prepare(tmp_path, show_progress=True)
        assert name in data.describe()["note"] and name in capsys.readouterr().err


class TestDemandedShape:
    def test_accepts_what_fits(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 2)
        for shape in ((8, 12), (8, 12, 3)):
            assert prepare(folder, image_shape=shape).image_shape == (8, 12, 3)

    def test_counts_and_names_what_does_not(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 4)
        for index in range(7):
            Image.new("RGB", (9, 9)).save(folder / f"x{index}.png")
        with pytest.raises(ValueError) as caught:
            prepare(folder, image_shape=(8, 12))
        text = str(caught.value)
        assert text.startswith("image_shape 8x12 must be that of all images: use --resize ")
        assert "Received: 7 that differ, x0.png (9x9), " in text
        assert "x4.png" in text and "x5.png" not in text and "resize" in text
        assert not any((tmp_path / "cache").iterdir())

    def test_one_channel_demanded_of_color_images(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 2)
        with pytest.raises(ValueError, match="images, 3: add to_grayscale. Received: .*, 1"):
            prepare(folder, image_shape=(8, 12, 1))
        assert prepare(folder, image_shape=(8, 12, 1), to_grayscale=True).image_shape[-1] == 1
        with pytest.raises(ValueError, match="prepared images, 1: .* Received: .*, 3"):
            prepare(folder, image_shape=(8, 12, 3), to_grayscale=True)

    def test_must_agree_with_resize(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 2)
        assert prepare(folder, image_shape=(4, 6), resize=(4, 6)).image_shape == (4, 6, 3)
        with pytest.raises(ValueError, match="^image_shape and resize must agree: .* Received:"):
            prepare(folder, image_shape=(8, 12), resize=(4, 6))


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"resize": (0, 4)}, "resize must be two positive integers"),
            ({"resize": (4,)}, "resize must be two positive integers"),
            ({"resize": 64}, "resize must be two positive integers"),
            ({"resize": "64"}, "resize must be two positive integers"),
            ({"resize": (4.0, 4)}, "resize must be two positive integers"),
            ({"image_shape": (4, 4, 2)}, r"image_shape must be .* C 1 or 3. Received: \(4, 4, 2\)"),
            ({"image_shape": (4, -4)}, "image_shape must be positive integers"),
            ({"batch_size": 0}, "batch_size must be a whole number of at least 1. Received: 0"),
            ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1"),
            ({"crop": "middle"}, "crop must be one of center, stretch, pad. Received: 'middle'"),
            ({"background": (0, 0, 256)}, "background must be 3 values, each a whole number"),
            ({"background": "white"}, "background must be 3 values, each a whole number"),
            ({"max_megapixels": 0}, "max_megapixels must be a positive number"),
            ({"workers": 0}, "workers must be a whole number of at least 1"),
            ({"seed": -1}, "seed must be a whole number of at least 0. Received: -1"),
        ],
    )
    def test_mistakes(self, prepare, tmp_path, options, message):
        with pytest.raises(ValueError, match=f"^{message}"):
            prepare(tmp_path, **options)
        assert not (tmp_path / "cache").exists()

    def test_batch_larger_than_the_collection(self, prepare, tmp_path):
        path = numbered(tmp_path / "a.npy", 5)
        message = "batch_size must be at most the number of usable images, 5: .* Received: 6"
        with pytest.raises(ValueError, match=message):
            prepare(path, batch_size=6)
        with pytest.raises(ValueError, match=message):
            prepare(path).dataset(1, batch_size=6)

    @pytest.mark.parametrize(
        ("arguments", "name"),
        [((0,), "n_critic"), ((1, -1), "start_step"), ((1, 0, 0), "batch_size")],
    )
    def test_stream_arguments(self, prepare, tmp_path, arguments, name):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            prepare(numbered(tmp_path / "a.npy", 5)).dataset(*arguments)


class TestNothingUsable:
    def test_empty_folder(self, prepare, tmp_path):
        (tmp_path / "photos").mkdir()
        with pytest.raises(ValueError, match="^source must hold a usable .*photos, without a file"):
            prepare(tmp_path / "photos")

    def test_all_bad_says_why(self, prepare, tmp_path):
        for index in range(3):
            (tmp_path / f"{index}.png").write_bytes(b"")
        (tmp_path / "3.png").write_bytes(b"x")
        with pytest.raises(ValueError) as caught:
            prepare(tmp_path)
        assert "all 4 were skipped (3 x the file is empty; 1 x not an image" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_only_bombs(self, prepare, tmp_path):
        Image.new("RGB", (300, 300)).save(tmp_path / "a.png")
        with pytest.raises(ValueError, match="300x300 .* more than max_megapixels=0.01 allows"):
            prepare(tmp_path, max_megapixels=0.01)


class TestFingerprint:
    def test_changes_with_files_and_options_that_matter_only(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 3)
        base = prepare(folder).fingerprint
        same = [{"batch_size": 2}, {"seed": 5}, {"workers": 1}, {"use_cache": False},
                {"resize": (64, 64)}]
        assert {prepare(folder, **options).fingerprint for options in same} == {base}
        different = [
            {"resize": (64, 63)}, {"resize": (63, 64)}, {"to_grayscale": True}, {"crop": "pad"},
            {"crop": "stretch"}, {"background": (255, 255, 254)}, {"max_megapixels": 99},
            {"image_shape": (8, 12)},
        ]  # fmt: skip
        prints = [prepare(folder, **options).fingerprint for options in different]
        assert len({base, *prints}) == 1 + len(different)

    def test_changes_with_every_file(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 3)
        prints = [prepare(folder).fingerprint]
        os.utime(folder / "001.png", ns=(1, 1))
        prints.append(prepare(folder).fingerprint)
        (folder / "003.png").write_bytes((folder / "000.png").read_bytes())
        prints.append(prepare(folder).fingerprint)
        (folder / "003.png").rename(folder / "004.png")
        prints.append(prepare(folder).fingerprint)
        assert len(set(prints)) == 4

    def test_two_folders_with_equal_names_sizes_and_times_are_two_sets(self, prepare, tmp_path):
        values = []
        for value in (10, 20):
            folder = tmp_path / str(value)
            folder.mkdir()
            Image.new("L", (4, 4), value).save(folder / "a.bmp")
            os.utime(folder / "a.bmp", ns=(0, 0))
            values.append(int(prepare(folder).images[0, 0, 0, 0]))
        assert values == [10, 20]

    def test_digest_is_of_the_pixels(self, prepare, tmp_path):
        one, two = write_images(tmp_path / "one", 3), write_images(tmp_path / "two", 3)
        os.utime(two / "000.png", ns=(1, 1))
        assert prepare(one).digest == prepare(two).digest
        assert prepare(one).fingerprint != prepare(two).fingerprint
        (two / "000.png").rename(two / "009.png")  # another order is another set
        assert prepare(one).digest != prepare(two).digest
        assert prepare(one).digest != prepare(one, resize=(64, 63)).digest


class TestHoldOut:
    def test_what_is_held_out_is_in_neither_samples_nor_training(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 20)
        everything = {image.tobytes() for image in prepare(folder, resize=(8, 12)).images}
        for options in [{}, {"use_cache": False}]:
            data = prepare(folder, resize=(8, 12), batch_size=4, hold_out=0.25, **options)
            assert (data.num_images, data.num_held_out) == (15, 5)
            training = {image.tobytes() for image in data.gather(range(15))}
            held_out = {image.tobytes() for image in data.held_out(5)}
            assert training | held_out == everything and not training & held_out
            assert {image.tobytes() for image in data.sample(15, seed=1)} == training
            assert data.describe()["held_out"] == 5

    def test_the_same_for_every_seed_and_another_digest(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 20)
        whole, *parts = (
            prepare(folder, resize=(8, 12), **options)
            for options in [{}, {"hold_out": 0.2, "seed": 1}, {"hold_out": 0.2, "seed": 2}]
        )
        np.testing.assert_array_equal(parts[0].held_out(9), parts[1].held_out(9))
        assert parts[0].digest == parts[1].digest != whole.digest
        assert parts[0].fingerprint == whole.fingerprint  # one prepared set serves both

    def test_a_share_of_few_is_one_image_and_never_all(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 3)
        assert prepare(folder, resize=(8, 12), hold_out=0.01).num_held_out == 1
        assert prepare(folder, resize=(8, 12), hold_out=0.99).num_images == 1

    @pytest.mark.parametrize("value", [1, -0.1, "half"])
    def test_mistakes(self, prepare, tmp_path, value):
        with pytest.raises(ValueError, match=r"hold_out must be a number in \[0, 1\)"):
            prepare(tmp_path, hold_out=value)

    def test_the_cached_array_is_refused(self, prepare, tmp_path):
        folder = write_images(tmp_path / "photos", 4)
        with pytest.raises(ValueError, match="must not be used with hold_out"):
            _ = prepare(folder, resize=(8, 12), hold_out=0.5).images


def test_importing_the_preparator_does_not_import_tensorflow():
    code = "import sys, utils; utils.DataPreparator; sys.exit('tensorflow' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


class TestRemarks:
    """Said when a set is prepared and when it is taken from the cache."""

    @pytest.fixture
    def photos(self, tmp_path):
        folder = write_images(tmp_path / "photos", 2)
        Image.new("F", (8, 8), 0.5).save(folder / "depth.tif")
        for name in ("a.heic", "b.heic", "c.psd"):
            (folder / name).write_bytes(b"?")
        return folder

    LINES = ("3 files with other endings were left out: .heic 2, .psd 1.\n"
             "1 image with float or 32-bit pixels was scaled, each by its own range.\n")

    @pytest.mark.parametrize("kind", ["folder", "zip"])
    def test_files_left_out_and_scaled_images(self, photos, prepare, capsys, kind):
        source = photos if kind == "folder" else shutil.make_archive(photos, "zip", photos)
        for _ in range(2):
            data = prepare(source, show_progress=True)
            assert data.num_images == 3 and data.scaled == 1
            assert data.left_out == {".heic": 2, ".psd": 1}
            assert capsys.readouterr().err.endswith(self.LINES)
        facts = data.describe()
        assert facts["scaled"] == 1 and facts["left_out"] == data.left_out

    def test_a_folder_is_counted_afresh(self, photos, prepare):
        prepare(photos)
        for path in photos.glob("*.heic"):
            path.unlink()
        assert prepare(photos).left_out == {".psd": 1}

    def test_a_folder_of_other_files_alone(self, tmp_path, prepare):
        (tmp_path / "a.heic").write_bytes(b"?")
        with pytest.raises(ValueError, match=r"format but with others \(\.heic 1\); is it"):
            prepare(tmp_path)


def test_rare_endings_share_a_number():
    endings = {f".{number:02d}": 1 for number in range(30)} | {".psd": 5}
    counts = most_common(endings)
    assert next(iter(counts)) == ".psd" and len(counts) == 21 and counts["others"] == 11
    assert remarks(counts, 0) == ["35 files with other endings were left out: "
                                  ".psd 5, .00 1, .01 1, .02 1, .03 1, .04 1 and 15 more."]
