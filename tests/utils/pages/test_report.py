"""The pages of runs, without a browser: what is in them, how large they are, what is refused."""

import errno
import html
import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from commands import run_from_the_start as run_command
from encoded_images import POSTSCRIPT, claimed_png
from written_runs import NASTY, write_run

from utils.pages import Report, frames, write_comparison, write_report
from utils.pages.frames import LARGEST, MOST_FRAMES, Frames
from utils.runs.columns import numeric_columns
from utils.runs.directory import RunDirectory
from utils.runs.health import diagnose
from utils.visualization import image_grid, save_image
from utils.visualization.columns import PALETTE, centered_mean
from utils.wording import duration, number


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def _data(text: str) -> dict:
    """What the page's script is given."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def _panels(text: str) -> dict[str, dict]:
    return {panel["title"]: panel for panel in _data(text)["panels"]}


def _words(text: str) -> str:
    """What a person reads of a page, without its script and its style."""
    text = re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def test_the_page_holds_all_that_the_run_tells(run):
    path = write_report(run)
    text = path.read_text()
    words = _words(text)
    assert path == run.path / "report.html" and text.startswith("<!doctype html>")
    verdict = diagnose(numeric_columns(run.read_log()))
    for part in [
        f"{verdict.name[0].upper()}{verdict.name[1:]} since step {verdict.since:,}",
        verdict.because, verdict.advice,
        "2,400 of 2,400 generator steps", "12,345", "8x8x3 (height x width x channels)",
        "2 files that are not usable images", "cut.png: cut off", "b.png: the same as a.png",
        "training12 min 3 s", "judging1 min 1 s", "in all13 min 14 s",
        "--source photos", "seed is 7", "fingerprint f00d", "digest beef", "tensorflow 2.21",
        f"train_generator.py --resume --save_path {run.path}",
        f"generate_images.py {run.path} --count 100",
    ]:  # fmt: skip
        assert part in words, part
    data = _data(text)
    assert [frame["step"] for frame in data["runs"][0]] == list(range(100, 2500, 100))
    assert list(_panels(text)) == [
        "Wasserstein estimate", "Losses", "Gradient penalty", "Gradient norm",
        "Variety of the samples", "Change of the samples", "Held-out gap",
    ]  # fmt: skip


def test_curves_are_the_logs_with_the_moving_mean_of_the_plot(run):
    column = np.array([row["wasserstein_estimate"] for row in run.read_log()])
    (series,) = _panels(write_report(run).read_text())["Wasserstein estimate"]["series"]
    assert series["steps"] == [row["step"] for row in run.read_log()]
    assert series["window"] == 5
    np.testing.assert_allclose(series["values"], column, rtol=1e-5)
    np.testing.assert_allclose(series["smooth"], centered_mean(column, 5), rtol=1e-5)


def test_a_judged_run_names_its_number_and_protocol(tmp_path):
    protocol = {"evaluate_metric": "fid", "evaluate_images": 2000, "real_images": 1000,
                "label": "FID", "extractor": "inception", "fid_weights": True}  # fmt: skip
    run = write_run(tmp_path / "run", rows=4, evaluation=protocol)
    lines = run.log_csv.read_text().splitlines()
    values = ["fid", "", "50.5", "", "60.25"]
    rows = map(",".join, zip(lines, values, strict=True))
    run.log_csv.write_text("".join(f"{row}\n" for row in rows))
    text = write_report(run).read_text()
    (series,) = _panels(text)["FID"]["series"]
    assert (series["steps"], series["values"]) == ([200, 400], [50.5, 60.25])
    assert series["smooth"] is None
    assert ("FID was measured with 2,000 images against 1,000 real ones. Best: 50.5 at step 200; "
            "lower is better.") in _words(text)  # fmt: skip


def test_columns_that_hold_no_numbers_are_left_out(run, monkeypatch):
    rows = [row | {"health": "learning"} for row in run.read_log()]
    monkeypatch.setattr(RunDirectory, "read_log", lambda self: rows)
    assert "Losses" in _panels(write_report(run).read_text())


def test_nothing_breaks_out_of_the_page(tmp_path):
    """Not from a file's name, a source, an option's value, or a folder's name."""
    nasty = NASTY.replace("/", "|")
    run = write_run(
        tmp_path / nasty, rows=2,
        options={"source": NASTY, "cache_dir": "'; $(touch x) </pre>"},
        versions={"python": NASTY},
    )  # fmt: skip
    other = write_run(tmp_path / "other", rows=2)
    pages = [write_report(run), write_comparison([run.path, other.path], tmp_path / "c.html")]
    for path in pages:
        text = path.read_text()
        assert NASTY not in text and "<img src=x" not in text and "<script>window" not in text
        assert text.count("<script") == 2 and text.count("</script>") == 2
        assert NASTY in _words(text) and nasty in _words(text)
    assert "--cache_dir ''\"'\"'; $(touch x) </pre>'" in _words(pages[0].read_text())


