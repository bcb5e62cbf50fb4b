"""What README and docs say is so: pictures, requests and answers, tables, commands."""

import json
import re
from pathlib import Path
from typing import get_origin

import pytest
import typer
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.files import export_events
from app.cli import cli
from app.filters import EventQuery
from app.filters.query import FACETS, INTERVALS
from app.formats import FORMATS, MAX_FEED_EVENTS
from app.settings import ENV_PREFIX, Settings
from benchmarks.goals import GOALS
from commands import forked_server
from documented import ROOT, differing, run, section, steps_in, text_of
from picture import SHOWN, draw

README = text_of("README.md")
CONCEPTS = text_of("docs/concepts.md")
QUERY = text_of("docs/query.md")
FILES = text_of("docs/files.md")
OPERATE = text_of("docs/operate.md")
PERFORMANCE = text_of("docs/performance.md")
EVERYTHING = "".join(text_of(f"docs/{path.name}") for path in (ROOT / "docs").glob("*.md"))
MAX_README_LINES = 150


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """Return the tables below a heading: each code word of a first cell with the other cells."""
    found = {}
    for line in re.findall(r"^\| (`.*) \|$", section(text, heading), re.MULTILINE):
        first, *others = (cell.strip() for cell in line.split("|"))
        for name in re.findall(r"`([^`]+)`", first):
            found[name] = others
    return found


def test_the_readme_is_short() -> None:
    """Whoever is new reads it to the end."""
    assert README.count("\n") <= MAX_README_LINES


def test_the_picture_is_drawn_from_what_is_served(client: TestClient) -> None:
    """Each block is what `match` says of that event and month."""
    events = client.get("/events", params={"limit": 200}).json()["items"]
    picture = draw([event for event in events if event["id"] in SHOWN])
    assert f"<!-- the picture -->\n```text\n{picture}\n```" in CONCEPTS


def test_the_figures_are_those_of_the_run_beside_them() -> None:
    """The machine, the versions and the command; each goal with what was measured."""
    shown, report = section(PERFORMANCE, "Goals"), text_of("docs/benchmarks/benchmarks.md")
    told = json.loads(text_of("docs/benchmarks/benchmarks.json"))
    assert section(report, "Goals, at 1,000,000 events").strip() in shown
    assert report.split("\n\n")[1] in shown
    assert [goal["what"] for goal in told["goals"]] == [goal.what for goal in GOALS]


def test_the_figures_of_postgresql_are_those_of_their_run() -> None:
    """With the command, the machine and the versions."""
    shown = section(PERFORMANCE, "On PostgreSQL")
    report = text_of("docs/benchmarks/postgresql/benchmarks.md")
    assert section(report, "On PostgreSQL, at 1,000,000 events").strip() in shown
    assert report.split("\n\n")[1] in shown


@pytest.mark.parametrize(
    ("text", "heading", "number"), [(README, "Ask", 2), (QUERY, "Four requests", 4)]
)
def test_a_request_gives_the_answer_shown(
    seeded_store: str, tmp_path: Path, text: str, heading: str, number: int
) -> None:
    """Every request, answered by the example chronology."""
    asked = section(text, heading)
    assert len([step for step in steps_in(asked) if step.answer]) == number
    with forked_server(seeded_store) as server:
        assert differing(asked, server, tmp_path) == []


def test_an_event_is_added_as_described(seeded_store: str, tmp_path: Path) -> None:
    """The README's commands, against a real server."""
    commands = section(README, "Add an event").replace(".venv/bin/", "")
    with forked_server(seeded_store) as server:
        run(commands, server, tmp_path)
        (event,) = server.ask("/events?q=talks+gas+belgrade").json()["items"]
        revisions = server.ask(f"/events/{event['id']}/revisions").json()
    assert (event["date"]["edtf"], len(event["sources"])) == ("2024-03", 1)
    assert [item["author"] for item in revisions["items"]] == ["Anna"]


def test_every_parameter_is_explained() -> None:
    """The table of the filter has each parameter of GET /events."""
    assert sorted(set(EventQuery.model_fields) - rows(QUERY, "The filter").keys()) == []


def test_what_may_be_repeated_is_marked() -> None:
    """By a small plus in the table of the filter."""
    marked = {
        name
        for row in re.findall(r"^\| (`.*) ⁺ \|", QUERY, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }
    fields = EventQuery.model_fields.items()
    assert marked == {name for name, field in fields if get_origin(field.annotation) is list}


@pytest.mark.parametrize("name", [*FACETS, *INTERVALS])
def test_what_may_be_counted_by_is_named(name: str) -> None:
    """The values of `by` and of `interval`."""
    assert f"`{name}`" in section(QUERY, "Counts")


def test_every_setting_is_explained_with_its_default() -> None:
    """The table of settings has each with its real default and no other."""
    table = rows(OPERATE, "Settings")
    stated = {name: row[0].strip("`") for name, row in table.items() if name.startswith(ENV_PREFIX)}
    real = {
        ENV_PREFIX + name.upper(): "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert stated == real


def test_every_command_is_explained() -> None:
    """The table of commands has each command and no other."""
    commands = (name.split()[1:] for name in rows(OPERATE, "Commands"))
    stated = {" ".join(word for word in words if word.islower()) for words in commands}
    groups: dict[str, typer.Typer] = {"": cli}
    groups |= {f"{g.name} ": g.typer_instance for g in cli.registered_groups if g.typer_instance}
    assert stated == {
        group + (command.name or command.callback.__name__)
        for group, commands in groups.items()
        for command in commands.registered_commands
        if command.callback
    }


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_described(name: str) -> None:
    """By a row and in a paragraph of its own, which begins with its name, and in the API."""
    assert f"`/events.{name}`" in FILES.split("\n## ")[0]
    title = FORMATS[name].label.rpartition("(")[2].rstrip(")")
    assert re.search(rf"^\*\*(.*and \*\*)?{title}\*\* ", FILES, re.MULTILINE)
    assert f"`{name}`" in (export_events.__doc__ or "")


def test_what_is_said_of_files_in_numbers_is_so() -> None:
    """How many events a feed holds, and which formats import."""
    feeds = {name for name, made in FORMATS.items() if made.latest}
    assert (f"hold the {MAX_FEED_EVENTS} that were" in FILES, feeds) == (True, {"atom", "jsonfeed"})
    imported = re.findall(r"^\| `/events\.(\w+)` \|.*\| yes.* \|$", FILES, re.MULTILINE)
    assert imported == [name for name, made in FORMATS.items() if made.read]


def test_every_path_is_mentioned(client: TestClient) -> None:
    """Whoever reads the docs has met every collection and every operation."""
    app = client.app
    assert isinstance(app, FastAPI)
    pages = ("/embed", "/embed.js", "/robots.txt", "/.well-known/api-catalog")
    paths = {"/" + path.split("/")[1].partition(".")[0] for path in app.openapi()["paths"]}
    assert [path for path in sorted({*paths, *pages}) if f"`{path}" not in EVERYTHING] == []
