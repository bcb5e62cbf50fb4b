"""Several servers over one PostgreSQL: they count, tell and migrate together, and outlive it."""

import json
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text

from app.dialects.dialect import BUSY_SECONDS
from app.store import COPYING
from app.store.probe import PROBE_SECONDS
from app.store.schema import MIGRATIONS, head
from commands import run
from servers import Server, read_up_to, serving, until
from stores import (
    Cluster,
    PostgresqlStores,
    key_of,
    left_out,
    migrated,
    opened,
    postgresql_cluster,
    postgresql_programs,
    seeded,
)
from tiers import examples
from writing import Json, event, furnish, unsound

pytestmark = [pytest.mark.both_engines, pytest.mark.slow]

COMMITS = examples(2000)  # of eight writers together, which take half a minute
PAUSE = 0.01  # seconds at most before a commit
PASSWORD = "opensesame"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this file's own, which its tests kill."""
    programs = postgresql_programs()
    if programs is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
        raise AssertionError
    with postgresql_cluster(programs) as made:
        yield made


@pytest.fixture(scope="module")
def stores(cluster: Cluster) -> PostgresqlStores:
    """Databases of it."""
    return PostgresqlStores(cluster.url)


@pytest.fixture
def store(stores: PostgresqlStores) -> str:
    """The URL of a store with what events name."""
    url = migrated(stores)
    furnish(url)
    return url


@contextmanager
def two(url: str, **settings: str) -> Iterator[Sequence[Server]]:
    """Two servers over a store."""
    with serving(url, **settings) as one, serving(url, **settings) as other:
        yield one, other


def post(server: Server, key: str, body: Json, **headers: str) -> Any:
    """A new event."""
    told = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask("/events", told, "POST", dumped(body))


def dumped(body: Json) -> bytes:
    """As it is sent."""
    return json.dumps(body).encode()


# -- as one ---------------------------------------------------------------------------------------


def test_requests_are_counted_by_all_servers_together(store: str) -> None:
    """Five writes a minute are five, whoever takes them; and each key has its own."""
    key, other = key_of(store, "a newsroom"), key_of(store, "another")
    with two(store, writes_per_minute="5") as servers:
        answers = [post(servers[n % 2], key, event(title=f"Visit {n}")) for n in range(8)]
        assert [answer.status for answer in answers] == [201] * 5 + [429] * 3
        assert all(1 <= int(a.headers["Retry-After"]) <= 61 for a in answers[5:])
        assert post(servers[0], other, event(title="Another")).status == 201


def test_a_request_that_is_sent_again_to_another_server_is_done_once(store: str) -> None:
    """It gets the first answer, byte for byte."""
    key = key_of(store)
    with two(store) as servers:
        sent = event(title="Sent twice")
        first, second = (post(server, key, sent, Idempotency_Key="one") for server in servers)
        assert (first.status, second.status) == (201, 201)
        assert first.body == second.body
        assert servers[0].ask("/events?q=twice").json()["total"] == 1


def test_what_one_server_writes_the_other_counts_at_once(store: str) -> None:
    """Lists, facets and histograms: nothing that a server keeps outlives what it was made of."""
    key = key_of(store)
    with two(store) as servers:
        for number in range(12):
            writer, reader = servers[number % 2], servers[1 - number % 2]
            body = event(title=f"Visit {number}", tags=[f"tag {number % 3}"])
            assert post(writer, key, body).status == 201
            assert reader.ask("/events?limit=1").json()["total"] == number + 1
            for asked in ("/facets?by=tag", "/histogram?interval=year", f"/events?q={number}"):
                assert reader.ask(asked).json() == writer.ask(asked).json()


# -- migrations -----------------------------------------------------------------------------------

SECOND = """
from alembic import op

revision, down_revision = "9999", "{head}"


def upgrade() -> None:
    op.execute(
        "UPDATE type SET description = CASE WHEN description = 'once' THEN 'twice' ELSE 'once' END"
        " WHERE id = 'visit'"
    )
"""


