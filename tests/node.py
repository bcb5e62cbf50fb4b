"""Programs and libraries from the npm registry, for tests."""

import shutil
import subprocess
from functools import partial
from pathlib import Path

from caches import SECONDS, kept
from stores import left_out


def packages(*wanted: str) -> Path:
    """The folder `node_modules` with these packages (`name@version`), kept in the user's cache.

    Leaves the test out where Node.js or npm is missing, or the registry cannot be reached.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        left_out("node", "Node.js and npm are not installed on this machine")
    return kept(partial(_install, str(npm), wanted), "npm", *wanted) / "node_modules"


def _install(npm: str, wanted: tuple[str, ...], folder: Path) -> None:
    installed = subprocess.run(
        [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *wanted],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if installed.returncode:
        left_out("node", f"npm cannot install {', '.join(wanted)}:\n{installed.stderr}")
