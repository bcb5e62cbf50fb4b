"""Files that come back after somebody else has edited: no edit is overwritten unseen."""

import csv
import io
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from commands import call
from tiers import examples
from writing import AUTHOR, Desk, desk_over, event, furnish, key_of

pytestmark = pytest.mark.both_engines

Json = dict[str, Any]
COLLEAGUE = "Anna"
TRIALS = max(20, examples(100))  # on each engine; fewer would not show each outcome
MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
IDS = [f"event-{number}" for number in range(6)]
EDITED = ("title", "summary", "status", "tags")


@pytest.fixture
def desk(empty: str) -> Iterator[Desk]:
    """A newsroom over a store with some events, of which each has a version."""
    furnish(empty)
    with desk_over(empty) as desk:
        for event_id in IDS:
            desk.add("/events", event(id=event_id))
        yield desk


@pytest.fixture
def anna(desk: Desk, empty: str) -> Desk:
    """Somebody else, who writes to the same store."""
    return Desk(desk.client, key_of(empty, COLLEAGUE))


def send(desk: Desk, file: str, name: str = "ndjson", **options: Any) -> Any:
    """Return the answer to an import of a file."""
    headers = {"Content-Type": MEDIA_TYPES[name], "Authorization": f"Bearer {desk.key}"}
    return desk.client.post("/import", params=options, content=file.encode(), headers=headers)


def refusals(answer: Any) -> dict[int, str]:
    """Return what was wrong, by line."""
    assert answer.status_code == 422, answer.text
    return {fault["line"]: fault["message"] for fault in answer.json()["errors"]}


def contents(desk: Desk) -> dict[str, Json]:
    """Return the members that these tests edit, with the version, of each event."""
    answer = desk.client.get("/events?limit=50").json()["items"]
    return {e["id"]: {name: e[name] for name in (*EDITED, "version")} for e in answer}


def patched(file: str, name: str, edits: Mapping[str, str]) -> str:
    """Return the file with other titles for some events."""
    if name == "ndjson":
        events = [json.loads(line) for line in file.splitlines()]
        return "\n".join(json.dumps({**e, "title": edits.get(e["id"], e["title"])}) for e in events)
    rows = list(csv.DictReader(io.StringIO(file, "")))
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows({**row, "title": edits.get(row["id"], row["title"])} for row in rows)
    return text.getvalue()


def ids_of(file: str, name: str) -> list[str]:
    """Return the ids in a file, in the order of its lines."""
    if name == "ndjson":
        return [json.loads(line)["id"] for line in file.splitlines()]
    return [row["id"] for row in csv.DictReader(io.StringIO(file, ""))]


def edit(anna: Desk, event_id: str, how: str, number: int) -> None:
    """Edit an event as somebody else does."""
    record = anna.read(f"/events/{event_id}")
    if how == "patch":
        anna.patch(record, title=f"Anna {number}")
    elif how == "patch of another member":
        anna.patch(record, summary=f"Anna's words {number}", status="completed")
    elif how == "there and back":
        title = record.body["title"]
        anna.patch(anna.patch(record, title=f"Anna {number}"), title=title)
    elif how == "put":
        anna.put(record, tags=[f"anna {number}"], updated_at=record.body["updated_at"])
    elif how == "delete and restore":
        anna.delete(record)
        anna.restore(record)
    elif how == "delete, restore, patch":
        anna.delete(record)
        anna.patch(anna.restore(record), title=f"Anna {number}")
    else:
        row = json.dumps({**record.body, "title": f"Anna {number}"})
        assert send(anna, row, replace=True).json()["updated"] == 1


HOWS = (
    *("patch", "patch of another member", "there and back", "put"),
    *("delete and restore", "delete, restore, patch", "import"),
)


