"""Python programs whose dependencies contradict our own, each in an environment, for tests."""

import subprocess
import sys
from functools import partial
from pathlib import Path

from caches import SECONDS, kept
from stores import left_out


def programs(*wanted: str) -> Path:
    """Return the folder `bin` of an environment with these packages (`name==version`).

    It is kept in the user's cache. Leave the test out if the registry cannot be reached.
    """
    return kept(partial(_install, wanted), "pip", sys.executable, *wanted) / "bin"


def _install(wanted: tuple[str, ...], folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=SECONDS)
    installed = subprocess.run(
        [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *wanted],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if installed.returncode:
        left_out("pip", f"pip cannot install {', '.join(wanted)}:\n{installed.stderr}")
