"""Who may do what: every route, every kind of key; and what becomes of keys."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from app import keys, schemas, writes
from app.api.access import MAX_FAILURES_PER_MINUTE
from app.keys import CHECKSUM
from app.main import create_app
from app.settings import Settings
from app.store import Database
from commands import call, forked_server
from reference import OPERATIONS, Operation
from servers import Answer, read_up_to, until
from stores import SqliteStores, Stores, key_of, migrated, opened, seeded
from tables import check_each
from valid_writes import Request, Send, Writer, bearer, creation, over_wire, through

YESTERDAY = schemas.format_timestamp(datetime.now(UTC) - timedelta(days=1))
THROUGH, NO_KEY, NO_REACH = "through", 401, 403

# What a request with each kind of key gets, of a route of each kind. A key that does not hold is
# refused where none would be needed too: whoever sends one believes that it does.
BAD = ("malformed", "wrong checksum", "unknown", "expired", "revoked", "another scheme")
KINDS_OF_KEY = ("none", *BAD, "read", "write")
Row = Mapping[str, str | int]
REFUSED = dict.fromkeys(BAD, NO_KEY)
OPEN: Row = dict.fromkeys(KINDS_OF_KEY, THROUGH)
READ_BY_ALL: Row = {"none": THROUGH, **REFUSED, "read": THROUGH, "write": THROUGH}
READ_WITH_A_KEY: Row = {"none": NO_KEY, **REFUSED, "read": THROUGH, "write": THROUGH}
WRITE: Row = {"none": NO_KEY, **REFUSED, "read": NO_REACH, "write": THROUGH}

READS = """
    GET /events
    GET /events/{id}
    GET /events/{id}/revisions
    GET /events/{id}/revisions/{version}
    GET /facets
    GET /histogram
    GET /changes
    GET /types
    GET /types/{id}
    GET /types/{id}/revisions
    GET /types/{id}/revisions/{version}
    GET /actors
    GET /actors/{id}
    GET /actors/{id}/revisions
    GET /actors/{id}/revisions/{version}
    GET /places
    GET /places/{id}
    GET /audit
    GET /chronology
    GET /chronology/revisions
    GET /chronology/revisions/{version}
    GET /events.{format}
    GET /oembed
    GET /places/{id}/revisions
    GET /places/{id}/revisions/{version}
    GET /sources
    GET /sources.{format}
    GET /mappings
    GET /mappings/{name}
    GET /sources/{id}
    GET /sources/{id}/revisions
    GET /sources/{id}/revisions/{version}
    GET /tags
    GET /tags/{id}
    GET /publishers
    GET /publishers/{id}
"""
WRITES = """
    POST /events
    PUT /events/{id}
    PATCH /events/{id}
    DELETE /events/{id}
    POST /events/{id}/restore
    POST /events/{id}/sources
    DELETE /events/{id}/sources/{n}
    POST /import
    DELETE /mappings/{name}
    PUT /chronology
    PATCH /chronology
    POST /chronology/revisions/{version}/restore
    POST /events/{id}/revisions/{version}/restore
    POST /types/{id}/revisions/{version}/restore
    POST /actors/{id}/revisions/{version}/restore
    POST /places/{id}/revisions/{version}/restore
    POST /sources/{id}/revisions/{version}/restore
    POST /types
    PUT /types/{id}
    PATCH /types/{id}
    DELETE /types/{id}
    POST /types/{id}/restore
    POST /actors
    PUT /actors/{id}
    PATCH /actors/{id}
    DELETE /actors/{id}
    POST /actors/{id}/restore
    POST /places
    PUT /places/{id}
    PATCH /places/{id}
    DELETE /places/{id}
    POST /places/{id}/restore
    POST /sources
    PUT /sources/{id}
    PATCH /sources/{id}
    DELETE /sources/{id}
    POST /sources/{id}/restore
"""
ALWAYS_OPEN = """
    GET /import/template.csv
    GET /healthz
    GET /readyz
    GET /metrics
    GET /problems
    GET /problems/{code}
