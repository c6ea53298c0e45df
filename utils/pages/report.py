"""report.html: one file with everything in a run's folder, made from what is on disk."""

from pathlib import Path

from utils.pages import sections
from utils.pages.frames import Frames
from utils.pages.panels import judged_column, panels_of
from utils.pages.template import require_run, write_page
from utils.runs.directory import RunDirectory

GENERATOR = "wasserstein-gan report"


class Report:
    """The page of one run, rewritten again and again while the run goes on.

    Pictures are encoded once: a rewritten page encodes only the new ones.

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
            OSError: If it cannot be written. The page says what is missing or damaged in the run
                directory.
        """
        run = self.run
        config, problems = sections.read_facts(run)
        columns, log_problems = sections.read_columns(run)
        verdict = None if log_problems else sections.verdict(columns)
        columns = sections.known(columns)
        judged = judged_column(config, columns)
        panels = panels_of(columns, judged) if columns else []
        frames = self._frames.read()
        grids = len(run.list_samples())
        values = {
            "generator": GENERATOR,
            "title": run.path.resolve().name or str(run.path),
            "facts": sections.headline(config, columns),
            "verdict": verdict,
            "problems": problems + log_problems + self._frames.problems(),
            "frames": len(frames),
            "newest": frames[-1] if frames else None,
            "left_out": "" if len(frames) == grids else
            f"{len(frames)} of the {grids:,} grids in samples/ are on this page.",
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
        ValueError: If the folder is not a run directory.
        OSError: If the page cannot be written.
    """
    run = run if isinstance(run, RunDirectory) else RunDirectory(run)
    require_run(run, "report")
    return Report(run).write()
