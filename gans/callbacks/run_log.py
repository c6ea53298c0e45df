"""run.log: what happened in a run, in lines with a time; the console shows them too."""

import contextlib
import logging
import sys
from collections.abc import Iterator

from tqdm import tqdm

from utils.run_directory import RunDirectory


class _Console(logging.Handler):
    """Prints messages to stdout without breaking a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stdout)
        sys.stdout.flush()


@contextlib.contextmanager
def run_log(run: RunDirectory, quiet: bool) -> Iterator[logging.Logger]:
    """The logger "gans", writing to run.log (from DEBUG) and, unless quiet, to stdout (INFO)."""
    logger = logging.getLogger("gans")
    run.path.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(run.log, encoding="utf-8", errors="backslashreplace")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    console = _Console(logging.WARNING if quiet else logging.INFO)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    for handler in (file, console):
        logger.addHandler(handler)
    try:
        yield logger
    finally:
        for handler in (file, console):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate = True
