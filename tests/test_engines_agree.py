"""SQLite and PostgreSQL give the same answers, byte for byte, to random reads and writes.

Both stores hold the same chronology, have the same epoch and identity, and their clocks stand
still, so that even tags, cursors and times must be equal.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import text

from app.main import create_app
from app.settings import Settings
from chronology import INTERVALS, SORTS, Chronology, chronology, random_query
from chronology.generator import WORDS
from chronology.model import FACETS
from stores import PostgresqlStores, SqliteStores, key_of, left_out, migrated, opened, seeded
from writing import PATCHING

EVENTS, READS, WRITES = 1500, 1000, 300
MOMENT = "2026-11-26T12:00:{:02}.{:06}Z"
CLOCKS = (
    "app.writes.journal.current_timestamp",
    "app.writes.events.current_timestamp",
    "app.writes.retries.current_timestamp",
)
OWN = {"date", "server", "server-timing"}  # headers of the clock and the server

Json = dict[str, Any]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_blocks")]


class Clock:
    """Stands still until it is moved on."""

    def __init__(self) -> None:
        self.ticks = 0

    def __call__(self) -> str:
        return MOMENT.format(*divmod(self.ticks, 1_000_000))


class Both:
    """The same requests to an application on each engine."""

    def __init__(self, clients: Mapping[str, TestClient], clock: Clock) -> None:
        self.clients = clients
        self.clock = clock
        self.outcomes: Counter[int] = Counter()

    def ask(self, method: str, target: str, **sent: Any) -> Response:
        """The answer, which must be the same."""
        self.clock.ticks += 1
        first, second = (client.request(method, target, **sent) for client in self.clients.values())
        about = f"{method} {target} {sent}"
        assert first.status_code == second.status_code, about
        assert first.content == second.content, about
        assert told(first) == told(second), about
        assert first.status_code < 500, about
        self.outcomes[first.status_code] += 1
        return first


def told(answer: Response) -> list[tuple[str, str]]:
    """The headers that are not the server's own."""
    return sorted(pair for pair in answer.headers.multi_items() if pair[0].lower() not in OWN)


@pytest.fixture(scope="module")
def story() -> Chronology:
    """A random chronology."""
    return chronology(11, EVENTS)


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, postgresql: str | None, story: Chronology
) -> Iterator[Both]:
    """Both engines with the same chronology."""
    if postgresql is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
        raise AssertionError
    folder: Path = tmp_path_factory.mktemp("agree")
    clock, clients = Clock(), {}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in CLOCKS:
            patch.setattr(name, clock)
        for stores in (SqliteStores(folder), PostgresqlStores(postgresql)):
            url = seeded(stores, migrated(stores), story.fill)
            key = key_of(url)
            with opened(url) as store, store.write() as session:
                same = {"epoch": "the same", "identity": str(UUID(int=1))}
                session.execute(text("UPDATE store SET epoch = :epoch, identity = :identity"), same)
            settings = Settings(database_url=url, query_seconds=60, writes_per_minute=0)
            client = stack.enter_context(TestClient(create_app(settings)))
            client.headers["Authorization"] = f"Bearer {key}"
            client.headers["X-Request-ID"] = "the-same"
            clients[url.partition(":")[0]] = client
        yield Both(clients, clock)


# -- reads ----------------------------------------------------------------------------------------

Ask = Callable[[Both, Random, Chronology], Response]


def words(random: Random) -> str:
    """A search: words, a phrase, a prefix, or what is left of one."""
    chosen = random.choices(WORDS, k=random.randint(1, 3))
    forms = (" ".join(chosen), f'"{" ".join(chosen)}"', f"{chosen[0][:4]}*", chosen[0].upper())
    return random.choice(forms)


def a_list(both: Both, random: Random, story: Chronology) -> Response:
    """A page of events, and the next ones."""
    asked: Json = {**random_query(random, story), "sort": random.choice(SORTS)}
    asked |= {"limit": random.choice([1, 7, 50, 200])}
    if random.random() < 0.4:
        asked |= {"q": words(random), "sort": random.choice([*SORTS, "relevance"])}
    if random.random() < 0.3:
        asked["total"] = "none"
    if random.random() < 0.2:
        asked["fields"] = random.choice(["id", "id,title,date", "id,nothing"])
    answer = both.ask("GET", "/events", params=asked)
    for _ in range(2):
        following = answer.json().get("next")
        if not following:
            break
        answer = both.ask("GET", following)
    return answer


def counts(both: Both, random: Random, story: Chronology) -> Response:
    """Facets."""
    by = random.sample(FACETS, random.randint(1, 3))
    asked: Json = {**random_query(random, story), "by": by, "limit": random.choice([1, 10, 100])}
    return both.ask("GET", "/facets", params=asked)


def spans(both: Both, random: Random, story: Chronology) -> Response:
    """A histogram, or an error that names an interval that fits."""
    asked: Json = {**random_query(random, story), "interval": random.choice(list(INTERVALS))}
    return both.ask("GET", "/histogram", params=asked)


