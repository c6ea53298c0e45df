"""Arrays, idx files and the built-in faces as sources, and how sources are read in parallel."""

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from utils.data.sources import arrays
from utils.data.sources.opening import open_source


def opened(path):
    return open_source(path, (64, 64))


class TestMap:
    @pytest.mark.parametrize("count", [1, 31, 32, 33, 200])
    @pytest.mark.parametrize("workers", [1, 3])
    def test_every_image_once_in_order(self, tmp_path, count, workers):
        np.save(tmp_path / "a.npy", np.arange(count, dtype=np.uint8)[:, None, None])
        results = list(opened(tmp_path / "a.npy").map(lambda a: int(a[0, 0]), workers))
        assert results == [(f"a.npy[{i}]", i) for i in range(count)]

    def test_of_no_images(self, tmp_path):
        assert list(opened(tmp_path).map(len, 2)) == []

    def test_only_a_few_images_are_held_at_a_time(self, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros((2000, 1, 1), np.uint8))
        begun = []
        stream = opened(tmp_path / "a.npy").map(begun.append, workers=2)
        next(stream)
        assert len(begun) <= 300
        stream.close()

    def test_a_mistake_of_ours_is_not_swallowed(self, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros((100, 1, 1), np.uint8))
        with pytest.raises(ZeroDivisionError):
            list(opened(tmp_path / "a.npy").map(lambda a: 1 / 0, 2))


