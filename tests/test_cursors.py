"""Following `next`: every event once, in order, whatever is written meanwhile; no forged cursor."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, cycle, product
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import Session

from app import index, schemas, writes
from app.main import create_app
from app.settings import Settings
from app.store import Database
from chronology import SORTS, Chronology, ascending, chronology, items, walk
from dates.model import number
from stores import BY, Stores, opened, seeded
from tables import check_each

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("small_blocks")]

VOCABULARIES = ("types", "actors", "places", "tags", "publishers", "sources")


@pytest.fixture(scope="module")
def story() -> Chronology:
    """A random chronology of 60 events, with a day that a good third of them share."""
    return chronology(8, 60)


@pytest.fixture(scope="module")
def filled(stores: Stores, empty_template: str, story: Chronology) -> str:
    """A store with the random chronology; copied, never written."""
    return seeded(stores, empty_template, story.fill)


@pytest.fixture(scope="module")
def reader(stores: Stores, filled: str) -> Iterator[TestClient]:
    """A client of the random chronology."""
    with TestClient(create_app(Settings(database_url=stores.new(filled)))) as client:
        yield client


# -- at rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 7, 40])
def test_the_pages_of_a_ranked_list_follow_one_another(reader: TestClient, limit: int) -> None:
    """By relevance, of which many events have equally much."""
    ranked = {"q": "gas", "sort": "relevance", "fields": "id"}
    whole = items(walk(reader, "/events", limit=200, **ranked))
    assert len(whole) > 30
    assert items(walk(reader, "/events", limit=limit, **ranked)) == whole


@pytest.mark.parametrize("limit", [1, 7, 30, 60, 200])
@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_of_a_list_hold_every_event_once_in_order(
    reader: TestClient, story: Chronology, sort: str, limit: int
) -> None:
    """Every page is full but the last, and only the last has no `next`; the total never changes."""
    pages = walk(reader, "/events", sort=sort, limit=limit, fields="id")
    assert [item["id"] for item in items(pages)] == story.order[sort]
    *full, last = [len(page["items"]) for page in pages]
    assert set(full) <= {limit}
    assert 1 <= last <= limit
    assert {page["total"] for page in pages} == {len(story.events)}


@pytest.mark.parametrize("sort", ["date", "updated"])
def test_a_minus_reverses_an_order_exactly(reader: TestClient, sort: str) -> None:
    """Ties included."""
    forth, back = (
        [item["id"] for item in items(walk(reader, "/events", sort=s, limit=13, fields="id"))]
        for s in (sort, f"-{sort}")
    )
    assert back == forth[::-1]


@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_of_a_filtered_list_follow_one_another(reader: TestClient, sort: str) -> None:
    """The cursor goes on within the filter, also where two days and two values are asked for."""
    query = {"date": ["1900/.."], "type": ["visit", "contract"], "status": ["!planned"]}
    pages = walk(reader, "/events", sort=sort, limit=3, **query)
    whole = walk(reader, "/events", sort=sort, limit=200, **query)
    assert len(pages) > 3
    assert items(pages) == items(whole)


def test_next_is_an_absolute_address_and_stands_in_the_link_header_too(
    reader: TestClient,
) -> None:
    """RFC 8288; it keeps every other parameter as it was given."""
    query = "type=visit&type=contract&date=1900/..&tag=!Arms+trade&limit=3&total=none&fields=id"
    answer = reader.get(f"/events?{query}")
    address = answer.json()["next"]
    assert answer.headers["link"] == f'<{address}>; rel="next"'
    assert answer.links["next"]["url"] == address
    assert address.startswith("http://testserver/events?")
    following = parse_qsl(urlsplit(address).query)
    assert [pair for pair in following if pair[0] != "cursor"] == parse_qsl(query)


def test_the_last_page_has_no_link(reader: TestClient) -> None:
    """`next: null` is the end, also of a list that has nothing on it."""
    for query in ("limit=200", "type=unused-type"):
        answer = reader.get(f"/events?{query}")
        assert answer.json()["next"] is None
        assert "link" not in answer.headers


def test_page_size_and_fields_may_change_on_the_way(reader: TestClient, story: Chronology) -> None:
    """A cursor belongs to filter and sort alone."""
    first = reader.get("/events", params={"limit": 9, "fields": "id"}).json()
    cursor = cursor_of(first)
    second = reader.get("/events", params={"limit": 20, "cursor": cursor, "total": "none"}).json()
    ids = [item["id"] for item in items([first, second])]
    assert ids == list(story.order["date"][:29])
    assert second["total"] is None


def cursor_of(page: dict[str, Any]) -> str:
    """The cursor of a page's `next`."""
    return query_of(page["next"])["cursor"]


