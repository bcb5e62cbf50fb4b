"""The read model in blocks of a few events: split, made anew and emptied, and what readers keep."""

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlmodel import Session

from app import index, reads, schemas, writes
from app.filters import Choice, EventFilter, FacetQuery, HistogramQuery, resolve
from app.formats import Line
from app.index import blocks, decode_posting, slots_of
from app.store import Cache, Database
from app.store.cache import ENTRY_BYTES, key_bytes
from stores import BY, Stores, opened

pytestmark = pytest.mark.both_engines

SLOTS = 16
DAYS = [f"2023-{month:02}-{day:02}" for month in (3, 7) for day in (1, 2, 28)]
TAGS = ("a", "b", "c")


@pytest.fixture(scope="module", autouse=True)
def few_slots(block_size: int) -> Iterator[None]:
    """Blocks of 16 events."""
    assert block_size > SLOTS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.index.blocks.SLOTS", SLOTS)
        yield


# -- postings -------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, SLOTS - 1)))
def test_a_posting_holds_its_slots_whatever_its_form(slots: set[int]) -> None:
    """A list of few, a bit for each of many; one by one they give the same slots."""
    bits = blocks.encode_posting(np.array(sorted(slots), dtype=np.int64))
    assert set(slots_of(bits).tolist()) == slots
    assert set(decode_posting(bits).nonzero()[0].tolist()) == slots
    assert bool(bits) == bool(slots)
    assert len(bits) <= SLOTS // 8 + 1


def test_the_store_that_other_tests_copy_has_usual_blocks(
    stores: Stores, request: pytest.FixtureRequest
) -> None:
    """Though it is made here, among small ones: bits of those would be too short elsewhere."""
    with opened(request.getfixturevalue("seeded_template")) as store, store.read() as connection:
        postings = connection.scalars(text("SELECT bits FROM posting")).all()
    assert max(len(bits) for bits in postings) > SLOTS // 8 + 1
    assert all(blocks.is_list(bits) for bits in postings)


# -- events come and go ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(stores: Stores, empty_template: str) -> str:
    """A store with a type, a source and tags, as a filter asks only for tags that exist."""
    url = stores.new(empty_template)
    with opened(url) as store, store.write() as session:
        writes.TYPE.save(session, BY, schemas.TypeWrite(id="thing", label="Thing"), "create")
        writes.SOURCE.save(session, BY, schemas.SourceWrite(id="a-source", title="A"), "create")
        tag = "INSERT INTO tag (id, name, folded, words) VALUES (:tag, :tag, :tag, :tag)"
        session.execute(text(tag), [{"tag": tag} for tag in (*TAGS, "even", "odd")])
    return url


Held = dict[str, tuple[str, frozenset[str]]]  # a day and some tags, by id


def create(session: Session, held: Held, ids: Sequence[str], day: str, tags: Set[str]) -> None:
    """Store those of some events that are not there."""
    made = {i: (day, frozenset(tags)) for i in ids if i not in held}
    events = [
        schemas.EventWrite(
            id=event_id,
            type="thing",
            title="Thing",
            date=schemas.DateWrite(edtf=day),
            tags=sorted(tags),
            sources=[schemas.SourceReference(id="a-source")],
        )
        for event_id in made
    ]
    if events:
        writes.create_events(session, BY, events)
        held.update(made)


def change(session: Session, held: Held, statement: str, event_id: str, day: str = "") -> None:
    """Make one change to the rows of an event that is there."""
    if event_id in held:
        session.execute(text(statement), {"id": event_id, "day": day})
        index.update_entries(session.connection(), [event_id])


def assert_found(connection: Connection, held: Held) -> None:
    """The read model is sound, and every filter finds what it should, in order, counted."""
    assert list(index.find_faults(connection)) == []
    in_order = sorted(held, key=lambda i: (held[i][0], i))
    for tag, day in product((None, *TAGS), (None, DAYS[2], "2023-07")):
        asked = {"tag": [tag] if tag else None, "date": day}
        expected = [
            i
            for i in in_order
            if (tag is None or tag in held[i][1]) and held[i][0].startswith(day or "")
        ]
        given = EventFilter.model_validate({n: v for n, v in asked.items() if v})
        hits = reads.Hits(connection, resolve(connection, given))
        assert hits.count() == len(expected)
        assert ids(connection, hits.in_order()) == expected
        assert ids(connection, hits.in_order(descending=True)) == expected[::-1]


def ids(connection: Connection, keys: Iterable[Iterable[int]]) -> list[str]:
    """Of the events with some keys."""
    rows = connection.execute(text("SELECT key, event_id FROM timeline"))
    event_of = {row.key: row.event_id for row in rows}
    return [event_of[key] for some in keys for key in some]


