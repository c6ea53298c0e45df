"""What the log of a run says of its health: one verdict, in plain words.

`diagnose` goes through the troubles below in their order and names the first that the numbers show;
where they show none, it says whether the run learns. A trouble that makes the others' numbers
meaningless comes before them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Rows of the log that there must be before anything but what is certain is said: fewer show no
# trend.
FEWEST_ROWS = 4
# A trend compares the last quarter of the rows with the quarter before it, but at most so many:
# what happened long ago says nothing of now.
MOST_ROWS_OF_A_WINDOW = 10
# It is one if it is twice its standard error, and more than this share of the level: statistics
# alone would call the smallest drift of a long run a trend.
SMALLEST_TREND = 0.02
# The penalty holds the critic's gradient near 1, and clipping far below it; healthy runs have at
# most 2 after their first interval. At 10 the critic's scores say nothing of distances any more.
EXPLODING_NORM = 10.0
# Healthy runs have 0.15 to 0.3 of their weights at the bound, small networks 0.55. Where most are,
# the critic is little more than the signs of its weights; where none is, nothing holds its slope.
SATURATED_SHARE = 0.75
# Scores that differ by less are all the same to float32.
FLAT_SCORES = 1e-6
# Samples of healthy runs differ from each other 0.8 to 1.2 times as much as real images do. An
# untrained generator begins near 0, so that little diversity is collapse only where it does not
# grow.
COLLAPSED_DIVERSITY = 0.25
# Samples that move further than this from row to row, in units of what tells real images apart, are
# other images every time. Healthy runs begin with 0.2 to 0.8. An average (EMA) hides such jumps;
# the generator itself is then further than this from its average. Healthy runs have 0.45 at most.
JUMPING = 1.0
FAR_FROM_AVERAGE = 0.7
# The critic's score of held-out images, on the way from that of the training images (0) to that of
# samples (1). With thousands of images it stays below 0.1; with 20 it passes 0.2 and rises on,
# for the critic comes to know its training images rather than what real images look like.
OVERFITTING_GAP = 0.2
# A discriminator as sure as this leaves the generator almost no gradient to learn from.
CERTAIN_PROBABILITY = 0.99
# Samples that move less than this from row to row, in units of what tells real images apart.
STILL = 0.02

Columns = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Verdict:
    """What a run's numbers say.

    Attributes:
        name: "starting", "learning", "critic not yet converged", "stalled", or a trouble's name.
        level: "good", "wait" (nothing is wrong yet) or "problem".
        since: The generator step of the first row that all rows since agree with.
        because: The numbers that it rests on, as a sentence.
        advice: One thing to try, or what to expect.
    """

    name: str
    level: str
    since: int
    because: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name} since step {self.since:,}: {self.because} {self.advice}"


def diagnose(columns: Columns) -> Verdict:
    """The verdict on a run as it is after the last row of its log.

    Args:
        columns: The columns of log.csv by name, each one number a row, NaN where a row has none.
            "step" is needed, with one row at least. What is not logged is not judged.
    """
    rows = {name: np.asarray(values, float) for name, values in columns.items() if name != "health"}
    count = len(rows["step"])
    name, level, because, advice = _judge(rows)
    first = count
    while first > 1:
        if _judge({key: values[: first - 1] for key, values in rows.items()})[0] != name:
            break
        first -= 1
    return Verdict(name, level, int(rows["step"][first - 1]), because, advice)


def _judge(rows: Mapping[str, np.ndarray]) -> tuple[str, str, str, str]:
    """(name, level, because, advice) after the last of these rows."""
    for name, find in _TROUBLES.items():
        found = find(rows)
        if found is not None:
            return name, "problem", *found
    if len(rows["step"]) < FEWEST_ROWS:
        return (
            "starting", "wait",
            f"the log has {len(rows['step'])} of the {FEWEST_ROWS} rows that a verdict needs.",
            "Wait.",
        )  # fmt: skip
    return _progress(rows)


def _not_finite(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    bad = [name for name in _TRAINING_LOGS if name in rows and not math.isfinite(rows[name][-1])]
    if not bad:
        return None
    return (
        f"{_words(bad[0])} is not a finite number.",
        "Resume from the last checkpoint with half the learning rate (--learning_rate).",
    )


def _exploding(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    if "gradient_norm" not in rows:
        return None
    norms = rows["gradient_norm"]
    if "clipped_weights" in rows:
        is_free = not rows["clipped_weights"].any() and len(norms) >= FEWEST_ROWS
        if not norms[-1] > EXPLODING_NORM and not (is_free and _trend(norms) > 0):
            return None
        held = f"{rows['clipped_weights'][-1]:.0%} of its weights are at the bound"
        return (
            f"The critic's gradient norm is {norms[-1]:.3g}; {held} that should hold it.",
            "Try a smaller --clip_value (0.01 is usual), or --method wgan-gp.",
        )
    if not norms[-1] > EXPLODING_NORM:
        return None
    return (
        f"The critic's gradient norm is {norms[-1]:.3g}, where the penalty wants 1.",
        "Try a larger --gradient_penalty (10 is usual) or a lower --learning_rate.",
    )


def _clipping_saturation(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    if "clipped_weights" not in rows or not rows["clipped_weights"][-1] > SATURATED_SHARE:
        return None
    return (
        f"{rows['clipped_weights'][-1]:.0%} of the critic's weights are at the bound.",
        "Try a larger --clip_value (0.01 is usual), or --method wgan-gp.",
    )


def _mode_collapse(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    diversity = rows.get("sample_diversity")
    if diversity is None or len(diversity) < FEWEST_ROWS:
        return None
    if not diversity[-1] < COLLAPSED_DIVERSITY or _trend(diversity) > 0:
        return None
    return (
        f"Samples differ from each other {diversity[-1]:.2g} times as much as real images do; "
        f"the most was {np.nanmax(diversity):.2g}.",
        "Try a lower --generator_learning_rate, or more critic updates (--n_critic).",
    )


def _critic_too_weak(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    name, margin = _margin(rows)
    if margin is None or len(margin) < FEWEST_ROWS:
        return None
    last = margin[-_window(margin) :]
    error = _noise(margin) / math.sqrt(len(last))
    if not np.mean(last) < max(2 * error, FLAT_SCORES):
        return None
    more = "a larger --clip_value, " if "clipped_weights" in rows else ""
    return (
        f"{name} is {np.mean(last):.3g}, which is not above zero by more than its noise "
        f"({error:.2g}): the critic does not tell samples from real images.",
        f"Try {more}a higher --learning_rate for the critic, or more of its updates (--n_critic).",
    )


def _unstable_generator(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    if len(rows["step"]) < FEWEST_ROWS:
        return None
    for name, most, found in [
        ("sample_change", JUMPING, "From row to row samples move"),
        ("raw_distance", FAR_FROM_AVERAGE, "The generator's samples are from its average's"),
    ]:
        if name in rows and (distance := _mean(rows[name][-_window(rows[name]) :])) > most:
            return (
                f"{found} {distance:.2g} times as far as real images are from each other.",
                "Try a lower --generator_learning_rate.",
            )
    return None


def _overfitting(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    gap = rows.get("held_out_gap")
    if gap is None or len(gap) < FEWEST_ROWS:
        return None
    window = _window(gap)
    first, last = _mean(gap[:window]), _mean(gap[-window:])
    # Which images are held out gives a gap from the start, which says nothing.
    risen = max(OVERFITTING_GAP / 2, 2 * _noise(gap) * math.sqrt(2 / window))
    if not last > OVERFITTING_GAP or not last - first > risen:
        return None
    return (
        f"The critic scores held-out images {last:.0%} of the way from training images down to "
        f"samples; it was {first:.0%} at first.",
        "Find more images, or stop here: samples will turn into copies of the training images.",
    )


def _discriminator_too_strong(rows: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    if "real_probability" not in rows or len(rows["step"]) < FEWEST_ROWS:
        return None
    last = _window(rows["step"])
    real, fake = (np.mean(rows[name][-last:]) for name in ("real_probability", "fake_probability"))
    is_certain = real > CERTAIN_PROBABILITY and fake < 1 - CERTAIN_PROBABILITY
    if not is_certain or _trend(rows.get("sample_diversity", rows["real_probability"])) > 0:
        return None
    return (
        f"It holds real images real with {real:.1%} and samples with {fake:.1%}, which leaves the "
        "generator no gradient to learn from.",
        "Try a lower --learning_rate for the discriminator, or a method that has no such end: "
        "--method wgan-gp.",
    )


def _progress(rows: Mapping[str, np.ndarray]) -> tuple[str, str, str, str]:
    """How a run gets on in which nothing is wrong."""
    estimate, change = rows.get("wasserstein_estimate"), rows.get("sample_change")
    diversity = rows.get("sample_diversity")
    window = _window(rows["step"])
    moved = math.nan if change is None else _mean(change[-window:])
    moving = f"samples move by {moved:.2g} of what tells real images apart from row to row"
    trend = 0.0 if estimate is None else _trend(estimate)
    if trend < 0:
        return (
            "learning", "good",
            f"The Wasserstein estimate falls: {_mean(estimate[-window:]):.3g}, {-trend:.0%} below "
            f"the {window} rows before.",
            "Go on.",
        )  # fmt: skip
    if trend > 0:
        return (
            "critic not yet converged", "wait",
            f"The Wasserstein estimate still rises: {_mean(estimate[-window:]):.3g}, {trend:.0%} "
            f"above the {window} rows before. It measures what the critic has found so far.",
            "Wait and look at the samples; where they do not get better either, give the critic "
            "more updates (--n_critic).",
        )  # fmt: skip
    if diversity is not None and _trend(diversity) > 0:
        return (
            "learning", "good",
            f"Samples become more different from each other: {diversity[-1]:.2g} times as much as "
            "real images.",
            "Go on.",
        )  # fmt: skip
    if moved < STILL:
        level = "" if estimate is None else "The Wasserstein estimate does not fall, and "
        return (
            "stalled", "wait",
            f"{_sentence(level + moving)}.",
            "More steps will change little: stop, or go on with half the learning rates.",
        )  # fmt: skip
    level = "" if estimate is None else "The Wasserstein estimate keeps its level, and "
    return ("learning", "good", f"{_sentence(level + moving)}.", "Go on.")


# What may be wrong, the first that is found being the verdict.
_TROUBLES: dict[str, Callable[[Mapping[str, np.ndarray]], tuple[str, str] | None]] = {
    "not finite": _not_finite,
    "exploding gradient": _exploding,
    "clipping saturation": _clipping_saturation,
    "unstable generator": _unstable_generator,
    "critic too weak": _critic_too_weak,
    "mode collapse": _mode_collapse,
    "discriminator too strong": _discriminator_too_strong,
    "overfitting": _overfitting,
}
_TRAINING_LOGS = (
    "critic_loss", "discriminator_loss", "generator_loss", "wasserstein_estimate", "gradient_norm",
)  # fmt: skip


def _margin(rows: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray | None]:
    """What the critic holds between real images and samples: its name, and the column."""
    if "wasserstein_estimate" in rows:
        return "The Wasserstein estimate", rows["wasserstein_estimate"]
    if "real_probability" in rows:
        difference = rows["real_probability"] - rows["fake_probability"]
        return "The difference of the discriminator's probabilities", difference
    return "", None


def _window(values: np.ndarray) -> int:
    return max(2, min(MOST_ROWS_OF_A_WINDOW, len(values) // 4))


def _noise(values: np.ndarray) -> float:
    """The deviation of a row around the trend, from second differences, which have no trend."""
    bends = np.abs(np.diff(values[-4 * MOST_ROWS_OF_A_WINDOW :], n=2))
    bends = bends[np.isfinite(bends)]
    # For independent rows with a normal deviation of 1 their median is 0.674 * sqrt(1 + 4 + 1).
    return float(np.median(bends)) / (0.674 * math.sqrt(6)) if len(bends) else math.inf


def _trend(values: np.ndarray) -> float:
    """Relative change of the last rows' mean against the rows before; 0 if it may be chance."""
    window = _window(values)
    last, before = _mean(values[-window:]), _mean(values[-2 * window : -window])
    change, scale = last - before, abs(before)
    error = _noise(values) * math.sqrt(2 / window)
    if not scale or not abs(change) > max(2 * error, SMALLEST_TREND * scale):
        return 0.0
    return change / scale


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