# -- while others write ---------------------------------------------------------------------------

Item = dict[str, Any]
Step = Callable[[Session, Random, Item], None]


def crowd_the_day(session: Session, random: Random, last: Item) -> None:
    """Events of one day come in random order of their ids, some right behind the last one's."""
    stems = ["a", "b-1", "zz", last["id"][:40], last["id"][:40]]
    write_events(session, [_new(random, stem) for stem in stems], "2023-11-01")


def nest_behind_the_last(session: Session, random: Random, last: Item) -> None:
    """Each right before the one written before it, until there is no room and keys are moved."""
    stem = _new(random, last["id"][:40])
    write_events(session, [f"{stem}-{999 - n}-new" for n in range(25)], last["date"]["edtf"])


def _new(random: Random, stem: str) -> str:
    return f"{stem.strip('-')}-{random.randrange(10**6)}-new"


def write_events(session: Session, ids: Iterable[str], edtf: str) -> None:
    """Store events that bear little but a date and a word."""
    date, source = schemas.DateWrite(edtf=edtf), schemas.SourceReference(id="source-0")
    writes.create_events(
        session,
        BY,
        [
            schemas.EventWrite(id=event_id, type="visit", title="Gas", date=date, sources=[source])
            for event_id in ids
        ],
    )


def change_dates(session: Session, random: Random, last: Item) -> None:
    """Events get another date, before or behind the place of the cursor."""
    ids = changeable(session, random)[:3]
    for event_id in ids:
        edtf = random.choice(["1500", "2023-11-01", "2023-11", "9000"])
        session.execute(
            text("UPDATE event SET date_edtf = :edtf, updated_at = :now WHERE id = :id"),
            {"edtf": edtf, "now": writes.current_timestamp(), "id": event_id},
        )
    index.update_entries(session.connection(), ids)


def delete_the_last(session: Session, random: Random, last: Item) -> None:
    """The event that the cursor stands on goes, and another with it."""
    ids = [last["id"], *changeable(session, random)[:1]]
    linked = "SELECT event_id, target_id FROM relation WHERE event_id = :id OR target_id = :id"
    for event_id in ids[:2]:
        ids += chain.from_iterable(session.execute(text(linked), {"id": event_id}))
        for statement in (
            "DELETE FROM relation WHERE event_id = :id OR target_id = :id",
            "DELETE FROM event WHERE id = :id",
        ):
            session.execute(text(statement), {"id": event_id})
    index.update_entries(session.connection(), ids)


def changeable(session: Session, random: Random) -> list[str]:
    """Ids of the chronology's own events, in random order."""
    held = session.execute(text("SELECT id FROM event WHERE id NOT LIKE '%-new' ORDER BY id"))
    ids = list(held.scalars())
    random.shuffle(ids)
    return ids


STEPS: Sequence[Step] = (crowd_the_day, nest_behind_the_last, change_dates, delete_the_last)


@pytest.mark.parametrize("order", [*(f"sort={sort}" for sort in SORTS), "sort=relevance&q=gas"])
def test_a_walk_neither_skips_nor_repeats_an_unchanged_event(
    stores: Stores, filled: str, order: str
) -> None:
    """And lists them as they stood, whatever is added, moved or deleted between two pages."""
    random = Random(7)
    url = stores.new(filled)
    began = writes.current_timestamp()
    listed: list[str] = []
    turn = cycle(STEPS)
    with TestClient(create_app(Settings(database_url=url))) as client, opened(url) as database:
        stood = [item["id"] for item in client.get(f"/events?{order}&limit=200").json()["items"]]
        address = f"/events?{order}&limit=4&fields=id,date"
        while address:
            page = client.get(address).json()
            listed += [item["id"] for item in page["items"]]
            address = page["next"]
            if len(listed) < 0.8 * len(stood):
                with database.write() as session:
                    next(turn)(session, random, page["items"][-1])
        with database.read() as connection:
            assert list(index.find_faults(connection)) == []
            query = text("SELECT id FROM event WHERE updated_at < :began")
            unchanged = set(connection.execute(query, {"began": began}).scalars())
    expected = [event_id for event_id in stood if event_id in unchanged]
    assert len(expected) > 20
    assert [event_id for event_id in listed if event_id in unchanged] == expected


