"""What the README says is so: its picture, its requests and answers, its tables, its commands."""

import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.cli import cli
from app.filters import EventQuery
from app.settings import PREFIX, Settings
from picture import SHOWN, draw

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
REQUESTS = re.findall(r"```sh\n(curl [^\n]+)\n```\n\n```json\n(.*?)\n?```", README, re.DOTALL)


def rows(heading: str) -> dict[str, list[str]]:
    """The first table below a heading: its first column's code words, each with the other cells."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = {}
    for line in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE):
        first, *others = (cell.strip() for cell in line.split("|"))
        for name in re.findall(r"`([^`]+)`", first):
            found[name] = others
    return found


def test_the_picture_is_drawn_from_what_is_served(client: TestClient) -> None:
    """Each block is what `match` says of that event and month."""
    events = client.get("/events", params={"limit": 200}).json()["items"]
    picture = draw([event for event in events if event["id"] in SHOWN])
    assert f"<!-- the picture -->\n```text\n{picture}\n```" in README


def test_there_are_five_requests() -> None:
    """They are found where the next test looks for them."""
    assert len(REQUESTS) == 5


@pytest.mark.parametrize(("request_line", "answer"), REQUESTS)
def test_a_request_gives_the_answer_shown(
    client: TestClient, request_line: str, answer: str
) -> None:
    """Every request of the README, answered by the example chronology."""
    _, url = shlex.split(request_line)
    parts = urlsplit(url)
    found = client.get(f"{parts.path}?{parts.query}")
    assert found.json() == json.loads(answer)


def test_every_parameter_is_explained() -> None:
    """The table under "Asking" has each parameter of GET /events."""
    assert sorted(set(EventQuery.model_fields) - rows("Asking").keys()) == []


def test_every_setting_is_explained_with_its_default() -> None:
    """The table of settings has each with its real default and no other."""
    stated = {n: row[0].strip("`") for n, row in rows("Running it").items() if n.startswith(PREFIX)}
    real = {
        PREFIX + name.upper(): "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert stated == real


def test_every_command_is_explained() -> None:
    """The table of commands has each command and no other."""
    told = (name.split()[1:] for name in rows("Running it") if name.startswith("dateline "))
    stated = {" ".join(word for word in words if word.islower()) for words in told}
    groups: dict[str, typer.Typer] = {"": cli}
    groups |= {f"{g.name} ": g.typer_instance for g in cli.registered_groups if g.typer_instance}
    assert stated == {
        group + (command.name or command.callback.__name__)
        for group, commands in groups.items()
        for command in commands.registered_commands
        if command.callback
    }


def test_every_path_is_mentioned(client: TestClient) -> None:
    """Whoever reads the README has met every collection and every operation."""
    app = client.app
    assert isinstance(app, FastAPI)
    paths = {"/" + path.split("/")[1] for path in app.openapi()["paths"]}
    assert [path for path in sorted(paths) if path not in README] == []
