"""report.html: one file with all that a run's folder tells, made from what is on disk."""

import functools
import time
from pathlib import Path
from typing import Any

import jinja2

from utils.run_directory import RunDirectory, atomic_path
from utils.visualization.report import sections
from utils.visualization.report.frames import Frames
from utils.visualization.report.panels import judged_column, panels_of
from utils.visualization.report.wording import number

GENERATOR = "wasserstein-gan report"


class Report:
    """The page of one run, which is written again and again while the run goes on.

    Pictures are encoded once: of a page that is written anew, only the new ones are.

    Args:
        run: The run directory.
    """

    def __init__(self, run: RunDirectory):
        self.run = run
        self._frames = Frames(run)

    def write(self) -> Path:
        """Writes report.html, whole or not at all.

        Returns:
            The page's path.

        Raises:
            OSError: If it cannot be written. What is missing or damaged in the run directory is
                said in the page.
        """
        run = self.run
        config, problems = sections.read_facts(run)
        columns, log_problems = sections.read_columns(run)
        verdict = sections.verdict(columns)
        columns = sections.known(columns)
        judged = judged_column(config, columns)
        panels = panels_of(columns, judged) if columns else []
        frames = self._frames.read()
        grids = len(run.list_samples())
        values = {
            "generator": GENERATOR,
            "title": sections.run_name(run.path),
            "facts": sections.headline(config, columns),
            "verdict": verdict,
            "problems": problems + log_problems,
            "frames": len(frames),
            "newest": frames[-1] if frames else None,
            "left_out": "" if len(frames) == grids else
            f"{len(frames)} of the {grids:,} grids in samples/ are in this page.",
            "real": self._frames.picture(run.real),
            "has_curves": bool(panels),
            "judged": sections.judged_while_training(config, columns, judged),
            "evaluation": sections.evaluation(run),
            "data_facts": sections.data_facts(config),
            "times": sections.times(run, columns),
            "commands": sections.commands(run, config),
            "configuration": sections.configuration(config),
            "data": {"runs": [frames], "panels": panels},
        }  # fmt: skip
        write_page("report.html", values, run.report)
        return run.report


def write_report(run: RunDirectory | str | Path) -> Path:
    """Writes the report of a run into its folder.

    Args:
        run: The run directory.

    Returns:
        The page's path.

    Raises:
        ValueError: If nothing that a run writes is in the folder.
        OSError: If the page cannot be written.
    """
    run = run if isinstance(run, RunDirectory) else RunDirectory(run)
    require_run(run, "report")
    return Report(run).write()


def require_run(run: RunDirectory, argument: str) -> None:
    """Raises ValueError if nothing that a run writes is in the folder."""
    if not (run.config.is_file() or run.log_csv.is_file() or run.list_samples()):
        raise ValueError(
            f"{argument} must be given a run directory, with the config.json that training writes. "
            f"Received: '{run.path}', which holds no run"
        )


def write_page(template: str, values: dict[str, Any], path: Path) -> None:
    """Writes a page of one of the templates beside this file, whole or not at all."""
    written = time.strftime("%Y-%m-%d %H:%M")
    text = _templates().get_template(template).render(written=written, **values)
    with atomic_path(path) as temporary:
        # A file's name may hold bytes that are no text.
        temporary.write_text(text, encoding="utf-8", errors="replace")


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["number"] = number
    return environment