def one(both: Both, random: Random, story: Chronology) -> Response:
    """An event, its revisions, or one that is not there."""
    event_id = random.choice([*story.events, "nothing"])
    path = random.choice(["", "", "/revisions", "/revisions/1", "/revisions/9"])
    return both.ask("GET", f"/events/{event_id}{path}")


def vocabulary(both: Both, random: Random, _: Chronology) -> Response:
    """A list of what events name."""
    kind = random.choice(["types", "actors", "places", "tags", "sources", "roles", "publishers"])
    asked: Json = {"limit": random.choice([3, 50])}
    if random.random() < 0.7:
        asked["q"] = random.choice(WORDS)[: random.randint(2, 6)]
    return both.ask("GET", f"/{kind}", params=asked)


def feed(both: Both, random: Random, _: Chronology) -> Response:
    """A stretch of the feed, or what should be looked at."""
    return both.ask("GET", random.choice(["/changes?limit=20", "/audit"]))


def mistakes(both: Both, random: Random, story: Chronology) -> Response:
    """What is refused."""
    slips: list[Json] = [
        {"tpye": "visit"},
        {"date": "2023-13"},
        {"sort": "dates"},
        {"limit": "0"},
        {"cursor": "bm90aGluZw"},
        {"bbox": "1,2,3"},
        {"actor": "no-such-actor"},
        {"q": "\x00"},
        {"min_value": "12"},
        {"known_by": "2023-XX"},
    ]
    return both.ask(
        "GET", "/events", params={**random_query(random, story), **random.choice(slips)}
    )


def files(both: Both, random: Random, story: Chronology) -> Response:
    """A download."""
    name = random.choice(["ndjson", "csv", "timelinejs", "ics", "geojson", "atom", "jsonld"])
    return both.ask("GET", f"/events.{name}", params=random_query(random, story))


WAYS: Mapping[Ask, int] = {
    a_list: 8,
    counts: 4,
    spans: 3,
    one: 2,
    vocabulary: 2,
    feed: 1,
    mistakes: 2,
    files: 1,
}


def test_random_reads_are_answered_alike(both: Both, story: Chronology) -> None:
    """Lists and their pages, searches, counts, records, files and errors."""
    random = Random(12)
    while both.outcomes.total() < READS:
        (way,) = random.choices(list(WAYS), list(WAYS.values()))
        way(both, random, story)
    assert both.outcomes[200] > READS / 2
    assert both.outcomes[422] > READS / 50


# -- writes ---------------------------------------------------------------------------------------


def new_events(number: int) -> Iterator[Json]:
    """Documents of another chronology, some of whose names the first one has."""
    for event in chronology(13, number).events.values():
        document = event.model_dump(mode="json", exclude_none=True)
        yield document | {"id": f"new-{document['id']}"}


def test_random_writes_are_answered_alike(both: Both, story: Chronology) -> None:
    """Each with what it leads to: the event, the first page, and the counts after it."""
    random, fresh = Random(14), new_events(WRITES)
    ids, gone = list(story.events), list[str]()
    before = Counter(both.outcomes)
    for _ in range(WRITES):
        event_id = random.choice(ids)
        read = both.ask("GET", f"/events/{event_id}")
        headers = {"If-Match": read.headers.get("etag", '"none"')}
        if random.random() < 0.1:
            headers["If-Match"] = '"stale"'
        act = random.choice(["post", "patch", "patch", "put", "delete", "restore", "actor", "no"])
        if act == "post":
            document = next(fresh)
            if both.ask("POST", "/events", json=document).status_code == 201:
                ids.append(document["id"])
        elif act == "patch":
            told_of: Json = random.choice(
                [
                    {"title": f"About {words(random)}"},
                    {"date": random.choice(["2016", "2023-11", "2019-04-07", "2020/2022"])},
                    {"tags": random.sample(WORDS, 2)},
                    {"status": random.choice(["planned", "completed", "unheard-of"])},
                    {"actors": [{"name": f"Somebody {random.choice(WORDS)}", "role": "guest"}]},
                    {"sources": []},
                ]
            )
            sent = {**headers, "Content-Type": PATCHING}
            both.ask("PATCH", f"/events/{event_id}", content=json.dumps(told_of), headers=sent)
        elif act == "put" and read.status_code == 200:
            document = {**next(fresh), "id": event_id}
            both.ask("PUT", f"/events/{event_id}", json=document, headers=headers)
        elif act == "delete":
            if both.ask("DELETE", f"/events/{event_id}", headers=headers).status_code == 204:
                gone.append(event_id)
        elif act == "restore" and gone:
            both.ask("POST", f"/events/{random.choice(gone)}/restore")
        elif act == "actor":
            actor = random.choice(list(story.actors))
            tag = both.ask("GET", f"/actors/{actor}").headers["etag"]
            sent = {"If-Match": tag, "Content-Type": PATCHING}
            name = json.dumps({"name": f"Actor called {random.choice(WORDS)}"})
            both.ask("PATCH", f"/actors/{actor}", content=name, headers=sent)
        else:
            both.ask("POST", "/events", json={"title": random.choice(WORDS), "date": "soon"})
        random.choice([a_list, counts, spans, feed])(both, random, story)
    done = both.outcomes - before
    assert min(done[status] for status in (200, 201, 204, 412, 422)) > 3, done
