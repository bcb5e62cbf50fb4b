"""Programs and libraries from the npm registry, for tests: installed once, never committed."""

import os
import shutil
import subprocess
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from stores import left_out

SECONDS = 300


def packages(*wanted: str) -> Path:
    """The folder `node_modules` with these packages (`name@version`), kept in the user's cache.

    Leaves the test out where Node.js or npm is missing, or the registry cannot be reached.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        left_out("node", "Node.js and npm are not installed on this machine")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dateline-tests"
    folder = cache / blake2b(" ".join(wanted).encode(), digest_size=8).hexdigest()
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with TemporaryDirectory(dir=cache) as fresh:
                _install(str(npm), Path(fresh), wanted)
                Path(fresh).rename(folder)
                Path(fresh).mkdir()  # for the end of the block
    return folder / "node_modules"


def _install(npm: str, folder: Path, wanted: tuple[str, ...]) -> None:
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
