"""The plot of a training run."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from utils.runs.columns import EvaluatedColumn
from utils.visualization.columns import PALETTE
from utils.visualization.curves import plot_training, training_figure


def _columns(rows: int, method: str = "penalty") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    names = ["wasserstein_estimate", "critic_loss", "generator_loss", "real_score", "fake_score"]
    names += ["gradient_norm", "gradient_penalty" if method == "penalty" else "clipped_weights"]
    return {"step": 100 * np.arange(1, rows + 1), **{name: rng.random(rows) for name in names}}


def _lines(figure) -> dict[str, np.ndarray]:
    """y values of every labeled line, by the first two words of its label."""
    lines = [line for axes in figure.axes for line in axes.get_lines()]
    return {" ".join(line.get_label().split()[:2]): line.get_ydata() for line in lines}


@pytest.mark.parametrize("rows", [1, 3, 2000])
def test_png_shows_the_data(tmp_path, rows):
    """Each panel has pixels of its lines' colors, dots included where there is but one row."""
    path = tmp_path / "new" / "training.png"
    plot_training(_columns(rows), path)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    height, width, _ = pixels.shape
    axes = training_figure(_columns(rows)).axes
    for name, panel in [
        ("blue", 0), ("vermilion", 1), ("green", 1), ("orange", 2), ("purple", 2)
    ]:  # fmt: skip
        left, bottom, right, top = axes[panel].get_position().extents  # in parts, from below
        inside = pixels[
            round((1 - top) * height) : round((1 - bottom) * height),
            round(left * width) : round(right * width),
        ]
        difference = np.abs(inside - 255 * np.array(to_rgb(PALETTE[name]))).max(axis=-1)
        assert (difference < 12).sum() >= 9, (name, panel)
    assert list(path.parent.iterdir()) == [path]


def test_few_rows_are_drawn_as_logged():
    columns = _columns(3)
    lines = _lines(training_figure(columns))
    np.testing.assert_array_equal(lines["Wasserstein estimate"], columns["wasserstein_estimate"])
    np.testing.assert_array_equal(lines["Critic loss"], columns["critic_loss"])
    np.testing.assert_array_equal(lines["Gradient norm"], columns["gradient_norm"])


def test_many_rows_are_drawn_as_logged_and_smoothed():
    columns = _columns(100)  # mean of 11 rows
    lines = _lines(training_figure(columns))
    estimate = columns["wasserstein_estimate"]
    np.testing.assert_array_equal(lines["as logged"], estimate)
    smooth = lines["Wasserstein estimate"]
    np.testing.assert_allclose(smooth[50], estimate[45:56].mean())
    np.testing.assert_allclose(smooth[0], estimate[:6].mean())
    np.testing.assert_allclose(smooth[-1], estimate[-6:].mean())


def test_legend_states_the_smoothing():
    legend = training_figure(_columns(100)).axes[0].get_legend()
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["as logged", "Wasserstein estimate (mean of 11 rows)"]


def test_blank_values_leave_gaps_and_do_not_spread():
    columns = _columns(100)
    columns["wasserstein_estimate"][[40, 41]] = np.nan, np.inf
    smooth = _lines(training_figure(columns))["Wasserstein estimate"]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(smooth)), [40, 41])
    around = np.delete(columns["wasserstein_estimate"][34:45], [6, 7])  # rows 34 to 44
    np.testing.assert_allclose(smooth[39], around.mean())


def test_clipping_shows_the_clipped_share():
    figure = training_figure(_columns(5, "clipping"))
    lines = _lines(figure)
    assert "Clipped weights" in lines
    assert "Gradient penalty" not in lines
    assert "target norm:" not in lines


