"""A small part of benchmarks/hostile_inputs.py."""

import pytest

from benchmarks.hostile.archives import COUNT
from benchmarks.hostile_inputs import try_part


@pytest.mark.parametrize(
    ("part", "cases"),
    [
        ("images", range(40)),
        ("archives", range(0, COUNT - 9, 12)),  # without the bombs, which take seconds each
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_inputs_do_no_harm(part, cases, tmp_path):
    failures, _ = try_part(part, tmp_path, 0, cases)
    assert failures == []
