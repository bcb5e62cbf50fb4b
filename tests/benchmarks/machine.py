"""What a run was made on: machine, versions, command."""

import os
import platform
import sqlite3
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app import __version__

PACKAGES = (
    *("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "sqlalchemy"),
    *("sqlmodel", "datasette"),
)


def told() -> dict[str, str]:
    """One line each."""
    return {
        "machine": f"{processor()}, {os.cpu_count()} cores, {memory()}{platform.system()}",
        "versions": ", ".join(
            [
                f"Dateline {__version__}",
                f"Python {platform.python_version()}",
                f"SQLite {sqlite3.sqlite_version}",
                *(f"{name} {of(name)}" for name in PACKAGES),
            ]
        ),
        "command": " ".join(["python -m benchmarks", *map(shown, sys.argv[1:])]),
        "day": datetime.now(UTC).date().isoformat(),
    }


def shown(argument: str) -> str:
    """An argument of the command; of a path that only this machine has, its name."""
    return Path(argument).name if Path(argument).is_absolute() else argument


def of(package: str) -> str:
    """The version of a package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def processor() -> str:
    """Its name, where Linux tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory() -> str:
    """How much there is, where the system tells it."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return ""
    return f"{size / 2**30:.0f} GB, "