def test_a_page_asks_for_nothing_from_elsewhere(run):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", write_report(run).read_text())
    assert "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", text)


def test_missing_pieces_are_said_in_words(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.write_config({"options": None, "model": {"method": "wgan"}, "data": None})
    words = _words(write_report(run).read_text())
    for part in [
        "No verdict yet", "no readable sample grids yet", "Nothing is logged yet",
        "no readable grid of real images (real.png)", "There is no evaluation.json",
        "What the run learned from is not known", "(times.json)",
        "The run was started from Python", "Its versions are not known", "seed is unknown",
        "fingerprint of its data is not known", "and resume=True",
    ]:  # fmt: skip
        assert part in words, part


def test_damaged_files_are_said_in_words_and_passed_over(run, caplog):
    run.config.write_text('{"model": ')
    run.log_csv.write_text("step,critic_loss\n1,what\n")
    run.times.write_text("[1]")
    run.evaluation.write_text("{}")
    run.real.write_bytes(b"no PNG")
    run.sample(100).write_bytes(run.sample(100).read_bytes()[:90])
    save_image(np.zeros((4, 4), np.uint8), run.samples / "step-best.png")  # someone's own
    text = write_report(run).read_text()
    for part in ["config.json must be readable JSON", "log.csv is damaged at line 2",
                 "times.json must hold seconds by name", "(real.png)",
                 "an evaluation must be the evaluation.json", "23 of the 25 grids"]:  # fmt: skip
        assert part in _words(text), part
    assert [frame["step"] for frame in _data(text)["runs"][0]][:2] == [200, 300]
    assert {record.args[0] for record in caplog.records} == {str(run.sample(100)), str(run.real)}


def test_pictures_that_would_hang_or_fill_the_memory_are_named(run, tmp_path, caplog):
    postscript, bomb, pipe = (run.sample(step) for step in (100, 200, 300))
    postscript.write_bytes(POSTSCRIPT)
    bomb.write_bytes(claimed_png(30000, 30000))
    pipe.unlink()
    os.mkfifo(pipe)
    other = write_run(tmp_path / "other")
    began = time.process_time()
    for path in (write_report(run), write_comparison([run.path, other.path], tmp_path / "c.html")):
        text = path.read_text()
        assert ("Not shown, because not readable: step-00000100.png, step-00000200.png, "
                "step-00000300.png.") in _words(text)
        assert _data(text)["runs"][0][0]["step"] == 400
    assert time.process_time() - began < 5
    assert "900.0 megapixels" in caplog.text and "not a regular file" in caplog.text


@pytest.mark.parametrize("data", [{"skipped": 7}, {"skipped": "many", "skipped_files": 3}, {}])
def test_facts_of_the_data_by_other_versions(tmp_path, data):
    words = _words(write_report(write_run(tmp_path / "run", rows=1, data=data)).read_text())
    if data.get("skipped") == 7:
        assert "7 are not named here: run.log names them" in words
    assert "Imagesunknown" in words


def test_options_of_another_version_are_shown(tmp_path):
    run = write_run(tmp_path / "run", rows=1, options={"color": "blue", "seed": 3})
    words = _words(write_report(run).read_text())
    assert "color blue" in words and "Its command cannot be given" in words


def test_a_long_run_stays_small(tmp_path):
    """4,000 intervals of color noise, the worst that can be had; 64x64."""
    run = write_run(tmp_path / "run", rows=1)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 64, 3)).astype(np.uint8)
    save_image(image_grid(noise), run.sample(100))
    for step in range(200, 400_100, 100):
        os.link(run.sample(100), run.sample(step))
    header, row = run.log_csv.read_text().splitlines()
    rows = [f"{100 * i},{row.split(',', 1)[1]}" for i in range(1, 4001)]
    run.log_csv.write_text("\n".join([header, *rows]))
    path = write_report(run)
    steps = [frame["step"] for frame in _data(path.read_text())["runs"][0]]
    assert path.stat().st_size < 15e6
    assert 10 <= len(steps) <= MOST_FRAMES
    assert (steps[0], steps[-1]) == (100, 400_000)
    gaps = np.diff(steps)[:-1]
    assert len(set(gaps)) == 1  # evenly spread


