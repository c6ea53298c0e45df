"""report.html, written anew while the run goes on."""

from typing import Any

from gans.training.callbacks.interval import IntervalCallback
from gans.training.schedule import Schedule
from utils.pages import Report
from utils.runs.directory import RunDirectory


class ReportPage(IntervalCallback):
    """report.html every interval, from what the other callbacks have written.

    Args:
        run: The run directory.
        schedule: How the run is divided.
    """

    def __init__(self, run: RunDirectory, schedule: Schedule):
        super().__init__(schedule)
        self._report = Report(run)

    def on_interval_end(self, step: int, logs: dict[str, Any]) -> None:
        self.write()

    def write(self) -> None:
        """Writes the page of the run as it is now."""
        self._report.write()
