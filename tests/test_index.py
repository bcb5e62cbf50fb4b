"""The read model against the rows: keys in order, nothing left behind, every damage found."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from operator import attrgetter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text
from sqlmodel import Session

from app import dates as edtf
from app import index, schemas, writes
from app.index import TimelinePlace, blocks, documents, keys
from app.words import fold
from chronology import Chronology, ascending, chronology
from stores import BY, SqliteStores, Stores, migrated, opened, seeded

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("small_blocks")]

# -- keys -----------------------------------------------------------------------------------------

DAYS = (edtf.day_number(-9999, 1, 1), -1, 0, 738_000, edtf.day_number(9999, 12, 31), edtf.END)
TABLES = (
    "CREATE TABLE timeline (key INTEGER PRIMARY KEY, day INT, clock INT, event_id TEXT, block INT,"
    " stamp INT, UNIQUE (day, clock, event_id))",
    "CREATE TABLE document (key INTEGER PRIMARY KEY, body TEXT)",
    "CREATE TABLE wording (key INTEGER PRIMARY KEY, words TEXT)",
    "CREATE TABLE measurement (key INTEGER, position INT, PRIMARY KEY (key, position))",
    "CREATE TABLE block (id INTEGER PRIMARY KEY, first_key INT, used INT, stamp INT)",
    "CREATE TABLE store (stamp INT)",
)


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """An engine with nothing but the tables that hold keys."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(text(table))
    yield engine
    engine.dispose()


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def on(day: int, ids: Iterable[str]) -> list[TimelinePlace]:
    """Places of events on one day, without a time of it."""
    return [TimelinePlace(day, edtf.NO_CLOCK, event_id) for event_id in ids]


def put(connection: Connection, wanted: Collection[TimelinePlace]) -> dict[str, int]:
    """Place events at once as the index does: rows, documents, and now and then a block."""
    placed: dict[str, int] = {}
    places = {place.event_id: place for place in wanted}
    for free in keys.allocate_keys(connection, wanted):
        placed |= free
        for event_id, key in free.items():
            told = {"key": key, **places[event_id]._asdict()}
            for statement in (
                "INSERT INTO timeline (key, day, clock, event_id)"
                " VALUES (:key, :day, :clock, :event_id)",
                "INSERT INTO document (key, body) VALUES (:key, :event_id)",
            ):
                connection.execute(text(statement), told)
            if len(event_id) % 2:
                statement = "INSERT INTO block (id, first_key) SELECT count(*), :key FROM block"
                connection.execute(text(statement), told)
                connection.execute(text("UPDATE timeline SET block = 1 WHERE key = :key"), told)
    assert placed.keys() == places.keys()
    return placed


def assert_in_order(connection: Connection, placed: Iterable[TimelinePlace]) -> None:
    """Keys sort as (day, clock, id), lie within their day, lead to the same event in every table.

    Each block begins where it did: before the same event.
    """
    query = (
        "SELECT t.key, t.day, t.clock, t.event_id, d.body, t.block FROM timeline t"
        " JOIN document d ON d.key = t.key ORDER BY t.key"
    )
    held = connection.execute(text(query)).all()
    assert [(row.day, row.clock, row.event_id) for row in held] == sorted(placed)
    for row in held:
        assert row.body == row.event_id
        assert keys.first_key_of_day(row.day) <= row.key < keys.first_key_of_day(row.day + 1)
    begun = connection.execute(text("SELECT first_key FROM block ORDER BY first_key")).scalars()
    assert list(begun) == [row.key for row in held if row.block]