def test_no_edit_of_somebody_else_is_ever_lost(desk: Desk, anna: Desk) -> None:
    """In random trials; a refusal names the event, the author and both versions."""
    seen = {"refused": 0, "stored": 0, "forced": 0}
    for number in range(TRIALS):
        chance = random.Random(f"{number}")
        name, lossless = chance.choice(["csv", "ndjson"]), chance.choice(["true", "false"])
        more = f"?lossless={lossless}" if name == "csv" else ""
        exported = desk.client.get(f"/events.{name}{more}").text
        before = contents(desk)
        for event_id in chance.sample(IDS, chance.choice([0, 1, 1, 2, 3])):
            edit(anna, event_id, chance.choice(HOWS), number)
        own = dict.fromkeys(chance.sample(IDS, chance.choice([0, 1, 2])), f"Own {number}")
        file = patched(exported, name, own)
        now = contents(desk)
        rows = {i: {**before[i], "title": own.get(i, before[i]["title"])} for i in IDS}
        differing = {i for i in IDS if any(rows[i][m] != now[i][m] for m in EDITED)}
        stale = {i for i in differing if now[i]["version"] != before[i]["version"]}
        answer = send(desk, file, name, replace=True)
        if stale:
            refused = refusals(answer)
            assert contents(desk) == now, number
            assert len(refused) == len(stale), (number, refused)
            for event_id in stale:
                (message,) = (m for m in refused.values() if f"'{event_id}'" in m)
                versions = (before[event_id]["version"], now[event_id]["version"])
                for what in (COLLEAGUE, "version {1}, ".format(*versions), "T"):
                    assert what in message, (number, message)
                assert f"the file has version {versions[0]}" in message
            seen["refused"] += 1
        else:
            assert answer.status_code == 200, (number, answer.text)
            assert answer.json()["updated"] == len(differing), number
            seen["stored"] += 1
        if stale and chance.random() < 0.3:
            assert send(desk, file, name, replace=True, force=True).status_code == 200
            after = contents(desk)
            for event_id in IDS:
                wanted = {m: rows[event_id][m] for m in EDITED}
                assert {m: after[event_id][m] for m in EDITED} == wanted, number
            seen["forced"] += 1
    assert min(seen.values()) > TRIALS / 10, seen


def test_what_a_version_does(desk: Desk, anna: Desk, tmp_path_factory: Any) -> None:
    """Row by row: the options, the row, and what is said or done."""
    edit(anna, "event-0", "patch", 1)  # is now of version 2
    stale, current, none = 1, 2, None
    differs, same = "Another", "Anna 1"
    replace, force = {"replace": True}, {"replace": True, "force": True}
    ahead = "the file has version 9"
    table: list[tuple[Any, str, Json, str | tuple[int, int, int]]] = [
        (stale, same, {}, (0, 0, 1)),
        (stale, same, replace, (0, 0, 1)),
        (9, same, replace, (0, 0, 1)),
        (none, differs, {}, "import with replace=true"),
        (none, differs, replace, (0, 1, 0)),
        (current, differs, {}, "import with replace=true"),
        (current, differs, replace, (0, 1, 0)),
        (stale, differs, {}, "version 2, which Anna made at 20"),
        (stale, differs, replace, "replace=true with force=true overwrites it"),
        (9, differs, replace, ahead),
        (stale, differs, force, (0, 1, 0)),
        (current, differs, force, (0, 1, 0)),
    ]
    odds: list[Any] = [0, -1, 1.5, "2", True, [], {}]
    table += [
        (odd, title, options, "is not a version")
        for odd in odds
        for title in (same, differs)
        for options in ({}, replace)
    ]
    wrong = []
    for version, title, options, meant in table:
        row = {**desk.get("/events/event-0"), "title": title, "version": version}
        answer = send(desk, json.dumps(row), dry_run=True, **options)
        done = answer.json()
        if isinstance(meant, str):
            fits = meant in "".join(refusals(answer).values())
        else:
            fits = (done.get("created"), done.get("updated"), done.get("unchanged")) == meant
        if not fits:
            wrong.append((version, title, options, meant, done))
    assert wrong == []


def test_a_version_in_a_cell(desk: Desk) -> None:
    """A number, or nothing; anything else is a fault of this cell."""
    wrong = []
    for cell, fits in [
        *(("1", True), (" 1 ", True), ("", True), ("01", True)),
        *((bad, False) for bad in ("0", "-1", "1.0", "1e0", "one", "v1", "１", "9" * 30, "1;2")),
    ]:
        file = f"id,version,type,title,date,source_id\nevent-0,{cell},visit,A visit,2023-11-06,wire"
        answer = send(desk, file, "csv")
        faults = [(e["line"], e["name"]) for e in answer.json().get("errors", ())]
        if faults != ([] if fits else [(2, "version")]):
            wrong.append((cell, answer.json()))
    assert wrong == []


def test_the_version_of_an_event_that_is_new_means_nothing(desk: Desk) -> None:
    """A file of one store goes into another; deleted events stay an error."""
    new = json.dumps({**event(id="new"), "version": 7})
    assert send(desk, new).json()["created"] == 1
    desk.delete(desk.read("/events/new"))
    tries: list[Json] = [{}, {"replace": True}, {"replace": True, "force": True}]
    for options in tries:
        assert "was deleted; restore it first" in refusals(send(desk, new, **options))[1]


def test_an_own_edit_counts_as_any_other(desk: Desk) -> None:
    """Who exported yesterday and edited since has forgotten it."""
    row = desk.get("/events/event-0")
    desk.patch(desk.read("/events/event-0"), title="Own")
    assert AUTHOR in refusals(send(desk, json.dumps(row), replace=True))[1]