"""


def rows(routes: str, row: Row) -> dict[str, Row]:
    """The same row for each of the routes."""
    return dict.fromkeys((line.strip() for line in routes.strip().splitlines()), row)


# With DATELINE_PUBLIC_READS as it is named, what each route answers to each kind of key.
TABLE: Mapping[bool, Mapping[str, Row]] = {
    public: {
        **rows(READS, READ_BY_ALL if public else READ_WITH_A_KEY),
        **rows(WRITES, WRITE),
        **rows(ALWAYS_OPEN, OPEN),
    }
    for public in (True, False)
}
# What stands beside the operations: the reference explains itself to everybody.
BESIDE = (
    *("/docs", "/openapi.json", "/static-offline-docs/favicon.png"),
    *("/robots.txt", "/.well-known/api-catalog"),
)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded SQLite store; copied, never written."""
    files = SqliteStores(tmp_path_factory.mktemp("access"))
    return seeded(files, migrated(files))


@pytest.fixture
def store(sqlite: str, tmp_path: Path) -> str:
    """A SQLite store of the test's own."""
    return SqliteStores(tmp_path).new(sqlite)


# -- the table ------------------------------------------------------------------------------------

Held = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module", params=[True, False], ids=["public", "private"])
def public(request: pytest.FixtureRequest) -> bool:
    """DATELINE_PUBLIC_READS."""
    return bool(request.param)


@pytest.fixture(scope="module")
def store_of_table(stores: Stores, seeded_template: str) -> str:
    """A store that the rows of the table write, one an engine."""
    return stores.new(seeded_template)


@pytest.fixture(scope="module")
def application(store_of_table: str, public: bool) -> Iterator[TestClient]:
    """A client of a server over it."""
    settings = Settings(database_url=store_of_table, public_reads=public, writes_per_minute=0)
    with TestClient(create_app(settings)) as made:
        yield made


@pytest.fixture(scope="module")
def held(store_of_table: str, public: bool) -> Held:
    """The Authorization header of each kind of key."""
    made = {
        scope: key_of(store_of_table, f"{scope} {public}", scope) for scope in ("read", "write")
    }
    lapsed = key_of(store_of_table, f"expired {public}", expires_at=YESTERDAY)
    ended = key_of(store_of_table, f"revoked {public}")
    with opened(store_of_table) as database, database.write() as session:
        keys.revoke(session, f"revoked {public}", writes.current_timestamp())
    stranger = made["write"][:4] + "A" * 40
    sent = {
        "malformed": "Bearer dln_short",
        "wrong checksum": f"Bearer {other_checksum(made['write'])}",
        "unknown": f"Bearer {stranger}{keys._checksum(stranger)}",
        "expired": f"Bearer {lapsed}",
        "revoked": f"Bearer {ended}",
        "another scheme": f"Basic {made['write']}",
        "read": f"Bearer {made['read']}",
        "write": f"Bearer {made['write']}",
    }
    return {"none": {}, **{kind: {"Authorization": value} for kind, value in sent.items()}}


def other_checksum(key: str) -> str:
    """The key with its last letter changed."""
    return key[:-1] + ("a" if key[-1] != "a" else "b")


def test_every_route_has_its_row() -> None:
    """A route that nobody thought about is no route; a row without its route is none."""
    for table in TABLE.values():
        assert set(table) == {str(operation) for operation in OPERATIONS}
        for row in table.values():
            assert set(row) == set(KINDS_OF_KEY)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_route_lets_through_whom_the_table_lets_through(
    application: TestClient, held: Held, public: bool, operation: Operation
) -> None:
    """A valid request with each kind of key gets what its row says."""
    writer = Writer(through(application), held["write"]["Authorization"].removeprefix("Bearer "))
    plain = Request("GET", operation.url(operation.plain()))
    asked = plain if operation.method == "GET" else writer.valid(operation)
    wanted_of = TABLE[public][str(operation)]
    writes_once = [kind for kind in KINDS_OF_KEY if wanted_of[kind] == THROUGH]
    assert operation.method == "GET" or writes_once in ([], ["write"]), "the rest would be stale"
    forget_failures(application)

    def check(kind: str) -> None:
        answer = writer.send(asked.given(**held[kind]))
        wanted = wanted_of[kind]
        if wanted == THROUGH:
            assert answer.status < 300, answer.body
        else:
            assert_kept_out(answer, int(wanted), said=kind != "none")

    check_each(KINDS_OF_KEY, check)


