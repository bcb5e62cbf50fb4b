"""`dateline copy`: a whole store from one engine to the other and back, and what becomes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, text
from sqlmodel import Session

from app import copying, writes
from app.errors import Problem
from app.main import create_app
from app.models import TABLES
from app.settings import Settings
from app.store import COPYING, Database
from chronology import chronology
from commands import Ran, run, started
from servers import until
from stores import BY, PostgresqlStores, SqliteStores, key_of, left_out, migrated, opened, seeded

Both = tuple[SqliteStores, PostgresqlStores]
NOT_COPIED = {"store", "counter"}


@pytest.fixture
def makers(tmp_path: Path, postgresql: str | None) -> Both:
    """Stores of both engines."""
    if postgresql is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
        raise AssertionError
    return SqliteStores(tmp_path), PostgresqlStores(postgresql)


@pytest.fixture
def full(makers: Both) -> str:
    """A SQLite store with the example chronology, a key, edits, and an event that is gone."""
    url = seeded(makers[0], migrated(makers[0]))
    key = key_of(url, "a newsroom")
    with TestClient(create_app(Settings(database_url=url))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        events = client.get("/events?limit=2").json()["items"]
        for number, event in enumerate(events):
            address, version = f"/events/{event['id']}", f'"{event["version"]}"'
            condition = {"If-Match": client.get(address).headers["ETag"] or version}
            if number:
                assert client.delete(address, headers=condition).status_code == 204
            else:
                told = {"title": "Another title"}
                assert client.patch(address, json=told, headers=condition).status_code == 200
    return url


def copy(source: str, target: str, folder: Path, seconds: float = 60) -> Ran:
    """Run the command."""
    return run("copy", source, target, folder=folder, seconds=seconds)


def rows(connection: Connection) -> dict[str, list[str]]:
    """All that a store holds, but for what only servers together count."""
    return {
        name: sorted(map(repr, map(tuple, connection.execute(table.select()))))
        for name, table in TABLES.items()
        if name != "counter"
    }


def held(url: str) -> dict[str, list[str]]:
    """All that the store at a URL holds."""
    with opened(url) as store, store.read(patient=True) as connection:
        return rows(connection)


def test_every_table_is_copied() -> None:
    """But for what says that a store is whole, and what only lasts a minute."""
    assert {*copying.COPIED} | NOT_COPIED == {*TABLES}
    assert len(copying.COPIED) == len({*copying.COPIED})


def test_there_and_back_again_all_is_as_it_was(full: str, makers: Both, tmp_path: Path) -> None:
    """Every row of every table, the epoch too."""
    sqlite, postgresql = makers
    there, back = postgresql.new(), sqlite.new()
    for source, target in ((full, there), (there, back)):
        ran = copy(source, target, tmp_path)
        assert ran.code == 0, ran.err
        assert "is sound" in ran.out
        assert "dateline@" not in ran.out
    assert held(there) == held(full)
    assert held(back) == held(full)


def test_a_copy_is_served_with_the_same_feed_and_takes_new_events(
    full: str, makers: Both, tmp_path: Path
) -> None:
    """Cursors of the old store go on in the new one; its keys are valid."""
    key = key_of(full, "another newsroom")
    target = makers[1].new()
    with TestClient(create_app(Settings(database_url=full))) as client:
        last = client.get("/changes?limit=200").json()["items"][-1]["cursor"]
    assert copy(full, target, tmp_path).code == 0
    with TestClient(create_app(Settings(database_url=target))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        assert client.get(f"/changes?after={last}").json()["items"] == []
        for number in range(3):
            event = {
                "type": "visit",
                "title": f"Visit {number}",
                "date": "2024-01",
                "sources": [{"url": f"https://example.org/{number}"}],
            }
            assert client.post("/events", json=event).status_code == 201
        assert len(client.get(f"/changes?after={last}").json()["items"]) == 3


def test_a_copy_that_is_killed_goes_on(makers: Both, tmp_path: Path) -> None:
    """Half a copy is not served; the same command goes on where it was."""
    full = seeded(makers[0], migrated(makers[0]), many_events)
    target = makers[1].new()
    patched = {"app.copying.BATCH_ROWS": 2}
    with (
        started("copy", full, target, folder=tmp_path, patched=patched) as running,
        opened(target) as made,
    ):
        until(lambda: begun(made))
        running.kill()
    assert 0 < events_in(target) < events_in(full)
    for command in (("serve", "--port", "0"), ("migrate",), ("seed",)):
        ran = run(*command, folder=tmp_path, settings={"database_url": target})
        assert ran.code == 1
        assert "not whole" in ran.err
    assert copy(full, target, tmp_path).code == 0
    assert held(target) == held(full)


def many_events(session: Session) -> None:
    """So many that a copy of them takes a while."""
    story = chronology(21, 400)
    story.fill_vocabulary(session)
    writes.create_events(session, BY, story.events.values())


def begun(store: Database) -> bool:
    """Whether a copy has come to the events."""
    try:
        with store.read() as connection:
            return connection.execute(text("SELECT 1 FROM event")).first() is not None
    except Problem:  # there are no tables yet
        return False


def events_in(url: str) -> int:
    """How many events a store holds."""
    with opened(url) as store, store.read(patient=True) as connection:
        return int(connection.execute(text("SELECT count(*) FROM event")).scalar_one())


def refusals(full: str, makers: Both) -> Iterator[tuple[str, str]]:
    """Targets that are not empty, and what is said of them."""
    sqlite, postgresql = makers
    yield full, "FROM and TO are the same store"
    yield seeded(postgresql, migrated(postgresql)), "is not empty"
    used = migrated(sqlite)
    key_of(used)
    yield used, "is not empty"
    begun_by_another = migrated(postgresql)
    with opened(begun_by_another) as store, store.write() as session:
        session.execute(text("UPDATE store SET epoch = 'copying another 1 1'"))
    yield begun_by_another, "part of a copy of another store"


def test_nothing_is_overwritten(full: str, makers: Both, tmp_path: Path) -> None:
    """Neither another store, nor the store itself, nor what another copy has begun."""
    for target, why in refusals(full, makers):
        before = held(target)
        ran = copy(full, target, tmp_path)
        assert (ran.code, ran.out) == (1, "")
        assert why in ran.err
        assert len(ran.err.splitlines()) == 1
        assert held(target) == before


def test_of_two_copies_at_once_one_is_refused(full: str, makers: Both, tmp_path: Path) -> None:
    """In a line; what the other does stays whole."""
    target = migrated(makers[1])
    with opened(target) as store, store.dialect.copying():
        ran = copy(full, target, tmp_path)
    assert ran.code == 1
    assert ran.err.endswith("is under way\n")
    assert copy(full, target, tmp_path).code == 0


def broken_off(full: str, target: str) -> None:
    """Mark a whole copy as one that was broken off just before its end."""
    with opened(full) as store, store.read(patient=True) as connection:
        state = connection.execute(copying.STATE_SQL).one()
    with opened(target) as store, store.write() as session:
        mark = " ".join(map(str, (COPYING, *state)))
        session.execute(text("UPDATE store SET epoch = :mark"), {"mark": mark})


def test_keys_are_those_of_the_last_moment(full: str, makers: Both, tmp_path: Path) -> None:
    """One that is revoked before the copy goes on is revoked there, too."""
    target = makers[1].new()
    assert copy(full, target, tmp_path).code == 0
    broken_off(full, target)
    revoked = run("key", "revoke", "a newsroom", folder=tmp_path, settings={"database_url": full})
    assert revoked.code == 0
    key_of(full, "another newsroom")
    ran = copy(full, target, tmp_path)
    assert ran.code == 0, ran.err
    assert held(target) == held(full)


def test_a_copy_that_differs_is_not_let_in(full: str, makers: Both, tmp_path: Path) -> None:
    """Here a document that was changed behind the back of a copy that was broken off."""
    target = makers[1].new()
    assert copy(full, target, tmp_path).code == 0
    broken_off(full, target)
    with opened(target) as store, store.write() as session:
        first = "SELECT min(key) FROM document"
        session.execute(text(f"UPDATE document SET body = '' WHERE key = ({first})"))
    ran = copy(full, target, tmp_path)
    assert ran.code == 1
    assert "differs in document" in ran.err