class TestArrays:
    RAMP = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10

    def read_all(self, path) -> np.ndarray:
        source = opened(path)
        return np.stack([source.read(i) for i in range(len(source))])

    @pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 1), (2, 3, 4, 3)])
    def test_uint8(self, tmp_path, shape):
        array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        np.save(tmp_path / "a.npy", array)
        np.testing.assert_array_equal(self.read_all(tmp_path / "a.npy"), array)
        assert opened(tmp_path / "a.npy").channels == (3 if shape[3:] == (3,) else 1)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
    @pytest.mark.parametrize("low", [0, -1])
    def test_floats_in_either_range(self, tmp_path, dtype, low):
        array = self.RAMP / 255 if low == 0 else self.RAMP / 127.5 - 1
        np.save(tmp_path / "a.npy", array.astype(dtype))
        np.testing.assert_array_equal(self.read_all(tmp_path / "a.npy"), self.RAMP)

    def test_the_range_is_of_the_whole_array(self, tmp_path):
        """The first image alone would look like [0, 1]; 0 is gray, not black."""
        array = np.zeros((2, 2, 2), np.float32)
        array[1] = -1
        np.save(tmp_path / "a.npy", array)
        np.testing.assert_array_equal(self.read_all(tmp_path / "a.npy")[:, 0, 0], [128, 0])

    def test_fortran_order(self, tmp_path):
        np.save(tmp_path / "a.npy", np.asfortranarray(self.RAMP))
        np.testing.assert_array_equal(self.read_all(tmp_path / "a.npy"), self.RAMP)

    @pytest.mark.parametrize(
        ("array", "received"),
        [
            (np.full((2, 3, 4), 255.0), r"float64 in \[255, 255\]"),
            (np.full((2, 3, 4), -1.5), r"float64 in \[-1.5, -1.5\]"),
            (np.full((2, 3, 4), np.nan), r"float64 in \[nan, nan\]"),
            (np.zeros((2, 3, 4), np.int64), "int64"),
            (np.zeros((2, 3, 4), bool), "bool"),
            (np.zeros((3, 4), np.uint8), r"shape .*Received: \[3, 4\]"),
            (np.zeros((2, 3, 4, 4), np.uint8), r"shape .*Received: \[2, 3, 4, 4\]"),
            (np.zeros((2, 3, 4, 5, 3), np.uint8), r"Received: \[2, 3, 4, 5, 3\]"),
        ],
    )
    def test_what_is_no_array_of_images(self, tmp_path, array, received):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(ValueError, match=f"^source: an array of images must .*{received}"):
            self.read_all(tmp_path / "a.npy")

    def test_npz(self, tmp_path):
        np.savez(tmp_path / "one.npz", pictures=self.RAMP, labels=np.arange(2))
        np.savez_compressed(tmp_path / "mnist.npz", x_test=self.RAMP[:1], x_train=self.RAMP)
        for name in ("one.npz", "mnist.npz"):
            np.testing.assert_array_equal(self.read_all(tmp_path / name), self.RAMP)
        np.savez(tmp_path / "two.npz", a=self.RAMP, b=self.RAMP)
        with pytest.raises(ValueError, match=r"one array of .*Received: 2 among \['a', 'b'\]"):
            self.read_all(tmp_path / "two.npz")

    def test_nothing_is_unpickled(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return os.mknod, (str(tmp_path / "pwned"),)

        np.save(tmp_path / "a.npy", np.array([[[Evil()]]], object), allow_pickle=True)
        np.savez(tmp_path / "a.npz", images=np.array([[[Evil()]]], object))
        (tmp_path / "pickle.npy").write_bytes((tmp_path / "a.npy").read_bytes()[128:])
        for name in ("a.npy", "a.npz", "pickle.npy"):
            message = rf"^source must be an array file .*{name}, which .*Python objects, which are "
            with pytest.raises(ValueError, match=f"{message}never unpickled$"):
                self.read_all(tmp_path / name)
        assert not (tmp_path / "pwned").exists()

    def test_damaged_files(self, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros((9, 99, 99), np.uint8))
        np.savez(tmp_path / "a.npz", np.zeros((9, 99, 99), np.uint8))
        for name in ("a.npy", "a.npz"):
            data = (tmp_path / name).read_bytes()
            for cut in (0, 10, 200, len(data) - 5):
                (tmp_path / name).write_bytes(data[:cut])
                with pytest.raises(ValueError, match=f"^source must be an array .*{name}, which "):
                    self.read_all(tmp_path / name)


    @pytest.mark.parametrize("shape", [(0, 4, 4), (3, 0, 4), (3, 4, 0)])
    def test_empty_arrays_are_called_empty(self, tmp_path, shape):
        np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
        np.savez(tmp_path / "a.npz", np.zeros(shape, np.uint8))
        for name in ("a.npy", "a.npz"):
            with pytest.raises(ValueError, match=rf"the empty shape .*{name}$"):
                self.read_all(tmp_path / name)

    @pytest.mark.parametrize(
        "header",
        [
            b"(" * 5000,
            b"",
            b"{'descr':'|u1','fortran_order':False,'shape':(-1,4,4)}",
            b"{'descr':[('a',)],'fortran_order':False,'shape':(1,4,4)}",
            b"{'descr':'''|u1",
            b"{'descr':'|u1','fortran_order':False,'shape':(9999999999999999999999,4,4)}",
        ],
    )
    def test_malformed_headers_are_one_line(self, tmp_path, header):
        data = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(16)
        (tmp_path / "a.npy").write_bytes(data)
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("images.npy", data)
        for name in ("a.npy", "a.npz"):
            with pytest.raises(ValueError, match=rf"^source must be an array .*{name}, which "):
                self.read_all(tmp_path / name)

    def test_members_of_an_npz_that_are_no_arrays_are_passed_over(self, tmp_path):
        np.savez(tmp_path / "a.npz", pictures=self.RAMP)
        with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
            archive.writestr("notes.npy", "no array")
            archive.writestr("README.txt", "neither")
        np.testing.assert_array_equal(self.read_all(tmp_path / "a.npz"), self.RAMP)

    @pytest.mark.parametrize("dtype", [np.uint8, np.float32])
    def test_a_large_compressed_array_is_unpacked_image_by_image(
        self, tmp_path, monkeypatch, dtype
    ):
        np.savez_compressed(tmp_path / "a.npz", (self.RAMP / 255 if dtype != np.uint8
                                                 else self.RAMP).astype(dtype))  # fmt: skip
        monkeypatch.setattr(arrays, "_IN_MEMORY", 10)
        source = opened(tmp_path / "a.npz")
        assert not source.random_access and len(source) == 2
        found = [image for _, image in source.map(lambda image: image, 2)]
        np.testing.assert_array_equal(found, self.RAMP)

    def test_images_larger_than_allowed_are_not_read(self, tmp_path):
        with (tmp_path / "a-idx3-ubyte").open("wb") as file:
            file.write(bytes([0, 0, 8, 3]) + np.array([2, 20000, 20000], ">u4").tobytes())
            file.truncate(16 + 2 * 20000**2)
        with pytest.raises(ValueError, match="at most max_megapixels=100: .* 20000x20000 from "):
            len(opened(tmp_path / "a-idx3-ubyte"))


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


class TestIdx:
    RAMP = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)

    def write_four_files(self, folder: Path) -> None:
        for name, array in {
            "train-images-idx3": self.RAMP,
            "train-labels-idx1": self.RAMP[:, 0, 0],
            "t10k-images-idx3": self.RAMP[:2],
            "t10k-labels-idx1": self.RAMP[:2, 0, 0],
        }.items():
            (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(idx(array)))

    def test_one_file_compressed_or_not(self, tmp_path):
        (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(self.RAMP)))
        (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(self.RAMP))
        for path in tmp_path.iterdir():
            source = opened(path)
            read = np.stack([source.read(i) for i in range(len(source))])
            np.testing.assert_array_equal(read, self.RAMP)
            assert source.channels == 1 and source.note is None

    def test_the_folder_of_four_files(self, tmp_path):
        self.write_four_files(tmp_path)
        source = opened(tmp_path)
        assert len(source) == 5
        assert "train-images-idx3-ubyte.gz" in source.note

    def test_labels_are_no_images(self, tmp_path):
        self.write_four_files(tmp_path)
        with pytest.raises(ValueError, match=r"name another, .*train-labels.* perhaps labels$"):
            len(opened(tmp_path / "train-labels-idx1-ubyte.gz"))

    def test_damaged_files(self, tmp_path):
        path = tmp_path / "train-images-idx3-ubyte.gz"
        whole = gzip.compress(idx(self.RAMP))
        for data, problem in (
            (whole[:-10], "cannot be decompressed"),
            (b"", "is not an idx file"),
            (idx(self.RAMP), "cannot be decompressed"),
            (gzip.compress(b""), "is not an idx file"),
            (gzip.compress(b"hello world"), "is not an idx file"),
            (gzip.compress(idx(self.RAMP)[:-1]), "is cut off or too long"),
            (gzip.compress(idx(self.RAMP) + b"x"), "is cut off or too long"),
            (gzip.compress(idx(self.RAMP)[:6]), "is not an idx file"),
        ):
            path.write_bytes(data)
            with pytest.raises(ValueError, match=f"^source must be a whole idx file .*{problem}"):
                len(opened(path))


class TestFaces:
    def test_drawn_at_the_wanted_size(self):
        from utils.data.sources.faces import NUM_FACES, draw_face

        source = open_source("faces", (24, 16))
        assert len(source) == NUM_FACES
        np.testing.assert_array_equal(source.read(7), draw_face(7, (24, 16)))
        assert source.read(7).shape == (24, 16, 3)

    def test_a_folder_called_faces_is_not_taken_silently(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert open_source("faces", (8, 8)).note is None
        (tmp_path / "faces").mkdir()
        assert "write ./faces" in open_source("faces", (8, 8)).note
        assert open_source("./faces", (8, 8)).location == str(tmp_path / "faces")
