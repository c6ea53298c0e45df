"""The FID's Inception network against the reference network with the same seeded weights.

inception_golden.npz holds what torch-fidelity 0.4.0 (inception-v3-compat) makes of some images with
the weights of `seeded_arrays`: never to be computed again with this project's code.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from utils.metrics.features import extractor as features
from utils.metrics.features import inception
from utils.metrics.features.inception_weights import InceptionWeights
from utils.metrics.features.resizing import resize

GOLDEN = np.load(Path(__file__).parent / "inception_golden.npz")
SIZES = ("native", "small", "large")  # 299x299, 40x56 and 400x320
BATCH_SIZES = (1, 3, 4)
# sha256 of the JSON of the reference's [[name, [height, width, in, out]], ...], 94 of them.
LAYERS = "2f469e595c5aa263b3187c9da520c63f7c4ad31c9725a9439be95e37551d7829"


def seeded_arrays(network):
    """The reference's weights, and the head's."""
    rng = np.random.default_rng(20151205)
    arrays = {}
    for name in inception.layer_names():
        shape = tuple(network.get_layer(name.replace("/", ".")).kernel.shape)
        height, width, channels, filters = shape
        kernel = rng.standard_normal(shape) * np.sqrt(2 / (height * width * channels))
        arrays[f"{name}/kernel"] = kernel.astype(np.float32)
        arrays[f"{name}/gamma"] = rng.uniform(0.5, 1.5, filters).astype(np.float32)
        arrays[f"{name}/beta"] = rng.normal(0, 0.1, filters).astype(np.float32)
        arrays[f"{name}/moving_mean"] = rng.normal(0, 0.1, filters).astype(np.float32)
        arrays[f"{name}/moving_variance"] = rng.uniform(0.5, 1.5, filters).astype(np.float32)
    return arrays, (rng.standard_normal((2048, 1008)) * 0.02).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    return inception.build_inception()


@pytest.fixture(scope="module")
def seeded(network):
    return seeded_arrays(network)


@pytest.fixture(scope="module")
def extractors(network, seeded):
    """By batch size, all on one network."""
    weights = InceptionWeights(*seeded, "seeded", True, "0" * 64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "read_inception_weights", lambda path: weights)
        patch.setattr(inception, "build_inception", lambda: network)
        return {size: features.inception_extractor(batch_size=size) for size in BATCH_SIZES}


@pytest.fixture(scope="module")
def pools(extractors):
    """Pool features of all golden images, by batch size and image size."""
    return {
        (batch_size, size): extractor(GOLDEN[f"images_{size}"])
        for batch_size, extractor in extractors.items()
        for size in SIZES
    }


def assert_equal_to(expected, values, tolerance=1e-4):
    """Relative to the largest: features and logits lie around zero."""
    assert values.shape == expected.shape and values.dtype == np.float32
    assert np.abs(values - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_features_and_logits_of_the_reference(extractors, pools, size, batch_size):
    pool = pools[batch_size, size]
    assert_equal_to(GOLDEN[f"pool_{size}"], pool)
    assert_equal_to(GOLDEN[f"logits_{size}"], extractors[batch_size].logits(pool))


@pytest.mark.parametrize("size", SIZES)
def test_the_batch_size_changes_rounding_only(pools, size):
    for batch_size in BATCH_SIZES[1:]:
        assert_equal_to(pools[BATCH_SIZES[0], size], pools[batch_size, size], 2e-6)


@pytest.mark.parametrize("size", SIZES)
def test_the_resize_of_the_reference(size):
    resized = resize(GOLDEN[f"images_{size}"], (299, 299), "tf1")
    assert resized.shape[1:] == (299, 299, 3) and resized.dtype == np.float32
    corner = GOLDEN[f"corner_{size}"]
    np.testing.assert_allclose(resized[:, :16, :16], corner, rtol=1e-6, atol=1e-4)


def test_layers_of_the_reference_in_their_order(network):
    names = inception.layer_names()
    assert names[:2] == ("conv", "conv_1") and names[-1] == "mixed_10/tower_2/conv"
    shapes = [
        [name, list(network.get_layer(name.replace("/", ".")).kernel.shape)] for name in names
    ]
    assert hashlib.sha256(json.dumps(shapes).encode()).hexdigest() == LAYERS
    convolutions = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert len(convolutions) == len(names) == len(set(names)) == 94
    assert network.input_shape == (None, 299, 299, 3) and network.output_shape == (None, 2048)


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda arrays: arrays.pop("conv_1/gamma"), "none"),
        (lambda arrays: arrays.update({"conv_1/gamma": np.ones(31, np.float32)}), "shape (31,)"),
        (lambda arrays: arrays.update({"conv_1/gamma": np.full(32, np.nan)}), "not finite"),
        (lambda arrays: arrays.update({"conv_1/gamma": np.full(32, "a")}), "instead of numbers"),
        (lambda arrays: arrays.update({"conv_1/moving_variance": np.full(32, -1.0)}), "below 0"),
    ],
)
def test_arrays_that_do_not_fit_are_one_line(network, seeded, change, received):
    arrays = dict(seeded[0])
    change(arrays)
    with pytest.raises(ValueError, match="inception_weights must hold conv_1/") as caught:
        inception.set_weights(network, arrays)
    message = str(caught.value)
    assert received in message and "of shape (32,)" in message and "\n" not in message


def test_other_arrays_are_passed_over(network, seeded):
    before = network.get_layer("conv").kernel.numpy()
    inception.set_weights(network, {**seeded[0], "another": np.zeros(3)})
    np.testing.assert_array_equal(network.get_layer("conv").kernel, before)
