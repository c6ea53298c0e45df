"""What the log of a run says about its health: one verdict, in plain words.

`diagnose` checks for the troubles below in order and names the first that the numbers show. If they
show none, it says whether the run learns. A trouble that makes other numbers meaningless comes
before them. How healthy and unhealthy runs look: docs/reading-a-run.md.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from utils.runs.columns import TRAINING, in_words_of
from utils.runs.trends import level, noise, trend, window

# Rows needed to speak of a trend.
FEWEST_ROWS = 4
# The penalty holds the mean norm of the critic's gradient near 1; healthy runs have 1.6 at most, in
# their first interval. At 10 the critic's scores no longer say anything about distances. A few huge
# norms among small ones show in the penalty, the mean of (norm - 1)^2.
EXPLODING_NORM = 10.0
EXPLODING_PENALTY = (EXPLODING_NORM - 1) ** 2
# With clipping the norm has no fixed unit. It explodes if no weight is at the bound that should
# limit it, and it has passed 1 and rises.
UNHELD_NORM = 1.0
# Healthy runs have 0.15 to 0.8 of their weights at the bound, depending on the networks. If nearly
# all are, or many and not fewer with time, the critic is little more than its signs.
SATURATED_SHARE = 0.9
SATURATED_FOR_LONG = 0.85
# Between real images and samples, clipping to 1e-5 leaves 1e-15; the smallest of a healthy run,
# at its start, was 8e-4.
NO_DIFFERENCE = 1e-6
# Samples of healthy runs come to differ from each other 0.8 to 1.2 times as much as real images do.
# An untrained generator begins near 0, so low diversity is a collapse only if it was higher before.
COLLAPSED_DIVERSITY = 0.25
# Samples that move further than this from row to row, in units of the distance between real images,
# are other images every time: 2 to 2.7 in runs that jump, 0.8 at most in others. An average (EMA)
# hides jumps: then the generator itself is further from its average than 0.7 (0.78 to 1.8 in runs
# that jump; 0.5 at most in others, 0.25 to 0.4 after 6,000 to 28,000 steps).
JUMPING = 1.5
FAR_FROM_AVERAGE = 0.7
# The critic's score of held-out images, on a scale from training images (0) to samples (1). With
# thousands of images it stays below 0.1. With 20 it passes 0.2 and keeps rising, because the critic
# comes to know its training images rather than what real images look like.
OVERFITTING_GAP = 0.2
# A discriminator as sure as this leaves the generator almost no gradient to learn from.
CERTAIN_PROBABILITY = 0.99
# Samples that have moved less than this in the last quarter of a run, in the unit above, stand
# still. With fewer rows than this, a quarter means nothing.
STILL = 0.1
ROWS_TO_STALL = 12

Rows = Mapping[str, np.ndarray]  # columns of a log by name, float [rows]
Finding = tuple[str, str] | None  # because and advice


@dataclass(frozen=True)
class Verdict:
    """What a run's numbers say.

    Attributes:
        name: "starting", "learning", "critic not yet converged", "stalled", or a trouble's name.
        level: "good", "wait" (nothing is wrong yet) or "problem".
        since: The generator step of the first row with this verdict in all rows since.
        because: The numbers behind it, as a sentence.
        advice: One thing to try, or what to expect.
    """

    name: str
    level: str
    since: int
    because: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name} since step {self.since:,}: {self.because} {self.advice}"


def diagnose(columns: Mapping[str, Sequence[float]]) -> Verdict:
    """The verdict on a run after the last row of its log.

    Args:
        columns: The numeric columns of log.csv by name, NaN where a row has no number. "step" is
            required, with at least one row. What is not logged is not judged.
    """
    rows = {name: np.asarray(values, float) for name, values in columns.items()}
    first = len(rows["step"])
    name, level_, because, advice = _judge(rows)
    while first > 1 and _judge({key: v[: first - 1] for key, v in rows.items()})[0] == name:
        first -= 1
    name, because, advice = (in_words_of(rows, text) for text in (name, because, advice))
    return Verdict(name, level_, int(rows["step"][first - 1]), because, advice)


def _judge(rows: Rows) -> tuple[str, str, str, str]:
    """(name, level, because, advice) after the last of these rows."""
    count = len(rows["step"])
    for name, (fewest, find) in _TROUBLES.items():
        found = find(rows) if count >= fewest else None
        if found is not None:
            return name, "problem", *found
    if count < FEWEST_ROWS:
        known = f"The log has {count} of the {FEWEST_ROWS} rows that a verdict needs."
        return "starting", "wait", known, "Wait."
    return _progress(rows)


def _not_finite(rows: Rows) -> Finding:
    if all(math.isfinite(rows[name][-1]) for name in TRAINING if name in rows):
        return None
    return (
        "Not all losses and weights are finite numbers.",
        "Resume from the last checkpoint with half the --learning_rate and "
        "--generator_learning_rate.",
    )


def _exploding(rows: Rows) -> Finding:
    if "gradient_norm" not in rows:
        return None
    norm = rows["gradient_norm"][-1]
    if "clipped_weights" not in rows:
        penalty = rows.get("gradient_penalty", np.zeros(1))[-1]
        if not norm > EXPLODING_NORM and not penalty > EXPLODING_PENALTY:
            return None
        return (
            f"The critic's gradient norm is {norm:.3g} and the penalty {penalty:.3g}; they should "
            "be near 1 and 0.",
            "In a new run, try a larger --gradient_penalty (10 is usual) or a lower "
            "--learning_rate.",
        )
    is_rising = len(rows["step"]) >= FEWEST_ROWS and trend(rows["gradient_norm"]) > 0
    if rows["clipped_weights"][-1] > 0 or not norm > UNHELD_NORM or not is_rising:
        return None
    return (
        f"The critic's gradient norm has risen to {norm:.3g}, and none of its weights is at the "
        "bound that should limit it.",
        "In a new run, try a smaller --clip_value (0.01 is usual), or --method wgan-gp.",
    )


def _clipping_saturation(rows: Rows) -> Finding:
    if "clipped_weights" not in rows:
        return None
    share = level(rows["clipped_weights"])
    lasts = share > SATURATED_FOR_LONG and not trend(rows["clipped_weights"]) < 0
    if not share > SATURATED_SHARE and not lasts:
        return None
    return (
        f"{share:.0%} of the critic's weights are at the bound.",
        "In a new run, try a larger --clip_value (0.01 is usual), or --method wgan-gp.",
    )


def _unstable_generator(rows: Rows) -> Finding:
    away = "The generator's samples are away from its average's by"
    for name, most, found in [
        ("sample_change", JUMPING, "From row to row, samples move"),
        ("raw_distance", FAR_FROM_AVERAGE, away),
    ]:
        if name in rows and (distance := level(rows[name])) > most:
            because = f"{found} {distance:.2g} times the distance between real images."
            return because, "Try a lower --generator_learning_rate."
    return None


def _critic_too_weak(rows: Rows) -> Finding:
    if "wasserstein_estimate" in rows:
        name, margin = "The Wasserstein estimate", rows["wasserstein_estimate"]
    elif {"real_probability", "fake_probability"} <= rows.keys():
        name = "The difference between the critic's probabilities"
        margin = rows["real_probability"] - rows["fake_probability"]
    else:
        return None
    now, rows_now = level(margin), window(margin)
    error = noise(margin) / math.sqrt(rows_now)
    is_noise = now < 2 * error and margin[-2 * rows_now :].min() <= 0
    if not now < NO_DIFFERENCE and not is_noise:
        return None
    more = "a larger --clip_value, " if "clipped_weights" in rows else ""
    return (
        f"{name} is {now:.3g}, which is not above zero by more than its noise ({error:.2g}): the "
        "critic cannot tell samples from real images.",
        f"In a new run, try {more}a higher --learning_rate with the same "
        "--generator_learning_rate, or more critic updates (--n_critic).",
    )


def _mode_collapse(rows: Rows) -> Finding:
    diversity = rows.get("sample_diversity")
    if diversity is None or not diversity[-1] < COLLAPSED_DIVERSITY or trend(diversity) > 0:
        return None
    most = np.nanmax(diversity)
    if not most > 2 * diversity[-1]:
        return None
    return (
        f"Samples differ from each other {diversity[-1]:.2g} times as much as real images do; the "
        f"highest value was {most:.2g}.",
        "Try a lower --generator_learning_rate or, in a new run, more critic updates (--n_critic).",
    )


def _discriminator_too_strong(rows: Rows) -> Finding:
    if not {"real_probability", "fake_probability", "sample_diversity"} <= rows.keys():
        return None
    real, fake = level(rows["real_probability"]), level(rows["fake_probability"])
    is_certain = real > CERTAIN_PROBABILITY and fake < 1 - CERTAIN_PROBABILITY
    if not is_certain or trend(rows["sample_diversity"]) > 0:
        return None
    return (
        f"It gives real images a probability of {real:.1%} of being real, and samples {fake:.1%}: "
        "the generator has no gradient left to learn from.",
        "Try a lower --learning_rate with the same --generator_learning_rate or, in a new run, "
        "--method wgan-gp, which avoids this.",
    )


def _overfitting(rows: Rows) -> Finding:
    gaps = rows.get("held_out_gap", np.empty(0))
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps) < FEWEST_ROWS:
        return None
    # Medians: the gap is a quotient, and erratic if samples score like training images. A gap from
    # the start says nothing: it depends on which images are held out.
    first, last = np.median(gaps[: window(gaps)]), np.median(gaps[-window(gaps) :])
    risen = max(OVERFITTING_GAP / 2, 2 * noise(gaps) * math.sqrt(2 / window(gaps)))
    if not last > OVERFITTING_GAP or not last - first > risen:
        return None
    return (
        f"The critic scores held-out images {last:.0%} of the way from training images down to "
        f"samples; at first it was {first:.0%}.",
        "Find more images, or stop here: samples will turn into copies of the training images.",
    )


# What may be wrong, and how many rows it takes to tell; the first one found counts.
_TROUBLES: dict[str, tuple[int, Callable[[Rows], Finding]]] = {
    "not finite": (1, _not_finite),
    "exploding gradient": (1, _exploding),
    "clipping saturation": (FEWEST_ROWS, _clipping_saturation),
    "unstable generator": (FEWEST_ROWS, _unstable_generator),
    "critic too weak": (FEWEST_ROWS, _critic_too_weak),
    "mode collapse": (FEWEST_ROWS, _mode_collapse),
    "discriminator too strong": (FEWEST_ROWS, _discriminator_too_strong),
    "overfitting": (FEWEST_ROWS, _overfitting),
}


def _progress(rows: Rows) -> tuple[str, str, str, str]:
    """The progress of a run in which nothing is wrong."""
    estimate = rows.get("wasserstein_estimate")
    now, direction = (0.0, 0.0) if estimate is None else (level(estimate), trend(estimate))
    count = window(rows["step"])
    if direction < 0:
        return (
            "learning", "good",
            f"The Wasserstein estimate falls: {now:.3g}, {-direction:.0%} below the {count} rows "
            "before.",
            "Go on.",
        )  # fmt: skip
    if direction > 0:
        return (
            "critic not yet converged", "wait",
            f"The Wasserstein estimate still rises: {now:.3g}, {direction:.0%} above the {count} "
            "rows before. It measures what the critic has found so far.",
            "Wait, and look at the samples. If they do not get better either, give the critic more "
            "updates (--n_critic) in a new run.",
        )  # fmt: skip
    known = [] if estimate is None else [f"The Wasserstein estimate stays level at {now:.3g}."]
    diversity, change = (rows.get(name) for name in ("sample_diversity", "sample_change"))
    if diversity is not None and trend(diversity) > 0:
        known.append(f"Samples become more varied: they differ {diversity[-1]:.2g} times as much "
                     "as real images.")  # fmt: skip
        return "learning", "good", " ".join(known), "Go on."
    quarter = len(rows["step"]) // 4
    moved = math.nan if change is None else change[-max(1, quarter) :].sum()
    if math.isfinite(moved):
        known.append(f"In the last {max(1, quarter)} rows, samples have moved by {moved:.2g} times "
                     "the distance between real images.")  # fmt: skip
    if len(rows["step"]) >= ROWS_TO_STALL and moved < STILL:
        return (
            "stalled", "wait", " ".join(known),
            "More steps will change little: stop, or go on with half the --learning_rate and "
            "--generator_learning_rate.",
        )  # fmt: skip
    return (
        "learning", "good", " ".join(known) or "Nothing looks wrong, but little is logged.",
        "Go on.",
    )  # fmt: skip
