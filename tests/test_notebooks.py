"""The notebooks in demos/: each runs from the first to the last cell, on a tiny set."""

import re

import nbformat
import numpy as np
import pytest
from commands import ROOT
from jupyter_client import KernelManager
from nbclient import NotebookClient

NOTEBOOKS = sorted((ROOT / "demos").glob("*.ipynb"))
OVERRIDE = """
settings |= {{
    "source": {folder!r} + "/images.npy", "cache_dir": {folder!r} + "/cache",
    "save_path": {folder!r} + "/run", "resize": (8, 8), "base_filters": 4, "batch_size": 4,
    "train_steps": 2, "save_interval": 1, "epochs": None,
}}
widths = (4, 2)
"""


@pytest.fixture(scope="module")
def kernel():
    """One kernel for all notebooks, as each would import TensorFlow anew."""
    manager = KernelManager()
    manager.start_kernel(cwd=ROOT / "demos")
    yield manager
    manager.shutdown_kernel(now=True)


def execute(path, kernel, folder):
    """The notebook after it has run; raises what a cell has raised."""
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    channels = 1 if path.stem == "fashion_mnist" else 3
    np.save(folder / "images.npy", images[..., :channels])
    notebook = nbformat.read(path, as_version=4)
    [cell] = [c for c in notebook.cells if "override" in c.metadata.get("tags", [])]
    cell.source = OVERRIDE.format(folder=str(folder))
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))  # names of another notebook
    client = NotebookClient(notebook, km=kernel, timeout=120)
    try:
        return client.execute()
    finally:
        client.kc.stop_channels()


def outputs(notebook, kind):
    """The outputs of this MIME type."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    data = [output.get("data", {}) for cell in cells for output in cell.outputs]
    return [each[kind] for each in data if kind in each]


def test_there_is_one_for_each_family_of_presets_and_one_to_explore():
    names = [path.stem for path in NOTEBOOKS]
    assert names == ["anime_faces", "celeba", "cifar10", "explore", "fashion_mnist"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_the_first_to_the_last_cell(path, kernel, tmp_path):
    notebook = execute(path, kernel, tmp_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert list(tmp_path.rglob("generator.keras")) and list(tmp_path.rglob("training.gif"))
    assert len(outputs(notebook, "image/png")) >= 5 and outputs(notebook, "image/gif")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_is_whole_and_may_be_shown(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    assert not re.search(r"/root|/home|/work|/tmp", text)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert len(notebook.cells) < 15
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
    assert len(outputs(notebook, "image/png")) >= 5 and outputs(notebook, "image/gif")
    assert not any("%(" in cell.source for cell in notebook.cells)  # nothing left to fill in
    source = "\n".join(cell.source for cell in code)
    assert "pip install -q -r requirements.txt" in source and "git clone" in source
    assert "class " not in source and "keras.layers" not in source  # models are the package's
