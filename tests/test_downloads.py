"""Downloads and streams of slow clients: what they cost, and that they end with their key."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest
from sqlalchemy import text

from app import keys, writes
from benchmarks.generated import write as generate
from servers import (
    DATELINE,
    SECONDS,
    Server,
    descriptors,
    environment,
    launched,
    memory_mib,
    read_up_to,
    serving,
    until,
)
from stores import Stores, opened
from writing import key_of

pytestmark = [pytest.mark.both_engines, pytest.mark.slow]

EVENTS = 2500
CLIENTS = 60
MAX_GROWTH_MIB = 64
MAX_LOG_MIB = 80
FILE = "/events.ndjson"


@pytest.fixture(scope="module")
def large_template(stores: Stores, empty_template: str) -> str:
    """A store whose export has some MB; copied, never written."""
    url = stores.new(empty_template)
    generate(url, EVENTS)
    return url


@pytest.fixture
def large(stores: Stores, large_template: str) -> str:
    """The URL of such a store of the test's own."""
    return stores.new(large_template)


class Slow:
    """A client that has asked for a file, and takes only what it is told to take."""

    def __init__(self, server: Server, target: str = FILE, key: str | None = None) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(SECONDS)
        self.socket.connect(("127.0.0.1", server.port))
        self.connection = HTTPConnection("127.0.0.1", server.port)
        self.connection.sock = self.socket
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.connection.request("GET", target, headers=headers)

    def begin(self) -> None:
        """Read the head of the answer, and a little more."""
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert len(self.answer.read(1024)) == 1024

    def rest(self) -> bytes:
        """Read all that is left; IncompleteRead if the file broke off."""
        return self.answer.read()

    def close(self) -> None:
        """Leave."""
        self.connection.close()


@contextmanager
def slow_clients(server: Server, number: int) -> Iterator[list[Slow]]:
    """Clients that have begun to read, and read no more."""
    with ExitStack() as stack:
        clients = [Slow(server) for _ in range(number)]
        for client in clients:
            stack.callback(client.close)
        for client in clients:
            client.begin()
        yield clients


