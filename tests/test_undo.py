"""Restoring an earlier version of any record, and stored mappings: listed, read and deleted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import run
from stores import Stores
from tables import check_each
from writing import Desk, Json, desk_over, furnish

MAPPING = '{"Headline": "title", "When": "date"}'


@pytest.fixture
def desk(stores: Stores, empty_template: str) -> Iterator[Desk]:
    """Yield a client that writes to a store of its own."""
    url = stores.new(empty_template)
    furnish(url)
    with desk_over(url) as client:
        yield client


def restore(desk: Desk, path: str, version: int, **headers: str) -> Any:
    """Return the answer to the wish for an earlier version."""
    return desk.send("POST", f"{path}/revisions/{version}/restore", **headers)


@pytest.mark.both_engines
def test_an_earlier_version_becomes_the_next_one(desk: Desk) -> None:
    """Of any kind: as it was, with its number in the note; the feed tells of an event's."""
    source = desk.add("/sources", {"id": "paper", "publisher": "Paper"})
    records: dict[str, tuple[Json, Json]] = {
        "/events": ({"id": "e", "tags": ["gas"]}, {"title": "Later", "tags": []}),
        "/sources": ({"id": "s", "publisher": "A", "title": "B"}, {"publisher": None}),
        "/actors": ({"id": "a", "name": "A", "aliases": ["AA"]}, {"name": "B", "aliases": []}),
        "/places": ({"id": "p", "name": "P", "country": "RS"}, {"country": "AZ"}),
        "/types": ({"id": "t", "label": "T"}, {"label": "U"}),
    }

    def check(path: str) -> None:
        body, patch = records[path]
        first = desk.event(**body) if path == "/events" else desk.add(path, body)
        second = desk.patch(first, **patch)
        answer = restore(desk, first.path, 1, If_Match=second.tag)
        assert answer.status_code == 200, answer.text
        edits = ("version", "created_at", "updated_at")
        assert {n: v for n, v in answer.json().items() if n not in edits} == {
            n: v for n, v in first.body.items() if n not in edits
        }
        latest, *earlier = desk.revisions(first)
        assert (latest["version"], latest["op"]) == (3, "update")
        assert latest["note"] == "Version 1 again"
        assert len(earlier) == 2

    check_each(records, check)
    assert source.body["publisher"] == "Paper"
    assert desk.feed()[-1]["event"]["title"] == "A visit"


def test_an_earlier_version_names_others_as_they_are_now(desk: Desk) -> None:
    """A source that was corrected since stays corrected; one that was deleted is a conflict."""
    desk.add("/sources", {"id": "s", "publisher": "Wrong"})
    first = desk.event(sources=[{"id": "s", "quote": "so"}])
    second = desk.patch(first, sources=[{"id": "wire"}])
    desk.patch(desk.read("/sources/s"), publisher="Right")
    answer = restore(desk, first.path, 1, If_Match=second.tag)
    (source,) = answer.json()["sources"]
    assert (source["publisher"], source["quote"]) == ("Right", "so")
    third = desk.patch(desk.read(first.path), sources=[{"id": "wire"}])
    desk.delete(desk.read("/sources/s"))
    refused = restore(desk, first.path, 1, If_Match=third.tag)
    assert (refused.status_code, refused.json()["errors"][0]["name"]) == (409, "sources.0")


def test_an_undo_is_refused_with_its_reason(desk: Desk) -> None:
    """Without the tag or with an old one; of no version, of a deletion, of a deleted record."""
    first = desk.event()
    second = desk.patch(first, title="Later")
    assert restore(desk, first.path, 1).status_code == 428
    assert restore(desk, first.path, 1, If_Match=first.tag).status_code == 412
    missing = restore(desk, first.path, 9, If_Match=second.tag)
    assert missing.status_code == 404
    assert missing.json()["errors"][0]["message"] == "there is no such version; the last one is 2"
    desk.delete(first)
    assert restore(desk, first.path, 1, If_Match=second.tag).status_code == 410
    again = desk.restore(first)
    deletion = restore(desk, first.path, 3, If_Match=again.tag)
    assert (deletion.status_code, deletion.json()["errors"][0]["name"]) == (409, "version")


def test_restoring_what_is_there_changes_nothing(desk: Desk) -> None:
    """The current version again is no edit."""
    first = desk.event()
    answer = restore(desk, first.path, 1, If_Match=first.tag)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)


def test_the_chronology_is_restored_too(desk: Desk) -> None:
    """Its description is a record like others."""
    desk.send("PUT", "/chronology", {"title": "One", "about": "All of it."})
    tag = desk.read("/chronology").tag
    desk.send("PUT", "/chronology", {"title": "Two"}, If_Match=tag)
    tag = desk.read("/chronology").tag
    answer = restore(desk, "/chronology", 1, If_Match=tag)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["title"], answer.json()["about"]) == ("One", "All of it.")
    assert answer.json()["version"] == 3
    assert restore(desk, "/chronology", 1, If_Match=tag).status_code == 412


# -- stored mappings ------------------------------------------------------------------------------


def store(desk: Desk, name: str) -> None:
    """Store a mapping by an import of no rows."""
    asked = {"mapping": MAPPING, "save_mapping": name, "type": "visit", "source_title": "A desk"}
    headers = {"Authorization": f"Bearer {desk.key}", "Content-Type": "text/csv"}
    answer = desk.client.post("/import", params=asked, content="Headline,When\n", headers=headers)
    assert answer.status_code == 200, answer.text


def test_stored_mappings_are_listed_read_and_deleted(desk: Desk) -> None:
    """By name, with who stored them and when; a wrong name gets the nearest."""
    for name in ("talks", "incidents"):
        store(desk, name)
    page = desk.get("/mappings")
    assert [(entry["name"], entry["author"]) for entry in page["items"]] == [
        ("incidents", "desk"),
        ("talks", "desk"),
    ]
    one = desk.get("/mappings/talks")
    assert (one["mapping"]["Headline"], one["mapping"]["When"]) == ("title", "date")
    missing = desk.client.get("/mappings/talk")
    assert (missing.status_code, missing.json()["errors"][0]["suggestion"]) == (404, "talks")
    assert desk.send("DELETE", "/mappings/talks").status_code == 204
    assert desk.send("DELETE", "/mappings/talks").status_code == 404
    assert [entry["name"] for entry in desk.get("/mappings")["items"]] == ["incidents"]


def test_the_command_line_knows_the_mappings(
    stores: Stores, seeded_template: str, tmp_path: Path
) -> None:
    """It lists them, shows one as `--map` reads it, and deletes it."""
    settings = {"database_url": stores.new(seeded_template)}
    listed = run("mapping", "list", folder=tmp_path, settings=settings)
    assert (listed.code, listed.out.startswith("incidents  (")) == (0, True)
    shown = run("mapping", "show", "incidents", folder=tmp_path, settings=settings)
    assert '"Headline": "title"' in shown.out
    assert run("mapping", "delete", "incidents", folder=tmp_path, settings=settings).code == 0
    gone = run("mapping", "show", "incidents", folder=tmp_path, settings=settings)
    assert (gone.code, "there is no mapping of this name" in gone.err) == (1, True)
