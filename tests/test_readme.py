"""What the README says is so: its picture, its requests and answers, its tables, its commands."""

import json
import re
from pathlib import Path
from typing import get_origin

import pytest
import typer
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.cli import cli
from app.filters import EventQuery
from app.filters.query import FACETS, INTERVALS
from app.formats import FEED, FORMATS, READERS
from app.settings import PREFIX, Settings
from benchmarks.goals import GOALS
from documented import differing, run, section, steps_in, text_of
from picture import SHOWN, draw
from servers import serving

README = text_of("README.md")
TITLES = {
    "ndjson": "NDJSON",
    "csv": "CSV",
    "timelinejs": "TimelineJS 3",
    "ics": "iCalendar",
    "geojson": "GeoJSON",
    "atom": "Atom",
    "jsonfeed": "JSON Feed",
    "jsonld": "JSON-LD",
    "html": "HTML",
}


def rows(heading: str) -> dict[str, list[str]]:
    """The first table below a heading: its first column's code words, each with the other cells."""
    found = {}
    for line in re.findall(r"^\| (`.*) \|$", section(README, heading), re.MULTILINE):
        first, *others = (cell.strip() for cell in line.split("|"))
        for name in re.findall(r"`([^`]+)`", first):
            found[name] = others
    return found


def test_the_picture_is_drawn_from_what_is_served(client: TestClient) -> None:
    """Each block is what `match` says of that event and month."""
    events = client.get("/events", params={"limit": 200}).json()["items"]
    picture = draw([event for event in events if event["id"] in SHOWN])
    assert f"<!-- the picture -->\n```text\n{picture}\n```" in README


def test_the_figures_are_those_of_the_run_beside_them() -> None:
    """The machine, the versions and the command; each goal with what was measured."""
    shown, report = section(README, "How fast it is"), text_of("docs/benchmarks/benchmarks.md")
    told = json.loads(text_of("docs/benchmarks/benchmarks.json"))
    assert section(report, "Goals, at 1,000,000 events").strip() in shown
    assert report.split("\n\n")[1] in shown
    assert [goal["what"] for goal in told["goals"]] == [goal.what for goal in GOALS]


def test_the_figures_of_postgresql_are_those_of_their_run() -> None:
    """With the command, the machine and the versions."""
    shown = section(README, "How fast it is")
    report = text_of("docs/benchmarks/postgresql/benchmarks.md")
    assert section(report, "On PostgreSQL, at 1,000,000 events").strip() in shown
    assert report.split("\n\n")[1] in shown


def test_there_are_five_requests() -> None:
    """Each with its answer."""
    steps = steps_in(section(README, "Five requests"))
    assert len([step for step in steps if step.answer]) == 5


def test_a_request_gives_the_answer_shown(seeded_store: str, tmp_path: Path) -> None:
    """Every request of the README, answered by the example chronology."""
    with serving(seeded_store) as server:
        assert differing(section(README, "Five requests"), server, tmp_path) == []


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
def test_a_chronology_is_kept_as_described(seeded_store: str, tmp_path: Path) -> None:
    """The section's commands, one after the other in one shell, against a real server."""
    with serving(seeded_store) as server:
        said = run(section(README, "Keeping a chronology"), server, tmp_path)
        event = server.ask("/events/gas-talks-in-belgrade").json()
        revisions = server.ask("/events/gas-talks-in-belgrade/revisions").json()
    assert (event["version"], event["date"]["edtf"], len(event["sources"])) == (2, "2024-03-12", 2)
    assert [item["author"] for item in revisions["items"]] == ["Anna", "Anna"]
    assert any('"unchanged": 1' in words for words in said)  # the template's event is the seed's
    assert (tmp_path / "chronology.bak").stat().st_size > 0


def test_every_parameter_is_explained() -> None:
    """The table under "Asking" has each parameter of GET /events."""
    assert sorted(set(EventQuery.model_fields) - rows("Asking").keys()) == []


def test_what_may_be_repeated_is_marked() -> None:
    """By a small plus in the table under "Asking"."""
    marked = {
        name
        for row in re.findall(r"^\| (`.*) ⁺ \|", README, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }
    fields = EventQuery.model_fields.items()
    assert marked == {name for name, field in fields if get_origin(field.annotation) is list}


@pytest.mark.parametrize("name", [*FACETS, *INTERVALS])
def test_what_may_be_counted_by_is_named(name: str) -> None:
    """The values of `by` and of `interval`."""
    assert f"`{name}`" in README.split("The same filter counts.")[1].split("\n\n")[0]


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


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_described(name: str) -> None:
    """By its suffix and in a paragraph of its own, and named at the command that writes it."""
    section = README.split("\n## Files\n")[1].split("\n## ")[0]
    assert re.search(rf"`(/events)?\.{name}`", section.strip().split("\n\n")[0])
    assert re.search(rf"^\*\*(.*and \*\*)?{TITLES[name]}\*\* ", section, re.MULTILINE)
    assert f"`{name}`" in rows("Running it")["dateline export FORMAT"][0]


def test_what_is_said_of_files_in_numbers_is_so() -> None:
    """How many events a feed holds, and that the first three formats import."""
    feeds = {name for name, made in FORMATS.items() if made.latest}
    assert (f"hold the {FEED} that were" in README, feeds) == (True, {"atom", "jsonfeed"})
    assert list(READERS) == list(FORMATS)[:3]


def test_every_path_is_mentioned(client: TestClient) -> None:
    """Whoever reads the README has met every collection and every operation."""
    app = client.app
    assert isinstance(app, FastAPI)
    pages = ("/embed", "/embed.js")
    paths = {"/" + path.split("/")[1].partition(".")[0] for path in app.openapi()["paths"]}
    assert [path for path in sorted({*paths, *pages}) if f"`{path}" not in README] == []
