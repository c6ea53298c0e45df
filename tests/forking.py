"""Scripts in processes of their own that need not import TensorFlow, which takes seconds.

A server imports it once, runs nothing of it, and forks for each script: the script's process is a
new one in all but that. The server serves one process of tests, and ends with it.

    python forking.py SOCKET
"""

import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Process:
    """A running script, with the part of `subprocess.Popen` that tests use.

    Args:
        server: The socket of a server.
        script: The script's path.
        arguments: Its arguments.
        environment: Variables beside those of the server.
        separate: Whether stderr is kept apart from stdout.

    Attributes:
        peak: Megabytes of memory that it, or one of its own processes, held at most, once it ended.
    """

    def __init__(self, server, script, arguments=(), environment=None, separate=False):
        self.returncode = None
        # Files, as nobody reads a pipe while a test waits.
        self.stdout = self.stderr = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        if separate:
            self.stderr = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._status, status = os.pipe()
        request = [str(script), [str(argument) for argument in arguments], environment or {}]
        socket.send_fds(
            server, [json.dumps(request).encode()],
            [self.stdout.fileno(), self.stderr.fileno(), status],
        )  # fmt: skip
        os.close(status)
        self.pid = int(os.read(self._status, 20))

    def poll(self):
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            code, kilobytes = os.read(self._status, 40).split()
            self.returncode, self.peak = int(code), int(kilobytes) / 1024
            os.close(self._status)
        return self.returncode

    def wait(self, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self.kill()
                raise subprocess.TimeoutExpired(str(self.pid), timeout, self._read(self.stdout))
            select.select([self._status], [], [], left)
        return self.returncode

    def communicate(self, timeout=None):
        self.wait(timeout)
        return self._read(self.stdout), self._read(self.stderr)

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def output(self):
        """What stdout holds so far."""
        return self._read(self.stdout)

    def _read(self, file):
        # Not by file.read: the place in the file is the script's too, which would write there.
        descriptor = file.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")


class Server:
    """The server's process, from the first script on."""

    def __init__(self):
        self._process = None

    def start(self, *arguments, **options):
        """A `Process`: its arguments but the server."""
        if self._process is None:
            self._socket, other = socket.socketpair()
            with other:
                self._process = subprocess.Popen(
                    [sys.executable, __file__, str(other.fileno())], cwd=ROOT,
                    pass_fds=[other.fileno()], stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                )  # fmt: skip
        return Process(self._socket, *arguments, **options)

    def end(self):
        if self._process is not None:
            self._socket.close()
            self._process.wait()


def serve(connection):
    """Answers requests until the connection is closed, then waits for what still runs."""
    from utils.process import quiet_stderr

    with quiet_stderr():
        import keras  # noqa: F401

        import gans.training  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the scripts
    while True:
        request, descriptors, *_ = socket.recv_fds(connection, 2**20, 3)
        if not request:
            break
        if os.fork() == 0:
            connection.close()
            _watch(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _watch(request, stdout, stderr, status):
    """Forks the script's process, and writes its number; later its exit status and memory."""
    pid = os.fork()
    if pid == 0:
        os.close(status)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        _run(*request)
    os.write(status, b"%d" % pid)
    _, ended, usage = os.wait4(pid, 0)
    os.write(status, b"%d %d" % (os.waitstatus_to_exitcode(ended), usage.ru_maxrss))
    os._exit(0)


def _run(script, arguments, environment):
    """The script as Python runs one, to its end and that of the process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(environment)
    sys.argv = [script, *arguments]
    code = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
