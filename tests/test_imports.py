"""The import rule: scripts -> gans -> utils, and nothing heavy at the top."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def imports(path, top_level_only=False):
    """The modules that a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_files(path):
    """Every module that a file may import: of `from a import b`, a and a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            submodules = [name for name in names if (ROOT / name.replace(".", "/")).is_dir()
                          or (ROOT / f"{name.replace('.', '/')}.py").is_file()]  # fmt: skip
            yield from submodules
            if len(submodules) < len(names):
                yield node.module


def files(pattern):
    found = sorted(ROOT.glob(pattern))
    assert found, pattern
    return found


def packages(path):
    return {module.split(".")[0] for module in imports(path)}


def test_utils_imports_nothing_from_gans_or_scripts():
    scripts = {path.stem for path in files("*.py")}
    for path in files("utils/**/*.py"):
        assert not packages(path) & {"gans", *scripts}, path


def test_what_is_learned_imports_of_utils_only_what_needs_no_pictures():
    scripts = {path.stem for path in files("*.py")}
    for path in files("gans/**/*.py"):
        assert not packages(path) & scripts, path
        if {"methods", "model", "architectures"} & set(path.parts):
            of_utils = {module for module in imports(path) if module.split(".")[0] == "utils"}
            assert of_utils <= {"utils.latent", "utils.checks", "utils.options.model"}, path


def test_no_files_import_each_other_in_a_circle():
    """Wherever in a file an import stands: what is imported late is a circle too."""
    paths = [*files("*.py"), *files("gans/**/*.py"), *files("utils/**/*.py")]
    modules = {module_name(path): path for path in paths}
    imported = {
        name: {node for node in imported_files(path) if node in modules and node != name}
        for name, path in modules.items()
    }
    while imported:  # take away what imports nothing that is left
        free = {name for name, others in imported.items() if not others & imported.keys()}
        assert free, f"a circle among {', '.join(sorted(imported))}"
        imported = {name: others for name, others in imported.items() if name not in free}


def test_latent_is_numpy_alone():
    (path,) = files("utils/latent.py")
    assert packages(path) <= {"collections", "math", "numpy", "statistics"}


def test_scripts_import_nothing_heavy_at_the_top():
    for path in files("*.py"):
        top = {module.split(".")[0] for module in imports(path, top_level_only=True)}
        assert not top & {"tensorflow", "keras", "matplotlib", "numpy", "PIL", "gans"}, path


@pytest.mark.parametrize("package", ["gans", "gans.architectures", "utils"])
def test_importing_a_package_does_not_import_tensorflow(package):
    code = f"import sys, {package}; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_nothing_is_unpickled():
    for path in [*files("*.py"), *files("gans/**/*.py"), *files("utils/**/*.py")]:
        assert not packages(path) & {"pickle", "joblib", "dill"}, path
        assert "allow_pickle=True" not in path.read_text(), path


def test_public_names_exist():
    import gans
    import utils

    for package in (gans, utils):
        assert package.__all__
        for name in package.__all__:
            assert getattr(package, name) is not None
