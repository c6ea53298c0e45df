"""The losses of several runs."""

import csv

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from utils.runs.directory import RunDirectory
from utils.visualization import plot_loss
from utils.visualization.columns import PALETTE

WASSERSTEIN = ["critic_loss", "generator_loss", "wasserstein_estimate"]
DCGAN = ["discriminator_loss", "generator_loss", "real_probability", "fake_probability"]


@pytest.fixture
def write_run(tmp_path):
    """Writes a run's log.csv with random numbers; returns its folder."""

    def write(name, columns, rows=4):
        run = RunDirectory(tmp_path / name)
        run.path.mkdir(parents=True)
        values = np.random.default_rng(rows).random((rows, len(columns))).astype(np.float32)
        with run.log_csv.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["step", *columns])
            writer.writerows([100 * i, *row] for i, row in enumerate(values.tolist(), start=1))
        return run.path

    return write


def _lines(axes) -> dict[str, list[float]]:
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


def _titles(figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def test_one_run_is_one_column(write_run, tmp_path):
    run = write_run("wgan", WASSERSTEIN)
    figure = plot_loss(str(run), tmp_path / "new" / "loss.png")
    upper, lower = figure.axes
    rows = RunDirectory(run).read_log()
    assert _titles(figure) == ["wgan"]
    assert _lines(upper) == {
        "Critic loss": [row["critic_loss"] for row in rows],
        "Generator loss": [row["generator_loss"] for row in rows],
    }
    assert _lines(lower) == {"Wasserstein estimate": [row["wasserstein_estimate"] for row in rows]}
    assert "score units" in upper.get_ylabel()
    assert list(upper.get_lines()[0].get_xdata()) == [100, 200, 300, 400]
    with Image.open(tmp_path / "new" / "loss.png") as image:
        assert image.format == "PNG"


def test_methods_side_by_side_have_their_own_axes_and_units(write_run):
    runs = {"DCGAN": write_run("a", DCGAN), "WGAN-GP": write_run("b", WASSERSTEIN, rows=30)}
    figure = plot_loss(runs)
    dcgan, wgan, probabilities, estimate = figure.axes
    assert _titles(figure) == ["DCGAN", "WGAN-GP"]
    assert set(_lines(dcgan)) == {"Discriminator loss", "Generator loss"}
    assert [to_hex(line.get_color()).upper() for line in dcgan.get_lines()] == [
        PALETTE["vermilion"], PALETTE["green"]
    ]  # fmt: skip
    assert "nats" in dcgan.get_ylabel()
    assert "score units" in wgan.get_ylabel()
    assert probabilities.get_ylim() == (0, 1)
    assert "undecided: 0.5" in _lines(probabilities)
    assert "Wasserstein estimate (mean of 7 rows)" in _lines(estimate)
    assert not dcgan.get_shared_y_axes().joined(dcgan, wgan)
    assert dcgan.get_shared_x_axes().joined(dcgan, probabilities)


def test_legends_stay_within_their_column(write_run):
    """The longest labels, three columns: none is cut off or lies on its neighbor."""
    runs = [write_run(name, DCGAN, rows=1000) for name in "abc"]
    figure = plot_loss(runs)
    figure.draw_without_rendering()
    columns = np.linspace(0, figure.bbox.width, 4)
    for axes, number in zip(figure.axes, [0, 1, 2, 0, 1, 2], strict=True):
        box = axes.get_legend().get_window_extent()
        assert columns[number] <= box.x0
        assert box.x1 <= columns[number + 1] + 0.2 * columns[1]
        if axes.get_title():
            assert not box.overlaps(axes.title.get_window_extent())


def test_folders_of_one_name_are_told_apart(write_run):
    runs = [write_run("first/run", WASSERSTEIN), write_run("second/run", DCGAN)]
    assert _titles(plot_loss(runs)) == [str(run) for run in runs]


def test_what_was_not_logged_is_said_to_be_missing(write_run):
    figure = plot_loss(write_run("run", ["critic_loss"]))
    assert figure.axes[1].texts[0].get_text() == "nothing logged"


def test_bad_runs_are_refused_in_one_line_and_an_older_picture_kept(write_run, tmp_path):
    good, path = write_run("good", WASSERSTEIN), tmp_path / "loss.png"
    path.write_bytes(b"older")
    broken = write_run("broken", WASSERSTEIN)
    (broken / "log.csv").write_text("step,critic_loss\n100,1.5\n200\n")
    other = write_run("other", WASSERSTEIN)
    (other / "log.csv").write_text("epoch,loss\n1,2\n")
    binary = write_run("binary", WASSERSTEIN)
    (binary / "log.csv").write_bytes(b"\xff\xfe\x00")
    for runs, message in [
        ([], r"Received: \[\]"),
        ([good, tmp_path / "missing"], "at least one row.*missing"),
        (write_run("empty", WASSERSTEIN, rows=0), "at least one row.*empty"),
        ([broken], "log.csv that training writes.*broken"),
        ([other], "log.csv that training writes.*other"),
        ([binary], "log.csv that training writes.*binary"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            plot_loss(runs, path)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="path must end in .png"):
        plot_loss(good, tmp_path / "loss.pdf")
    assert path.read_bytes() == b"older"