def metric(server: Server, name: str) -> float:
    """Return one figure of `/metrics`."""
    lines = server.ask("/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def log_mib(url: str) -> int:
    """Return the size of the WAL beside a SQLite file; 0 on PostgreSQL."""
    log = Path(f"{url.removeprefix('sqlite:///')}-wal")
    return log.stat().st_size >> 20 if url.startswith("sqlite") and log.exists() else 0


def write_much(url: str, mib: int) -> None:
    """Rewrite a record of one MiB, each time in a transaction of its own."""
    with opened(url) as store:
        for number in range(mib):
            with store.write() as session:
                value = {"value": f"{number}" + "x" * (1 << 20)}
                session.execute(text("UPDATE store SET epoch = epoch"))
                session.execute(text("CREATE TABLE IF NOT EXISTS much (value text)"))
                session.execute(text("DELETE FROM much"))
                session.execute(text("INSERT INTO much VALUES (:value)"), value)


def test_slow_downloads_cost_little_and_all_is_given_back(large: str) -> None:
    """Memory, descriptors, connections to the store and the log of its changes stay small.

    Others are served as before meanwhile, one who goes on reading gets the whole file, and soon
    after all have left nothing is held for them.
    """
    with serving(large, pool_size="2") as server:
        whole = server.ask(FILE).body
        assert len(whole) > 4 << 20
        quiet, quiet_files = memory_mib(server), descriptors(server)
        with slow_clients(server, CLIENTS) as clients:
            until(lambda: metric(server, "dateline_downloads_running") == 0)
            assert metric(server, "dateline_downloads_open") == CLIENTS
            assert memory_mib(server) - quiet < MAX_GROWTH_MIB
            assert descriptors(server) - quiet_files < CLIENTS + 30
            began = time.monotonic()
            assert server.ask("/healthz").status == server.ask("/events?limit=1").status == 200
            assert time.monotonic() - began < 10
            assert server.ask("/events.csv").status == 200
            write_much(large, MAX_LOG_MIB + 40)
            assert log_mib(large) < MAX_LOG_MIB
            assert whole.endswith(clients[0].rest())
        until(lambda: metric(server, "dateline_downloads_bytes") == 0)
        until(lambda: descriptors(server) < quiet_files + 20)
        until(lambda: memory_mib(server) - quiet < MAX_GROWTH_MIB)


def test_the_log_of_changes_is_short_after_a_long_snapshot(large: str) -> None:
    """A download that is being made keeps it from beginning anew: its space is given back after."""
    with serving(large) as server, opened(large) as store:
        assert server.ask("/events?limit=1").status == 200  # who leaves last takes the log along
        with store.read(patient=True) as connection:
            connection.execute(text("SELECT count(*) FROM event")).scalar_one()
            write_much(large, MAX_LOG_MIB + 10)
        assert log_mib(large) > MAX_LOG_MIB or not large.startswith("sqlite")
        assert server.ask(FILE).status == 200
        until(lambda: log_mib(large) < MAX_LOG_MIB)


def test_who_asks_for_the_same_file_is_given_the_same(large: str) -> None:
    """Until the store changes: then it is another."""
    with serving(large) as server:
        size = len(server.ask(FILE).body)
        with slow_clients(server, 5):
            until(lambda: metric(server, "dateline_downloads_bytes") == size)
            other = Slow(server, "/events.ndjson?status=planned")
            other.begin()
            until(lambda: metric(server, "dateline_downloads_running") == 0)
            assert size < metric(server, "dateline_downloads_bytes") < 2 * size
            other.close()


def test_downloads_have_so_much_disk(large: str) -> None:
    """Beyond it the next one waits for its turn, then it is told to come again."""
    with serving(large, downloads_mib="6") as server, slow_clients(server, 1) as first:
        until(lambda: metric(server, "dateline_downloads_bytes") > 3 << 20)
        refused = server.ask("/events.jsonld")
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert "downloads" in refused.json()["detail"]
        assert server.ask("/events.csv?date=1800").status == 200  # a small one needs no disk
        first[0].close()
        until(lambda: server.ask("/events.atom").status == 200)


def test_a_file_larger_than_the_disk_for_downloads_is_sent_whole(large: str) -> None:
    """It is made at the pace of its clients; who asks meanwhile gets it too, or is told to wait."""
    with serving(large) as server:
        whole = server.ask(FILE).body
    with serving(large, downloads_mib="2") as server:
        assert len(whole) > 4 << 20
        with slow_clients(server, 2) as (first, second):
            until(lambda: metric(server, "dateline_downloads_bytes") >= 2 << 20)
            time.sleep(12)  # longer than anybody waits for room
            assert metric(server, "dateline_downloads_bytes") < 4 << 20
            assert server.ask("/events.jsonld").status == 503
            assert server.ask("/events?limit=1").status == 200
            second.close()
            assert whole.endswith(first.rest())
        until(lambda: metric(server, "dateline_downloads_bytes") == 0)
        assert server.ask(FILE).body == whole


@pytest.mark.parametrize(("room", "status"), [(500_000, 503), (3_000_000, 200)])
def test_a_full_disk_is_told_or_seen(large: str, room: int, status: int) -> None:
    """Before the first byte by a 503, after it by a file without an end; others are served."""
    command = ["prlimit", f"--fsize={room}", str(DATELINE), "serve", "--port", "0"]
    with launched(command, environment(large), large) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        connection.request("GET", FILE)
        answer = connection.getresponse()
        assert answer.status == status
        if status == 200:
            with pytest.raises(IncompleteRead):
                answer.read()
        else:
            assert b"no room" in answer.read()
            assert answer.headers["Retry-After"]
        connection.close()
        assert server.ask("/events.atom").status == 200
        until(lambda: metric(server, "dateline_downloads_bytes") == 0)
        assert "Traceback" not in server.log.read_text()


def test_a_file_that_is_whole_has_a_length(seeded_store: str) -> None:
    """In whichever coding; it is the same file."""
    with serving(seeded_store) as server:
        plain = server.ask("/events.csv")
        packed = server.ask("/events.csv", {"Accept-Encoding": "gzip;q=0.5, br;q=0"})
        wrong = [
            (header, answer.headers["Content-Encoding"])
            for header, coding in (
                *(("gzip", "gzip"), ("*", "gzip"), ("br, GZIP;q=1", "gzip"), ("br", None)),
                *(("gzip;q=0", None), ("gzip; q=0.0, *", None), ("*;q=0", None), ("", None)),
            )
            for answer in [server.ask("/events.csv", {"Accept-Encoding": header})]
            if answer.headers["Content-Encoding"] != coding
        ]
        assert wrong == []
    for answer in (plain, packed):
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] == plain.headers["ETag"]