NUMBERS = st.integers(0, 60).map(lambda number: f"e-{number:02}")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["one", "many", "gone", "moved", "bare"]),
        NUMBERS,
        st.sampled_from(DAYS),
        st.sets(st.sampled_from(TAGS)),
    ),
    min_size=1,
    max_size=20,
)
CHANGES = {
    "gone": "DELETE FROM event WHERE id = :id",
    "moved": "UPDATE event SET date_edtf = :day WHERE id = :id",
    "bare": "DELETE FROM event_tag WHERE event_id = :id",
}


def test_every_filter_finds_its_events_whatever_happened(base: str) -> None:
    """Through blocks that fill, split, are made anew and go."""
    seen = set()

    @settings(max_examples=25, deadline=None)
    @given(STEPS)
    def run(steps: list[tuple[str, str, str, set[str]]]) -> None:
        held: Held = {}
        ever: set[str] = set()  # an id that was deleted is not given again
        with opened(base) as store, store.write() as session:
            for kind, event_id, day, tags in steps:
                if kind in CHANGES:
                    change(session, held, CHANGES[kind], event_id, day)
                    if event_id in held:
                        was_day, was_tags = held.pop(event_id)
                        held |= {
                            "gone": {},
                            "moved": {event_id: (day, was_tags)},
                            "bare": {event_id: (was_day, frozenset[str]())},
                        }[kind]
                else:
                    many = [f"{event_id}-{n}" for n in range(40)] if kind == "many" else [event_id]
                    create(session, held, [i for i in many if i not in ever], day, tags)
                    ever.update(many)
            assert_found(session.connection(), held)
            number = session.execute(text("SELECT count(*) FROM block")).scalar_one()
            seen.add(min(number, 4))
            index.rebuild(session.connection())
            assert_found(session.connection(), held)
            session.rollback()

    run()
    assert 4 in seen, "no store ever had four blocks: the test shows little"


def test_an_event_that_comes_and_goes_leaves_no_block_full(base: str) -> None:
    """Slots that are no longer held are given again once a block is full of them."""
    held: Held = {}
    with opened(base) as store, store.write() as session:
        create(session, held, ["a", "z"], DAYS[0], set())
        for turn in range(3 * SLOTS):
            create(session, held, [f"m-{turn}"], DAYS[0], {"a"})
            change(session, held, CHANGES["gone"], f"m-{turn}")
            del held[f"m-{turn}"]
        assert session.execute(text("SELECT count(*) FROM block")).scalar_one() == 1
        assert_found(session.connection(), held)
        session.rollback()


def test_a_file_is_found_whole_though_blocks_are_made_anew_between_its_batches(base: str) -> None:
    """What waits to be posted moves along with its events."""
    number = index.BATCH + 100
    held = {
        f"e-{n * 7 % number:03}": (DAYS[n % 6], frozenset(TAGS[: n % 4])) for n in range(number)
    }
    lines = [
        Line(
            at,
            {
                "id": event_id,
                "type": "thing",
                "title": "Thing",
                "date": day,
                "tags": sorted(tags),
                "sources": [{"id": "a-source"}],
            },
        )
        for at, (event_id, (day, tags)) in enumerate(held.items(), 1)
    ]
    with opened(base) as store, store.write() as session:
        assert writes.import_lines(session, BY, lines, writes.ImportOptions()).created == number
        assert_found(session.connection(), held)
        session.rollback()


def test_what_is_told_as_it_happens_fills_block_after_block(base: str) -> None:
    """Each new event the last one: none of the blocks is left half empty."""
    held: Held = {}
    with opened(base) as store, store.write() as session:
        for turn in range(4 * SLOTS):
            create(session, held, [f"e-{turn:03}"], DAYS[0], set())
        used = session.execute(text("SELECT used FROM block ORDER BY first_key")).scalars()
        assert list(used) == [SLOTS] * 4
        assert_found(session.connection(), held)
        session.rollback()


# -- what readers keep ----------------------------------------------------------------------------


def listed(store: Database, asked: EventFilter) -> list[str]:
    """The ids that a reader of the store sees."""
    with store.read() as connection:
        hits = reads.Hits(connection, resolve(connection, asked))
        return ids(connection, hits.in_order())


def test_readers_see_every_change_though_they_keep_what_they_read(
    stores: Stores, base: str
) -> None:
    """After each write what is kept is brought up to it: created, moved, deleted."""
    held: Held = {}
    days = EventFilter(date="2023-03")
    with opened(stores.new(base)) as store:
        for turn in range(40):
            with store.write() as session:
                create(session, held, [f"e-{turn:02}"], DAYS[turn % 6], set())
                if turn % 3 == 2:
                    change(session, held, CHANGES["moved"], f"e-{turn - 1:02}", DAYS[5])
                    held[f"e-{turn - 1:02}"] = DAYS[5], frozenset()
                if turn % 5 == 4:
                    change(session, held, CHANGES["gone"], f"e-{turn - 2:02}")
                    held.pop(f"e-{turn - 2:02}", None)
            expected = sorted(
                (i for i in held if held[i][0] < "2023-04"), key=lambda i: (held[i][0], i)
            )
            assert listed(store, days) == expected


