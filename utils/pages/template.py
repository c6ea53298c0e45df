"""Pages of one file, from the templates beside this one, of folders that hold a run."""

import functools
import time
from pathlib import Path
from typing import Any

import jinja2

from utils.files import atomic_path
from utils.runs.directory import RunDirectory
from utils.wording import number


def write_page(template: str, values: dict[str, Any], path: Path) -> None:
    """Writes a page of one of the templates beside this file, whole or not at all."""
    written = time.strftime("%Y-%m-%d %H:%M")
    text = _templates().get_template(template).render(written=written, **values)
    with atomic_path(path) as temporary:
        # A file's name may hold bytes that are not text.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )
    environment.globals["number"] = number
    return environment


def require_run(run: RunDirectory, argument: str) -> None:
    """Raises ValueError if the folder is not a run directory."""
    if not (run.config.is_file() or run.log_csv.is_file() or run.list_samples()):
        raise ValueError(
            f"{argument} must be a run directory, with the config.json that training writes. "
            f"Received: '{run.path}', which is not one"
        )
