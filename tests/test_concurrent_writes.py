"""Many clients at once against a real server: nothing is lost, done twice, skipped or repeated."""

import json
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from itertools import count, cycle
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from app import writes
from app.api import changes
from app.dialects.dialect import BUSY_SECONDS
from app.main import create_app
from app.settings import Settings
from app.store.database import MAX_WAITING_WRITES
from servers import SECONDS, Answer, Server, serving, until
from stores import BY, Stores, opened
from writing import Json, event, furnish, key_of, unsound

pytestmark = [pytest.mark.both_engines, pytest.mark.slow]

STANDING = 40  # events that nobody edits
AT_ONCE = 2.0  # seconds, of fifteen that a heartbeat takes
SORTS = ("date", "-date", "updated", "-updated")


class Client:
    """A client of its own: one connection, kept open, one thread's."""

    def __init__(self, server: Server, key: str) -> None:
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        self.key = key
        self.used = time.monotonic()

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request with the key; `If_Match` is written for If-Match."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told |= {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        if time.monotonic() - self.used > 2:  # the server closes what is idle for five seconds
            self.connection.close()
        self.connection.request(method, path.removeprefix(self.root), sent, told)
        answer = self.connection.getresponse()
        found = Answer(answer.status, answer.headers, answer.read())
        self.used = time.monotonic()
        return found

    @property
    def root(self) -> str:
        """Of absolute addresses."""
        return f"http://127.0.0.1:{self.connection.port}"

    def get(self, path: str) -> Json:
        """What a GET answers."""
        answer = self.send("GET", path)
        assert answer.status == 200, answer.body
        found: Json = answer.json()
        return found

    def post(self, body: Json, **headers: str) -> Answer:
        """A new event."""
        return self.send("POST", "/events", body, **headers)


class Bureau:
    """Servers over one store, a key to it, and as many clients at once as a test wants."""

    def __init__(self, servers: Sequence[Server], key: str) -> None:
        self.server = servers[0]
        self.key = key
        self._turns = cycle(servers)

    def client(self) -> "closing[Client]":
        """One more client, of the next server."""
        return closing(Client(next(self._turns), self.key))

    def at_once(self, number: int, work: Callable[[Client, int], Any]) -> list[Any]:
        """What so many clients give that all begin at the same moment."""
        start = threading.Barrier(number)

        def run(which: int) -> Any:
            with self.client() as client:
                start.wait(SECONDS)
                return work(client, which)

        with ThreadPoolExecutor(number) as threads:
            return list(threads.map(run, range(number)))


@contextmanager
def bureau_over(url: str, number: int = 1) -> Iterator[Bureau]:
    """Real servers over the store at a URL, which is sound when they end."""
    key = key_of(url)
    with ExitStack() as stack:
        told = {"writes_per_minute": "0", "log_level": "info"}
        servers = [stack.enter_context(serving(url, **told)) for _ in range(number)]
        yield Bureau(servers, key)
    with opened(url) as store:
        assert unsound(store) == []


@pytest.fixture(scope="module")
def furnished(stores: Stores, empty_template: str) -> str:
    """A store with what events name, and events that nobody will edit; copied, never written."""
    url = stores.new(empty_template)
    furnish(url)
    dates = ["2023-11-06", "2023-11", "2022", "2023-11-06/2024"]
    with opened(url) as store, store.write() as session:
        for number in range(STANDING):
            event_id = f"standing-{number * 37 % STANDING}"
            body = event(id=event_id, date=dates[number % 4], tags=["standing"])
            writes.create_record(session, BY, writes.EVENT, body)
    return url


@pytest.fixture(scope="module")
def bureau(stores: Stores, furnished: str) -> Iterator[Bureau]:
    """What the tests of this file share: as many servers as the engine takes, to test, two."""
    url = stores.new(furnished)
    with bureau_over(url, 2 if url.startswith("postgresql") else 1) as made:
        yield made


@pytest.fixture
def own(stores: Stores, furnished: str) -> Iterator[Bureau]:
    """A server of the test's own."""
    with bureau_over(stores.new(furnished)) as made:
        yield made


# -- no edit is lost, none is done twice ----------------------------------------------------------