def test_a_walk_goes_on_behind_an_event_whose_key_was_moved(
    stores: Stores, filled: str, story: Chronology
) -> None:
    """The cursor holds day and id, which stay when room is made."""
    url = stores.new(filled)
    day = [i for i in story.order["date"] if story.date(i).place[0] == number(2023, 11, 1)]
    with TestClient(create_app(Settings(database_url=url))) as client, opened(url) as database:
        pages = {}
        for sort in ("date", "-date"):
            place = story.order[sort].index(day[10])
            pages[sort] = client.get(f"/events?sort={sort}&limit={place + 1}").json()
        before = key_of(database, day[10])
        with database.write() as session:
            for stem, n in product((f"{day[9]}-0", f"{day[10]}-0"), range(50)):
                write_events(session, [f"{stem}-{999 - n}-new"], "2023-11-01")
        assert key_of(database, day[10]) != before
        for sort, page in pages.items():
            rest = items(walk(client, urlsplit(page["next"]).path, **query_of(page["next"])))
            old = [item["id"] for item in rest if not item["id"].endswith("-new")]
            assert old == story.order[sort][len(page["items"]) :]


def key_of(database: Database, event_id: str) -> int:
    """The key of an event in the timeline."""
    with database.read() as connection:
        query = text("SELECT key FROM timeline WHERE event_id = :id")
        return int(connection.execute(query, {"id": event_id}).scalar_one())


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query))


# -- cursors that are none ------------------------------------------------------------------------


def told(cursor: str) -> list[Any]:
    """What a cursor holds: epoch, position, digest of the list, and the place."""
    found: list[Any] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return found


def packed(value: Any) -> str:
    """A cursor that holds `value`, or these bytes."""
    written = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


FORGED: dict[str, Callable[[list[Any]], str]] = {
    "nothing": lambda t: "",
    "not base64": lambda t: "not a cursor!",
    "not ASCII": lambda t: "é" * 12,
    "cut off": lambda t: packed(t)[:-5],
    "cut to one character": lambda t: packed(t)[:1],
    "with more behind": lambda t: packed(t) + "AAAA",
    "not JSON": lambda t: packed(b"{"),
    "not UTF-8": lambda t: packed(b'["\xff"]'),
    "no list": lambda t: packed({"a": 1}),
    "a number": lambda t: packed(1),
    "null": lambda t: packed(None),
    "an empty list": lambda t: packed([]),
    "a nest of lists": lambda t: packed(b"[" * 700),
    "without a place": lambda t: packed(t[:3]),
    "with half a place": lambda t: packed(t[:4]),
    "with too much of a place": lambda t: packed([*t, "x"]),
    "of another digest": lambda t: packed([*t[:2], "0" * 16, *t[3:]]),
    "with a digest that is none": lambda t: packed([*t[:2], None, *t[3:]]),
    "with an epoch that is none": lambda t: packed([1, *t[1:]]),
    "with a NUL in its id": lambda t: packed([*t[:-1], "a\0b"]),
    "with half a surrogate in its id": lambda t: packed([*t[:-1], "\ud800"]),
    "with an empty id": lambda t: packed([*t[:-1], ""]),
    "with a number as its id": lambda t: packed([*t[:-1], 1]),
}
FORGED_DAYS: dict[str, Any] = {
    "a huge day": 10**30,
    "a day beyond 64 bits": 2**63,
    "a day as a text": "1",
    "a broken day": 1.5,
    "a day that is true": True,
    "no day": None,
}


def assert_refused(client: TestClient, cursor: str, **parameters: Any) -> str:
    """422, and the error names the cursor; gives its message."""
    answer = client.get("/events", params={**parameters, "cursor": cursor})
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert (fault["in"], fault["name"]) == ("query", "cursor")
    return str(fault["message"])


def first_cursor(client: TestClient, path: str = "/events", **parameters: Any) -> str:
    """The cursor behind the first item of a list."""
    return cursor_of(client.get(path, params={**parameters, "limit": 1}).json())


@pytest.mark.parametrize("sort", ["date", "-updated"])
def test_what_is_no_cursor_is_refused(reader: TestClient, sort: str) -> None:
    """422 whoever made it up; never an answer to another question."""
    cursor = first_cursor(reader, sort=sort)
    assert reader.get("/events", params={"sort": sort, "cursor": cursor}).status_code == 200

    def check(forged: str) -> None:
        assert_refused(reader, FORGED[forged](told(cursor)), sort=sort)

    check_each(FORGED, check)


@pytest.mark.parametrize("day", FORGED_DAYS)
def test_a_place_that_no_event_can_have_is_refused(reader: TestClient, day: str) -> None:
    """The engines never see it."""
    place = told(first_cursor(reader))
    assert_refused(reader, packed([*place[:3], FORGED_DAYS[day], place[4]]))