def forget_failures(application: TestClient) -> None:
    """Begin to count bad keys anew."""
    assert isinstance(application.app, FastAPI)
    store: Database = application.app.state.database
    store._counter.dispose()  # what is counted in memory
    with store.write() as session:
        session.execute(text("DELETE FROM counter"))


def assert_kept_out(answer: Answer, status: int, *, said: bool) -> None:
    """RFC 6750 section 3: a challenge that tells a key that does not hold from none."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="dateline"')
    error = {401: "invalid_token" if said else None, 403: "insufficient_scope"}[status]
    assert re.findall('error="([^"]+)"', challenge) == ([error] if error else [])


@pytest.mark.parametrize("target", BESIDE)
def test_the_reference_is_open_to_everybody(
    application: TestClient, held: Held, target: str
) -> None:
    """Also where reading the chronology needs a key, and to those whose key does not hold."""
    for sent in held.values():
        assert application.get(target, headers=dict(sent)).status_code == 200


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.method != "GET"], ids=str)
def test_nothing_is_stored_for_whom_is_kept_out(
    application: TestClient, held: Held, store_of_table: str, operation: Operation
) -> None:
    """And nothing is read of what was sent: a body that is none gets the same answer."""
    writer = Writer(through(application), held["write"]["Authorization"].removeprefix("Bearer "))
    asked = writer.valid(operation)
    before = position(store_of_table)
    forget_failures(application)
    for kind in ("none", "malformed", "read"):
        for body in (asked.body, b"no JSON"):
            kept_out = Request(asked.method, asked.target, asked.headers, body)
            assert writer.send(kept_out.given(**held[kind])).status in (401, 403)
    assert position(store_of_table) == before


def position(url: str) -> int:
    """How many changes a store has seen."""
    with opened(url) as database, database.read() as connection:
        return int(connection.scalar(text("SELECT position FROM store")) or 0)


def test_the_reference_says_who_needs_a_key() -> None:
    """Reads need none, or one, as the server is set; writes need one always."""
    for public, table in TABLE.items():
        app = create_app(Settings(database_url="sqlite:///none.db", public_reads=public))
        for path, methods in app.openapi()["paths"].items():
            for method, spec in methods.items():
                row = table[f"{method.upper()} {path}"]
                takes_none = not spec["security"]
                assert takes_none == (row["none"] == THROUGH)


# -- what becomes of a key ------------------------------------------------------------------------


def test_a_key_is_nowhere_to_be_read(store: str, tmp_path: Path) -> None:
    """In no log line, no address, no answer and no list; the file has its hash alone."""
    key, other = key_of(store), key_of(store, "a reader", "read")
    wrong = other_checksum(key)
    told = b""
    with forked_server(store, log_level="debug", public_reads="false") as server:
        writer = Writer(over_wire(server), key)
        path = writer.made("event")
        told += writer.ask(Request("GET", f"{path}/revisions")).body
        for sent in (key, other, wrong, f"{key} {key}"):
            for target in ("/events", "/events/nothing", "/events?x=1", "/changes?limit=1"):
                answer = server.ask(target, bearer(sent))
                told += answer.body + str(answer.told).encode()
            answer = server.ask(path, bearer(sent), "DELETE")
            told += answer.body + str(answer.told).encode()
        told += server.log.read_bytes()
        settings = {"database_url": store}
        told += call("key", "list", folder=tmp_path, settings=settings).out.encode()
        told += call("check", folder=tmp_path, settings=settings).out.encode()
        file = Path(store.removeprefix("sqlite:///"))
        for part in (file, *file.parent.glob(f"{file.name}-*")):
            told += part.read_bytes()
    for sent in (key, other, wrong):
        for secret in (sent, sent[12:-CHECKSUM]):
            assert secret.encode() not in told
    assert keys._hash(key).encode() in told


def test_a_key_in_the_address_does_not_count(store: str) -> None:
    """Addresses stand in logs and histories."""
    key = key_of(store)
    with forked_server(store, public_reads="false") as server:
        for name in ("key", "access_token", "api_key"):
            assert server.ask(f"/events?{name}={key}").status == 422
        assert server.ask(f"/healthz?key={key}").json()["errors"][0]["name"] == "key"


def test_a_known_tag_is_no_key(store: str) -> None:
    """Who may not read is not told either that nothing has changed."""
    key = key_of(store, scope="read")
    with forked_server(store, public_reads="false") as server:
        for target in ("/events", "/types", "/facets?by=type", "/events.csv", "/", "/changes"):
            known = {"If-None-Match": server.ask(target, bearer(key)).headers["ETag"]}
            assert server.ask(target, {**bearer(key), **known}).status == 304
            assert server.ask(target, known).status == 401


def test_a_known_tag_counts_as_a_read(store: str) -> None:
    """A poll is a request as any other is."""
    with forked_server(store, reads_per_minute="3") as server:
        known = {"If-None-Match": server.ask("/events").headers["ETag"]}
        told = [server.ask("/events", known).status for _ in range(3)]
    assert told == [304, 304, 429]


def test_what_is_stored_of_a_key_is_its_hash(store: str) -> None:
    """SHA-256, with what may be told of it."""
    key = key_of(store)
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as connection:
        (row,) = connection.execute("SELECT id, name, hash, scope FROM api_key").fetchall()
    assert row == (key[4:12], "a newsroom", keys._hash(key), "write")
    assert len(row[2]) == 64


def test_a_revoked_key_never_takes_effect(store: str, tmp_path: Path) -> None:
    """In a server that runs all the while: whatever is sent after the command ended is refused."""
    key = key_of(store)
    seen: list[tuple[float, int]] = []
    done = threading.Event()
    with forked_server(store, writes_per_minute="0") as server:
        writer = Writer(over_wire(server), key)

        def write_on() -> None:
            while not done.is_set():
                began = time.monotonic()
                seen.append((began, writer.ask(creation("type")).status))

        writing = threading.Thread(target=write_on)
        writing.start()
        until(lambda: seen)
        asked = time.monotonic()
        ran = call("key", "revoke", "a newsroom", folder=tmp_path, settings={"database_url": store})
        ended = time.monotonic()
        until(lambda: [began > ended for began, _ in seen].count(True) >= 5)
        done.set()
        writing.join()
        assert (ran.code, ran.err) == (0, "")
        assert {status for began, status in seen if began < asked - 1} <= {201}
        assert {status for began, status in seen if began > ended} <= {401, 429}


@pytest.mark.both_engines
def test_nothing_is_stored_for_a_key_that_ends_while_its_body_arrives(stores: Stores) -> None:
    """Revoked or expired between the head of a request and its body."""
    url = seeded(stores, migrated(stores))
    writer_key, numbers = key_of(url), count()
    operations = {str(o): o for o in OPERATIONS if o.bodies}
    refused_methods = set()
    with opened(url) as database, forked_server(url, writes_per_minute="0") as server:
        writer = Writer(over_wire(server), writer_key)

        def position_now() -> int:
            with database.read() as connection:
                return int(connection.scalar(text("SELECT position FROM store")) or 0)

        def check(case: tuple[str, str]) -> None:
            operation, end = operations[case[0]], case[1]
            name, now = f"desk {next(numbers)}", writes.current_timestamp()
            with database.write() as session:
                key = keys.create(session, name, "write", now, None)
            valid = writer.valid(operation)
            before = position_now()
            with closing(server.connected()) as wire:
                wire.sendall(head_of(valid, key))
                read_up_to(wire, b"100 Continue\r\n\r\n")  # the key has been checked
                with database.write() as session:
                    ended = text(f"UPDATE api_key SET {end} = :now WHERE name = :name")
                    session.execute(ended, {"now": writes.current_timestamp(), "name": name})
                wire.sendall(valid.body or b"")
                answer = read_up_to(wire, b"")
            assert position_now() == before
            assert writer.ask(valid).status < 300
            if position_now() > before:  # it changes something
                refused_methods.add(operation.method)
                assert answer.startswith(b"HTTP/1.1 401 "), answer
                assert b'Bearer realm="dateline", error="invalid_token"' in answer

        check_each([*product(operations, ["revoked_at"]), ("POST /types", "expires_at")], check)
    assert refused_methods == {"POST", "PUT", "PATCH"}


def head_of(asked: Request, key: str) -> bytes:
    """The head of a request whose client waits for `100 Continue` before it sends the body."""
    own = {"Host": "a", "Connection": "close", "Expect": "100-continue"}
    length = {"Content-Length": str(len(asked.body or b""))}
    headers = {**own, **length, **bearer(key), **asked.headers}
    lines = [f"{asked.method} {asked.target} HTTP/1.1", *map(": ".join, headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def test_a_key_expires_while_the_server_runs(store: str) -> None:
    """At its moment, not at the next start."""
    moment = datetime.now(UTC) + timedelta(seconds=1.5)
    key = key_of(store, expires_at=schemas.format_timestamp(moment))
    with forked_server(store) as server:
        if datetime.now(UTC) < moment - timedelta(seconds=0.5):
            assert server.ask("/events", bearer(key)).status == 200
        until(lambda: datetime.now(UTC) > moment)
        assert server.ask("/events", bearer(key)).status == 401


def test_days_are_counted_from_now(store: str, tmp_path: Path) -> None:
    """`--days 2` is a key for 48 hours."""
    arguments = ("newsroom", "--scope", "read", "--days", "2")
    before = datetime.now(UTC)
    settings = {"database_url": store}
    key = call("key", "create", *arguments, folder=tmp_path, settings=settings).out.strip()
    with opened(store) as database, database.read() as connection:
        for late, valid in ((timedelta(days=2), True), (timedelta(days=2, minutes=1), False)):
            at = schemas.format_timestamp(before + late)
            assert (keys.find_holder(connection, key, at) is not None) == valid


# -- limits ---------------------------------------------------------------------------------------


@contextmanager
def limited(store: str, **limits: int) -> Iterator[Callable[[str], Send]]:
    """Sends to a server with these limits, from the address that is given."""
    app = create_app(Settings(database_url=store).model_copy(update=limits))
    with ExitStack() as clients:

        def sender(address: str) -> Send:
            client = TestClient(app, client=(address, 1))
            clients.callback(client.close)
            return through(client)

        yield sender
    app.state.database.close()


def assert_too_many(answer: Answer) -> None:
    """A 429 that says when to try again."""
    assert answer.status == 429
    assert answer.json()["type"] == "/problems/too-many-requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert answer.headers["Retry-After"] in answer.json()["detail"]


def test_writes_are_limited_by_key(store: str) -> None:
    """Wherever they come from; another key and every read go on."""
    key, other = key_of(store), key_of(store, "another newsroom")
    with limited(store, writes_per_minute=3) as sender:
        here, there = Writer(sender("10.0.0.1"), key), Writer(sender("10.0.0.2"), key)
        assert [w.ask(creation("type")).status for w in (here, there, here)] == [201] * 3
        for writer in (here, there):
            assert_too_many(writer.ask(creation("type")))
        assert writer.ask(Request("GET", "/types")).status == 200
        for _ in range(3):
            assert Writer(here.send, other).ask(creation("type")).status == 201


def test_what_is_refused_counts_as_a_write(store: str) -> None:
    """It costs as much."""
    with limited(store, writes_per_minute=1) as sender:
        writer = Writer(sender("10.0.0.1"), key_of(store))
        assert writer.ask(Request("DELETE", "/types/nothing")).status == 404
        assert_too_many(writer.ask(Request("DELETE", "/types/nothing")))


def test_nothing_is_stored_beyond_the_limit(store: str) -> None:
    """A 429 is said before anything is done."""
    with limited(store, writes_per_minute=1) as sender:
        writer = Writer(sender("10.0.0.1"), key_of(store))
        assert writer.ask(creation("type")).status == 201
        before = position(store)
        assert_too_many(writer.ask(creation("type")))
        assert position(store) == before


def test_reads_without_a_key_are_limited_by_address(store: str) -> None:
    """Another address goes on, and so does whoever has a key, at the same address."""
    key = key_of(store, scope="read")
    with limited(store, reads_per_minute=2) as sender:
        here, there = sender("10.0.0.1"), sender("10.0.0.2")
        asked = Request("GET", "/types")
        assert [here(asked).status for _ in range(2)] == [200, 200]
        assert_too_many(here(asked))
        assert there(asked).status == 200
        assert here(asked.given(**bearer(key))).status == 200


def test_reads_with_a_key_are_limited_by_key(store: str) -> None:
    """Wherever they come from; another key goes on, and so do those without one."""
    key, other = key_of(store), key_of(store, "another newsroom")
    with limited(store, reads_per_minute=2) as sender:
        here, there = sender("10.0.0.1"), sender("10.0.0.2")
        asked = Request("GET", "/types")
        assert [send(asked.given(**bearer(key))).status for send in (here, there)] == [200, 200]
        for send in (here, there):
            assert_too_many(send(asked.given(**bearer(key))))
        assert here(asked.given(**bearer(other))).status == 200
        assert here(asked).status == 200


def test_bad_keys_are_limited_by_address(store: str) -> None:
    """Another address is told 401 still; at the same one, a valid key and no key go on."""
    key = key_of(store)
    with limited(store) as sender:
        here, there = sender("10.0.0.1"), sender("10.0.0.2")
        asked = Request("GET", "/types")
        bad = asked.given(**bearer(other_checksum(key)))
        assert {here(bad).status for _ in range(MAX_FAILURES_PER_MINUTE)} == {401}
        assert_too_many(here(bad))
        assert there(bad).status == 401
        assert here(asked.given(**bearer(key))).status == 200
        assert Writer(here, key).ask(creation("type")).status == 201
        assert here(asked).status == 200


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(store: str) -> None:
    """Else whoever changes it has no limit."""
    forwarded = [{"X-Forwarded-For": f"10.0.0.{n}"} for n in range(2)]
    for trusted, statuses in (("127.0.0.1", [200, 200]), ("10.9.9.9", [200, 429])):
        with forked_server(store, reads_per_minute="1", trusted_proxies=trusted) as server:
            assert [server.ask("/types", sent).status for sent in forwarded] == statuses


def test_after_a_minute_the_limit_begins_anew(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Retry-After says."""
    with limited(store, reads_per_minute=1) as sender:
        send, asked = sender("10.0.0.1"), Request("GET", "/types")
        assert send(asked).status == 200
        refused = send(asked)
        assert_too_many(refused)
        later = time.time() + int(refused.headers["Retry-After"])
        monkeypatch.setattr(time, "time", lambda: later)
        assert send(asked).status == 200
        assert_too_many(send(asked))


def test_zero_sets_no_limit(store: str) -> None:
    """Also where the other limit is one."""
    key = key_of(store)
    with limited(store, reads_per_minute=0, writes_per_minute=0) as sender:
        writer = Writer(sender("10.0.0.1"), key)
        assert {writer.ask(creation("type")).status for _ in range(20)} == {201}
        assert {writer.send(Request("GET", "/types")).status for _ in range(20)} == {200}
