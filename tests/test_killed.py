"""Killed in the middle of writes: what was acknowledged is there, and nothing is half there.

A real server on SQLite is killed with SIGKILL at random moments while clients write through it, and
started again over the same file, many times over.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from threading import Barrier, Thread
from time import sleep
from typing import Any

import pytest
from sqlalchemy import text

from app import keys, reads, writes
from app.checking import find_damage
from app.filters import ChangesQuery, ExportQuery
from app.store import Database
from commands import run, serving, started
from servers import SECONDS, until
from stores import SqliteStores, migrated, opened, seeded

pytestmark = pytest.mark.slow

TRIALS = 60
WRITERS = 3
SLOTS, SIZE = 2, 200  # files that are imported over and over, and the events of each
# The kill comes after so many answers at most, and so many seconds: about as an import takes.
ANSWERS, WAIT = 14, 0.25

Json = dict[str, Any]
State = tuple[int, str] | None  # an event's version and title; None where it is deleted


def event(title: str, **more: Any) -> Json:
    """An event with a part of most kinds."""
    return {
        "type": "visit",
        "title": title,
        "date": {"edtf": "2023-11", "text": f"as {title} says"},
        "actors": [{"name": f"Actor {len(title)}", "role": "host"}, {"id": "serbia"}],
        "tags": [f"tag {len(title)}", "energy"],
        "quantities": [{"measure": "length", "value": "3", "unit": "km"}],
        "related": [{"event": "serbia-azerbaijan-gas-contract", "relation": "follows"}],
        "sources": [{"id": "balkan-insight-2023-11-15", "claims": ["date"], "quote": title}],
        **more,
    }


@dataclass
class Client:
    """Writes over one connection until it breaks; knows what was answered, and what was not."""

    name: str
    key: str
    random: random.Random
    port: int = 0
    wire: HTTPConnection | None = None
    serial: Iterator[int] = field(default_factory=count)
    refused: list[str] = field(default_factory=list)  # answers that no client should get
    acknowledged: int = 0
    waiting: Any = None  # what was sent and not answered

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        stay: bool = True,
    ) -> tuple[bytes, str | None] | None:
        """The body of the answer and its tag; None where none came, or who asked did not `stay`."""
        if self.wire is None:
            self.wire = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        try:
            self.wire.request(method, target, body, headers)
            if not stay:
                sleep(self.random.uniform(0, 0.05))
                raise HTTPException
            answer = self.wire.getresponse()
            said = answer.read()
        except (HTTPException, OSError):
            self.wire.close()
            self.wire = None
            return None
        if answer.status >= 300:
            self.refused.append(f"{method} {target}: {answer.status} {said.decode()}")
        self.acknowledged += 1
        return said, answer.headers.get("ETag")

    def write_until_it_breaks(self, port: int, together: Barrier) -> None:
        """From the moment when all clients are there."""
        self.port = port
        together.wait()
        while self.write():
            pass

    def write(self) -> bool:
        """One write; False where it was not answered."""
        raise NotImplementedError


@dataclass
class Writer(Client):
    """Creates, changes and deletes events of its own."""

    answered: dict[str, list[State]] = field(default_factory=dict)  # the states of each, by id
    tags: dict[str, str] = field(default_factory=dict)  # of those that are not deleted
    created: dict[str, str] = field(default_factory=dict)  # ids, by title
    waiting: tuple[str, str | None, State] | None = None  # method, id and state; unanswered
    resent: int = 0

    def write(self) -> bool:
        if self.waiting is not None and self.waiting[0] == "POST":
            self.resent += 1
            return self._create(self.waiting)
        if self.random.random() < 0.1:  # goes away, and comes back to ask again
            title = f"{self.name}-{next(self.serial)}"
            self._create(("POST", None, (1, title)), stay=False)
            return True
        title = f"{self.name}-{next(self.serial)}"
        method = self.random.choice(("POST", "PATCH", "DELETE")) if len(self.tags) > 4 else "POST"
        if method == "POST":
            return self._create(("POST", None, (1, title)))
        chosen = self.random.choice(sorted(self.tags))
        version = self._last(chosen)[0] + 1
        self.waiting = method, chosen, (version, title) if method == "PATCH" else None
        body = json.dumps({"title": title}).encode() if method == "PATCH" else None
        headers = {"If-Match": self.tags[chosen], "Content-Type": "application/json"}
        answer = self.send(method, f"/events/{chosen}", body, headers)
        if answer is None:
            return False
        self.settle(chosen, self.waiting[2], answer[1])
        return True

    def _create(self, waiting: tuple[str, str | None, State], *, stay: bool = True) -> bool:
        self.waiting = waiting
        assert waiting[2] is not None
        title = waiting[2][1]
        headers = {"Content-Type": "application/json", "Idempotency-Key": title}
        body = json.dumps(event(title)).encode()
        answer = self.send("POST", "/events", body, headers, stay=stay)
        if answer is None:
            return False
        event_id = json.loads(answer[0])["id"]
        self.created[title] = event_id
        self.settle(event_id, (1, title), answer[1])
        return True

    def _last(self, event_id: str) -> tuple[int, str]:
        state = self.answered[event_id][-1]
        assert state is not None
        return state

    def settle(self, event_id: str, state: State, tag: str | None) -> None:
        """What was waited for came to pass."""
        self.answered.setdefault(event_id, []).append(state)
        self.tags.pop(event_id, None)
        if state is not None:
            assert tag is not None
            self.tags[event_id] = tag
        self.waiting = None


@dataclass
class Importer(Client):
    """Imports whole files, each in place of the last."""

    answered: dict[int, int] = field(default_factory=dict)  # the generation of each slot
    waiting: tuple[int, int] | None = None  # slot and generation

    def write(self) -> bool:
        generation = next(self.serial)
        self.waiting = slot, _ = generation % SLOTS, generation
        lines = (
            json.dumps(event(f"generation {generation}", id=f"slot-{slot}-{n}"))
            for n in range(SIZE)
        )
        headers = {"Content-Type": "application/x-ndjson"}
        body = "\n".join(lines).encode()
        if self.send("POST", "/import?replace=true", body, headers) is None:
            return False
        self.answered[slot] = generation
        self.waiting = None
        sleep(self.random.uniform(0, 0.2))  # the others want their turn
        return True


@dataclass
class Found:
    """What all trials together found, a line each; and how much there was to be found."""

    lost: list[str] = field(default_factory=list)
    halves: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Follower:
    """Reads the feed on from where it was, and holds what it says the store is."""

    def __init__(self) -> None:
        self.after: str | None = None
        self.events: dict[str, Json] = {}

    def follow(self, store: Database) -> None:
        """Up to the end."""
        with store.read(patient=True) as connection:
            while True:
                asked = ChangesQuery(after=self.after, limit=200)
                page = reads.changes(connection, reads.position(connection), asked)
                for item in map(json.loads, page.items):
                    if item["op"] == "delete":
                        del self.events[item["id"]]
                    else:
                        self.events[item["id"]] = item["event"]
                    self.after = item["cursor"]
                if len(page.items) < 200:
                    return


def holding(store: Database) -> dict[str, Json]:
    """Every event by id, as it is served."""
    with (
        store.read(patient=True) as connection,
        reads.export(connection, ExportQuery()) as documents,
    ):
        return {document["id"]: document for document in map(json.loads, documents)}


def judge_writer(found: Found, writer: Writer, held: dict[str, Json], store: Database) -> None:
    """Everything answered is there, or what was sent after it; and nothing that was never sent."""
    own = {i: e for i, e in held.items() if e["tags"] and e["title"].startswith(f"{writer.name}-")}
    waiting = writer.waiting
    for event_id, states in writer.answered.items():
        document = own.pop(event_id, None)
        stored = None if document is None else (document["version"], document["title"])
        if waiting is not None and waiting[1] == event_id and stored == waiting[2] != states[-1]:
            found.counts["committed, not answered"] += 1
            assert document is None or stored is not None
            tag = None if document is None else _tag(store, event_id)
            writer.settle(event_id, stored, tag)
        elif stored != states[-1]:
            found.lost.append(f"{event_id} is {stored}, answered was {states[-1]}")
    titles = Counter(document["title"] for document in own.values())
    if waiting is not None and waiting[0] == "POST" and waiting[2] is not None:
        found.counts["committed, not answered"] += titles.pop(waiting[2][1], 0)
    found.twice += [f"{title}: {number} more" for title, number in titles.items()]


def _tag(store: Database, event_id: str) -> str:
    with store.read() as connection:
        return f'"{reads.tag(reads.event(connection, event_id))}"'


def judge_journal(found: Found, clients: list[Writer], store: Database) -> None:
    """Every state that was ever answered is a revision, and each title was created once."""
    query = text("SELECT record_id, version, op, body FROM change WHERE kind = 'event'")
    with store.read(patient=True) as connection:
        rows = connection.execute(query).all()
    revisions = {
        (row.record_id, row.version): None if row.body is None else json.loads(row.body)["title"]
        for row in rows
    }
    made = Counter(json.loads(row.body)["title"] for row in rows if row.op == "create")
    for writer in clients:
        for event_id, states in writer.answered.items():
            for version, state in enumerate(states, 1):
                title = None if state is None else state[1]
                if revisions.get((event_id, version), "nothing") != title:
                    found.lost.append(f"version {version} of {event_id}, '{title}'")
        for title in writer.created:
            if made[title] != 1:
                found.twice.append(f"{title} was created {made[title]} times")


def judge_importer(found: Found, importer: Importer, held: dict[str, Json]) -> None:
    """Each file is there whole: the last that was answered, or the one that was sent after it."""
    for slot in range(SLOTS):
        titles = [e["title"] for i, e in held.items() if i.startswith(f"slot-{slot}-")]
        answered, waiting = importer.answered.get(slot), importer.waiting
        if titles and (len(titles) != SIZE or len(set(titles)) != 1):
            found.halves.append(f"slot {slot}: {Counter(titles)}")
            continue
        stored = int(titles[0].split()[1]) if titles else None
        if stored is not None and waiting == (slot, stored):
            found.counts["committed, not answered"] += 1
            importer.answered[slot] = stored
        elif stored != answered:
            found.lost.append(f"slot {slot} is of generation {stored}, answered was {answered}")


def judge_feed(found: Found, follower: Follower, held: dict[str, Json], store: Database) -> None:
    """Replayed, it gives the store; and every position follows the last."""
    follower.follow(store)
    for event_id in follower.events.keys() | held.keys():
        if follower.events.get(event_id) != held.get(event_id):
            found.gaps.append(f"{event_id} is not what the feed says")
    with store.read() as connection:
        query = "SELECT count(*), min(position), max(position) FROM change"
        number, first, last = connection.execute(text(query)).one()
        position = connection.execute(text("SELECT position FROM store")).scalar_one()
    if (first, last, position) != (1, number, number):
        found.gaps.append(f"{number} changes from {first} to {last}, the store at {position}")


def answered(clients: list[Client]) -> int:
    """How many requests were answered so far."""
    return sum(client.acknowledged for client in clients)


def wait_for_answers(clients: list[Client], number: int) -> None:
    """Until so many more were answered."""
    enough = answered(clients) + number
    until(lambda: answered(clients) >= enough)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What the trials found, all over one database."""
    folder = tmp_path_factory.mktemp("killed")
    files = SqliteStores(folder)
    url = seeded(files, migrated(files))
    with opened(url) as store, store.write() as session:
        made = [
            keys.create(session, name, "write", writes.current_timestamp(), None)
            for name in (*(f"w{n}" for n in range(WRITERS)), "importer")
        ]
    writers = [Writer(f"w{n}", made[n], random.Random(n)) for n in range(WRITERS)]
    importer = Importer("importer", made[-1], random.Random(WRITERS))
    clients: list[Client] = [*writers, importer]
    follower, found, moments = Follower(), Found(), random.Random()
    for _ in range(TRIALS):
        with serving(url, folder, writes_per_minute="0") as (server, port):
            together = Barrier(len(clients) + 1)
            threads = [
                Thread(target=client.write_until_it_breaks, args=(port, together))
                for client in clients
            ]
            for thread in threads:
                thread.start()
            together.wait()
            wait_for_answers(clients, moments.randint(0, ANSWERS))
            sleep(moments.uniform(0, WAIT))
            server.kill()
            for thread in threads:
                thread.join()
        found.counts["not answered"] += sum(client.waiting is not None for client in clients)
        with opened(url) as store:
            held = holding(store)
            for writer in writers:
                judge_writer(found, writer, held, store)
                if writer.waiting is not None and writer.waiting[0] != "POST":
                    writer.waiting = None  # it has not come to pass
            judge_importer(found, importer, held)
            importer.waiting = None
            judge_feed(found, follower, held, store)
            found.findings += find_damage(store)
    with opened(url) as store:
        judge_journal(found, writers, store)
    found.refused += [said for client in clients for said in client.refused]
    found.counts["answered"] = answered(clients)
    found.counts["sent again"] = sum(writer.resent for writer in writers)
    return found