def test_large_images_are_reduced(tmp_path):
    run = RunDirectory(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (64, 256, 256, 1)).astype(np.uint8)
    save_image(image_grid(noise), run.sample(1))
    (frame,) = Frames(run).read()
    assert LARGEST / 2 < len(frame["uri"]) <= LARGEST


def test_writing_it_again_encodes_only_what_is_new(run, monkeypatch):
    encoded = []
    encode = frames._encode
    monkeypatch.setattr(frames, "_encode", lambda path: encoded.append(path) or encode(path))
    page = Report(run)
    page.write()
    assert len(encoded) == 24 + 1  # and the real images
    encoded.clear()
    os.link(run.sample(2400), run.sample(2500))
    run.sample(300).write_bytes(run.sample(2400).read_bytes())  # a resumed run's, written anew
    began = time.perf_counter()
    page.write()
    assert time.perf_counter() - began < 0.5  # 0.02 s on an idle machine
    assert set(encoded) == {run.sample(300), run.sample(2500)} and len(encoded) == 2
    for step in range(2600, 17_700, 100):
        os.link(run.sample(2400), run.sample(step))
        if step % 1000 == 0:
            encoded.clear()
            page.write()
            assert len(encoded) <= 11  # thinned out, those that stay were there before
    assert len(_data(run.report.read_text())["runs"][0]) <= MOST_FRAMES


def test_a_full_disk_leaves_the_older_page(run, monkeypatch):
    write_report(run)
    older = run.report.read_bytes()

    def write_text(self, *arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(run.path), "write_text", write_text)
    with pytest.raises(OSError, match="No space left"):
        write_report(run)
    assert run.report.read_bytes() == older
    assert not list(run.path.glob(".unfinished*"))


def test_a_comparison_puts_runs_side_by_side(tmp_path):
    runs = [write_run(tmp_path / method, rows=rows, method=method, size=size)
            for method, rows, size in [("wgan-gp", 12, 8), ("wgan", 3, 8), ("dcgan", 6, 16)]]
    path = write_comparison([run.path for run in runs], tmp_path / "new" / "c.html")
    text, words = path.read_text(), _words(path.read_text())
    panels = _panels(text)
    losses = panels["Losses: generator"]["series"]
    assert [one["label"] for one in losses] == ["wgan-gp", "wgan", "dcgan"]
    assert len({one["color"] for one in losses}) == 3
    estimates = panels["Wasserstein estimate"]["series"]
    assert [one["label"] for one in estimates] == ["wgan-gp", "wgan"]
    assert [len(frames) for frames in _data(text)["runs"]] == [12, 3, 6]
    for part in ["3 runs compared", "Starting since step 100", "steps1,200 of 1,200300 of 300",
                 "time6 min1 min 30 s3 min", "method", "resize8 88 816 16"]:  # fmt: skip
        assert part in words, part
    write_comparison([run.path for run in runs[:2]], path)  # one's own is replaced
    assert "2 runs compared" in path.read_text()


