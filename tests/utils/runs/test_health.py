import math

import numpy as np
import pytest

from utils.runs.health import FEWEST_ROWS, diagnose

ROWS = 12


def log(**columns):
    """The columns of a healthy WGAN-GP run, those given in the place of its own."""
    fall = 10 * 0.9 ** np.arange(ROWS)
    healthy = {
        "step": 100 * np.arange(1, ROWS + 1),
        "wasserstein_estimate": fall,
        "critic_loss": -fall,
        "generator_loss": fall,
        "gradient_norm": np.full(ROWS, 1.1),
        "gradient_penalty": np.full(ROWS, 0.1),
        "sample_diversity": np.linspace(0.1, 0.95, ROWS),
        "sample_change": np.full(ROWS, 0.2),
    }
    return {name: np.asarray(values, float) for name, values in {**healthy, **columns}.items()
            if values is not None}  # fmt: skip


def dcgan(**columns):
    return log(
        **{
            "wasserstein_estimate": None,
            "critic_loss": None,
            "gradient_norm": None,
            "gradient_penalty": None,
            "discriminator_loss": np.full(ROWS, 0.7),
            "real_probability": np.full(ROWS, 0.7),
            "fake_probability": np.full(ROWS, 0.3),
            **columns,
        }
    )


def at(value, rows=ROWS):
    return np.full(rows, value)


CLIPPING = {"gradient_penalty": None, "gradient_norm": at(0.05), "clipped_weights": at(0.25)}
SPOILED = np.r_[at(1.0, ROWS - 1), math.nan]
WAVES = np.where(np.arange(ROWS) % 2, 0.3, -0.3)


@pytest.mark.parametrize(
    ("name", "level", "columns"),
    [
        ("learning", "good", log()),
        ("learning", "good", log(wasserstein_estimate=at(3.0))),  # and samples move
        ("critic not yet converged", "wait", log(wasserstein_estimate=np.linspace(1, 5, ROWS))),
        ("stalled", "wait", log(wasserstein_estimate=at(3.0), sample_diversity=at(0.9),
                                sample_change=at(0.02))),
        ("critic too weak", "problem", log(wasserstein_estimate=WAVES)),
        ("critic too weak", "problem", log(wasserstein_estimate=np.linspace(0, -3, ROWS))),
        ("not finite", "problem", log(critic_loss=SPOILED)),
        ("exploding gradient", "problem", log(gradient_norm=np.geomspace(1, 50, ROWS))),
        ("exploding gradient", "problem", log(gradient_penalty=np.geomspace(0.1, 500, ROWS))),
        ("learning", "good", log(**{  # no weight is at the bound yet, and none needs to be
            **CLIPPING, "gradient_norm": np.geomspace(0.001, 0.03, ROWS),
            "clipped_weights": at(0.0)})),
        ("exploding gradient", "problem", log(**{
            **CLIPPING, "gradient_norm": np.geomspace(0.01, 5, ROWS), "clipped_weights": at(0.0)})),
        ("clipping saturation", "problem", log(**{**CLIPPING, "clipped_weights": at(0.95)})),
        ("learning", "good", log(**{**CLIPPING, "clipped_weights": at(0.8)})),
        ("learning", "good", log(**{**CLIPPING,
                                    "clipped_weights": np.linspace(0.99, 0.8, ROWS)})),
        ("learning", "good", log(**CLIPPING)),
        ("mode collapse", "problem", log(sample_diversity=np.linspace(0.9, 0.05, ROWS))),
        ("unstable generator", "problem", log(sample_change=at(2.2))),
        ("unstable generator", "problem", log(raw_distance=at(0.8))),
        ("overfitting", "problem", log(held_out_gap=np.linspace(0, 0.8, ROWS))),
        ("learning", "good", log(held_out_gap=at(0.3))),  # from the start: chance
        ("learning", "good", log(held_out_gap=np.r_[at(0.03, ROWS - 1), 4.0])),  # one wild value
        ("overfitting", "problem", log(
            held_out_gap=np.r_[at(math.nan, 3), np.linspace(0, 0.8, ROWS - 3)])),
        ("learning", "good", dcgan()),
        ("discriminator too strong", "problem", dcgan(
            real_probability=at(0.999), fake_probability=at(0.001), sample_diversity=at(0.5))),
        ("discriminator too weak", "problem", dcgan(fake_probability=at(0.71))),
    ],
)  # fmt: skip
def test_verdicts(name, level, columns):
    verdict = diagnose(columns)
    assert (verdict.name, verdict.level) == (name, level), verdict
    assert verdict.because.endswith(".")
    assert verdict.advice.endswith(".")


def test_few_rows_say_nothing_but_what_is_certain():
    few = {name: values[: FEWEST_ROWS - 1] for name, values in log().items()}
    assert diagnose(few).name == "starting"
    assert diagnose({**few, "gradient_norm": at(99.0, FEWEST_ROWS - 1)}).name == (
        "exploding gradient"
    )


def test_little_diversity_that_grows_is_no_collapse():
    assert diagnose(log(sample_diversity=np.geomspace(0.002, 0.2, ROWS))).level == "good"


@pytest.mark.parametrize(
    "estimates",
    [
        [9.14, 2.75, 1.59, 1.18, 1.07, 1.05, 1.04, 0.97],  # the runs of docs/training.md
        [22.1, 8.33, 5.73, 6.99, 7.03, 6.17, 6.43, 6.95],
        [32.3, 14.5, 7.43, 3.98, 4.28, 1.23, 1.26],
    ],
    ids=["fashion", "faces", "anime"],
)
def test_a_steep_fall_at_the_beginning_is_no_noise(estimates):
    for rows in range(1, len(estimates) + 1):
        columns = {"step": np.arange(1, rows + 1), "wasserstein_estimate": estimates[:rows]}
        assert diagnose(columns).level != "problem", rows


def test_little_diversity_that_was_never_more_is_no_collapse():
    assert diagnose(log(sample_diversity=np.r_[0.002, 0.003, at(0.11, ROWS - 2)])).level == "good"


def test_since_is_the_first_row_that_the_rows_after_agree_with():
    norms = np.r_[at(1.0, 8), at(30.0, 4)]
    assert diagnose(log(gradient_norm=norms)).since == 900
    norms[9] = 1.0  # an interruption counts anew
    assert diagnose(log(gradient_norm=norms)).since == 1100


def test_the_sentence_has_the_numbers():
    verdict = diagnose(log(gradient_norm=np.r_[at(1.0, 11), 42.5]))
    assert "42.5" in verdict.because
    assert "--gradient_penalty" in verdict.advice
    assert str(verdict).startswith("exploding gradient since step 1,200: ")


def test_what_is_missing_is_not_judged():
    assert diagnose({"step": np.arange(10), "generator_loss": np.ones(10)}).level != "problem"
    nothing = log(sample_change=at(math.nan), sample_diversity=at(math.nan),
                  held_out_gap=at(math.nan))  # fmt: skip
    verdict = diagnose(nothing)
    assert verdict.name == "learning"
    assert "nan" not in str(verdict)
    assert "little is logged" in diagnose({"step": np.arange(10)}).because
