"""run.log: what happened in a run, line by line with times; the console shows it too."""

import contextlib
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm

from utils.runs.directory import RunDirectory
from utils.wording import printable

logger = logging.getLogger("gans")


class _Line(logging.Formatter):
    """One printable line: names in it come from files."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


class _Console(logging.Handler):
    """Prints messages to stdout without breaking a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stdout)
        sys.stdout.flush()


@contextlib.contextmanager
def run_log(run: RunDirectory, quiet: bool) -> Iterator[None]:
    """Lets the logger "gans" write to run.log (from DEBUG) and, unless quiet, to stdout (INFO).

    Messages of the logger "utils" go the same way. An error that ends the run is logged.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(run.log, encoding="utf-8")
    file.setFormatter(_Line("%(asctime)s %(levelname)s %(message)s"))
    file.handleError = lambda record: None  # a full disk is reported when saving fails
    console = _Console(logging.WARNING if quiet else logging.INFO)
    console.setFormatter(_Line())
    with _handled("gans", [file, console]), _handled("utils", [file, console]):
        try:
            yield
        except BaseException as error:
            logger.debug("ended by %s: %s", type(error).__name__, error)
            raise
        finally:
            with contextlib.suppress(OSError):  # of what a full disk has not taken
                file.close()


def log_data(facts: dict[str, Any] | None, skipped: Sequence[tuple]) -> None:
    """Logs what the data are, and which files were skipped and why."""
    for key, value in (facts or {}).items():
        logger.debug("data: %s: %s", key, value)
    if skipped:
        logger.info("Skipped %d files that are not usable images: see run.log", len(skipped))
    for path, reason in skipped:
        logger.debug("skipped: %r: %s", str(path), reason)


@contextlib.contextmanager
def _handled(name: str, handlers: list[logging.Handler]) -> Iterator[None]:
    logger = logging.getLogger(name)
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