def test_the_kills_came_in_the_middle_of_writes(found: Found) -> None:
    """Else the rest shows nothing: many were answered, and some were not."""
    assert found.refused == []
    assert found.counts["answered"] > ANSWERS * TRIALS / 3
    assert found.counts["not answered"] > TRIALS
    assert found.counts["sent again"] > TRIALS / 4


def test_no_acknowledged_write_is_lost(found: Found) -> None:
    """The state that was answered is there, or a later one, and all of them are revisions."""
    assert found.lost == []


def test_no_import_is_there_by_half(found: Found) -> None:
    """All of its events, or none."""
    assert found.halves == []


def test_the_feed_has_no_gap(found: Found) -> None:
    """Who follows it across the kills holds what the store holds, and positions follow."""
    assert found.gaps == []


def test_the_check_finds_nothing_after_a_kill(found: Found) -> None:
    """Foreign keys, sources, journal and read model; the file itself."""
    assert found.findings == []


def test_a_post_that_was_not_answered_may_be_sent_again(found: Found) -> None:
    """With its Idempotency-Key it makes one event, whether or not it had made it before."""
    assert found.twice == []


# -- a command that is killed ---------------------------------------------------------------------


def test_a_killed_import_leaves_nothing(tmp_path: Path) -> None:
    """Not even the lock: the same file imports as a whole afterwards."""
    files = SqliteStores(tmp_path)
    url = seeded(files, migrated(files))
    with opened(url) as store:
        before = holding(store)
    lines = [json.dumps(event(f"Event {n}", id=f"new-{n}")).encode() for n in range(2000)]
    pipe = tmp_path / "events.ndjson"
    os.mkfifo(pipe)  # what is written to it, but for 64 KiB, has been read
    settings = {"database_url": url}
    with started("import", str(pipe), folder=tmp_path, settings=settings) as importing:
        with pipe.open("wb", buffering=0) as stream:
            for line in lines[:1500]:
                stream.write(line + b"\n")
            importing.kill()
        assert importing.process.exitcode == -9
        assert (importing.said / "2").read_text() == ""
    with opened(url) as store:
        assert holding(store) == before
        assert list(find_damage(store)) == []
    pipe.unlink()
    pipe.write_bytes(b"\n".join(lines))
    ran = run("import", str(pipe), folder=tmp_path, settings=settings)
    assert (ran.code, ran.err) == (0, "")
    with opened(url) as store:
        assert len(holding(store)) == len(before) + len(lines)
        assert list(find_damage(store)) == []
