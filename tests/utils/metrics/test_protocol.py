"""When numbers may be compared."""

import pytest

from utils.metrics.protocol import protocol_differences

JUDGE = {
    "evaluate_metric": "fid", "evaluate_images": 2000, "real_images": 1000, "label": "FID",
    "extractor": "inception-2015-12-05", "fid_weights": True, "weights_sha256": "aa",
    "resize_mode": "tf1", "feature_size": [299, 299], "dimensions": 2048,
}  # fmt: skip
EVALUATION = {
    "extractor": "inception-2015-12-05", "fid_weights": True, "weights_sha256": "aa",
    "fakes": {"source": "a.keras", "images": 100, "sha256": "f00d"},
    "real": {"source": "photos", "fingerprint": "1", "digest": "beef", "images": 100},
    "held_out": {"source": "others", "digest": "cafe"}, "kid": {"degree": 3},
    "versions": {"numpy": "2.0"},
}  # fmt: skip


def changed(protocol, key, value):
    part, _, name = key.rpartition(".")
    return protocol | ({part: protocol[part] | {name: value}} if part else {key: value})


@pytest.mark.parametrize(
    ("protocol", "key", "value"),
    [
        (JUDGE, "extractor", "a copy"), (JUDGE, "label", "FID of old"),
        (JUDGE, "weights_sha256", "bb"), (EVALUATION, "weights_sha256", "bb"),
        (EVALUATION, "fakes.sha256", "d00f"), (EVALUATION, "real.source", "/photos"),
        (EVALUATION, "real.fingerprint", "2"), (EVALUATION, "versions.numpy", "3.0"),
    ],
)  # fmt: skip
def test_what_may_differ(protocol, key, value):
    other = changed(protocol, key, value)
    assert protocol_differences(protocol, other) == protocol_differences(other, protocol) == []


@pytest.mark.parametrize(
    ("protocol", "key", "value"),
    [
        (JUDGE, "evaluate_images", 3000), (JUDGE, "evaluate_metric", "kid"),
        (JUDGE, "feature_size", [64, 64]), (JUDGE, "fid_weights", False),
        (EVALUATION, "fakes.images", 90), (EVALUATION, "real.digest", "fade"),
        (EVALUATION, "held_out.digest", "fade"), (EVALUATION, "kid.degree", 2),
    ],
)  # fmt: skip
def test_what_may_not(protocol, key, value):
    before = protocol[key] if key in protocol else protocol[key.split(".")[0]][key.split(".")[1]]
    other = changed(protocol, key, value)
    assert protocol_differences(protocol, other) == [(key, before, value)]


def test_other_weights_are_the_same_only_where_both_are_the_fids():
    ours = JUDGE | {"fid_weights": False}
    theirs = ours | {"weights_sha256": "bb"}
    assert protocol_differences(ours, theirs) == [("weights_sha256", "aa", "bb")]


def test_that_only_one_looked_for_copies_is_no_difference():
    without = {key: value for key, value in EVALUATION.items() if key != "held_out"}
    assert protocol_differences(EVALUATION, without) == []
    assert protocol_differences(without, EVALUATION) == []


def test_a_key_that_only_one_names_is_a_difference():
    assert protocol_differences(JUDGE, JUDGE | {"crop": 1}) == [("crop", None, 1)]
