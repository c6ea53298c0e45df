"""Running train_generator.py as a process, for several tests."""

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCRIPT = [sys.executable, str(ROOT / "train_generator.py")]


def run(*arguments, **options):
    return subprocess.run(
        [*SCRIPT, *arguments], capture_output=True, text=True, timeout=120, **options
    )


def start(folder, source, *arguments):
    return subprocess.Popen(
        [*SCRIPT, *source, "--save_path", str(folder), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def free_ports(count):
    """Ports of this machine that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