@pytest.mark.parametrize("moment", ["", "\0", "2024\ud800", 7, None])
def test_a_moment_that_is_none_is_refused(reader: TestClient, moment: Any) -> None:
    """As a day is, in the orders by the last edit."""
    place = told(first_cursor(reader, sort="updated"))
    assert_refused(reader, packed([*place[:3], moment, place[4]]), sort="updated")


FOREIGN = [
    ({}, {"type": "visit"}),
    ({"type": "visit"}, {}),
    ({"type": "visit"}, {"type": "contract"}),
    ({"type": "visit"}, {"type": "!visit"}),
    ({"type": "visit"}, {"type": ["visit", "contract"]}),
    ({"date": "1900/.."}, {"date": "1901/.."}),
    ({"date": "1900/.."}, {"date": "1900/..", "match": "certain"}),
    ({"updated_since": "2024-05-01T00:00:00Z"}, {"updated_since": "2024-05-01T00:00:01Z"}),
    ({"q": "gas"}, {"q": "visit"}),
    ({"q": "gas", "sort": "relevance"}, {"q": "gas"}),
    ({"q": "gas", "sort": "relevance"}, {"q": "visit", "sort": "relevance"}),
    ({"known_by": "2024"}, {"known_by": "2025"}),
    ({}, {"sort": "-date"}),
    ({"sort": "date"}, {"sort": "updated"}),
    ({"sort": "updated"}, {"sort": "-updated"}),
    ({"sort": "-updated"}, {"sort": "-date"}),
]


@pytest.mark.parametrize(("own", "other"), FOREIGN)
def test_a_cursor_belongs_to_its_filter_and_sort(
    reader: TestClient, own: dict[str, Any], other: dict[str, Any]
) -> None:
    """With another it would answer a question that nobody asked."""
    assert "another list, filter or sort" in assert_refused(
        reader, first_cursor(reader, **own), **other
    )


SAME = [
    ({"date": "1900/.."}, {"date": "1900/..", "match": "possible"}),
    ({"type": ["visit", "contract"]}, {"type": ["contract", "visit", "contract"]}),
    ({"actor": "!actor-1"}, {"actor": ["!actor-1", "!actor-1"]}),
    ({}, {"sort": "date", "limit": 7, "total": "none", "fields": "id"}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_cursor_serves_another_spelling_of_its_filter(
    reader: TestClient, one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Defaults written out, and values in another order or doubled, ask for the same."""
    for mine, yours in ((one, other), (other, one)):
        cursor = first_cursor(reader, **mine)
        answer = reader.get("/events", params={**yours, "cursor": cursor})
        assert answer.status_code == 200, answer.text


def test_a_cursor_of_another_database_says_start_again(reader: TestClient) -> None:
    """410: its places mean nothing here."""
    for sort in SORTS:
        place = told(first_cursor(reader, sort=sort))
        cursor = packed(["another-epoch", *place[1:]])
        answer = reader.get("/events", params={"sort": sort, "cursor": cursor})
        assert answer.status_code == 410, answer.text
        assert answer.json()["type"].endswith("/problems/start-again")


# -- vocabularies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 4, 200])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_is_walked_likewise(
    reader: TestClient, story: Chronology, name: str, limit: int
) -> None:
    """Every record once, in the order of ids, each with the number of events that bear it."""
    pages = walk(reader, f"/{name}", limit=limit)
    records = items(pages)
    assert ascending([record["id"] for record in records])
    assert {page["total"] for page in pages} == {len(records)}
    parameter = name.removesuffix("s")
    borne = [borne[parameter] for borne in story.borne.values()]
    assert set(chain.from_iterable(borne)) >= {r["id"] for r in records if r["events"]}
    for record in records:
        assert record["events"] == sum(record["id"] in values for values in borne), record["id"]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_the_cursor_of_a_vocabulary_is_its_own(reader: TestClient, name: str) -> None:
    """Neither another's nor that of the events, nor one made up."""
    other = "places" if name != "places" else "types"
    cursors = [first_cursor(reader, f"/{other}"), first_cursor(reader), packed([1, 2]), "%00"]
    place = told(first_cursor(reader, f"/{name}"))
    cursors += [packed([*place[:3], wrong]) for wrong in ("\0", "", 5, None)]
    for cursor in cursors:
        answer = reader.get(f"/{name}", params={"cursor": cursor})
        assert answer.status_code == 422, answer.text
        assert [fault["name"] for fault in answer.json()["errors"]] == ["cursor"]
    elsewhere = packed(["another-epoch", *place[1:]])
    assert reader.get(f"/{name}", params={"cursor": elsewhere}).status_code == 410