@pytest.fixture
def second_form(tmp_path: Path) -> Path:
    """The migrations, with one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_second.py").write_text(SECOND.format(head=head()))
    return folder


def test_of_two_that_migrate_at_once_one_waits(stores: PostgresqlStores, tmp_path: Path) -> None:
    """Both say that the store is up to date; it was made once."""
    url = stores.new()
    settings = {"database_url": url}
    with ThreadPoolExecutor(2) as threads:
        ran = list(
            threads.map(lambda _: run("migrate", folder=tmp_path, settings=settings), range(2))
        )
    assert [(one.code, one.err) for one in ran] == [(0, "")] * 2
    with opened(url) as store:
        store.schema.require_current()
        assert unsound(store) == []


def test_a_migration_of_a_full_store_by_two_is_done_once(
    stores: PostgresqlStores, tmp_path: Path, second_form: Path
) -> None:
    """The one that comes second waits, longer than a writer would, and finds it done."""
    url = seeded(stores, migrated(stores))
    settings, patched = {"database_url": url}, {"app.store.schema.MIGRATIONS": second_form}
    asked: dict[str, Any] = {"folder": tmp_path, "settings": settings, "patched": patched}
    with opened(url) as store, ThreadPoolExecutor(2) as threads:
        with store.write() as session:
            session.execute(text("SELECT 1"))
            both = [threads.submit(run, "migrate", **asked) for _ in range(2)]
            time.sleep(BUSY_SECONDS + 1)
            assert [one.done() for one in both] == [False, False]
        ran = [one.result() for one in both]
        assert [(one.code, one.err) for one in ran] == [(0, "")] * 2
        with store.read() as connection:
            told = connection.execute(text("SELECT description FROM type WHERE id = 'visit'"))
            assert told.scalar() == "once"


# -- the feed -------------------------------------------------------------------------------------

NAP = """
CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(random() * {pause}); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION nap();
"""
AWAKE = "DROP TRIGGER nap ON {table}; DROP FUNCTION nap();"


@contextmanager
def napping(url: str, table: str) -> Iterator[None]:
    """Every transaction sleeps a moment before it commits what it has put into a table."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(NAP.format(pause=PAUSE, table=table))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(AWAKE.format(table=table))
        engine.dispose()