CLIENTS, EDITS = 6, 8
KEYS, TIMES = 200, 5


def test_no_edit_is_lost(bureau: Bureau) -> None:
    """Six clients add their tags to one event, each to what it has read, until none is refused."""

    def add_tags(client: Client, which: int) -> int:
        refused = 0
        for number in range(EDITS):
            while True:
                read = client.send("GET", "/events/shared")
                tags = [*read.json()["tags"], f"tag {which} {number}"]
                tag = str(read.headers["ETag"])
                answer = client.send("PATCH", "/events/shared", {"tags": tags}, If_Match=tag)
                if answer.status == 200:
                    break
                assert answer.status == 412, answer.body
                refused += 1
        return refused

    with bureau.client() as client:
        client.post(event(id="shared"))
        refused = bureau.at_once(CLIENTS, add_tags)
        found = client.get("/events/shared")
        revisions = client.get("/events/shared/revisions?limit=200")["items"]
    assert sum(refused) > 0, "the clients never met"
    assert sorted(found["tags"]) == sorted(
        f"tag {which} {number}" for which in range(CLIENTS) for number in range(EDITS)
    )
    assert found["version"] == 1 + CLIENTS * EDITS
    assert [r["version"] for r in revisions] == list(range(found["version"], 0, -1))


def test_a_request_that_is_sent_five_times_at_once_is_done_once(bureau: Bureau) -> None:
    """200 keys: 200 events, and five equal answers each."""

    def post_all(client: Client, which: int) -> list[tuple[int, str, str, bytes]]:
        found = []
        for number in range(KEYS):
            body = event(title=f"Sent {number} times")
            answer = client.post(body, Idempotency_Key=f"key-{number}")
            location = str(answer.headers["Location"]).removeprefix(client.root)
            told = (location, str(answer.headers["ETag"]))
            found.append((answer.status, *told, answer.body))
        return found

    with bureau.client() as client:
        before = client.get("/events?limit=1")["total"]
        answers = bureau.at_once(TIMES, post_all)
        assert {answer[0] for of_client in answers for answer in of_client} == {201}
        assert all(of_client == answers[0] for of_client in answers)
        assert len({answer[1] for answer in answers[0]}) == KEYS
        assert client.get("/events?limit=1")["total"] == before + KEYS
        reused = client.post(event(title="Another"), Idempotency_Key="key-7")
    assert reused.status == 422
    assert reused.json()["type"] == "/problems/key-reused"


def test_one_of_many_who_make_the_same_event_makes_it(bureau: Bureau) -> None:
    """The others are told that it is there."""

    def make(client: Client, which: int) -> list[int]:
        return [client.post(event(id=f"same-{number}")).status for number in range(10)]

    for answers in zip(*bureau.at_once(CLIENTS, make), strict=True):
        assert sorted(answers) == [201] + [409] * (CLIENTS - 1)


def test_new_names_are_made_once(bureau: Bureau) -> None:
    """Actors, sources and tags that many events bring along at the same moment."""

    def make(client: Client, which: int) -> list[Json]:
        source = {"publisher": "Once", "title": "T", "published": "2023"}
        named = {"actors": [{"name": "Once"}], "places": [{"name": "Once"}], "sources": [source]}
        return [client.post(event(**named, tags=["once"])).json() for _ in range(5)]

    made = [body for of_client in bureau.at_once(CLIENTS, make) for body in of_client]
    for part in ("actors", "places", "sources"):
        assert len({body[part][0]["id"] for body in made}) == 1
    assert len({body["id"] for body in made}) == len(made)


# -- writers --------------------------------------------------------------------------------------

Commit = tuple[str, str, int]  # op, id, version


