"""The rules of values: what they take, of Python and of a command line, and what they say."""

import argparse

import numpy as np
import pytest

from utils.checks import (
    at_least,
    flag,
    number_or,
    one_of,
    positive,
    several,
    share,
    text,
    whole,
)

RULES = [
    (at_least(1), [1, np.int64(7)], [0, 1.0, True, "1", None], "a whole number of at least 1"),
    (whole(0, 255), [0, 255], [-1, 256], "a whole number from 0 to 255"),
    (positive, [1, 0.5, np.float32(2)], [0, -1.0, float("inf"), float("nan"), "1"],
     "a positive number"),
    (share, [0, 0.99], [1, -0.1, "0"], "a number in [0, 1)"),
    (flag, [True, False], [0, "yes"], "True or False"),
    (text, ["", "a"], [1, b"a"], "text"),
    (one_of("a", "b"), ["a"], ["c", 1], "one of a, b"),
    (number_or("all", at_least(1)), ["all", 3], ["most", 0],
     "a whole number of at least 1, or all"),
    (several(at_least(1), 2), [(1, 2), [3, 4]], [(1,), (1, 2, 3), (0, 1), 1, "12"],
     "2 values, each a whole number of at least 1"),
    (several(one_of("a", "b")), [("a",), ("b", "a")], [(), ("c",), "a"],
     "one or more values, each one of a, b"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "kept", "broken", "words"), RULES)
def test_what_keeps_a_rule_and_what_does_not(rule, kept, broken, words):
    for value in kept:
        rule.check("option", value)
    for value in broken:
        with pytest.raises(ValueError) as error:
            rule.check("option", value)
        assert str(error.value) == f"option must be {words}. Received: {value!r}"


@pytest.mark.parametrize(
    ("rule", "given", "value"),
    [
        (at_least(2), "2", 2),
        (positive, "1e-4", 1e-4),
        (share, "0", 0.0),
        (one_of("a", "b"), "b", "b"),
        (number_or("all", at_least(1)), "all", "all"),
        (number_or("all", at_least(1)), "4", 4),
    ],
)
def test_words_of_a_command_line(rule, given, value):
    assert rule(given) == value and type(rule(given)) is type(value)


@pytest.mark.parametrize(
    ("rule", "given"),
    [(at_least(2), "1"), (at_least(2), "1.5"), (positive, "fast"), (one_of("a", "b"), "c"),
     (several(whole(0, 9), 2).of_text, "10"), (number_or("all", at_least(1)), "most")],
)  # fmt: skip
def test_words_that_are_not_values_are_refused_by_the_rule(rule, given):
    with pytest.raises(argparse.ArgumentTypeError, match=f"must be .*. Received: '{given}'"):
        rule(given)
