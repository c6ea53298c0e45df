"""Diagrams and tables of networks."""

import logging
import shutil
import sys

import pytest
from PIL import Image

from utils.visualization import plot_models


@pytest.fixture
def networks(tiny_gan):
    gan = tiny_gan()
    return [gan.generator, gan.critic]


def _without_graphviz(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)


@pytest.mark.parametrize("columns", [None, "60"])
def test_tables_name_every_layer_with_shape_and_parameters(
    networks, tmp_path, monkeypatch, columns
):
    """However wide the terminal is."""
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    _without_graphviz(monkeypatch)
    files = plot_models(networks, tmp_path / "new")
    assert files == [tmp_path / "new" / "generator.txt", tmp_path / "new" / "critic.txt"]
    for network, file in zip(networks, files, strict=True):
        lines = file.read_text(encoding="utf-8").splitlines()
        for layer in network.layers:
            (line,) = [line for line in lines if line.startswith(f"│ {layer.name} ")]
            assert str(layer.output.shape) in line
            assert f" {layer.count_params():,} " in line
        assert any(f"Total params: {network.count_params():,} " in line for line in lines)


def test_without_graphviz_one_warning_says_what_is_missing(
    networks, tmp_path, monkeypatch, caplog
):
    _without_graphviz(monkeypatch)
    monkeypatch.delitem(sys.modules, "pydot", raising=False)
    plot_models(networks, tmp_path)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("utils", logging.WARNING)
    message = record.getMessage()
    assert "\n" not in message
    for part in ("pip install pydot", "apt-get install graphviz", str(tmp_path / "critic.txt")):
        assert part in message


def test_with_graphviz_every_network_has_a_diagram(networks, tmp_path, monkeypatch, caplog):
    import keras

    def draw(model, to_file, show_shapes, **options):
        assert show_shapes
        Image.new("L", (len(model.layers), 1)).save(to_file)

    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setitem(sys.modules, "pydot", None)
    monkeypatch.setattr(keras.utils, "plot_model", draw)
    files = plot_models(networks, tmp_path)
    assert [file.name for file in files] == [
        "generator.txt", "generator.png", "critic.txt", "critic.png"
    ]
    with Image.open(files[1]) as diagram:
        assert diagram.width == len(networks[0].layers)
    assert not caplog.records
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_diagram_by_graphviz_itself(networks, tmp_path):
    pytest.importorskip("pydot")
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    diagram = plot_models(networks, tmp_path)[1]
    with Image.open(diagram) as image:
        assert image.height > 60 * len(networks[0].layers)  # pixels a layer, from top to bottom


def test_bad_models_are_refused_in_one_line(networks, tmp_path):
    import keras

    for models, message in [
        ([], "models must be a list"),
        (networks[0], "models must be a list"),
        (["generator"], "models must be built Keras models"),
        ([keras.Sequential([keras.layers.Dense(2)])], "models must be built Keras models"),
        ([networks[0], keras.models.clone_model(networks[0])], "generator, generator"),
    ]:
        with pytest.raises(ValueError, match=message) as error:
            plot_models(models, tmp_path / "folder")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "folder").exists()
