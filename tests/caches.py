"""What tests install from registries: once, into the user's cache, never into the repository."""

import os
import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from filelock import FileLock

SECONDS = 300


def kept(install: Callable[[Path], object], *named: str) -> Path:
    """The folder kept under these names; whoever comes first has `install` fill it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dateline-tests"
    folder = cache / blake2b(" ".join(named).encode(), digest_size=8).hexdigest()
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        whole = folder / "whole"
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of an installation that was cut off
            folder.mkdir()
            install(folder)
            whole.touch()
    return folder
