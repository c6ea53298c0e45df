"""Running train_generator.py as a process, for several tests."""

import socket
import subprocess
import sys

from forking import ROOT, Server

SCRIPT = ROOT / "train_generator.py"
SERVER = Server()


def run(*arguments):
    """The command's result, from a process in which TensorFlow is imported already."""
    process = SERVER.start(SCRIPT, arguments, separate=True)
    output, errors = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def run_from_the_start(*arguments, **options):
    """The command's result, from a process as a shell starts it; options of `subprocess.run`."""
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=120,
        **options,
    )  # fmt: skip


def start(folder, source, *arguments):
    """The command's process, its stderr in its stdout."""
    return SERVER.start(SCRIPT, [*source, "--save_path", folder, *arguments])


def free_ports(count):
    """Ports of this machine that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
