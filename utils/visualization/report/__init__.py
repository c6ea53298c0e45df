"""Pages of runs that open in any browser: one run's report, and several runs compared."""

from utils.visualization.report.comparing import write_comparison
from utils.visualization.report.page import Report, write_report

__all__ = ["Report", "write_comparison", "write_report"]
