"""Pages of runs that open in any browser: one run's report, and several runs compared."""

from utils.pages.comparison import write_comparison
from utils.pages.report import Report, write_report

__all__ = ["Report", "write_comparison", "write_report"]