def test_force_needs_replace(desk: Desk) -> None:
    """It says so, and reads nothing."""
    answer = send(desk, "", force=True)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["in"], fault["name"]) == ("query", "force")
    assert fault["message"].startswith("force=true does nothing without replace=true")


def test_the_command_line_overwrites_only_when_forced(
    desk: Desk, anna: Desk, empty: str, tmp_path: Any
) -> None:
    """With flags of its own name."""
    row = desk.get("/events/event-0")
    edit(anna, "event-0", "patch", 1)
    if empty.startswith("sqlite"):
        desk.client.__exit__()
    (tmp_path / "a.ndjson").write_text(json.dumps(row))
    said = {
        flags: call("import", "a.ndjson", *flags, folder=tmp_path, settings={"database_url": empty})
        for flags in (("--force",), ("--replace",), ("--replace", "--force"))
    }
    alone, replacing, forcing = said.values()
    assert "force: --force does nothing without --replace" in alone.err
    assert "which Anna made at" in replacing.err
    assert "--replace with --force overwrites it" in replacing.err
    assert (forcing.code, forcing.err) == (0, "")


SOURCE = {
    "publisher": "Gazette",
    "title": "Alpha",
    "published": "2023-11-07",
    "url": "https://ex.org/a",
}


def test_a_colleagues_correction_of_a_source_needs_force(desk: Desk, anna: Desk) -> None:
    """Whatever third value the file has; an edit of one's own may be corrected again."""
    desk.add("/events", event(id="cited", sources=[SOURCE]))
    file = desk.client.get("/events.csv").text
    (source,) = desk.client.get("/sources?q=gazette").json()["items"]
    anna.patch(anna.read(f"/sources/{source['id']}"), title="Beta")
    other = file.replace(",Alpha,", ",Gamma,")
    (message,) = refusals(send(desk, other, "csv", replace=True)).values()
    assert f'"Gamma" is given, but {COLLEAGUE} set "Beta"' in message
    assert send(anna, other, "csv", replace=True, dry_run=True).status_code == 200
    assert send(desk, other, "csv", replace=True, force=True).json()["totals"] == {
        "source": {"correct": 1}
    }


def test_namesakes_come_back_from_a_table_for_people(desk: Desk) -> None:
    """A name that two places share stands in the cell with its id."""
    for event_id, country in (("in-lebanon", "LB"), ("in-libya", "LY")):
        desk.add("/events", event(id=event_id, places=[{"name": "Tripoli", "country": country}]))
    answer = send(desk, desk.client.get("/events.csv").text, "csv").json()
    assert (answer["unchanged"], answer["totals"]) == (len(IDS) + 2, {})


def test_a_made_id_is_no_reason_to_replace_another_event(desk: Desk) -> None:
    """Two titles may lead to one id; the line needs an id of its own then."""
    first, second = (json.dumps(event(title=title)) for title in ("C++ talks", "C# talks"))
    assert send(desk, first).json()["created"] == 1
    (message,) = refusals(send(desk, second, replace=True)).values()
    assert message.endswith(
        ' is that of the event "C++ talks". It is probably the same event, corrected since: leave'
        " the line out, or give it that id. If it is another event, give this line an `id` of its"
        " own"
    )


def test_what_a_line_removes_is_noted(desk: Desk) -> None:
    """An event is replaced whole, and not without a word."""
    full = event(id="full", summary="In short.", tags=["x", "y"], status="planned")
    desk.add("/events", full)
    bare = {**full, "summary": None, "tags": [], "status": "completed"}
    notes = send(desk, json.dumps(bare), replace=True).json()["notes"]
    assert notes == {
        f"{name} was removed from an event: the file gives none": 1 for name in ("summary", "tags")
    }


@pytest.mark.parametrize(
    ("sources", "notes"),
    [
        (["A"], {"1 source was removed from an event: the file does not have it": 1}),
        (["C"], {"2 sources were removed from an event: the file does not have them": 1}),
        (["A", "B"], {"claims was removed from an event: the file gives none": 1}),
    ],
)
def test_sources_that_a_line_removes_are_counted(
    desk: Desk, sources: list[str], notes: dict[str, int]
) -> None:
    """Nothing is said to be removed that the event still has."""
    stored = [{"title": "A"}, {"title": "B", "claims": ["date"]}]
    full = event(id="full", sources=stored)
    desk.add("/events", full)
    line = {**full, "sources": [{"title": title} for title in sources]}
    assert send(desk, json.dumps(line), replace=True).json()["notes"] == notes