NAMES = st.lists(
    st.builds(
        TimelinePlace,
        st.sampled_from(DAYS),
        st.sampled_from([edtf.NO_CLOCK, edtf.NO_CLOCK, 0, 52_200, 86_399]),
        st.text("ab-1", min_size=1, max_size=6),
    ),
    max_size=60,
    unique_by=attrgetter("event_id"),
)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of 1,024 labels, so that a few events crowd one."""
    monkeypatch.setattr(keys, "LABEL_BITS", 10)
    monkeypatch.setattr(keys, "MAX_LABELS", 1 << 10)
    monkeypatch.setattr(keys, "MAX_STRIDE", 2)


@given(NAMES, st.integers(1, 40))
def test_keys_keep_the_order_of_days_clocks_and_ids_however_events_come(
    memory: Engine, placed: list[TimelinePlace], at_once: int
) -> None:
    """From the first day of the calendar to behind the last; one by one, or many at once."""
    with undone(memory) as connection:
        for some in index.batches(placed, at_once):
            put(connection, some)
        assert_in_order(connection, placed)


@pytest.mark.usefixtures("narrow")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, st.integers(1, 40))
def test_room_is_found_again_in_a_crowded_day(
    memory: Engine, placed: list[TimelinePlace], at_once: int
) -> None:
    """By moving those that are there, within their day."""
    with undone(memory) as connection:
        for some in index.batches(placed, at_once):
            put(connection, some)
        assert_in_order(connection, placed)


ARRIVALS: dict[str, Callable[[Sequence[str]], Sequence[str]]] = {
    "ascending": lambda ids: ids,
    "descending": lambda ids: ids[::-1],
    "at random": lambda ids: Random(1).sample(ids, len(ids)),
    "from both ends inwards": lambda ids: [
        i for pair in zip(ids, ids[::-1], strict=True) for i in pair
    ][: len(ids)],
    "from the middle outwards": lambda ids: [
        *(
            i
            for pair in zip(ids[len(ids) // 2 :], ids[: len(ids) // 2][::-1], strict=True)
            for i in pair
        )
    ],
}


@pytest.mark.parametrize("at_once", [1, 30])
@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_one_day_takes_hundreds_of_ids_in_any_order_of_arrival(
    memory: Engine, request: pytest.FixtureRequest, arrival: str, width: str, at_once: int
) -> None:
    """200 ids fill a fifth of a narrow day."""
    if width == "narrow":
        request.getfixturevalue("narrow")
    ids = ARRIVALS[arrival]([f"e-{n:03d}" for n in range(200)])
    assert len(set(ids)) == 200
    with undone(memory) as connection:
        for some in index.batches(ids, at_once):
            put(connection, on(738_000, some))
        assert_in_order(connection, on(738_000, ids))


NESTS: dict[str, Callable[[int], bool]] = {
    "towards the first": lambda turn: False,
    "towards the last": lambda turn: True,
    "to and fro": lambda turn: turn % 2 == 0,
    "by threes": lambda turn: turn % 3 == 0,
}


@pytest.mark.parametrize("nest", NESTS)
def test_the_gap_between_two_neighbours_never_runs_out(memory: Engine, nest: str) -> None:
    """200 times an id between two others, each half as far apart: far more than a key has bits."""
    low, high = 0, 1 << 200
    numbers = [low, high]
    for turn in range(200):
        numbers.append((low + high) // 2)
        low, high = (numbers[-1], high) if NESTS[nest](turn) else (low, numbers[-1])
    ids = [f"{number:0201b}" for number in numbers]
    with undone(memory) as connection:
        placed: dict[str, int] = {}
        for event_id in ids:
            placed |= put(connection, on(738_000, [event_id]))
        assert_in_order(connection, on(738_000, ids))
        held = connection.execute(text("SELECT event_id, key FROM timeline"))
        assert placed != dict(map(tuple, held)), "nothing was ever moved: the test shows nothing"


@pytest.mark.usefixtures("narrow")
def test_many_at_once_find_room_in_gaps_that_are_full(memory: Engine) -> None:
    """Ten between each two neighbours of a day whose first labels are all taken."""
    day, ids = 738_000, [f"e-{n:02d}" for n in range(16)]
    with undone(memory) as connection:
        placed = put(connection, on(day, ids))
        keys.move_keys(
            connection, sorted(placed.values()), [keys.first_key_of_day(day) + n for n in range(16)]
        )
        more = [f"{event_id}-{n}" for event_id in ids for n in range(10)]
        put(connection, on(day, more))
        assert_in_order(connection, on(day, (*ids, *more)))


@pytest.mark.parametrize("ends", [(), ("a",), ("z",), ("a", "z")])
def test_many_that_fall_into_one_gap_have_equal_room_between(
    memory: Engine, ends: tuple[str, ...]
) -> None:
    """In an empty day, at either end of one, and between two neighbours."""
    day = 738_000
    with undone(memory) as connection:
        if ends:
            put(connection, on(day, ends))
        made = put(connection, on(day, (f"m-{n:03d}" for n in range(100))))
        between = {later - earlier for earlier, later in pairwise(sorted(made.values()))}
        assert max(between) - min(between) <= 1
        assert min(between) >= keys.MAX_STRIDE or len(ends) == 2


def test_even_keys_leave_room_and_keep_to_their_day() -> None:
    """Of a rebuild: in order, one an event, equal room between."""
    for day in DAYS:
        for count in (1, 2, 3, 1000):
            made = keys.spread_keys(day, count)
            assert len(made) == count
            assert ascending(
                [keys.first_key_of_day(day) - 1, *made, keys.first_key_of_day(day + 1)]
            )
            gaps = {later - earlier for earlier, later in pairwise(made)}
            assert not gaps or max(gaps) - min(gaps) <= 1


def test_every_key_fits_the_engines() -> None:
    """64 bits with a sign, also behind the last day and for the day that bounds that."""
    assert keys.first_key_of_day(DAYS[0]) > 0
    assert keys.first_key_of_day(edtf.END + 1) < 1 << 63


# -- the read model follows the rows --------------------------------------------------------------


@pytest.fixture(scope="module")
def story() -> Chronology:
    """A small random chronology."""
    return chronology(8, 60)


@pytest.fixture(scope="module")
def filled(stores: Stores, empty_template: str, story: Chronology) -> str:
    """A store with the small chronology; copied, never written."""
    return seeded(stores, empty_template, story.fill)


Content = dict[str, tuple[bytes, frozenset[tuple[str, str]]]]


def content(connection: Connection) -> Content:
    """Each event's document and terms by id, in timeline order."""
    query = (
        "SELECT t.key, t.event_id, d.body FROM timeline t JOIN document d ON d.key = t.key"
        " ORDER BY t.key"
    )
    posted: dict[int, set[tuple[str, str]]] = {}
    keys_of = {(r.block, r.slot): r.key for r in connection.execute(text("SELECT * FROM timeline"))}
    terms = "SELECT p.block, p.bits, t.kind, t.value FROM posting p JOIN term t ON t.id = p.term"
    for block, bits, kind, value in connection.execute(text(terms)):
        for slot in index.slots_of(bits).tolist():
            posted.setdefault(keys_of[block, slot], set()).add((kind, value))
    return {
        row.event_id: (bytes(row.body), frozenset(posted.get(row.key, ())))
        for row in connection.execute(text(query))
    }


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many events bear each term that any bears."""
    query = "SELECT kind, value, events FROM term WHERE events > 0"
    return {(row.kind, row.value): row.events for row in connection.execute(text(query))}


def assert_as_rebuilt(session: Session) -> None:
    """Nothing is found wrong, and a rebuild makes the same documents, terms, counts and order."""
    connection = session.connection()
    assert list(index.find_faults(connection)) == []
    before, counted = content(connection), counts(connection)
    assert index.rebuild(connection) == len(before)
    after = content(connection)
    assert list(before.items()) == list(after.items())
    assert counted == counts(connection)
    assert list(index.find_faults(connection)) == []


# What may happen to an event: SQL for the event `:id`, and the values that `:value` may have.
EDITS: dict[str, tuple[str, list[str | None]]] = {
    "another date": (
        "UPDATE event SET date_edtf = :value WHERE id = :id",
        ["2023-11", "2023-11-01?", "-0300~", "../1990", "[..1983,1985..]"],
    ),
    "another title": ("UPDATE event SET title = :value WHERE id = :id", ["One", "Đorđe"]),
    "another type": ("UPDATE event SET type_id = :value WHERE id = :id", ["visit", "unused-type"]),
    "another status": ("UPDATE event SET status = :value WHERE id = :id", ["cancelled", None]),
    "another moment": ("UPDATE event SET updated_at = :value WHERE id = :id", ["2030", "2001"]),
    "other roles": ("UPDATE event_actor SET role = :value WHERE event_id = :id", ["witness", None]),
    "no actors": ("DELETE FROM event_actor WHERE event_id = :id", []),
    "no tags": ("DELETE FROM event_tag WHERE event_id = :id", []),
    "no places": ("DELETE FROM event_place WHERE event_id = :id", []),
    "no relations": ("DELETE FROM relation WHERE event_id = :id", []),
    "another source": (
        "UPDATE citation SET source_id = :value WHERE event_id = :id",
        ["source-14"],
    ),
}
DELETE = (
    "DELETE FROM relation WHERE event_id = :id OR target_id = :id",
    "DELETE FROM event WHERE id = :id",
)
LINKED = "SELECT event_id, target_id FROM relation WHERE event_id = :id OR target_id = :id"
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*EDITS, "created", "created", "deleted", "deleted"]),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=8,
)


def change(session: Session, step: str, to: int) -> set[str]:
    """Make one change to the rows; gives the events that are to be written anew."""
    ids = list(session.execute(text("SELECT id FROM event ORDER BY id")).scalars())
    if step == "created":
        near = ids[to % len(ids)]
        create(session, near, f"{near}-{to}-{len(ids)}")
        return set()
    told = {"id": ids[to % len(ids)]}
    touched = {told["id"]}.union(*session.execute(text(LINKED), told))
    if step == "deleted":
        for statement in DELETE:
            session.execute(text(statement), told)
    else:
        statement, values = EDITS[step]
        chosen = {"value": values[to % len(values)]} if values else {}
        session.execute(text(statement), {**told, **chosen})
    return touched


def create(session: Session, near: str, *ids: str) -> None:
    """Store events of the date of another, linked to it."""
    query = text("SELECT date_edtf FROM event WHERE id = :id")
    date = session.execute(query, {"id": near}).scalar_one()
    writes.create_events(session, BY, [new_event(event_id, date, near) for event_id in ids])


def new_event(event_id: str, date: str, near: str) -> schemas.EventWrite:
    """An event with a part of most kinds."""
    return schemas.EventWrite(
        id=event_id,
        type="visit",
        title="New",
        date=schemas.DateWrite(edtf=date),
        actors=[schemas.ActorReference(id="actor-1", role="host")],
        tags=["energy", f"tag of {event_id}"],
        related=[schemas.Related(event=near, relation="follows")],
        sources=[schemas.SourceReference(id="source-1")],
    )


@pytest.fixture(scope="module")
def changing(stores: Stores, filled: str) -> str:
    """A store in which nothing is ever committed."""
    return stores.new(filled)


@settings(max_examples=8)
@given(STEPS)
def test_the_read_model_follows_whatever_happens_to_the_rows(
    changing: str, steps: list[tuple[str, int]]
) -> None:
    """Written change by change, it is what a rebuild would make of the rows."""
    with opened(changing) as store, store.write() as session:
        for step, to in steps:
            index.update_entries(session.connection(), change(session, step, to))
        assert_as_rebuilt(session)
        session.rollback()


def test_all_changes_may_be_written_at_once(stores: Stores, filled: str) -> None:
    """One call for many events: created, edited and deleted."""
    with opened(stores.new(filled)) as store, store.write() as session:
        touched: set[str] = set()
        for number, step in enumerate([*EDITS, "deleted", "created", "deleted", "another date"]):
            touched |= change(session, step, 7 * number)
        index.update_entries(session.connection(), touched)
        assert_as_rebuilt(session)


def test_writing_what_has_not_changed_changes_nothing(stores: Stores, filled: str) -> None:
    """Not even a key: `write` may be called once too often."""
    query = text("SELECT event_id, key FROM timeline ORDER BY key")
    with opened(stores.new(filled)) as store, store.write() as session:
        connection = session.connection()
        before = connection.execute(query).all(), content(connection), counts(connection)
        index.update_entries(connection, [*before[1], "no-such-event"])
        assert (connection.execute(query).all(), content(connection), counts(connection)) == before


def test_keys_are_moved_in_every_table(stores: Stores, filled: str, story: Chronology) -> None:
    """Enough ids between two neighbours make others move, with their documents and postings."""
    day = [i for i in story.order["date"] if story.date(i).place[0] == edtf.day_number(2023, 11, 1)]
    query = text("SELECT event_id, key FROM timeline")
    with opened(stores.new(filled)) as store, store.write() as session:
        before = set(map(tuple, session.execute(query)))
        for number in range(60):
            create(session, day[5], f"{day[5]}-0-{999 - number}")
        assert not before <= set(map(tuple, session.execute(query))), "nothing was moved"
        assert_as_rebuilt(session)


def test_a_rebuild_tells_how_far_it_is(stores: Stores, filled: str, story: Chronology) -> None:
    """In events done, up to all of them; so does a check."""
    told: list[int] = []
    with opened(stores.new(filled)) as store, store.write() as session:
        index.rebuild(session.connection(), told.append)
        assert told[-1] == len(story.events)
        told.clear()
        assert list(index.find_faults(session.connection(), told.append)) == []
        assert told[-1] == len(story.events)


COORDINATES = st.none() | st.floats(-180, 180) | st.floats(-1e-3, 1e-3)


OWN_VALUES = (
    st.none()
    | st.text()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.text(), COORDINATES, COORDINATES, OWN_VALUES)
def test_documents_are_the_bytes_that_json_writes(
    said: str, latitude: Any, longitude: Any, own: Any
) -> None:
    """Whatever makes them: stored documents are compared byte for byte, and for years."""
    place = {"name": said, "latitude": latitude, "longitude": longitude}
    document = {"title": said, "places": [place], "tags": [said], "version": 1, "summary": None}
    document["extra"] = {"own": own}
    expected = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    assert documents._encoded(document) == expected.encode()


def test_documents_have_the_documented_shape(stores: Stores, filled: str) -> None:
    """Exactly the members of `schemas.Event` in their order, in every part, and no white space."""
    with opened(stores.new(filled)) as store, store.read() as connection:
        bodies = [body for body, _ in content(connection).values()]
    assert len(bodies) == 60
    for body in bodies:
        document = json.loads(body)
        event = schemas.Event.model_validate(document, strict=True)
        assert json.loads(event.model_dump_json()) == document
        # As text, so that the order of the members counts in every part.
        assert json.dumps(event.model_dump(), ensure_ascii=False, separators=(",", ":")) == (
            body.decode()
        )


def test_documents_say_what_was_written(stores: Stores, filled: str, story: Chronology) -> None:
    """Each event with its parts in the order given."""
    with opened(stores.new(filled)) as store, store.read() as connection:
        documents = {i: json.loads(body) for i, (body, _) in content(connection).items()}
    assert list(documents) == story.order["date"]
    for event_id, event in story.events.items():
        document = documents[event_id]
        assert (document["id"], document["type"]) == (event_id, event.type)
        assert (document["title"], document["status"]) == (event.title, event.status)
        assert document["date"]["edtf"] == event.date.edtf
        assert (document["version"], document["tags"]) == (1, event.tags)
        assert pairs(document["actors"], "id", "role") == [(a.id, a.role) for a in event.actors]
        assert pairs(document["places"], "id", "name") == [
            (p.id, story.places[p.id or ""].name) for p in event.places
        ]
        assert pairs(document["related"], "event", "relation") == [
            (link.event, link.relation) for link in dict.fromkeys(event.related)
        ]
        assert pairs(document["sources"], "id", "role") == [(s.id, s.role) for s in event.sources]
        named = [story.sources[source.id or ""].publisher for source in event.sources]
        shown = [source["publisher"] for source in document["sources"]]
        assert [fold(name or "") for name in shown] == [fold(name or "") for name in named]


def pairs(parts: Iterable[dict[str, Any]], one: str, other: str) -> list[tuple[Any, Any]]:
    """Two members of each part."""
    return [(part[one], part[other]) for part in parts]


# -- what is found wrong --------------------------------------------------------------------------

EVENT, OTHER = "aliyev-visit-belgrade-2022", "tovuz-tavush-skirmishes"
KEY = f"(SELECT key FROM timeline WHERE event_id = '{EVENT}')"
OTHER_KEY = f"(SELECT key FROM timeline WHERE event_id = '{OTHER}')"
VISIT = "SELECT id FROM term WHERE kind = 'type' AND value = 'visit'"
TRADE = "SELECT id FROM term WHERE kind = 'type' AND value = 'trade'"
SPOT = f"SELECT block, slot FROM timeline WHERE event_id = '{EVENT}'"
DIFFERS = f"event {EVENT} differs in the read model; `dateline reindex` mends it"
OTHER_DIFFERS = f"event {OTHER} differs in the read model; `dateline reindex` mends it"


def of_model(what: str) -> str:
    return f"the read model has {what}; `dateline reindex` mends it"


Damage = str | Callable[[Session], None]


def posted(term: str, *, put: bool = True, further: int = 0) -> Damage:
    """Says under a term, or no longer, that the event bears it, or the slot so far behind it."""

    def damage(session: Session) -> None:
        number = session.execute(text(term)).scalar_one()
        block, slot = session.execute(text(SPOT)).one()
        of = {"block": block, "term": number}
        where = "WHERE block = :block AND term = :term"
        bits = session.execute(text(f"SELECT bits FROM posting {where}"), of).scalar()
        mask = index.decode_posting(bits or b"")
        mask[slot + further] = put
        session.execute(text(f"DELETE FROM posting {where}"), of)
        insert = text("INSERT INTO posting (block, term, bits) VALUES (:block, :term, :bits)")
        session.execute(insert, {**of, "bits": blocks.encode_posting(mask.nonzero()[0])})

    return damage


# Statements of one transaction, and every line that the check of the journal then gives.
ASTRAY: dict[str, tuple[list[str], set[str]]] = {
    "nothing": ([], set()),
    "a position that no change has": (
        ["UPDATE store SET position = position + 1"],
        {"the feed's last position is not that of the store"},
    ),
    "a change that the store does not count": (
        ["UPDATE store SET position = position - 1"],
        {"the feed's last position is not that of the store"},
    ),
    "a lost end of the feed": (
        [
            "DELETE FROM change WHERE position >="
            " (SELECT max(position) FROM change WHERE kind = 'event')"
        ],
        {
            "the feed's last position is not that of the store",
            "event LAST's version is not its last revision",
        },
    ),
    "a version that no revision has": (
        [f"UPDATE event SET version = version + 1 WHERE id = '{EVENT}'"],
        {f"event {EVENT}'s version is not its last revision"},
    ),
    "a revision that the event is behind": (
        [f"UPDATE change SET version = version + 1 WHERE record_id = '{EVENT}'"],
        {f"event {EVENT}'s version is not its last revision"},
    ),
    "a revision that says something else": (
        [
            f"UPDATE change SET body = (SELECT body FROM document WHERE key = {OTHER_KEY})"
            f" WHERE record_id = '{EVENT}'"
        ],
        {f"event {EVENT} differs from its last entry in the feed"},
    ),
    "a document that no revision says": (
        [
            f"UPDATE document SET body = (SELECT body FROM document WHERE key = {OTHER_KEY})"
            f" WHERE key = {KEY}"
        ],
        {f"event {EVENT} differs from its last entry in the feed"},
    ),
    "a deletion that was not made": (
        [f"UPDATE change SET op = 'delete', body = NULL WHERE record_id = '{EVENT}'"],
        {
            f"event {EVENT}'s version is not its last revision",
            f"event {EVENT} differs from its last entry in the feed",
        },
    ),
    "an event that the feed does not know to be gone": (
        [
            f"DELETE FROM relation WHERE event_id = '{EVENT}' OR target_id = '{EVENT}'",
            f"DELETE FROM event WHERE id = '{EVENT}'",
            f"DELETE FROM timeline WHERE event_id = '{EVENT}'",
        ],
        {f"event {EVENT} differs from its last entry in the feed"},
    ),
    "an event that the feed never told of": (
        [f"UPDATE change SET kind = 'type' WHERE record_id = '{EVENT}'"],
        {f"event {EVENT}'s version is not its last revision"},
    ),
    **{
        f"a {kind} without a revision": (
            [f"UPDATE change SET record_id = 'ghost' WHERE record_id = '{record_id}'"],
            {f"{kind} {record_id} has no revision"},
        )
        for kind, record_id in (
            ("source", "balkan-insight-2023-11-15"),
            ("actor", "serbia"),
            ("place", "belgrade"),
            ("type", "visit"),
        )
    },
}

# Statements of one transaction, and every line that `check` then gives.
DAMAGES: dict[str, tuple[list[Damage], set[str]]] = {
    "nothing": ([], set()),
    "a row changed behind the read model's back": (
        [f"UPDATE event SET title = 'Forged' WHERE id = '{EVENT}'"],
        {DIFFERS},
    ),
    "an actor renamed behind its back": (
        ["UPDATE actor SET name = 'SOCAR', folded = 'socar' WHERE id = 'jeyhun-bayramov'"],
        {
            f"event {event_id} differs in the read model; `dateline reindex` mends it"
            for event_id in (
                "vucic-bayramov-talks",
                "vucic-bayramov-territorial-integrity-statement",
            )
        },
    ),
    "a changed body": (
        [
            f"UPDATE document SET body = (SELECT body FROM document WHERE key = {OTHER_KEY})"
            f" WHERE key = {KEY}"
        ],
        {DIFFERS},
    ),
    "a missing document": ([f"DELETE FROM document WHERE key = {KEY}"], {DIFFERS}),
    "a missing row of the timeline": (
        [f"DELETE FROM timeline WHERE event_id = '{EVENT}'"],
        {
            f"event {EVENT} is not in the read model; `dateline reindex` mends it",
            of_model("1 documents of no event"),
            of_model("POSTINGS postings of no event"),
        },
    ),
    "a row of the timeline without an event": (
        [f"UPDATE timeline SET event_id = 'aliyev-visit-ghost' WHERE event_id = '{EVENT}'"],
        {
            f"event {EVENT} is not in the read model; `dateline reindex` mends it",
            "event aliyev-visit-ghost differs in the read model; `dateline reindex` mends it",
        },
    ),
    "a wrong count": (
        [f"UPDATE term SET events = events + 1 WHERE id = ({VISIT})"],
        {of_model("1 terms with a wrong count")},
    ),
    "an extra posting": (
        [posted(TRADE)],
        {DIFFERS, of_model("1 terms with a wrong count")},
    ),
    "an extra posting that is counted": (
        [
            posted(TRADE),
            f"UPDATE term SET events = events + 1 WHERE id = ({TRADE})",
        ],
        {DIFFERS},
    ),
    "a posting under a term that is none": (
        [posted("SELECT 999999")],
        {DIFFERS},
    ),
    "a missing posting": (
        [posted(VISIT, put=False)],
        {DIFFERS, of_model("1 terms with a wrong count")},
    ),
    "a missing posting that is not counted": (
        [
            posted(VISIT, put=False),
            f"UPDATE term SET events = events - 1 WHERE id = ({VISIT})",
        ],
        {DIFFERS},
    ),
    "a posting of no event": (
        [posted(VISIT, further=40)],
        {of_model("1 postings of no event"), of_model("1 terms with a wrong count")},
    ),
    "a list of terms that is wrong": (
        [f"UPDATE document SET terms = body WHERE key = {KEY}"],
        {DIFFERS},
    ),
    "documents that change places": (
        [
            f"UPDATE document SET key = -1 WHERE key = {KEY}",
            f"UPDATE document SET key = {KEY} WHERE key = {OTHER_KEY}",
            f"UPDATE document SET key = {OTHER_KEY} WHERE key = -1",
        ],
        {DIFFERS, OTHER_DIFFERS},
    ),
    "a wrong day": (
        [f"UPDATE timeline SET day = day - 1 WHERE event_id = '{EVENT}'"],
        {DIFFERS},
    ),
    "a wrong bound": (
        [f"UPDATE timeline SET end_latest = end_latest + 1 WHERE event_id = '{EVENT}'"],
        {DIFFERS},
    ),
    "a certainty that is wrong": (
        [f"UPDATE timeline SET sure = NOT sure WHERE event_id = '{EVENT}'"],
        {DIFFERS},
    ),
    "a wrong time of the last edit": (
        [f"UPDATE timeline SET updated_at = '2001' WHERE event_id = '{EVENT}'"],
        {DIFFERS},
    ),
    "a date that is none": (
        [f"UPDATE event SET date_edtf = '2023-02-29' WHERE id = '{EVENT}'"],
        {f"event {EVENT} has a date that is none: DATE"},
    ),
}


@pytest.fixture(scope="module")
def sound(stores: Stores, seeded_template: str) -> str:
    """A store with the example chronology in which no damage is ever committed."""
    return stores.new(seeded_template)


@contextmanager
def damaged(url: str, statements: Iterable[Damage] = ()) -> Iterator[Session]:
    """A transaction that does damage and leaves none behind."""
    with opened(url) as store, store.write() as session:
        for statement in statements:
            if isinstance(statement, str):
                session.execute(text(statement))
            else:
                statement(session)
        yield session
        session.rollback()


def found(session: Session) -> set[str]:
    """What the check says."""
    listed = list(index.find_faults(session.connection()))
    assert len(listed) == len(set(listed))
    return set(listed)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_is_found_and_named(sound: str, damage: str) -> None:
    """And nothing else is; each line says what mends it, where something does."""
    statements, expected = DAMAGES[damage]
    with damaged(sound) as session:
        number = str(len(content(session.connection())[EVENT][1]))
    with damaged(sound, statements) as session:
        with pytest.raises(edtf.DateError) as wrong:
            edtf.parse("2023-02-29")
        said = {line.replace("POSTINGS", number) for line in expected}
        assert found(session) == {line.replace("DATE", str(wrong.value)) for line in said}


@pytest.mark.parametrize("damage", ASTRAY)
def test_a_journal_that_contradicts_the_rows_is_found(sound: str, damage: str) -> None:
    """And named; no rebuild mends it, so each line says to restore a backup."""
    statements, expected = ASTRAY[damage]
    with damaged(sound) as session:
        query = "SELECT record_id FROM change WHERE kind = 'event' ORDER BY position DESC LIMIT 1"
        last = str(session.execute(text(query)).scalar_one())
    with damaged(sound, statements) as session:
        said = list(writes.find_contradictions(session.connection()))
    told = {f"{line.replace('LAST', last)}; restore a backup" for line in expected}
    assert sorted(said) == sorted(told)


def test_every_contradiction_is_looked_for() -> None:
    """Each query of the check finds something above, and none does in a sound store."""
    known = import_module("app.writes.journal").CONTRADICTIONS
    lines = [line for _, found in ASTRAY.values() for line in found]
    for finding in known:
        assert any(re.fullmatch(finding.format(".+"), line) for line in lines), finding


@pytest.mark.parametrize(
    "damage", [name for name, (_, lines) in DAMAGES.items() if "mends" in "".join(lines)]
)
def test_a_rebuild_mends_what_the_check_says_it_mends(sound: str, damage: str) -> None:
    """Afterwards nothing is found."""
    with damaged(sound, DAMAGES[damage][0]) as session:
        index.rebuild(session.connection())
        assert found(session) == set()


def test_keys_that_changed_places_are_found(sound: str) -> None:
    """Also within a day, and where every table agrees: then only the order is wrong."""
    later = "first-reports-of-defence-contract"  # of the same first day
    with damaged(sound) as session:
        connection = session.connection()
        query = text("SELECT key FROM timeline WHERE event_id IN (:one, :other) ORDER BY key")
        one, other = connection.execute(query, {"one": EVENT, "other": later}).scalars()
        keys.move_keys(connection, [one, other], [other, one])
        assert found(session) == {DIFFERS}


def test_a_key_outside_its_day_is_found(sound: str) -> None:
    """Though it stands in order as yet: an event of a later day would be placed before it."""
    with damaged(sound) as session:
        connection = session.connection()
        last = connection.execute(text("SELECT max(key) FROM timeline")).scalar_one()
        keys.move_keys(connection, [last], [last + 20 * keys.MAX_LABELS])
        assert found(session) == {
            "event serbia-plans-to-join-southern-gas-corridor differs in the read model;"
            " `dateline reindex` mends it"
        }


def test_a_damage_behind_the_first_five_hundred_is_found(
    stores: Stores, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check goes through in batches; here of 7."""
    monkeypatch.setattr(import_module("app.index.check"), "BATCH", 7)
    with opened(stores.new(filled)) as store, store.write() as session:
        assert found(session) == set()
        last = session.execute(text("SELECT event_id FROM timeline ORDER BY key DESC")).scalars()
        event_id = last.first()
        session.execute(text("UPDATE event SET title = 'X' WHERE id = :id"), {"id": event_id})
        assert found(session) == {
            f"event {event_id} differs in the read model; `dateline reindex` mends it"
        }


def test_an_event_that_lost_its_sources_is_found(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """SQLite refuses it only on connections that ask it to; a rebuild cannot mend it."""
    made = SqliteStores(tmp_path_factory.mktemp("unguarded"))
    url = seeded(made, migrated(made))
    unguarded = create_engine(url)
    with unguarded.begin() as connection:
        statement = f"UPDATE citation SET role = 'context' WHERE event_id = '{EVENT}'"
        connection.execute(text(statement))
    unguarded.dispose()
    with opened(url) as store, store.write() as session:
        index.rebuild(session.connection())
        assert found(session) == {f"event {EVENT} has no source that supports it"}
