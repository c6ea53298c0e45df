"""A whole evaluation, on small images with a small network, and the table made of it."""

import copy
import json

import keras
import numpy as np
import pytest

from utils.metrics.evaluation import evaluate
from utils.metrics.features.extractor import FeatureExtractor
from utils.metrics.features.image_sets import ImageSet
from utils.metrics.names import METRICS, NUMBERS
from utils.metrics.tables import evaluation_table, read_evaluation


def pictures(n, seed=0, brightest=200):
    """uint8 [n, 6, 6, 3]: blurred noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, brightest, (n, 3, 3, 3)).astype(np.uint8)
    return coarse.repeat(2, axis=1).repeat(2, axis=2)


class Uneven(FeatureExtractor):
    """Features whose last bits depend on the place in the batch, as on many processors."""

    def __call__(self, images):
        place = np.random.default_rng(len(images)).uniform(-1, 1, (len(images), 1))
        return super().__call__(images) * (1 + 1e-6 * place).astype(np.float32)


@pytest.fixture(scope="module")
def extractor():
    """A random projection of the pixels to eight features."""
    keras.utils.set_random_seed(2)
    images = keras.Input((6, 6, 3))
    features = keras.layers.Dense(8)(keras.layers.Flatten()(images / 255))
    return Uneven(keras.Model(images, features), "tiny", "ab" * 32)


@pytest.fixture
def judge(extractor, tmp_path):
    """`evaluate` with the cache in a folder of the test."""

    def judge(fakes, real, **options):
        options = {"cache_dir": tmp_path, "show_progress": False, **options}
        return evaluate(fakes, real, extractor, **options)

    return judge


def values(evaluation):
    return {row["name"]: row["value"] for row in evaluation["numbers"]}


REAL = pictures(300)


def test_the_same_images(judge):
    evaluation = judge(REAL[::-1], REAL)
    found = values(evaluation)
    assert found["fid"] == pytest.approx(0, abs=1e-6)
    assert found["kid_all_pairs"] < 0  # unbiased: the pairs of equal images count as any other
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    varied = evaluation["diversity"]
    assert varied["ratio"] == pytest.approx(1) and not varied["collapsed"]
    assert evaluation["copies"]["exact"] == evaluation["copies"]["near"] == 300
    for pair in evaluation["copies"]["closest"]:
        assert pair["distance"] == 0 and pair["fake"] == 299 - pair["training"]
    text = "\n".join(evaluation["warnings"])
    assert "Copies: 300 of 300 fakes equal a training image." in text
    assert "Near copies: 300 of 300" in text and "Collapse" not in text


def test_images_of_the_same_kind(judge):
    evaluation = judge(pictures(250, seed=1), REAL, held_out=pictures(200, seed=2))
    found = {row["name"]: row for row in evaluation["numbers"]}
    for name in ("fid", "fid_infinity", "kid_all_pairs"):  # not further than real from real
        assert abs(found[name]["value"]) < 2 * abs(found[name]["real"]) + 0.01
    copies = evaluation["copies"]
    assert copies["exact"] == 0 and copies["near"] < 12
    nearer = copies["nearer_to_training"]
    assert nearer["low"] < 0.5 < nearer["high"] and nearer["references"] == 200
    assert len(copies["closest"]) == 10
    for pair in copies["closest"]:
        assert 0 <= pair["held_out"] < 200 and pair["held_out_distance"] > 0
    (warning,) = evaluation["warnings"]  # what is always said of few images
    assert warning.startswith("Fréchet distance (tiny) depends on the number of images")
    assert "two halves of the real images, 150 each, are already" in warning


def test_every_number_stands_beside_that_of_real_halves(judge):
    evaluation = judge(pictures(250, seed=1), REAL)
    assert [row["name"] for row in evaluation["numbers"]] == [
        "fid", "fid_infinity", "kid_all_pairs", "precision", "recall", "density", "coverage",
    ]  # fmt: skip
    for row in evaluation["numbers"]:
        assert np.isfinite(row["value"]) and np.isfinite(row["real"])
        assert row["label"] == f"{NUMBERS[row['name']].name} (tiny)"
        assert row["better"] == NUMBERS[row["name"]].better


def test_collapsed_fakes(judge):
    fakes = pictures(3, seed=1).repeat(50, axis=0)
    evaluation = judge(fakes, REAL)
    varied = evaluation["diversity"]
    assert varied["collapsed"] and varied["near_identical"] == 1 and varied["sample"] == 150
    assert any(line.startswith("Collapse: 100% of the fakes") for line in evaluation["warnings"])
    assert values(evaluation)["coverage"] < 0.2

    # Of a few, some are as near by chance.
    few = [judge(pictures(20, seed), pictures(40, 100 + seed), metrics=["diversity"])
           for seed in range(1, 6)]  # fmt: skip
    assert any(one["diversity"]["near_identical"] > 0.1 for one in few)
    assert not any(one["diversity"]["collapsed"] or one["warnings"] for one in few)
    assert "near-identical" not in evaluation_table(few[:1], ["few"])
    assert "near-identical" in evaluation_table([evaluation], ["many"])


def test_exact_copies_are_looked_for_among_all_real_images(judge, extractor):
    chosen = set(ImageSet.of(REAL, "real").selection(100, seed=5))
    others = [index for index in range(300) if index not in chosen][:7]
    fakes = np.concatenate([REAL[others], pictures(93, seed=1)])
    copies = judge(fakes, REAL, num_images=100, seed=5, metrics=["copies"])["copies"]
    assert (copies["exact"], copies["exact_searched"], copies["searched"]) == (7, 300, 100)


def test_fakes_learned_by_heart(judge):
    noise = np.random.default_rng(3).integers(0, 4, REAL.shape).astype(np.uint8)
    evaluation = judge(REAL + noise, REAL, held_out=pictures(300, seed=2), metrics=["copies"])
    copies = evaluation["copies"]
    assert copies["exact"] == 0 and copies["nearer_to_training"]["low"] > 0.95
    assert evaluation["numbers"] == [] and "diversity" not in evaluation
    assert any("learned some of them by heart" in line for line in evaluation["warnings"])


def test_the_inception_score_of_images_sorted_by_class_is_that_of_the_same_shuffled(judge):
    # Ten classes, told apart by a certain network: the score is the number of classes.
    levels = np.arange(10, dtype=np.uint8).repeat(60) * 20
    by_class = np.broadcast_to(levels[:, None, None, None], (600, 6, 6, 3)).copy()
    images = keras.Input((6, 6, 3))
    level = keras.layers.GlobalAveragePooling2D()(images)
    features = keras.ops.one_hot(keras.ops.round(level[:, 0] / 20), 10)
    network = keras.Model(images, features)
    certain = FeatureExtractor(network, "certain", "0", head=100 * np.eye(10, dtype=np.float32))
    found = evaluate(by_class, by_class, certain, metrics=["inception_score"], show_progress=False)
    (row,) = found["numbers"]
    assert row["value"] > 9 and row["real"] > 8  # 1 if each split held one class


def test_images_of_different_shapes_are_not_compared(judge):
    for other in (pictures(20)[:, :4], pictures(20)[..., :1]):
        with pytest.raises(ValueError, match="real must have the shape of the fakes.*resize and"):
            judge(other, REAL)


def test_a_metric_can_be_named_by_a_number_of_its(judge):
    found = judge(REAL, REAL, metrics=["precision", "recall"])
    assert list(values(found)) == list(METRICS["prdc"])


def test_metrics_that_need_more_images_are_left_out_with_what_they_need(judge):
    evaluation = judge(pictures(17, seed=1), pictures(30))
    assert evaluation["left_out"] == {
        "fid_infinity": "it needs 18 fakes and 36 real images; there are 17 and 30",
        "kid": "it needs 1,000 fakes and 2,000 real images; there are 17 and 30",
        "inception_score": "tiny has no class logits",
    }
    table = evaluation_table([evaluation], ["run"])
    assert "Left out: kid: it needs 1,000 fakes and 2,000 real images; there are" in table
    done = judge(pictures(18, seed=1), pictures(36), metrics=["fid_infinity"])
    assert list(values(done)) == ["fid_infinity"] and done["left_out"] == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["fid", "kid"]}, "must not name kid here .it needs 1,000 fakes and 2,000"),
        ({"metrics": ["inception_score"]}, "inception_score here .tiny has no class logits"),
        ({"metrics": ["fjd"]}, "metrics must be among fid, .* Received: 'fjd'"),
        ({"num_images": 1}, "num_images must be 2 or more"),
        ({"held_out": "photos"}, "held_out must be a DataPreparator, .* Received: str"),
        ({"num_images": 3, "metrics": ["fid"]}, "it needs 2 fakes and 4 real images"),
    ],
)
def test_mistakes_are_one_line(judge, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        judge(pictures(20, seed=1), pictures(20), **options)
    assert "\n" not in str(caught.value)


def test_the_fewest_images(judge):
    """Where there is anything to compute, it is computed."""
    evaluation = judge(pictures(2, seed=1), pictures(4))
    assert list(values(evaluation)) == ["fid", "kid_all_pairs"]
    assert evaluation["copies"]["searched"] == 4 and "prdc" in evaluation["left_out"]
    assert not any("Near copies" in line for line in evaluation["warnings"])
    nothing = judge(pictures(2, seed=1), pictures(3))
    assert nothing["numbers"] == [] and set(nothing["left_out"]) == set(METRICS)
    assert "fakes against 3 real images" in evaluation_table([nothing], ["run"])


def test_real_images_that_are_all_repeated(judge):
    evaluation = judge(pictures(20, seed=1), pictures(1).repeat(40, axis=0))
    assert all(np.isfinite([row["value"], row["real"]]).all() for row in evaluation["numbers"])
    assert "copies" not in evaluation and "diversity" not in evaluation
    assert "must hold different images" in evaluation["left_out"]["diversity and copies"]


def test_the_same_seed_gives_the_same_result(judge, tmp_path):
    fakes = pictures(250, seed=1)
    first = judge(fakes, REAL, num_images=100, seed=3)
    assert judge(fakes, REAL, num_images=100, seed=3) == first  # now from the cache
    assert judge(fakes, REAL, num_images=100, seed=3, cache_dir=tmp_path / "new") == first
    assert judge(fakes, REAL, num_images=100, seed=4)["numbers"] != first["numbers"]
    twice = judge(fakes, REAL, num_images=100, seed=3, metrics=["fid", "fid"])
    assert twice["numbers"] == first["numbers"][:1]


def test_it_is_plain_values_with_its_protocol(judge):
    evaluation = judge(pictures(50, seed=1), REAL, num_images=100, held_out=pictures(40, seed=2))
    assert json.loads(json.dumps(evaluation, allow_nan=False)) == evaluation
    protocol = evaluation["protocol"]
    assert protocol["extractor"] == "tiny" and protocol["weights_sha256"] == "ab" * 32
    assert protocol["resize_mode"] == "tf1" and protocol["ddof"] == 1 and protocol["seed"] == 0
    assert (protocol["fakes"]["images"], protocol["fakes"]["of"]) == (50, 50)
    assert (protocol["real"]["images"], protocol["real"]["of"]) == (100, 300)
    assert protocol["real"]["digest"] != protocol["held_out"]["digest"]
    assert set(protocol["versions"]) == {"python", "tensorflow", "keras", "numpy", "pillow"}


@pytest.fixture(scope="module")
def evaluation(extractor, tmp_path_factory):
    return evaluate(pictures(250, seed=1), REAL, extractor, pictures(100, seed=2),
                    cache_dir=tmp_path_factory.mktemp("cache"), show_progress=False)  # fmt: skip


def test_table(evaluation):
    lines = evaluation_table([evaluation], ["runs/gan"]).splitlines()
    assert lines[0].split() == ["runs/gan", "real", "halves", "better"]
    assert lines[1].startswith("Fréchet distance (tiny) ") and lines[1].endswith("  lower")
    assert len({len(line) for line in lines[:8]}) == 1
    text = "\n".join(lines)
    assert "250 fakes against 300 real images of an array (real)." in text
    assert "Features: tiny (sha256 abababababab...), tf1 resize. Real halves: 150" in text
    assert "Copies among 250 fakes: 0 exact, of 300 real images; " in text
    assert "Nearer to a training than to a held-out image: " in text
    assert "Not comparable" not in text


def test_results_of_other_protocols_are_not_shown_together_in_silence(evaluation, judge):
    for options in ({"held_out": pictures(100, seed=2)}, {}):
        same = judge(pictures(250, seed=9), REAL, **options)
        assert "Not comparable" not in evaluation_table([evaluation, same], ["a", "b"])
    same = judge(pictures(250, seed=9), REAL, held_out=pictures(90, seed=2))
    assert "held_out.images 90, where a" in evaluation_table([evaluation, same], ["a", "b"])
    other = judge(pictures(200, seed=9), pictures(100, seed=8), seed=1)
    other["protocol"]["resize_mode"] = "clean"
    other["protocol"]["versions"]["numpy"] = "1.0"
    table = evaluation_table([evaluation, other], ["a", "b"])
    for line in ("resize_mode clean, where a has tf1.", "fakes.images 200, where a has 250.",
                 "real.images 100, where a has 300.", "seed 1, where a has 0."):  # fmt: skip
        assert f"Not comparable: b has {line}" in table
    digest = other["protocol"]["real"]["digest"]
    assert f"b has real.digest {digest[:12]}..., where a has " in table
    for key in ("held_out", "versions", "fakes.source"):
        assert f"b has {key}" not in table


def test_a_surrogate_is_not_shown_in_the_row_of_the_fid(evaluation):
    true = copy.deepcopy(evaluation)
    for row in true["numbers"]:
        row["label"] = NUMBERS[row["name"]].fid_name
    table = evaluation_table([true, evaluation], ["true", "other"])
    rows = {line[: line.index("  ")]: line.split() for line in table.splitlines() if "  " in line}
    assert rows["FID"][-3:-1] != rows["Fréchet distance (tiny)"][-3:-1]
    assert len(rows["FID"]) == 4  # one value, that of real halves, and which is better


def test_evaluations_with_other_metrics_share_a_table(evaluation, judge):
    some = judge(pictures(250, seed=9), REAL, metrics=["fid", "copies"])
    for pair in ([evaluation, some], [some, evaluation]):
        rows = evaluation_table(pair, ["one", "two"]).splitlines()[:8]
        assert [row.split("  ")[0] for row in rows[1:]] == [
            f"{NUMBERS[row['name']].name} (tiny)" for row in evaluation["numbers"]
        ]


def test_reading_an_evaluation(evaluation, tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(evaluation))
    assert read_evaluation(path) == evaluation

    def without(*keys):
        changed = copy.deepcopy(evaluation)
        part = changed
        for key in keys[:-1]:
            part = part[key]
        del part[keys[-1]]
        return json.dumps(changed)

    for content in [
        "", "{}", "[]", "3", "null", "{" * 9, "[" * 200_000, '"text"', '{"numbers": 3}',
        without("protocol"), without("warnings"), without("left_out"), without("protocol", "real"),
        without("numbers", 0, "real"), without("protocol", "fakes", "images"),
        without("numbers", 0, "label"), without("numbers", 0, "value"), without("copies", "near"),
        json.dumps({**evaluation, "numbers": [{**evaluation["numbers"][0], "value": "high"}]}),
        json.dumps({**evaluation, "numbers": [{**evaluation["numbers"][0], "label": 3}]}),
        json.dumps({**evaluation, "diversity": [1]}), json.dumps({**evaluation, "warnings": 1}),
    ]:  # fmt: skip
        path.write_text(content)
        with pytest.raises(ValueError, match="must be the evaluation.json of an earlier") as caught:
            read_evaluation(path)
        assert str(path) in str(caught.value)
    path.write_bytes(b"\xff\xfe\x00")
    for wrong in (path, tmp_path, tmp_path / "missing.json"):
        with pytest.raises(ValueError, match="must be the evaluation.json"):
            read_evaluation(wrong)