def test_clauses_phrases_and_quantities_that_are_kept_follow_each_write(
    stores: Stores, base: str
) -> None:
    """Whatever was asked before: events that come, are said otherwise, or go."""
    said: dict[str, tuple[str, int]] = {}  # a title and a length, by id
    with opened(stores.new(base)) as store:
        for turn in range(40):
            event_id, title = f"e-{turn:02}", "red box" if turn % 2 else "box red"
            with store.write() as session:
                writes.create_events(session, BY, [measured(event_id, title, turn)])
                said[event_id] = title, turn
                again = f"e-{turn - 2:02}"
                if turn % 3 == 2 and again in said:
                    writes.EVENT.save(session, BY, measured(again, "red box", 50), "update")
                    said[again] = "red box", 50
                if turn % 7 == 6:
                    writes.EVENT.remove(session, BY, f"e-{turn - 1:02}")
                    del said[f"e-{turn - 1:02}"]
            for asked, fits in (
                ({"q": "red box"}, lambda _: True),
                ({"q": '"red box"'}, lambda of: of[0] == "red box"),
                ({"unit": "km", "min_value": "20"}, lambda of: of[1] >= 20),
                ({"unit": "km", "max_value": "20"}, lambda of: of[1] <= 20),
                ({"tag": ["even"]}, lambda of: of[1] % 2 == 0),
                ({"tag": ["even", "odd"]}, lambda _: True),
                ({"tag": ["!even"], "q": '"red box"'}, lambda of: of[0] == "red box" and of[1] % 2),
            ):
                expected = sorted(event_id for event_id, of in said.items() if fits(of))
                assert listed(store, EventFilter.model_validate(asked)) == expected, asked


def measured(event_id: str, title: str, length: int) -> schemas.EventWrite:
    """An event of a title, a length and a tag that says whether that is even."""
    return schemas.EventWrite(
        id=event_id,
        type="thing",
        title=title,
        date=schemas.DateWrite(edtf=DAYS[0]),
        tags=["odd" if length % 2 else "even"],
        quantities=[schemas.Quantity(measure="length", value=str(length), unit="km")],
        sources=[schemas.SourceReference(id="a-source")],
    )


COUNTED: list[dict[str, Any]] = [{}, {"tag": ["a"]}, {"date": "2023-03"}, {"tag": ["!b"]}]


def counted(connection: Connection) -> list[bytes]:
    """Facets and histograms under some filters."""
    told = []
    for asked in COUNTED:
        facet = FacetQuery.model_validate({"by": ["tag", "type", "source"], **asked})
        told.append(reads.facets(connection, facet))
        over = HistogramQuery.model_validate({"interval": "day", **asked})
        told.append(reads.histogram(connection, over))
    return told