def test_a_follower_sees_each_commit_of_eight_writers_once(store: str) -> None:
    """Over two servers, whose writers sleep before they commit."""
    key = key_of(store)
    with napping(store, "change"), two(store, writes_per_minute="0") as servers:
        done = threading.Event()

        def write(which: int) -> list[str]:
            made = []
            for number in range(COMMITS // 8):
                answer = post(servers[which % 2], key, event(title=f"By {which}, {number}"))
                assert answer.status == 201, answer.body
                made.append(answer.json()["id"])
            return made

        def follow(server: Server) -> list[str]:
            seen: list[str] = []
            after = ""
            while True:
                last = done.is_set()
                items = server.ask(f"/changes?limit=50{after}").json()["items"]
                seen += [change["id"] for change in items]
                if items:
                    after = f"&after={items[-1]['cursor']}"
                elif last:
                    return seen

        with ThreadPoolExecutor(10) as threads:
            following = [threads.submit(follow, server) for server in servers]
            try:
                written = [found for made in threads.map(write, range(8)) for found in made]
            finally:
                done.set()
            for follower in following:
                assert sorted(follower.result()) == sorted(written)
    with opened(store) as opened_store:
        assert unsound(opened_store) == []


def test_numbers_that_follow_inserts_would_miss_commits(cluster: Cluster) -> None:
    """The control: a sequence, writers who do not wait, a follower who asks for what is greater."""
    url = PostgresqlStores(cluster.url).new()
    address = url.replace("+psycopg", "")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE feed (seq bigserial PRIMARY KEY)")
    engine.dispose()
    done = threading.Event()

    def write(_: int) -> int:
        with psycopg.connect(address) as connection:
            for _number in range(COMMITS // 8):
                connection.execute("INSERT INTO feed DEFAULT VALUES")
                time.sleep(random.random() * PAUSE)
                connection.commit()
        return COMMITS // 8

    def follow() -> int:
        seen = last = 0
        with psycopg.connect(address, autocommit=True) as connection:
            while True:
                over = done.is_set()
                query = "SELECT seq FROM feed WHERE seq > %s ORDER BY seq"
                found = connection.execute(query, [last]).fetchall()
                seen += len(found)
                if found:
                    last = found[-1][0]
                elif over:
                    return seen

    with ThreadPoolExecutor(9) as threads:
        following = threads.submit(follow)
        try:
            written = sum(threads.map(write, range(8)))
        finally:
            done.set()
        assert following.result() < written


# -- when PostgreSQL goes -------------------------------------------------------------------------


def test_servers_outlive_a_postgresql_that_is_killed(cluster: Cluster, store: str) -> None:
    """What was acknowledged is there; they read and write again without a restart."""
    key = key_of(store)
    with two(store, writes_per_minute="0") as servers:
        acknowledged: list[str] = []
        stop = threading.Event()

        def work(which: int) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                server = servers[which % 2]
                try:
                    answer = post(server, key, event(title=f"By {which}, {number}"))
                    read = server.ask("/events?limit=5")
                except (OSError, HTTPException) as error:
                    raise AssertionError("a server went away") from error
                assert answer.status in (201, 503), answer.body
                assert read.status in (200, 503), read.body
                if answer.status == 201:
                    acknowledged.append(answer.json()["id"])

        with ThreadPoolExecutor(6) as threads:
            workers = [threads.submit(work, which) for which in range(6)]
            try:
                for _ in range(2):
                    before = len(acknowledged)
                    until(lambda before=before: len(acknowledged) > before + 20)  # type: ignore[misc]
                    cluster.kill()
                    until(lambda: servers[0].ask("/readyz").status == 503)
                    assert servers[1].ask("/healthz").status == 200
                    cluster.start()
                    for server in servers:
                        until(lambda server=server: server.ask("/readyz").status == 200)  # type: ignore[misc]
                before = len(acknowledged)
                until(lambda: len(acknowledged) > before + 20)
            finally:
                stop.set()
                cluster.start()
            for worker in workers:
                worker.result()
        for found in acknowledged:
            assert servers[0].ask(f"/events/{found}").status == 200
    with opened(store) as opened_store:
        assert unsound(opened_store) == []


def test_a_server_begins_while_postgresql_is_away(cluster: Cluster, store: str) -> None:
    """It says so in a line, tells load balancers, and serves as soon as the store is there."""
    secret = store.replace("dateline@", f"dateline:{PASSWORD}@")
    cluster.kill()
    try:
        with serving(secret) as server:
            said = [line for line in server.log.read_text().splitlines() if "dateline: " in line]
            assert len(said) == 1
            answers = [server.ask(path) for path in ("/healthz", "/readyz", "/events")]
            assert [answer.status for answer in answers] == [200, 503, 503]
            cluster.start()
            until(lambda: server.ask("/readyz").status == 200)
            assert server.ask("/events").status == 200
            told = server.log.read_bytes() + b"".join(answer.body for answer in answers)
            assert PASSWORD.encode() not in told
    finally:
        cluster.start()


def test_a_store_that_was_not_migrated_is_not_ready(
    cluster: Cluster, stores: PostgresqlStores
) -> None:
    """Also one that a server met only after it had begun."""
    url = stores.new()
    cluster.kill()
    try:
        with serving(url) as server:
            cluster.start()
            until(lambda: "is empty" in server.log.read_text())
            answers = [server.ask(path) for path in ("/readyz", "/events", "/events.csv")]
            assert [answer.status for answer in answers] == [503] * 3
            assert not any(b"127.0.0.1" in answer.body for answer in answers)
            with opened(url) as store:
                store.schema.migrate()
            until(lambda: server.ask("/readyz").status == 200)
    finally:
        cluster.start()


def test_health_is_told_while_all_connections_read(store: str) -> None:
    """However many slow queries there are, a load balancer gets its answer at once."""
    with (
        serving(store, pool_size="2", query_seconds="5") as server,
        ThreadPoolExecutor(6) as threads,
        opened(store) as held,
        held.write() as session,
    ):
        session.execute(text("LOCK TABLE term IN ACCESS EXCLUSIVE MODE"))
        reads = [threads.submit(server.ask, "/events?q=word") for _ in range(6)]
        time.sleep(0.5)
        began = time.monotonic()
        assert server.ask("/readyz").status == 200
        assert server.ask("/healthz").status == 200
        assert time.monotonic() - began < 1.0
        assert not any(read.done() for read in reads)
        session.rollback()
        assert {read.result().status for read in reads} == {200}


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused(
    cluster: Cluster, tmp_path: Path, encoding: str
) -> None:
    """Before anything is written."""
    name = f"of_{encoding.lower()}"
    engine = create_engine(f"{cluster.url}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        made = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'"
        connection.exec_driver_sql(f"{made} LOCALE_PROVIDER libc LOCALE 'C'")
    engine.dispose()
    ran = run("migrate", folder=tmp_path, settings={"database_url": f"{cluster.url}/{name}"})
    assert ran.code == 1
    assert f"its encoding is {encoding}" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_store_lies_in_the_schema_public(cluster: Cluster, tmp_path: Path) -> None:
    """Where a backup takes it from; what lies in others is not looked at."""
    url = PostgresqlStores(cluster.url).new()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA dateline"))  # as the user is called
    ran = run("migrate", folder=tmp_path, settings={"database_url": url})
    assert ran.code == 1
    assert "in the schema dateline, not in public" in ran.err
    with engine.begin() as connection:
        connection.execute(text("ALTER SCHEMA dateline RENAME TO other"))
        connection.execute(text("CREATE TABLE other.theirs (id integer)"))
        connection.execute(
            text(
                "CREATE TRIGGER own BEFORE UPDATE ON other.theirs FOR EACH ROW"
                " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
            )
        )
    engine.dispose()
    for command in ("migrate", "check"):
        ran = run(command, folder=tmp_path, settings={"database_url": url})
        assert (ran.code, ran.err) == (0, "")


def test_half_a_copy_is_neither_read_nor_written(cluster: Cluster, store: str) -> None:
    """Neither by a server that knew the store whole, nor by one that it was away from."""
    key = key_of(store)
    cluster.kill()
    try:
        with serving(store) as late:
            cluster.start()
            with serving(store) as server:
                assert server.ask("/events").status == 200
                with marked(store):
                    for one in (server, late):
                        assert one.ask("/events").status == 503
                        assert post(one, key, event(title="Too early")).status == 503
                for one in (server, late):
                    assert one.ask("/events?limit=1").json()["total"] == 0
    finally:
        cluster.start()


@contextmanager
def marked(url: str) -> Iterator[None]:
    """A store that is not whole yet."""
    with opened(url) as store:
        with store.write() as session:
            session.execute(text("UPDATE store SET epoch = :mark || epoch"), {"mark": COPYING})
        yield
        with store.write() as session:
            unmark = "UPDATE store SET epoch = replace(epoch, :mark, '')"
            session.execute(text(unmark), {"mark": COPYING})


@pytest.mark.parametrize("changes", [0, 1])
def test_a_stream_ends_if_the_store_is_another(store: str, changes: int) -> None:
    """A follower comes back then, and is told to start again; also one that has no cursor yet."""
    key = key_of(store)
    asking = "GET /changes HTTP/1.1\nHost: x\nAccept: text/event-stream\nConnection: close\n\n"
    with serving(store) as server, server.connected() as wire:
        wire.sendall(asking.replace("\n", "\r\n").encode())
        stream = read_up_to(wire, b"retry: 2000\n\n")
        if changes:
            until(lambda: post(server, key, event()).status == 201)
            stream += read_up_to(wire, b"event: change")
        with opened(store) as held, held.write() as session:
            session.execute(text("UPDATE store SET epoch = 'another'"))
        stream += read_up_to(wire, b"")
        assert stream.count(b"event: change") == changes
        assert stream.endswith(b"0\r\n\r\n")


def test_after_a_restart_no_request_is_lost_on_old_connections(
    cluster: Cluster, store: str
) -> None:
    """Those that were idle meanwhile are replaced."""
    key = key_of(store)
    with serving(store, reads_per_minute="1000") as server:
        assert post(server, key, event()).status == 201
        assert server.ask("/readyz").status == 200
        cluster.kill()
        cluster.start()
        assert server.ask("/readyz").status == 200
        assert server.ask("/events").status == 200
        assert post(server, key, event()).status == 201
        assert "Traceback" not in server.log.read_text()


def test_a_peer_that_vanished_is_missed_by_postgresql(store: str) -> None:
    """Within half a minute: a writer that is gone would keep all others waiting."""
    with opened(store) as held:
        for using in (held.read(), held.read(patient=True), held.write()):
            with using as connection:
                shown = [
                    connection.execute(text(f"SHOW tcp_{name}")).scalar()
                    for name in (
                        *("keepalives_idle", "keepalives_interval", "keepalives_count"),
                        "user_timeout",
                    )
                ]
            assert shown == ["10", "5", "3", "25000"]


def test_many_probes_are_one(store: str) -> None:
    """While the store does not answer, they do not wait for one another."""
    with (
        serving(store) as server,
        ThreadPoolExecutor(12) as threads,
        opened(store) as held,
        held.write() as session,
    ):
        assert server.ask("/readyz").status == 200
        session.execute(text("LOCK TABLE store IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        answers = list(threads.map(lambda _: server.ask("/readyz"), range(12)))
        assert {answer.status for answer in answers} == {503}
        assert time.monotonic() - began < 3 * PROBE_SECONDS
        session.rollback()


def test_downloads_take_turns(store: str) -> None:
    """Each has a connection while it is made, however long its client takes then."""
    key = key_of(store)
    with (
        serving(store, pool_size="2") as server,
        ThreadPoolExecutor(3) as threads,
        opened(store) as held,
        held.write() as session,
    ):
        assert post(server, key, event()).status == 201
        session.rollback()
        session.execute(text("LOCK TABLE document IN ACCESS EXCLUSIVE MODE"))
        files = [
            threads.submit(server.ask, f"/events.{name}") for name in ("ndjson", "csv", "jsonld")
        ]
        until(lambda: b"dateline_downloads_waiting 1.0" in server.ask("/metrics").body)
        assert b"dateline_downloads_running 2.0" in server.ask("/metrics").body
        session.rollback()
        assert [file.result().status for file in files] == [200] * 3
        until(lambda: b"dateline_downloads_running 0.0" in server.ask("/metrics").body)
        assert post(server, key, event()).status == 201


@pytest.mark.parametrize("times", [1, 2])
def test_a_server_ends_when_it_is_told_to(store: str, times: int) -> None:
    """Also by a second Ctrl+C, while somebody follows."""
    with serving(store) as server, server.connected() as wire:
        wire.sendall(b"GET /changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        assert wire.recv(100)
        for _ in range(times):
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert server.process.wait(10) is not None


def test_a_seed_by_two_is_done_once(stores: PostgresqlStores, tmp_path: Path) -> None:
    """One fills the store, the other finds all there."""
    url = stores.new()
    with ThreadPoolExecutor(2) as threads:
        ran = list(
            threads.map(
                lambda _: run("seed", folder=tmp_path, settings={"database_url": url}), range(2)
            )
        )
    assert [one.code for one in ran] == [0, 0]
    assert sorted(" 0 stored" in one.out for one in ran) == [False, True]
