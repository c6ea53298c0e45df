"""A preparator for the tests of the data pipeline."""

import pytest

from utils import DataPreparator


@pytest.fixture
def prepare(tmp_path):
    """A preparator with its cache in the test's own folder and no progress bar."""

    def make(source, **options):
        defaults = {"cache_dir": tmp_path / "cache", "batch_size": 1, "show_progress": False}
        return DataPreparator(source, **(defaults | options))

    return make
