"""A file in bulk against the same events one by one: not a byte may differ but the moments."""

import gc
import json
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from app import index, reads, rows, schemas, writes
from app.checking import find_damage
from app.errors import Problem
from app.filters import EventFilter, ExportQuery, resolve
from app.formats import Line
from app.store import Database
from app.writes import lookups
from stores import BY, Stores, opened
from tiers import everything

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

Json = dict[str, Any]
TITLES = ("Talks", "talks", "Gas & oil", "Đoković's visit", "新华社", "A &#269; B")
COMPANY = {"id": "srbijagas", "name": "Srbijagas", "country": "RS", "aliases": ["SG", "Serbia Gas"]}
ACTORS: tuple[Json, ...] = (
    {"name": "Serbia"},
    {"name": "SERBIA", "kind": "country"},
    {"name": "serbia gas"},
    {"id": "srbijagas", "country": "RS"},
    {"id": "azerbaijan", "name": "Azerbaijan"},
    {"name": "Ilham Əliyev", "kind": "person", "url": "https://example.org/"},
)
PLACES = (
    {"name": "Baku", "latitude": 40.4, "longitude": 1e-05},
    {"name": "baku"},
    {"name": "Niš", "country": "RS"},
)
SOURCES = (
    {"publisher": "Tanjug"},
    {"publisher": "TANJUG", "published": "2023-11"},
    {"publisher": "Tanjug", "title": "Gas", "published": "2023-11-15"},
    {"publisher": "tanjug", "title": "Gas", "published": "2023-11-15", "author": "A. B."},
    {"publisher": "Tanjug", "title": "Gas"},
    {"url": "https://example.org/1", "accessed": "2024"},
    {"url": "https://example.org/1", "title": "Otherwise"},
    {"url": "https://example.org/2", "publisher": "Tanjug", "kind": "news", "language": "sr"},
    {"id": "own-id", "title": "Gas"},
    {"title": "Report"},
)
QUANTITY = {"measure": "Gas  volume", "value": "1.60", "unit": "bcm", "qualifier": "about"}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the quick tier, let a file of several batches be a small one."""
    if not everything():
        monkeypatch.setattr(index, "BATCH", 50)


def generated(number: int) -> list[Json]:
    """So many events that name the same few records in every way."""
    random = Random(number)
    events: list[Json] = [
        {
            "id": f"event-{random.randrange(10**9)}-{n}",
            "type": random.choice(("visit", "contract")),
            "title": random.choice(TITLES),
            "summary": random.choice((None, "Said \n so, “twice”.")),
            "date": random.choice(("2023-11", "2023-11-15~", "[..2020]", "1999/2001")),
            "actors": [
                {**actor, "role": random.choice((None, "host"))}
                for actor in random.sample(ACTORS, random.randint(0, 3))
            ],
            "places": random.sample(PLACES, random.randint(0, 2)),
            "tags": random.sample(("Gas", "gas", "ENERGY", "Đ"), random.randint(0, 3)),
            "quantities": [QUANTITY] * random.randint(0, 2),
            "sources": [
                {**source, "quote": "So it is.", "claims": ["date", "title", "date"]}
                for source in random.sample(SOURCES, random.randint(1, 4))
            ],
        }
        for n in range(number)
    ]
    events[0]["actors"] = [COMPANY]
    return events


def linked(events: list[Json]) -> list[Json]:
    """These events, some of them linked to others, before and behind them."""
    random = Random(1)
    targets = [event["id"] for event in events]
    for event in events[::3]:
        others = sorted({target for target in random.sample(targets, 3) if target != event["id"]})
        event["related"] = [{"event": target, "relation": "follows"} for target in others]
    return events


def load(store: Database, events: Iterable[Json], **options: Any) -> writes.ImportOutcome:
    """Import them in one go."""
    lines = [Line(number, event) for number, event in enumerate(events, 1)]
    asked = writes.ImportOptions(create_types=True, **options)
    with store.write() as session:
        return writes.import_lines(session, BY, lines, asked)


def held(store: Database) -> Any:
    """All that was written, but for moments and the order of the journal."""
    moments = {"created_at", "updated_at"}
    tables = ("actor", "actor_alias", "place", "publisher", "tag", "source")
    with store.read(patient=True) as connection:
        with reads.export(connection, ExportQuery()) as documents:
            events = [json.loads(document) for document in documents]
        named = {
            t: sorted(map(repr, connection.execute(text(f"SELECT * FROM {t}")))) for t in tables
        }
        # What one event makes and the next fills in has two revisions, or one in a file.
        journal = text(
            "SELECT kind, record_id, version, op FROM change WHERE cause_kind IS NULL"
            " AND (kind = 'event' OR op = 'create') ORDER BY 1, 2, 3"
        )
        return (
            [{n: v for n, v in event.items() if n not in moments} for event in events],
            named,
            [tuple(row) for row in connection.execute(journal)],
        )


@pytest.mark.parametrize("remembered", [0, lookups.MAX_CACHED_RECORDS])
def test_a_file_in_bulk_is_the_same_events_one_by_one(
    stores: Stores, empty: str, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    """However much of what was named before is remembered, across batches."""
    events = generated(2 * index.BATCH + 10)
    with opened(empty) as bulk, opened(stores.new(empty)) as single:
        monkeypatch.setattr(lookups, "MAX_CACHED_RECORDS", remembered)
        assert load(bulk, events).created == len(events)
        for event in events:
            assert load(single, [event]).created == 1
        assert held(bulk) == held(single)
        assert list(find_damage(bulk)) == []


def test_what_is_shown_at_once_is_what_the_rows_say(empty: str) -> None:
    """The read model is made of what was just written, and the check makes it of the rows."""
    events = linked(generated(2 * index.BATCH + 10))
    with opened(empty) as store:
        load(store, events)
        assert list(find_damage(store)) == []
        assert load(store, events).unchanged == len(events)
        changed = [{**event, "title": "Other", "tags": ["new"]} for event in events[::2]]
        assert load(store, changed, replace=True).updated == len(changed)
        assert list(find_damage(store)) == []


def test_links_of_all_batches_lead_to_one_event(empty: str) -> None:
    """Events of a whole file relate to its first, which is found by each of them."""
    events = generated(2 * index.BATCH + 10)
    hub, *others = events
    for event in others[::7]:
        event["related"] = [{"event": hub["id"], "relation": "follows"}]
    with opened(empty) as store:
        load(store, events)
        assert list(find_damage(store)) == []
        with store.read() as connection:
            found = resolve(connection, EventFilter(related_to=hub["id"]))
            assert reads.Hits(connection, found).count() == len(others[::7])


def test_python_collects_garbage_as_before_once_a_file_is_in(empty: str) -> None:
    """Or refused."""
    before = gc.get_threshold()
    with opened(empty) as store:
        load(store, generated(2))
        assert gc.get_threshold() == before
        with pytest.raises(Problem):
            load(store, [{**event, "related": [{"event": "none"}]} for event in generated(2)])
        assert gc.get_threshold() == before


def test_what_the_journal_says_of_what_was_made_is_what_is_stored(empty: str) -> None:
    """Though it was written down before it was stored."""
    with opened(empty) as store:
        load(store, generated(200))
        with store.read() as connection:
            for kind in ("type", "actor", "place", "source"):
                query = text("SELECT record_id, body FROM change WHERE kind = :kind")
                told = {
                    i: json.loads(body) for i, body in connection.execute(query, {"kind": kind})
                }
                stored = rows.records(connection, kind, told)
                for record in stored.values():
                    record.pop("publisher_id", None)
                assert told == stored


def test_ids_of_one_name_are_numbered_in_their_order(empty: str) -> None:
    """Over batches, and around those that are taken or were deleted."""
    source = {"publisher": "Tanjug"}
    events = [
        {
            "id": f"event-{n}",
            "type": "visit",
            "title": f"Title {n}",
            "date": "2023",
            "sources": [{**source, "url": f"https://example.org/{n}"}],
        }
        for n in range(index.BATCH + 10)
    ]
    with opened(empty) as store:
        with store.write() as session:
            for record_id in ("tanjug-2", "tanjug-4"):
                given = schemas.SourceWrite(id=record_id, title=record_id)
                writes.SOURCE.save(session, BY, given, "create")
            writes.SOURCE.remove(session, BY, "tanjug-4")
        load(store, events)
        with store.read() as connection:
            query = text("SELECT event_id, source_id FROM citation")
            cited = dict(tuple(row) for row in connection.execute(query))
    numbers = [n for n in range(2, len(events) + 3) if n not in (2, 4)]
    expected = ["tanjug", *(f"tanjug-{n}" for n in numbers)][: len(events)]
    assert [cited[event["id"]] for event in events] == expected