def test_dcgan_shows_losses_in_nats_and_probabilities():
    rng = np.random.default_rng(0)
    names = ["discriminator_loss", "generator_loss", "real_probability", "fake_probability"]
    columns = {"step": np.arange(1, 6), **{name: rng.random(5) for name in names}}
    losses, probabilities = training_figure(columns).axes
    assert "nats" in losses.get_ylabel()
    assert probabilities.get_ylim() == (0, 1)
    discriminator, generator = losses.get_lines()
    assert [line.get_color() for line in (discriminator, generator)] == [
        PALETTE["vermilion"], PALETTE["green"]
    ]  # fmt: skip
    np.testing.assert_array_equal(discriminator.get_ydata(), columns["discriminator_loss"])
    real, fake, undecided = probabilities.get_lines()
    np.testing.assert_array_equal(real.get_ydata(), columns["real_probability"])
    np.testing.assert_array_equal(fake.get_ydata(), columns["fake_probability"])
    assert (undecided.get_label(), set(undecided.get_ydata())) == ("undecided: 0.5", {0.5})


def test_wasserstein_runs_have_no_probabilities():
    labels = [axes.get_ylabel() for axes in training_figure(_columns(5)).axes]
    assert [label.split("\n")[0] for label in labels] == [
        "Wasserstein estimate", "Losses", "Gradient penalty", "Gradient norm"
    ]
    assert "score units" in labels[1]


def test_evaluations_are_drawn_at_their_steps_with_the_best_and_what_real_images_get():
    columns = {**_columns(6), "fid": np.array([np.nan, 40, np.nan, 25.5, np.nan, 30])}
    evaluated = EvaluatedColumn("fid", "Fréchet distance (a network of a long name)", "lower", 2.25)
    panel, *others = training_figure(columns, evaluated).axes
    assert len(others) == len(training_figure(columns).axes)  # drawn only where it is named
    line, best, real = panel.get_lines()
    np.testing.assert_array_equal(line.get_xdata(), [200, 400, 600])
    np.testing.assert_array_equal(line.get_ydata(), [40, 25.5, 30])
    assert (set(best.get_xdata()), best.get_label()) == ({400}, "best: 25.5 at step 400")
    assert (set(real.get_ydata()), real.get_linestyle()) == ({2.25}, "--")
    assert "\n" in panel.get_ylabel()
    columns["fid"][:] = np.nan
    assert len(training_figure(columns, evaluated).axes) == len(others)


def test_the_best_is_the_first_of_the_finite_ones_in_its_direction():
    values = [np.nan, 3, 1, np.inf, 5, 1, 5]
    assert EvaluatedColumn("fid", "FID", "lower").best(values) == 2
    assert EvaluatedColumn("recall", "recall", "higher").best(values) == 4
    assert EvaluatedColumn("fid", "FID", "lower").best([np.nan]) is None


def test_only_what_was_logged_has_a_panel():
    columns = {name: _columns(5)[name] for name in ("step", "critic_loss", "generator_loss")}
    figure = training_figure(columns)
    assert len(figure.axes) == 1
    assert set(_lines(figure)) == {"Critic loss", "Generator loss"}


@pytest.mark.parametrize("columns", [{"step": []}, {"step": [1, 2], "critic_loss": [np.nan] * 2}])
def test_nothing_to_draw_is_still_a_picture(tmp_path, columns):
    plot_training(columns, tmp_path / "training.png")
    assert (tmp_path / "training.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [({"critic_loss": [1.0]}, "'step'"), ({"step": [1, 2], "critic_loss": [1.0]}, "equal lengths")],
)
def test_bad_columns_are_refused(tmp_path, columns, message):
    with pytest.raises(ValueError, match=message):
        plot_training(columns, tmp_path / "training.png")
    assert not list(tmp_path.iterdir())


def test_global_state_stays_untouched():
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy()\n"
        "from utils.visualization.curves import training_figure\n"
        "training_figure({'step': [1], 'critic_loss': [2.0]})\n"
        "print('matplotlib.pyplot' in sys.modules, before == matplotlib.rcParams.copy())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.split() == ["False", "True"]