class Writers:
    """Four clients that make, edit, delete and restore events until they are told to stop."""

    def __init__(self, bureau: Bureau, name: str) -> None:
        self.bureau = bureau
        self.name = name
        self.stop = threading.Event()
        self.commits: list[list[Commit]] = [[] for _ in range(4)]

    def run(self, which: int) -> None:
        """One of them; what it commits is written down."""
        random, made = Random(which), self.commits[which]
        live: dict[str, str] = {}
        gone: list[str] = []
        numbers = count()
        with self.bureau.client() as client:
            while not self.stop.is_set():
                act = random.random()
                if act < 0.4 or not live:
                    stem = random.choice(["aa", "standing-20", "zz"])
                    event_id = f"{stem}-{self.name}-{which}-{next(numbers)}"
                    date = random.choice(["2023-11-06", "2023-11", "1999", "2030"])
                    answer = client.post(event(id=event_id, date=date))
                    op = "create"
                elif act < 0.75:
                    event_id = random.choice([*live])
                    body = {
                        "title": f"T {random.random()}",
                        "date": random.choice(["2023", "2021"]),
                    }
                    path, tag = f"/events/{event_id}", live[event_id]
                    answer = client.send("PATCH", path, body, If_Match=tag)
                    op = "update"
                elif act < 0.9 or not gone:
                    event_id = random.choice([*live])
                    answer = client.send("DELETE", f"/events/{event_id}", If_Match=live[event_id])
                    assert answer.status == 204, answer.body
                    del live[event_id]
                    gone.append(event_id)
                    versions = [v for _, known, v in made if known == event_id]
                    made.append(("delete", event_id, versions[-1] + 1))
                    continue
                else:
                    event_id = gone.pop()
                    answer = client.send("POST", f"/events/{event_id}/restore")
                    op = "create"
                assert answer.status in (200, 201), answer.body
                live[event_id] = str(answer.headers["ETag"])
                made.append((op, event_id, answer.json()["version"]))

    @property
    def number(self) -> int:
        """How many commits there were."""
        return sum(map(len, self.commits))

    def more(self, number: int) -> None:
        """Wait until they have committed so many more."""
        wanted = self.number + number
        until(lambda: self.number >= wanted)


@contextmanager
def writing(bureau: Bureau, name: str) -> Iterator[Writers]:
    """Four writers at work, until the block ends."""
    writers = Writers(bureau, name)
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(writers.run, which) for which in range(4)]
        try:
            yield writers
        finally:
            writers.stop.set()
        for one in running:
            one.result()


# -- reading on while others write ----------------------------------------------------------------


def test_a_walk_under_writers_neither_skips_nor_repeats(bureau: Bureau) -> None:
    """In every order the events that nobody edits come once each, as they stood."""
    with bureau.client() as client:
        stood = {}
        for sort in SORTS:
            listed = client.get(f"/events?sort={sort}&tag=standing&limit=200&fields=id")["items"]
            stood[sort] = [item["id"] for item in listed]
        assert {len(ids) for ids in stood.values()} == {STANDING}
        for sort in SORTS:
            address = f"/events?sort={sort}&limit=4&fields=id&total=none"
            listed = []
            with writing(bureau, f"walk{sort.strip('-')}{len(sort)}") as writers:
                for _ in range(8):
                    page = client.get(address)
                    listed += page["items"]
                    address = page["next"]
                    writers.more(4)
            while address:  # of a list that grows as fast as it is read there is no end
                page = client.get(address)
                listed += page["items"]
                address = page["next"]
            ids = [item["id"] for item in listed]
            assert [event_id for event_id in ids if event_id in stood[sort]] == stood[sort]


def poll(client: Client, after: str, ended: Callable[[], bool]) -> list[Json]:
    """The feed, a few changes at a time, until nothing comes after the end."""
    seen: list[Json] = []
    while True:
        last = ended()
        items = client.get(f"/changes?limit=5{f'&after={after}' if after else ''}")["items"]
        seen += items
        if items:
            after = items[-1]["cursor"]
        elif last:
            return seen
        places = [change["cursor"] for change in seen[-10:]]
        assert len({*places}) == len(places), "the feed repeats itself"


def listen(
    server: Server, key: str, after: str, ended: Callable[[list[Json]], bool]
) -> tuple[list[Json], int]:
    """The feed as Server-Sent Events, connecting anew every few changes; and how often it did."""
    seen: list[Json] = []
    random, connections = Random(5), 0
    while not ended(seen):
        connections += 1
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)) as connection:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": after}
            connection.request("GET", "/changes", headers=headers)
            stream = connection.getresponse()
            assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            for _ in range(random.randrange(1, 25)):
                if ended(seen):
                    break
                told = dict(line.split(": ", 1) for line in block(stream))
                after = told["id"]
                seen.append(json.loads(told["data"]))
                assert (told["event"], seen[-1]["cursor"]) == ("change", after)
    return seen, connections