@pytest.mark.parametrize("few", [0, 64], ids=["event by event", "by bits"])
def test_counts_that_are_kept_follow_each_write(
    stores: Stores, base: str, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Readers count what a writer does, who keeps nothing: events created, moved and deleted."""
    monkeypatch.setattr("app.reads.tallies.MAX_BITMAP_VALUES", few)
    monkeypatch.setattr("app.reads.tallies.MAX_BLOCKS_PER_READ", 2)
    held: Held = {}
    with opened(stores.new(base)) as store:
        for turn in range(24):
            with store.write() as session:
                many = [f"e-{turn:02}-{n}" for n in range(1 + turn % 7)]
                create(session, held, many, DAYS[turn % 6], set(TAGS[: turn % 4]))
                change(session, held, CHANGES["moved"], f"e-{turn // 2:02}-0", DAYS[turn % 5])
                if turn % 3 == 2:
                    change(session, held, CHANGES["gone"], f"e-{turn - 1:02}-0")
                    del held[f"e-{turn - 1:02}-0"]
                expected = counted(session.connection())
            with store.read() as connection:
                assert counted(connection) == expected
                assert counted(connection) == expected


@pytest.mark.parametrize("asked", [{"actor": ["zed"]}, {"role": ["host"]}], ids=str)
def test_roles_are_known_again_when_the_read_model_was_made_anew(
    stores: Stores, base: str, asked: dict[str, list[str]]
) -> None:
    """Whatever number each pair of an actor and a role has then."""
    facet = FacetQuery.model_validate({"by": ["actor", "role"], **asked})
    with opened(stores.new(base)) as store:
        for actor, role, day in (("zed", "guest", DAYS[1]), ("anna", "host", DAYS[0])):
            event = schemas.EventWrite(
                id=f"{actor}-came",
                type="thing",
                title="Thing",
                date=schemas.DateWrite(edtf=day),
                actors=[
                    schemas.ActorReference(name=actor, role=role),
                    schemas.ActorReference(name="zed", role="host"),
                ],
                sources=[schemas.SourceReference(id="a-source")],
            )
            with store.write() as session:
                writes.create_events(session, BY, [event])
            with store.read() as connection:
                before = reads.facets(connection, facet)
        with store.write() as session:
            index.rebuild(session.connection())
        with store.read() as connection:
            assert reads.facets(connection, facet) == before


def test_a_store_of_nothing_counts_nothing(stores: Stores, empty_template: str) -> None:
    """New, or emptied; what is read at the start is nothing, too."""
    with opened(stores.new(empty_template)) as store, store.read() as connection:
        reads.warm(connection)
        over = HistogramQuery.model_validate({"interval": "year"})
        assert reads.histogram(connection, over) == b'{"interval":"year","undated":0,"buckets":[]}'
        facet = FacetQuery.model_validate({"by": ["tag"], "date": "2023"})
        assert reads.facets(connection, facet) == b'{"total":0,"facets":{"tag":[]}}'


def test_a_reader_of_an_older_snapshot_sees_that_one(stores: Stores, base: str) -> None:
    """Though a newer reader has brought up what both keep."""
    held: Held = {}
    days = EventFilter(date="2023-03")
    with opened(stores.new(base)) as store:
        with store.write() as session:
            create(session, held, ["a", "b"], DAYS[0], {"a"})
        with store.read() as older:
            assert reads.Hits(older, resolve(older, days)).count() == 2
            with store.write() as session:
                change(session, held, CHANGES["moved"], "a", DAYS[5])
                create(session, held, ["c"], DAYS[1], {"b"})
            assert listed(store, days) == ["b", "c"]
            hits = reads.Hits(older, resolve(older, days))
            assert ids(older, hits.in_order()) == ["a", "b"]
        assert listed(store, days) == ["b", "c"]


def test_what_a_writer_takes_back_is_kept_by_nobody(stores: Stores, base: str) -> None:
    """A writer may read what it has written, and undo it."""
    held: Held = {}
    with opened(stores.new(base)) as store:
        with store.write() as session:
            create(session, held, ["a"], DAYS[0], set())
        with store.write() as session:
            create(session, held, ["b"], DAYS[0], set())
            connection = session.connection()
            assert (
                reads.Hits(connection, resolve(connection, EventFilter(date="2023"))).count() == 2
            )
            session.rollback()
        with store.write() as session:
            create(session, {}, ["c"], DAYS[0], set())
        assert listed(store, EventFilter(date="2023")) == ["a", "c"]


def test_no_more_is_kept_than_is_allowed() -> None:
    """What was not used for longest goes first."""
    memory = Cache(4 * ENTRY_BYTES + 3 * key_bytes("a"))
    for name in "abcd":
        memory.put(name, name.upper(), ENTRY_BYTES // 3)
        memory.get("a")
    assert [memory.get(name) for name in "abcd"] == ["A", None, "C", "D"]
    memory.put("a", "again", 3 * ENTRY_BYTES)
    assert [memory.get(name) for name in "acd"] == ["again", None, None]
    memory.put("e", "too large", 3 * ENTRY_BYTES + 3 * key_bytes("a"))
    assert memory.get("e") is None


def test_what_filters_have_found_goes_first_but_for_its_part() -> None:
    """Of what all look at, nothing goes that may stay; of the other, a quarter never does."""
    each = ENTRY_BYTES + key_bytes(99)
    memory = Cache(8 * each)
    for number in range(20):
        memory.put(number, True, 0, per_filter=number % 2 == 1)
    assert [number for number in range(20) if memory.get(number)] == [8, 10, 12, 14, 16, 17, 18, 19]


def test_what_is_small_takes_room_too() -> None:
    """However many things there are of no size of their own."""
    memory = Cache(10 * (ENTRY_BYTES + key_bytes(99)))
    for number in range(100):
        memory.put(number, True, 0)
    assert [number for number in range(100) if memory.get(number)] == list(range(90, 100))


def test_what_is_asked_for_takes_room_too() -> None:
    """A prefix stands for hundreds of words, all of them in the key."""
    clause = tuple(Choice(number) for number in range(1000))
    memory = Cache(200_000)
    for turn in range(5):
        memory.put(("clause", (*clause, turn)), True, 0)
    assert [turn for turn in range(5) if memory.get(("clause", (*clause, turn)))] == [4]
