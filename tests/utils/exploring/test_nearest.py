"""The nearest real image."""

import numpy as np
import pytest

from utils.exploring import nearest as nearest_images
from utils.exploring.nearest import nearest_in_pixels, write_nearest
from utils.metrics.features.image_sets import ImageSet


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (30, 4, 5, 3)).astype(np.uint8)


@pytest.mark.parametrize("at_once", [2**25, 7 * 60])
def test_of_all_images_however_many_are_in_memory(images, monkeypatch, at_once):
    monkeypatch.setattr(nearest_images, "VALUES_AT_ONCE", at_once)
    queries = images[[29, 3, 11]].astype(int)
    queries[:, 0, 0] += np.where(queries[:, 0, 0] > 128, -6, 6)  # three of 60 values
    distances, numbers = nearest_in_pixels(
        queries.astype(np.uint8), ImageSet.of(images, "real"), show_progress=False
    )
    assert numbers.tolist() == [29, 3, 11]
    np.testing.assert_allclose(distances, 6 * np.sqrt(3 / 60))


def test_features_decide_where_they_are_given(images, monkeypatch, tmp_path):
    """Of an extractor that sees the mean brightness only."""

    class Brightness:
        name, dimensions, batch_size = "brightness", 1, 8

        def __call__(self, images):
            return images.mean(axis=(1, 2, 3))[:, None].astype(np.float32)

        def protocol(self):
            return {"extractor": self.name}

    drawn = []
    monkeypatch.setattr(nearest_images, "save_closest_pairs", lambda *a: drawn.append(a))
    turned = images[[4, 20], ::-1, ::-1]
    for extractor in (Brightness(), None):
        write_nearest(turned, tmp_path / "n.png", images, extractor, tmp_path, False)
    (by_features, *_, title, _, _), (by_pixels, *_) = drawn
    assert [pair["training"] for pair in by_features] == [4, 20] and "brightness" in title
    assert [pair["training"] for pair in by_pixels] != [4, 20]