# -- a key ends at once ---------------------------------------------------------------------------


def revoke(url: str, name: str) -> None:
    """End a key as the command line does."""
    with opened(url) as store, store.write(shared=True) as session:
        keys.revoke(session, name, writes.current_timestamp())


def expire(url: str, name: str) -> None:
    """Let a key's time be over."""
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="milliseconds")
    told = {"past": past.replace("+00:00", "Z"), "name": name}
    with opened(url) as store, store.write(shared=True) as session:
        session.execute(text("UPDATE api_key SET expires_at = :past WHERE name = :name"), told)


@pytest.mark.parametrize("end", [revoke, expire])
def test_streams_and_downloads_end_with_their_key(large: str, end: object) -> None:
    """Within seconds; those of other keys go on, and who comes back is told 401."""
    assert callable(end)
    key, other = key_of(large, "leaver"), key_of(large, "stayer")
    with serving(large, public_reads="false") as server, ExitStack() as stack:
        streams = {}
        for name in (key, other):
            wire = streams[name] = stack.enter_context(server.connected())
            head = f"GET /changes?after={newest(server, other)} HTTP/1.1\r\nHost: x\r\n"
            asking = f"{head}Accept: text/event-stream\r\nAuthorization: Bearer {name}\r\n\r\n"
            wire.sendall(asking.encode())
            read_up_to(wire, b"retry: 2000\n\n")
        files = {name: Slow(server, key=name) for name in (key, other)}
        for file in files.values():
            stack.callback(file.close)
            file.begin()
        end(large, "leaver")
        read_up_to(streams[key], b"0\r\n\r\n", 5)
        time.sleep(1.1)
        with pytest.raises(IncompleteRead):
            files[key].rest()
        assert files[other].rest().endswith(b"}\n")
        streams[other].setblocking(False)
        with pytest.raises(BlockingIOError):
            streams[other].recv(1)
        for target in ("/changes", FILE):
            back = server.ask(target, {"Authorization": f"Bearer {key}"})
            assert back.status == 401


def newest(server: Server, key: str) -> str:
    """Return the cursor of the last change."""
    after = ""
    headers = {"Authorization": f"Bearer {key}"}
    while items := server.ask(f"/changes?limit=200{after}", headers).json()["items"]:
        after = f"&after={items[-1]['cursor']}"
    return after.removeprefix("&after=")


# -- the end of a server --------------------------------------------------------------------------


def test_a_server_ends_in_time_beside_streams_and_slow_downloads(large: str) -> None:
    """200 streams end at once, what nobody takes in after the ten seconds of grace."""
    with serving(large) as server, ExitStack() as stack, slow_clients(server, 5):
        after = newest(server, key_of(large, "follower"))
        asking = (
            f"GET /changes?after={after} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
        )
        streams = [stack.enter_context(server.connected()) for _ in range(200)]
        for stream in streams:
            stream.sendall(asking.encode())
        for stream in streams:
            read_up_to(stream, b"retry: 2000\n\n")
        began = time.monotonic()
        server.process.terminate()
        for stream in streams:
            read_up_to(stream, b"0\r\n\r\n", 5)
        assert server.process.wait(SECONDS) is not None
        assert time.monotonic() - began < 30
