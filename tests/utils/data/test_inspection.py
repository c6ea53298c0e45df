"""The dataset doctor: it must find what is there, agree with a run, and leave nothing behind."""

import json

import numpy as np
import pytest
from PIL import Image

from utils import DataPreparator
from utils.data.duplicates import difference_hash, near_duplicates, thumbnail
from utils.data.inspection import inspect_source


def picture(seed: int, size=(80, 80)) -> Image.Image:
    """Smooth random colors of (width, height) `size`."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def inspect(source, **options):
    return inspect_source(source, **({"batch_size": 1, "show_progress": False} | options))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(6):
        picture(index).save(folder / f"{index}.png")
    return folder


class TestFacts:
    def test_sizes_modes_and_formats(self, photos):
        picture(7, (40, 100)).save(photos / "tall.jpg")
        picture(8).convert("L").save(photos / "gray.gif")
        exif = Image.Exif()
        exif[0x0112] = 6
        picture(9, (100, 40)).save(photos / "turned.jpg", exif=exif)
        facts, _ = inspect(photos)
        assert facts["images"] == facts["usable"] == 9
        assert facts["sizes"] == {"80x80": 7, "100x40": 2}  # height x width, upright
        assert facts["formats"] == {"PNG": 6, "JPEG": 2, "GIF": 1}
        assert sum(facts["modes"].values()) == 9 and facts["modes"]["RGB"] == 8
        assert facts["problem"] is None
        json.dumps(facts)

    def test_scaled_images_and_files_left_out_are_told(self, photos):
        Image.new("F", (8, 8), 0.5).save(photos / "depth.tif")
        (photos / "a.heic").write_bytes(b"?")
        facts, _ = inspect(photos)
        assert facts["scaled"] == 1 and facts["scaled_names"] == ["depth.tif"]
        assert facts["left_out"] == {".heic": 1} and facts["images"] == 7
        json.dumps(facts)

    def test_it_agrees_with_a_run(self, photos, tmp_path):
        (photos / "empty.jpg").write_bytes(b"")
        (photos / "text.png").write_text("hello")
        picture(3).save(photos / "again.bmp")
        facts, _ = inspect(photos, resize=(24, 32))
        data = DataPreparator(photos, resize=(24, 32), batch_size=1, cache_dir=tmp_path / "cache",
                              show_progress=False)
        assert facts["usable"] == data.num_images == 7
        assert [tuple(pair) for pair in facts["skipped"]] == data.skipped
        assert facts["skipped_reasons"]["the file is empty"] == 1
        assert facts["duplicates"] == data.duplicates == 1
        assert facts["duplicate_groups"] == [["3.png", "again.bmp"]]
        assert facts["image_shape"] == list(data.image_shape)
        assert facts["disk_bytes"] == data.images.nbytes
        assert facts["batch_bytes"] == 24 * 32 * 3 * 4

    def test_it_leaves_nothing_behind(self, photos, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        before = sorted(tmp_path.rglob("*"))
        inspect(photos)
        assert sorted(tmp_path.rglob("*")) == before

    def test_flat_images(self, photos):
        Image.new("RGB", (30, 30), (9, 99, 199)).save(photos / "flat.png")
        Image.new("RGB", (30, 30), (9, 99, 199)).save(photos / "flat.jpg")
        facts, _ = inspect(photos)
        assert facts["flat_names"] == ["flat.jpg", "flat.png"] and facts["flat"] == 2
        assert facts["near_duplicates"] == 0

    def test_preview_is_of_the_whole_source(self, tmp_path):
        np.save(tmp_path / "a.npy", np.arange(200, dtype=np.uint8)[:, None, None].repeat(4, 1)
                .repeat(4, 2))
        _, images = inspect(tmp_path / "a.npy", resize=(4, 4))
        assert images.shape == (64, 4, 4, 1) and images.dtype == np.uint8
        assert images[0, 0, 0, 0] == 0 and images[-1, 0, 0, 0] > 180


class TestResizing:
    @pytest.fixture
    def mixed(self, tmp_path):
        for index, size in enumerate([(64, 64), (128, 64), (64, 256), (32, 32), (100, 100)]):
            picture(index, size).save(tmp_path / f"{index}.png")
        return tmp_path

    def test_crop(self, mixed):
        facts = inspect(mixed)[0]["resizing"]
        assert facts == {
            "fit": "center",
            "aspect_change": {"median": 1.0, "max": 4.0},
            "enlarged": 1,
            "cropped_share": {"median": 0.0, "max": 0.75},  # of 64 x 256, a quarter is seen
        }

    def test_stretch_and_pad(self, mixed):
        stretched = inspect(mixed, crop="stretch", resize=(64, 128))[0]["resizing"]
        assert stretched["aspect_change"] == {"median": 2.0, "max": 8.0}
        assert stretched["enlarged"] == 4 and "cropped_share" not in stretched
        padded = inspect(mixed, crop="pad")[0]["resizing"]
        assert padded["padded_share"] == {"median": 0.0, "max": 0.75}


class TestProblems:
    def test_demanded_shape(self, photos):
        picture(9, (40, 80)).save(photos / "narrow.png")
        facts, _ = inspect(photos, image_shape=(80, 80))
        assert facts["problem"] == "1 images do not have the required shape"
        assert facts["different_shape_names"] == ["narrow.png (80x40)"]
        assert facts["usable"] == 6 and facts["resizing"]["fit"] == "demand"

    def test_nothing_usable_and_too_few(self, photos, tmp_path):
        assert "batch_size 7 is larger" in inspect(photos, batch_size=7)[0]["problem"]
        (tmp_path / "bad").mkdir()
        assert inspect(tmp_path / "bad")[0]["problem"] == "there is no usable image"
        (tmp_path / "bad" / "a.png").write_bytes(b"")
        facts, images = inspect(tmp_path / "bad")
        assert facts["problem"] == "there is no usable image" and len(images) == 0
        assert facts["resizing"] == {} and facts["near_duplicate_groups"] == []

    def test_wrong_arguments(self, photos):
        with pytest.raises(ValueError, match="^crop must be one of"):
            inspect(photos, crop="middle")


class TestNearDuplicates:
    def test_the_same_picture_in_other_clothes(self, photos):
        original = picture(3)
        original.save(photos / "x-compressed.jpg", quality=40)
        original.resize((50, 50), Image.Resampling.LANCZOS).save(photos / "x-smaller.png")
        brighter = np.asarray(original).astype(int) + 3
        Image.fromarray(brighter.clip(0, 255).astype(np.uint8)).save(photos / "x-brighter.png")
        facts, _ = inspect(photos)
        assert facts["near_duplicate_groups"] == [
            ["3.png", "x-brighter.png", "x-compressed.jpg", "x-smaller.png"]
        ]
        assert facts["near_duplicates"] == 3 and facts["duplicates"] == 0

    def test_different_pictures_are_not(self, tmp_path):
        for index in range(60):
            picture(index).save(tmp_path / f"{index}.png")
        assert inspect(tmp_path)[0]["near_duplicates"] == 0

    def test_padding_and_cropping_make_no_likeness(self, tmp_path):
        for index in range(20):
            picture(index, (300, 10)).save(tmp_path / f"{index}.png")
        assert inspect(tmp_path, crop="pad")[0]["near_duplicates"] == 0

    def test_hash_is_of_gradients(self):
        ramp = Image.fromarray(np.arange(90, dtype=np.uint8)[None].repeat(80, 0))
        assert difference_hash(ramp) == 2**64 - 1
        assert difference_hash(ramp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) == 0

    @pytest.mark.parametrize("bits", [[], [0], [5, 40], [1, 30, 62], [0, 16, 32, 48]])
    def test_up_to_three_bits_anywhere(self, bits):
        code = 0x0123456789ABCDEF
        other = code
        for bit in bits:
            other ^= 1 << bit
        same = np.tile(thumbnail(picture(0)), (2, 1))
        expected = [[0, 1]] if len(bits) <= 3 else []
        assert near_duplicates([code, other], same) == expected

    def test_the_same_as_comparing_all_pairs(self):
        """Clusters of hashes with a few bits flipped, among strangers."""
        rng = np.random.default_rng(0)
        codes, clusters = [], []
        for cluster in range(60):
            center = int(rng.integers(0, 2**63))
            for _ in range(rng.integers(1, 5)):
                codes.append(center ^ (1 << int(rng.integers(0, 64))))
                clusters.append(cluster)
        order = rng.permutation(len(codes))
        codes = [codes[i] for i in order]
        clusters = np.array(clusters)[order]
        same = np.tile(thumbnail(picture(0)), (len(codes), 1))
        expected = [np.flatnonzero(clusters == c).tolist() for c in range(60)]
        expected = sorted(group for group in expected if len(group) > 1)
        assert sorted(near_duplicates(codes, same)) == expected

    def test_thumbnails_must_agree_too(self):
        one, other = thumbnail(picture(0)), thumbnail(picture(1))
        assert near_duplicates([7, 7, 7], np.stack([one, other, one])) == [[0, 2]]

    def test_thumbnails_must_agree_in_brightness_and_in_what_they_show(self):
        """Half as bright is another picture; so is another small object on the same black."""
        one = thumbnail(picture(0))
        assert near_duplicates([7, 7], np.stack([one, one // 2])) == []
        objects = np.zeros((2, 256), np.uint8)
        objects[0, 100:103] = objects[1, 101:104] = 200
        assert near_duplicates([7, 7], objects) == []

    def test_many_look_alikes_take_little_memory_and_time(self):
        one = thumbnail(picture(0))
        groups = near_duplicates([7] * 10_000, np.tile(one, (10_000, 1)))
        assert groups == [list(range(10_000))]

    def test_none(self):
        assert near_duplicates([], np.zeros((0, 256), np.uint8)) == []
