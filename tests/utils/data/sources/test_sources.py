"""Folders and archives: what is found, what is passed over, what is refused and how."""

import bz2
import gzip
import io
import itertools
import lzma
import os
import tarfile
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utils.data.decoding import UnusableImageError
from utils.data.sources import base
from utils.data.sources.base import is_image_name
from utils.data.sources.opening import open_source
from utils.wording import printable


def png(value: int = 0, size=(8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, value).save(buffer, "PNG")
    return buffer.getvalue()


def names(source) -> list[str]:
    return [item.name for item in source.items()]


def contents(source) -> dict:
    """Name -> payload, or the reason why there is none."""
    return {
        name: str(result) if isinstance(result, UnusableImageError) else result
        for name, result in source.map(lambda payload: payload, workers=2)
    }


def opened(path):
    return open_source(path, (64, 64))


class TestFolder:
    def test_recursive_sorted_and_choosy(self, tmp_path):
        wanted = ["a.png", "b/c.JPEG", "b/d/e.webp", "b.gif", "z z/ü.tiff"]
        passed_over = [".hidden.png", ".git/x.png", "b/.DS_Store", "notes.txt", "b/d/e.xcf", "png"]
        for name in wanted + passed_over:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        source = opened(tmp_path)
        assert names(source) == sorted(wanted)
        assert contents(source) == {name: name.encode() for name in wanted}
        assert len(source) == 5 and source.channels == 3

    def test_links_are_followed_but_never_round_in_circles(self, tmp_path):
        photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
        photos.mkdir()
        elsewhere.mkdir()
        (photos / "a.png").write_bytes(png())
        (elsewhere / "b.png").write_bytes(png())
        (photos / "linked").symlink_to(elsewhere)
        (photos / "loop").symlink_to(photos)
        (elsewhere / "back").symlink_to(photos)
        (photos / "itself").symlink_to(photos / "itself")
        (photos / "itself.png").symlink_to(photos / "itself.png")
        (photos / "gone.png").symlink_to(tmp_path / "nowhere.png")
        found = contents(opened(photos))
        assert sorted(found) == ["a.png", "gone.png", "itself.png", "linked/b.png"]
        assert found["gone.png"] == found["itself.png"] == "a link to nothing"

    def test_what_is_no_regular_file_cannot_hang_or_hurt(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        (tmp_path / "folder.png").mkdir()
        (tmp_path / "folder.png" / "a.png").write_bytes(png())
        found = contents(opened(tmp_path))
        assert found == {"folder.png/a.png": png(), "pipe.png": "not a regular file"}

    def test_nothing_beyond_the_stated_size_is_read(self, tmp_path):
        """What the system makes up as it is read states no size; /proc/kmsg would wait for ever."""
        (tmp_path / "a.png").symlink_to("/proc/self/status")
        assert contents(opened(tmp_path)) == {"a.png": b""}

    def test_folders_deeper_than_a_path_can_say_are_one_skipped_entry(self, tmp_path, monkeypatch):
        (tmp_path / "a.png").write_bytes(png())
        monkeypatch.chdir(tmp_path)
        for _ in range(20):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
        first, second = sorted(contents(opened(tmp_path)).items())
        assert first == ("a.png", png()) and second[1] == "a folder that cannot be listed"

    def test_a_folder_that_cannot_be_listed_is_one_skipped_entry(self, tmp_path, monkeypatch):
        (tmp_path / "secret").mkdir()
        (tmp_path / "a.png").write_bytes(png())
        scandir = os.scandir

        def refuse(path):
            if Path(path).name == "secret":
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        assert contents(opened(tmp_path))["secret"] == "a folder that cannot be listed"

    def test_a_vanished_file_is_unreadable(self, tmp_path):
        (tmp_path / "a.png").write_bytes(png())
        source = opened(tmp_path)
        assert len(source) == 1
        (tmp_path / "a.png").unlink()
        assert contents(source)["a.png"] == "cannot be read (No such file or directory)"

    def test_a_file_in_a_folder_that_cannot_be_entered_is_unreadable(self, tmp_path, monkeypatch):
        (tmp_path / "a.png").write_bytes(png())
        source = opened(tmp_path)
        assert len(source) == 1

        def refuse(path, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "stat", refuse)
        assert contents(source)["a.png"] == "cannot be read (Permission denied)"

    def test_a_huge_file_is_not_read(self, tmp_path):
        with (tmp_path / "huge.png").open("wb") as file:
            file.truncate(5 * 2**30)  # sparse: takes no room
        assert contents(opened(tmp_path)) == {
            "huge.png": "a file of 5,369 MB is larger than any image that max_megapixels=100 allows"
        }

    def test_stamps_change_with_content_size_time_and_name(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(png())
        stamps = [list(opened(tmp_path).stamps())]
        os.utime(path, ns=(1, 1))
        stamps.append(list(opened(tmp_path).stamps()))
        path.write_bytes(png() + b"x")
        os.utime(path, ns=(1, 1))
        stamps.append(list(opened(tmp_path).stamps()))
        path.rename(tmp_path / "b.png")
        stamps.append(list(opened(tmp_path).stamps()))
        assert len({str(stamp) for stamp in stamps}) == 4

    def test_names_with_odd_bytes(self, tmp_path):
        for name in (b"new\nline.png", b"caf\xe9.png", b"\x1b[31mred.png", "日本.png".encode()):
            (tmp_path / os.fsdecode(name)).write_bytes(png())
        source = opened(tmp_path)
        assert set(contents(source).values()) == {png()}
        shown = {printable(name) for name in names(source)}
        assert shown == {"new\\nline.png", "caf\\udce9.png", "\\x1b[31mred.png", "日本.png"}
        for name in shown:
            name.encode("utf-8")

    def test_many_files_are_listed_quickly(self, tmp_path):
        for index in range(2000):
            os.mknod(tmp_path / f"{index}.png")
        begin = time.perf_counter()
        assert len(list(opened(tmp_path).stamps())) == 2000
        assert time.perf_counter() - begin < 0.5  # takes 0.01 s on an idle machine

    @pytest.mark.parametrize(
        ("show", "tick", "shown"), [(True, 1.0, True), (True, 0.01, False), (False, 1.0, False)]
    )
    def test_a_long_listing_is_shown(self, tmp_path, capsys, monkeypatch, show, tick, shown):
        for index in range(5):
            os.mknod(tmp_path / f"{index}.png")
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        now = itertools.count(0.0, tick)  # goes on by a tick whenever it is looked at
        monkeypatch.setattr("tqdm.std.time", lambda: next(now))
        assert len(open_source(tmp_path, (64, 64), show)) == 5
        assert ("Listing: 5 files" in capsys.readouterr().err) == shown


ARCHIVES = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]


def write_archive(path: Path, members: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return path
    kind = {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "")
    with tarfile.open(path, f"w:{kind}") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def write_packed(path: Path, data: bytes) -> Path:
    opener = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    with opener.get(path.suffix, open)(path, "wb") as file:
        file.write(data)
    return path


class TestArchives:
    @pytest.mark.parametrize("ending", ARCHIVES)
    def test_image_members_in_order(self, tmp_path, ending):
        images = {f"photos/{i}.png": png(i) for i in (3, 1, 2)}
        images["./dot.png"] = png(9)
        others = {"photos/readme.txt": b"x", "photos/.hidden.png": b"x", "__MACOSX/._1.png": b"x"}
        source = opened(write_archive(tmp_path / f"a{ending}", images | others))
        for _ in range(2):  # it can be read again
            assert contents(source) == images
            assert names(source) == list(images)
        assert source.random_access == (ending in (".zip", ".tar"))
        if source.random_access:
            assert [source.read(i) for i in range(len(source))] == list(images.values())

    @pytest.mark.parametrize("ending", ARCHIVES)
    def test_nothing_is_ever_written(self, tmp_path, ending):
        inside = tmp_path / "deep" / "inside"
        inside.mkdir(parents=True)
        evil = {"../../evil.png": png(1), "/evil.png": png(2)}
        found = contents(opened(write_archive(inside / f"a{ending}", evil)))
        assert sorted(found.values()) == sorted(evil.values())
        assert [path.name for path in tmp_path.rglob("*.*")] == [f"a{ending}"]
        assert not Path("/evil.png").exists()

    @pytest.mark.parametrize("ending", ARCHIVES)
    def test_damaged_archives_are_one_clear_error(self, tmp_path, ending):
        noise = {f"{i}.png": np.random.default_rng(i).bytes(20000) for i in range(5)}
        path = write_archive(tmp_path / f"a{ending}", noise)
        path.write_bytes(path.read_bytes()[:50000])
        with pytest.raises(ValueError, match=rf"^source must be an archive .*a{ending} \("):
            contents(opened(path))
        path.write_bytes(b"not an archive at all")
        with pytest.raises(ValueError, match=r"^source must .* read: get it again. Received"):
            contents(opened(path))

    def test_encrypted_damaged_and_huge_zip_members_are_skipped(self, tmp_path):
        path = write_archive(tmp_path / "a.zip", {f"{i}.png": png(i) for i in range(4)})
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
        data = bytearray(path.read_bytes())
        data[members[2].header_offset + 50] ^= 0xFF  # of the compressed data of 2.png
        at = data.index(b"PK\1\2")  # the central directory: entry 0 gets the flag "encrypted"
        data[at + 8] |= 1
        path.write_bytes(bytes(data))
        source = opened(path)
        source._members[3].file_size = 2**40
        found = contents(source)
        assert found["0.png"] == "encrypted in the archive"
        assert found["1.png"] == png(1)
        assert found["2.png"] == "damaged in the archive"
        assert found["3.png"].startswith("a file of 1,099,512 MB is larger than any image that ")

    @pytest.mark.parametrize("ending", ARCHIVES[1:])
    def test_a_damaged_header_in_a_tar_is_read_past_and_named(self, tmp_path, ending):
        images = {f"{i}.png": png(i) for i in range(16)}
        plain = write_archive(tmp_path / "plain.tar", images)
        with tarfile.open(plain) as archive:
            headers = [member.offset for member in archive]
        data = bytearray(plain.read_bytes())
        data[headers[5] + 150] ^= 0xFF  # in its checksum
        found = contents(opened(write_packed(tmp_path / f"a{ending}", bytes(data))))
        lost = found.pop(f"[bytes {headers[5]:,} to {headers[6]:,}]")
        assert lost == "a damaged header in the archive: the files here are lost"
        assert found == {name: image for name, image in images.items() if name != "5.png"}

    @pytest.mark.parametrize("ending", ARCHIVES[1:])
    def test_what_follows_a_tar_is_used_or_named(self, tmp_path, ending):
        first, second = (write_archive(tmp_path / f"{i}{ending}", {f"{i}.png": png(i)})
                         for i in range(2))  # fmt: skip
        path = tmp_path / f"a{ending}"
        path.write_bytes(first.read_bytes() + second.read_bytes())
        assert contents(opened(path)) == {"0.png": png(0), "1.png": png(1)}
        path.write_bytes(first.read_bytes() + b"garbage" * 1000)
        found = contents(opened(path))
        assert found.pop("0.png") == png(0)
        assert len(found) == 1 and next(iter(found)).startswith("[byte")

    def test_a_tar_without_its_end_mark_may_be_cut_off(self, tmp_path):
        path = write_archive(tmp_path / "a.tar", {"0.png": png(0), "1.png": png(1)})
        path.write_bytes(path.read_bytes()[:1024])
        found = contents(opened(path))
        assert found == {"0.png": png(0), "[byte 1,024]": "the archive lacks its end mark here: "
                         "what followed may be cut off"}  # fmt: skip

    @pytest.mark.parametrize("ending", ARCHIVES[2:])
    def test_checksums_are_compared_to_the_end(self, tmp_path, ending):
        """The last bytes come after all members."""
        path = write_archive(tmp_path / f"a{ending}", {"0.png": png(0)})
        data = path.read_bytes()
        for damaged in (data[:-3], data[:-6] + bytes([data[-6] ^ 1]) + data[-5:]):
            path.write_bytes(damaged)
            with pytest.raises(ValueError, match="^source must be an archive that can be read"):
                contents(opened(path))

    def test_links_in_a_tar_and_headers_of_gigabytes_are_named(self, tmp_path):
        path = write_archive(tmp_path / "a.tar", {"0.png": png(0)})
        headers = b""
        for name, kind, size in [("x", b"L", 2**32), ("l.png", b"1", 0), ("s.png", b"2", 0),
                                 ("p.png", b"6", 0), ("x", b"x", 2**32)]:  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, size, "0.png"
            headers += member.tobuf(tarfile.GNU_FORMAT)
        path.write_bytes(headers + path.read_bytes())
        found = contents(opened(path))
        assert found["0.png"] == png(0) and len(found) == 6
        assert found["l.png"] == found["s.png"]
        assert found["l.png"].startswith("a link in the archive: ")
        assert found["p.png"] == "not a regular file"

    def test_sparse_members(self, tmp_path):
        member = bytearray(tarfile.TarInfo("a.png").tobuf(tarfile.GNU_FORMAT))
        images = {"0.png": png(0)}
        for size, name in [(2000, "a.png"), (8 * 10**9, "huge.png")]:
            info = tarfile.TarInfo(name)
            info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
            member = bytearray(info.tobuf(tarfile.GNU_FORMAT))
            member[386:434] = b"%011o\0%011o\0" % (1000, 512) + b"%011o\0%011o\0" % (size, 0)
            member[483:495] = b"%011o\0" % size
            member[148:156] = b" " * 8
            member[148:156] = b"%06o\0 " % sum(member)
            path = write_archive(tmp_path / "a.tar", images)
            path.write_bytes(bytes(member) + b"x" * 512 + path.read_bytes())
            found = contents(opened(path))
            assert found["0.png"] == png(0)
            if name == "a.png":
                assert found[name] == bytes(1000) + b"x" * 512 + bytes(488)
            else:
                assert found[name].startswith("a file of 8,")

    def test_zip_members_that_lie(self, tmp_path):
        path = write_archive(tmp_path / "a.zip", {f"{i}.png": png(i) for i in range(5)})
        whole = path.read_bytes()
        entries = [whole.index(b"PK\1\2")]
        for _ in range(4):
            entries.append(whole.index(b"PK\1\2", entries[-1] + 1))
        for place, value, reason in [
            (10, b"\x5d\0", "compressed by a method that is not supported (number 93)"),
            (24, b"\x0a\0\0\0", "damaged in the archive"),  # smaller than it is
            (24, b"\0\0\0\5", "becomes over 200 times larger when unpacked"),
            (16, b"\0\0\0\0", "damaged in the archive"),  # the checksum
            (42, b"\1\0\0\0", "overlaps with another member of the archive"),
        ]:
            data = bytearray(whole)
            data[entries[3] + place : entries[3] + place + len(value)] = value
            path.write_bytes(bytes(data))
            assert contents(opened(path))["3.png"] == reason
            assert contents(opened(path))["4.png"] == png(4)
        data = bytearray(whole)
        data[entries[0] + 6] = 99
        path.write_bytes(bytes(data))
        with pytest.raises(ValueError, match="^source must be an archive .*version 9.9"):
            contents(opened(path))

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_methods_of_zip(self, tmp_path, method):
        images = {f"{i}.png": np.random.default_rng(i).bytes(3 * 10**5 * i) for i in range(3)}
        with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
            for name, data in images.items():
                archive.writestr(name, data)
        assert contents(opened(tmp_path / "a.zip")) == images

    @pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
    def test_what_is_read_ahead_has_a_limit_in_bytes(self, tmp_path, monkeypatch, ending):
        monkeypatch.setattr(base, "_AHEAD_BYTES", 10**6)
        data = np.random.default_rng(0).bytes(400_000)
        path = write_archive(tmp_path / f"a{ending}", {f"{i}.png": data for i in range(40)})

        def refuse(payload: bytes):
            raise UnusableImageError("no") from ValueError()

        opened(path)
        tracemalloc.start()
        assert len(list(opened(path).map(refuse, workers=4))) == 40
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4_000_000  # all of them would be 16

    def test_bombs_are_refused_before_they_are_unpacked(self, tmp_path):
        bomb = {"bomb.png": bytes(2**26 + 10**6)}
        for ending in (".zip", ".tar.gz"):
            path = write_archive(tmp_path / f"a{ending}", {"0.png": png(0)} | bomb)
            source = open_source(path, (64, 64), max_megapixels=0.1)
            tracemalloc.start()
            found = {name: result for name, result in source.map(len, 2)}
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert found["0.png"] == len(png(0)) and peak < 20_000_000
            assert isinstance(found["bomb.png"], UnusableImageError)

    def test_members_of_the_same_name_are_two_images(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning):
            archive.writestr("a.png", png(1))
            archive.writestr("a.png", png(2))
        source = opened(tmp_path / "a.zip")
        assert [source.read(i) for i in range(2)] == [png(1), png(2)]

    @pytest.mark.parametrize("ending", [".zip", ".tar"])
    def test_reading_from_many_threads(self, tmp_path, ending):
        images = {f"{i}.png": np.random.default_rng(i).bytes(5000) for i in range(40)}
        source = opened(write_archive(tmp_path / f"a{ending}", images))
        wrong = []

        def read_all():
            for index, data in enumerate(images.values()):
                if source.read(index) != data:
                    wrong.append(index)

        threads = [threading.Thread(target=read_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_only_the_archive_is_stamped(self, tmp_path):
        path = write_archive(tmp_path / "a.zip", {"a.png": png()})
        status = path.stat()
        assert list(opened(path).stamps()) == [("a.zip", status.st_size, status.st_mtime_ns)]


class TestLeftOut:
    FILES = ("a.png", "b.HEIC", "c/d.heic", "e.psd", "list.csv", "README", "notes.of a long day",
             ".hidden.psd", ".cache/x.psd", "odd.\x1b[1m")

    @pytest.mark.parametrize("kind", ["folder", ".zip", ".tar", ".tar.gz"])
    def test_other_endings_are_counted_where_the_images_are(self, tmp_path, kind):
        folder = tmp_path / "photos"
        for name in self.FILES:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png() if name == "a.png" else b"?")
        path = folder
        if kind == ".zip":
            path = tmp_path / "a.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for name in (*self.FILES, "__MACOSX/f.psd"):
                    archive.writestr(name, png() if name == "a.png" else b"?")
        elif kind != "folder":
            path = tmp_path / f"a{kind}"
            with tarfile.open(path, "w:gz" if kind == ".tar.gz" else "w") as archive:
                archive.add(folder, "")
        source = open_source(path, (8, 8))
        assert names(source) == ["a.png"]
        counts = {".heic": 2, ".psd": 1, ".csv": 1, "no ending": 2, ".\\x1b[1m": 1}
        assert dict(source.left_out) == counts


class TestNoSuchSource:
    @pytest.fixture(autouse=True)
    def inside(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("photo", "(did you mean photos?)"),
            ("./fotos", "(did you mean photos?)"),
            ("face", "(did you mean faces?)"),
            ("/no/such/thing", "name a folder, --source FOLDER"),
            ("", "name a folder, --source FOLDER"),
        ],
    )
    def test_missing(self, name, hint):
        Path("photos").mkdir()
        with pytest.raises(ValueError) as caught:
            opened(name)
        assert str(caught.value).startswith("source must be an existing folder or file")
        assert str(caught.value).endswith(f"{hint}. Received: {name}, which is not there")

    @pytest.mark.parametrize(
        ("name", "hint"),
        [("a.png", "name its folder, ."), ("a.rar", "unpack it"), ("a.h5", "unpack it")],
    )
    def test_of_an_unknown_kind(self, name, hint):
        Path(name).write_bytes(png())
        message = rf"^source must be a folder.*: {hint}. Received: the file {name}$"
        with pytest.raises(ValueError, match=message):
            opened(name)


def test_image_names():
    for name in ("a.png", "a/b.JPG", "../a.webp", "./a.gif", "a.b.tif", "dir.txt/x.bmp"):
        assert is_image_name(name), name
    for name in ("a.txt", ".a.png", "x/.y/a.png", "__MACOSX/a.png", "png", "a.png.part", "a.svg"):
        assert not is_image_name(name), name


def test_the_home_of_an_unknown_user():
    with pytest.raises(ValueError, match="^source must not begin with ~ .*: ~nosuchuser/photos$"):
        opened("~nosuchuser/photos")