def block(stream: Any) -> list[str]:
    """The next event of a stream that says something of a change."""
    while True:
        lines: list[str] = []
        while line := stream.readline().decode().rstrip("\n"):
            lines.append(line)
        assert lines != [": still here"], "nothing came for a whole heartbeat"
        if any(line.startswith("data") for line in lines):
            return lines


def test_followers_see_every_commit_once_and_in_order(bureau: Bureau) -> None:
    """One that polls and one that listens, under four writers."""
    with bureau.client() as client:
        client.post(event(id="before-the-writers"))
        after = poll(client, "", lambda: True)[-1]["cursor"]
    stopped = threading.Event()
    total: list[int] = []

    def polled() -> list[Json]:
        with bureau.client() as client:
            return poll(client, after, stopped.is_set)

    def listened() -> tuple[list[Json], int]:
        def ended(seen: list[Json]) -> bool:
            return bool(total) and len(seen) >= total[0]

        return listen(bureau.server, bureau.key, after, ended)

    with ThreadPoolExecutor(2) as threads:
        followers: Sequence[Future[Any]] = threads.submit(polled), threads.submit(listened)
        try:
            with writing(bureau, "feed") as writers:
                writers.more(150)
            total.append(writers.number + 1)  # before it comes: whoever has it looks for no more
            with bureau.client() as client:
                client.post(event(id="after-the-writers"))
        finally:  # the followers end, whatever happened
            total.append(0)
            stopped.set()
        by_poll, (by_stream, connections) = (one.result(SECONDS) for one in followers)
    told = [(c["op"], c["id"], c["version"]) for c in by_poll]
    assert by_stream == by_poll
    assert connections > 3
    assert told[-1] == ("create", "after-the-writers", 1)
    committed = [commit for of_writer in writers.commits for commit in of_writer]
    assert len(committed) >= 150
    assert sorted(told[:-1]) == sorted(committed)
    for of_writer in writers.commits:  # each saw its own commits in that order
        assert [commit for commit in told if commit in set(of_writer)] == of_writer
    for change in by_poll:
        if change["event"] is not None:
            shown = change["event"]
            assert (shown["id"], shown["version"]) == (change["id"], change["version"])


# -- the stream -----------------------------------------------------------------------------------


