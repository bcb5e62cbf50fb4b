"""What a command imports: nobody waits for the API who does not need it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import SECONDS, environment

pytestmark = pytest.mark.slow

# Modules stay loaded: what no later command has, no earlier one had.
PROGRAM = """
import json, sys
from app.cli import run
loaded = []
for line in json.loads(sys.argv[1]):
    sys.argv = ["dateline", *line.split()]
    try:
        run()
    except SystemExit as ended:
        loaded.append([ended.code or 0, sorted(sys.modules)])
with open("loaded.json", "w") as file:
    json.dump(loaded, file)
"""
API = ("fastapi", "starlette", "uvicorn", "app.api", "app.main", "app.server", "app.web")
LIBRARIES = ("sqlalchemy", "alembic", "pydantic_settings", "numpy", "rich.progress", "app.errors")
EVENT = '{"type": "meeting", "title": "Talks", "date": "2024-03", "sources": [{"title": "News"}]}'
HELP_TEXTS = ("--help", "key --help", "import --help", "serve --help")
# Each with its exit code: neither success nor failure loads the API.
COMMANDS = {
    "migrate": 0,
    "key create Anna --scope read": 0,
    "check": 0,
    "backup copy.backup": 0,
    "export csv": 0,
    "key revoke Nobody": 1,
    "backup no/folder": 1,
    "export ndjson --tpye contract": 1,
    "import events.ndjson": 1,
}


def loaded(folder: Path, *lines: str) -> Iterator[tuple[int, set[str]]]:
    """Yield the exit code of each command of one process, and the modules loaded by then."""
    settings = environment("sqlite:///store.db")
    subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(lines)],
        cwd=folder,
        env={**settings, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    for code, modules in json.loads((folder / "loaded.json").read_text()):
        yield code, set(modules)


def test_a_help_text_needs_no_library(tmp_path: Path) -> None:
    """It only prints."""
    for line, (code, modules) in zip(HELP_TEXTS, loaded(tmp_path, *HELP_TEXTS), strict=True):
        assert (code, modules.intersection((*API, *LIBRARIES))) == (0, set()), line


def test_a_command_of_the_store_does_not_load_the_api(tmp_path: Path) -> None:
    """Neither if it succeeds nor if it fails."""
    (tmp_path / "events.ndjson").write_text(EVENT)
    endings = loaded(tmp_path, *COMMANDS)
    for (line, expected), (code, modules) in zip(COMMANDS.items(), endings, strict=True):
        assert (min(code, 1), modules.intersection(API)) == (expected, set()), line


def test_keys_do_without_the_models(empty: str, tmp_path: Path) -> None:
    """The tables and documents take as long to import as all that a key needs."""
    Path(empty.removeprefix("sqlite:///")).rename(tmp_path / "store.db")
    lines = ("key create Anna --scope read", "key list", "key revoke Anna")
    for line, (code, modules) in zip(lines, loaded(tmp_path, *lines), strict=True):
        heavy = {"sqlmodel", "sqlalchemy.orm", "pycountry", "app.models", "app.schemas"}
        assert (code, heavy & modules) == (0, set()), line


def test_serving_loads_the_api(tmp_path: Path) -> None:
    """So the lists above name modules that exist."""
    ((_, modules),) = loaded(tmp_path, "serve")
    assert set(API) - modules == set()
