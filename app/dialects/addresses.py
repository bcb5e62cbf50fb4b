"""The file that a SQLite URL names, or what is wrong with the URL."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL

from app.dialects.errors import StoreError

# A test of the URL as written, as parsed and of its path, and the fault if it is true.
FAULTS: tuple[tuple[Callable[[str, URL, str], object], str], ...] = (
    (
        lambda written, url, path: "?" in written,
        "Dateline takes no options for SQLite; a ? in the path of the file is written %3F",
    ),
    (
        lambda written, url, path: url.host or url.username or url.port,
        "a SQLite URL has no host: three slashes before a relative path, sqlite:///FILE, and four "
        "before an absolute one",
    ),
    (
        lambda written, url, path: path in ("", ":memory:"),
        "Dateline needs a file, behind three slashes: sqlite:///FILE",
    ),
    (
        lambda written, url, path: path.startswith("file:"),
        "behind the slashes stands a path, not a file: URI: sqlite:///FILE",
    ),
    (
        lambda written, url, path: path.startswith("~"),
        "~ is not replaced; write the path out, sqlite:////home/NAME/FILE, or sqlite:///./~",
    ),
    (
        lambda written, url, path: path.endswith(("/", "/.", "/..")) or path in (".", ".."),
        "that is a folder; name a file in it",
    ),
    (
        lambda written, url, path: not path.isprintable(),
        "the path has a control character",
    ),
    (
        lambda written, url, path: os.name != "nt" and re.match(r"[A-Za-z]:[\\/]", path),
        "that is a path of Windows, and this is none",
    ),
)


def path_of(written: str, url: URL) -> Path:
    """Return the absolute path of the file. Raise StoreError, with an example, if it is none."""
    path = url.database or ""
    for is_so, fault in FAULTS:
        if is_so(written, url, path):
            raise StoreError(f"DATELINE_DATABASE_URL: {fault}")
    return Path(path).absolute()