def test_a_stream_beats_and_ends_when_the_server_stops(
    stores: Stores, furnished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comments while nothing happens; then a clean end, not a broken connection."""
    monkeypatch.setattr(changes, "HEARTBEAT_SECONDS", 0.1)
    app = create_app(Settings(database_url=stores.new(furnished)))
    broken = threading.Timer(SECONDS, lambda: setattr(changes, "HEARTBEAT_SECONDS", "a failure"))
    with TestClient(app) as client:
        assert client.portal is not None
        stop = threading.Timer(1.5, client.portal.call, [app.state.stop])
        stop.start()
        broken.start()
        answer = client.get("/changes?limit=7", headers={"Accept": "text/event-stream"})
    broken.cancel()
    blocks = answer.text.split("\n\n")
    assert (blocks[0], blocks[-1]) == ("retry: 2000", "")
    assert sum(one.startswith("id: ") for one in blocks) == STANDING
    assert blocks.count(": still here") >= 2
    assert answer.headers["cache-control"] == "no-store"


def test_a_change_reaches_a_stream_at_once(bureau: Bureau) -> None:
    """Also one that is compressed on its way: nothing is held back until more comes."""
    for coding in ("identity", "gzip"):
        with bureau.client() as client, bureau.client() as listener:
            client.post(event(title="The last so far"))
            after = poll(client, "", lambda: True)[-1]["cursor"]
            listener.connection.request(
                "GET",
                f"/changes?after={after}",
                headers={"Accept": "text/event-stream", "Accept-Encoding": coding},
            )
            stream = listener.connection.getresponse()
            first = stream.read1()
            began = time.monotonic()
            client.post(event(title="News"))
            assert stream.read1()
            assert time.monotonic() - began < AT_ONCE
            assert (stream.headers.get("Content-Encoding", "identity")) == coding
            assert first


def test_the_head_of_a_stream_ends(bureau: Bureau) -> None:
    """The connection is free for the next request."""
    with bureau.client() as client:
        head = client.send("HEAD", "/changes", Accept="text/event-stream")
        assert (head.status, head.body) == (200, b"")
        assert client.get("/healthz") == {"status": "ok"}


# -- a store that cannot be written ---------------------------------------------------------------


def assert_unavailable(answer: Answer) -> None:
    """503, and when to try again."""
    assert answer.status == 503, answer.body
    assert answer.json()["type"] == "/problems/store-unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_write_beside_a_long_one_gives_up_and_reads_go_on(bureau: Bureau) -> None:
    """Another process holds the store: 503 after a bounded wait, then all is well again."""
    with bureau.client() as writer, bureau.client() as reader:
        with opened(bureau.server.database_url) as other, other.write() as session:
            session.connection()
            with ThreadPoolExecutor(1) as threads:
                began = time.monotonic()
                waiting = threads.submit(writer.post, event(id="beside"))
                slowest = 0.0
                while not waiting.done():
                    asked = time.monotonic()
                    assert reader.get("/events?limit=5")["items"]
                    slowest = max(slowest, time.monotonic() - asked)
                    time.sleep(0.1)
            assert_unavailable(waiting.result())
            assert time.monotonic() - began < BUSY_SECONDS + 3
            assert slowest < 1
        assert reader.send("GET", "/events/beside").status == 404
        assert writer.post(event(id="beside")).status == 201


def test_a_full_queue_refuses_at_once(own: Bureau) -> None:
    """The writes that wait for their turn are done when it comes; those too many are told so."""
    many = MAX_WAITING_WRITES + 12

    def post(which: int) -> Answer:
        with own.client() as client:
            return client.post(event(id=f"queued-{which}"))

    with ThreadPoolExecutor(many) as threads:
        with opened(own.server.database_url) as other, other.write() as session:
            session.connection()
            sent = [threads.submit(post, which) for which in range(many)]
            until(lambda: sum(one.done() for one in sent) >= many - MAX_WAITING_WRITES - 1)
            refused = [one.result() for one in sent if one.done()]
        answers = [one.result(SECONDS) for one in sent]
    for answer in refused:
        assert_unavailable(answer)
    assert len(refused) == many - MAX_WAITING_WRITES - 1
    assert (
        sorted(answer.status for answer in answers) == [201] * (MAX_WAITING_WRITES + 1) + [503] * 11
    )


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_writes_and_reads_go_on(own: Bureau) -> None:
    """Here a limit on the size of the server's files: nothing is half written."""
    pid = own.server.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    with own.client() as client:
        client.post(event(id="written"))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (32 * 1024, most))
        for _ in range(3):
            assert_unavailable(client.post(event(id="unwritten", tags=["unwritten"])))
            assert client.get("/events/written")["version"] == 1
            assert client.send("GET", "/events/unwritten").status == 404
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
        assert client.post(event(id="unwritten")).status == 201
        told = poll(client, "", lambda: True)
    assert [c["id"] for c in told][-2:] == ["written", "unwritten"]


@pytest.mark.parametrize("stores", ["postgresql"], indirect=True)
def test_a_database_that_becomes_read_only_refuses_writes_and_reads_go_on(own: Bureau) -> None:
    """As a standby does; a SQLite file that is open stays writable, its start is in test_cli."""
    address, _, name = own.server.database_url.rpartition("/")
    engine = create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")

    def turn(setting: str) -> None:
        with engine.connect() as connection:
            change = text(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}")
            connection.execute(change)
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(ended), {"name": name})

    with own.client() as client:
        turn("on")
        for _ in range(2):  # the first finds that its connection is gone
            assert_unavailable(client.post(event(id="unwritten")))
        until(lambda: client.send("GET", "/events?limit=1").status == 200)
        assert_unavailable(client.post(event(id="unwritten")))
        turn("off")
        until(lambda: client.post(event(id="written")).status == 201)
        assert client.get("/events/written")["version"] == 1
    engine.dispose()
