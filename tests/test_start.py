"""What a command imports: nobody waits for the API who does not need it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from servers import SECONDS, environment

PROGRAM = """
import json, sys
from app.cli import run
try:
    run()
finally:
    with open("loaded.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""
API = ("fastapi", "starlette", "uvicorn", "app.api", "app.main", "app.server", "app.web")
LIBRARIES = ("sqlalchemy", "alembic", "pydantic_settings", "numpy", "rich.progress", "app.errors")
EVENT = '{"type": "meeting", "title": "Talks", "date": "2024-03", "sources": [{"title": "News"}]}'


def loaded(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command, and the modules that it has loaded at its end."""
    settings = environment("sqlite:///store.db")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env={**settings, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return ran.returncode, set(json.loads((folder / "loaded.json").read_text()))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty store."""
    folder = tmp_path_factory.mktemp("start")
    assert loaded(folder, "migrate")[0] == 0
    (folder / "events.ndjson").write_text(EVENT)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("key", "--help"),
        ("import", "--help"),
        ("serve", "--help"),
    ],
    ids=" ".join,
)
def test_a_help_text_needs_no_library(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """It only prints."""
    code, modules = loaded(tmp_path, *arguments)
    assert code == 0
    assert modules.intersection((*API, *LIBRARIES)) == set()


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ("key", "create", "Anna", "--scope", "read")),
        (0, ("check",)),
        (0, ("backup", "copy.backup")),
        (0, ("export", "csv")),
        (1, ("key", "revoke", "Nobody")),
        (1, ("backup", "no/folder")),
        (1, ("export", "ndjson", "--tpye", "contract")),
        (1, ("import", "events.ndjson")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_command_of_the_store_does_not_load_the_api(
    store: Path, code: int, arguments: tuple[str, ...]
) -> None:
    """Neither if it succeeds nor if it fails."""
    ended, modules = loaded(store, *arguments)
    assert (ended > 0) == code
    assert modules.intersection(API) == set()


def test_serving_loads_the_api(tmp_path: Path) -> None:
    """So the lists above name modules that exist."""
    _, modules = loaded(tmp_path, "serve")
    assert set(API) - modules == set()
