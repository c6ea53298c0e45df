"""A process: how it ends, what it loads and when, what it prints, and the cores it may use."""

import contextlib
import importlib
import logging
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from utils.files import lack_of_room
from utils.wording import printable


def run_script(main: Callable[[], int]) -> NoReturn:
    """Runs a script's `main` and ends the process with the status that it returns.

    A character that the console's encoding lacks is printed as an escape. Pillow's warnings are
    not shown. If nobody reads the output any more, as behind `| head -1`, the process ends quietly.

    Does not use sys.exit: HDF5 crashes at Python's shutdown if it could not finish writing a file,
    and TensorFlow's threads take seconds to end.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started the process
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")
    # Of odd images: what matters becomes a reason. Here for all threads, which no context is.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        try:
            status = main()
        except SystemExit as end:  # argparse
            status = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = 128 + signal.SIGPIPE
    except OSError as error:  # a full disk that the output goes to
        os.write(2, f"{Path(sys.argv[0]).name}: error: cannot print: {error}\n".encode())
        status = 1
    os._exit(status)


def exit_status(run: Callable[[], int], after_stop: str) -> int:
    """Runs a command and returns its exit status; an error is one line on stderr, not a traceback.

    What the line quotes of a file is printable: control characters are written as escapes.

    Args:
        run: Does the work and returns the exit status.
        after_stop: What to print after "Stopped." if the user presses Ctrl-C.
    """
    try:
        return run()
    except (ValueError, ArithmeticError, OSError, MemoryError) as error:
        if isinstance(error, BrokenPipeError) and _is_unread():
            raise
        message = error
    except _tensorflow_errors() as error:  # raised by errors inside a graph
        # Its first line names the graph, others the places where an operation was made.
        heads = (" ", "\t", "Graph execution", "Detected at", "<stack traces")
        lines = (line for line in error.message.splitlines() if line and not line.startswith(heads))
        message = next(lines, type(error).__name__)
        # Ours, raised where tf.data calls Python; what comes before it names TensorFlow's parts.
        message = message.rpartition(" ValueError: ")[2].removeprefix("ValueError: ")
        # Said of a full disk too, which no smaller batch helps.
        if type(error).__name__ == "ResourceExhaustedError" and lack_of_room(error) is None:
            message = ("the networks and a batch do not fit in memory: raise --accumulate, or "
                       "lower --batch_size, --base_filters or the image size")
    except ImportError as error:
        message = f"{error}: pip install -r requirements.txt, or use .venv/bin/python"
    except KeyboardInterrupt:
        print(f"\nStopped. {after_stop}", file=sys.stderr)
        return 130
    line = " ".join(str(message).split()) or type(message).__name__  # a library's may have several
    print(f"{Path(sys.argv[0]).name}: error: {printable(line)}", file=sys.stderr)
    return 1


def _is_unread() -> bool:
    """Whether stdout or stderr is a pipe that is closed at its other end."""
    outputs = select.poll()
    outputs.register(1, 0)
    outputs.register(2, 0)
    return any(event & select.POLLERR for _, event in outputs.poll(0))


def _tensorflow_errors() -> tuple[type[Exception], ...]:
    """TensorFlow's errors, once it is loaded; --help must not load it."""
    tensorflow = sys.modules.get("tensorflow")
    return () if tensorflow is None else (tensorflow.errors.OpError,)


def lazy_face(package: str,
              homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package that loads a module where its name is first used.

    Args:
        package: The package's `__name__`.
        homes: The module of each public name, as the package sees it: "data.preparator".
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return get, lambda: sorted({*vars(sys.modules[package]), *homes})


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Silences what libraries say on stderr of their own workings, in Python and in C++.

    Warnings and log messages below an error are silenced in a notebook too, where Python's stderr
    is not the process's. Exceptions pass.
    """
    disabled, stderr = logging.root.manager.disable, os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        os.dup2(stderr, 2)
        os.close(stderr)


def start_tensorflow(show_progress: bool = False) -> list:
    """Loads TensorFlow without its messages, and lets it take GPU memory only as needed.

    Args:
        show_progress: Whether to say on stderr, before seconds go by, what they are spent on.

    Returns:
        The GPUs.
    """
    if show_progress:
        print("Loading TensorFlow", file=sys.stderr, flush=True)
    with quiet_stderr():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return gpus


def progress_bar(title: str, total: int, show: bool, unit: str = "images", delay: float = 0.0):
    """A tqdm bar on stderr; if that is a file, one line every ten seconds.

    Args:
        title: Describes the work.
        total: How many of `unit`; 0 if unknown.
        show: Whether to show it at all.
        unit: What is counted.
        delay: Seconds before it is shown; shorter work needs no bar.
    """
    from tqdm import tqdm

    interval = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(desc=title, total=total or None, unit=f" {unit}", disable=not show,
                mininterval=interval, delay=delay)


def available_cores() -> int:
    """The cores of this process, if the system distinguishes them from the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