def test_a_comparison_says_whether_judged_numbers_can_be_compared(tmp_path):
    """The weights of the FID come in several files; other weights are another judge."""
    protocol = {"evaluate_metric": "fid", "label": "FID", "fid_weights": True,
                "extractor": "inception-2015-12-05", "weights_sha256": "aa"}  # fmt: skip
    others = {
        "the same protocol and can be compared": {"weights_sha256": "bb", "label": "FID of old"},
        "different protocols and cannot": {"weights_sha256": "bb", "fid_weights": False},
    }
    for i, (said, other) in enumerate(others.items()):
        runs = [write_run(tmp_path / f"{i}{name}", rows=2, evaluation=evaluation)
                for name, evaluation in [("a", protocol), ("b", protocol | other)]]  # fmt: skip
        for run in runs:
            header, *rows = run.log_csv.read_text().splitlines()
            run.log_csv.write_text("\n".join([f"{header},fid", *(f"{row},5" for row in rows)]))
        path = write_comparison([run.path for run in runs], tmp_path / "c.html")
        assert said in _words(path.read_text())


def test_runs_of_one_name_are_told_apart_and_a_page_of_many_stays_small(tmp_path):
    runs = {f"run {i}": write_run(tmp_path / str(i) / "run", rows=2).path for i in range(8)}
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 64, 3)).astype(np.uint8)
    save_image(image_grid(noise), tmp_path / "noise.png")
    for path in runs.values():
        for step in range(1, 6):
            RunDirectory(path).sample(step).hardlink_to(tmp_path / "noise.png")
    page_of_two = write_comparison(list(runs.values())[:2], tmp_path / "two.html").read_text()
    assert str(tmp_path / "0" / "run") in page_of_two
    path = write_comparison(runs, tmp_path / "eight.html")
    assert path.stat().st_size < 15e6
    series = _panels(path.read_text())["Wasserstein estimate"]["series"]
    assert len({(one["color"], one["dashed"]) for one in series}) == 8


def test_bad_comparisons_are_refused_and_nothing_is_replaced(run, tmp_path):
    other, path = write_run(tmp_path / "other", rows=1), tmp_path / "comparison.html"
    path.write_text("<html>my own page")
    for runs, message in [
        ([run.path], "compare must be given two or more run directories"),
        ([run.path, run.path], "runs must be different run directories"),
        ([run.path, tmp_path], "compare must be a run directory"),
        ([run.path, other.path], "compare must not replace a file that it has not written"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            write_comparison(runs, path)
        assert "\n" not in str(error.value)
    assert path.read_text() == "<html>my own page"
    with pytest.raises(ValueError, match="report must be a run directory"):
        write_report(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_as_commands(run, tmp_path):
    other = write_run(tmp_path / "other", rows=2)
    result = run_command("--report", str(run.path))
    assert (result.returncode, result.stdout) == (0, f"{run.report}\n")
    result = run_command("--compare", str(run.path), str(other.path), cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "comparison.html\n")
    assert (tmp_path / "comparison.html").is_file()
    for arguments, status, message in [
        (["--report", str(tmp_path)], 1, "report must be a run directory"),
        (["--report", str(run.path), "--seed", "3"], 2, "--report must be given alone"),
        (["--compare", str(run.path)], 1, "two or more run directories"),
    ]:
        result = run_command(*arguments)
        assert result.returncode == status and message in result.stderr
        assert result.stderr.count("\n") == 1 and result.stdout == ""


def test_the_colors_are_those_of_the_plots():
    style = (Path(frames.__file__).parent / "report.css").read_text()
    for name, color in PALETTE.items():
        assert f"--{name}: {color};" in style


def test_numbers_are_for_people():
    assert [duration(s) for s in (0.44, 9.97, 59.7, 723, 3599.7, 7500, 90_000, None, -1)] == [
        "0.4 s", "10 s", "1 min", "12 min 3 s", "1 h", "2 h 5 min", "1 d 1 h", "unknown", "unknown"
    ]  # fmt: skip
    assert [number(n) for n in (1234, 1234.6, 0.012345, -3.0, float("nan"), "x", True)] == [
        "1,234", "1,235", "0.01235", "-3", "unknown", "unknown", "unknown"
    ]  # fmt: skip
