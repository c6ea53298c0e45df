"""Running train_generator.py as a process, for several tests."""

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
