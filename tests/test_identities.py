"""Subscriptions survive: events keep their names at every address, in a backup and in a copy."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from app import seeding
from app.checking import find_damage
from app.main import create_app
from app.models import TABLES
from app.settings import Settings
from app.store import Database, schema
from commands import call, run
from formats.foreign import entries, feed, graph
from stores import PostgresqlStores, SqliteStores, Stores, left_out, migrated, opened

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

FORMATS = ("ics", "atom", "jsonfeed", "jsonld")
ADDRESSES = (
    *("http://localhost", "https://localhost", "http://chronology.example.org:8080"),
    *("https://192.0.2.7:8443", "http://[2001:db8::1]"),
)
Names = Mapping[str, list[str]]


def names(files: Mapping[str, bytes]) -> Names:
    """Return everything in files of each format that a subscriber knows an event or a feed by."""
    atom = feed(files["atom"])
    return {
        "ics": [entry.uid.value for entry in entries(files["ics"])],
        "atom": [atom.feed.id, *(entry.id for entry in atom.entries)],
        "schemes": [tag.scheme for entry in atom.entries for tag in entry.tags],
        "jsonfeed": [item["id"] for item in json.loads(files["jsonfeed"])["items"]],
        "jsonld": [*ids(graph(files["jsonld"]))],
    }


def ids(node: object) -> Iterator[str]:
    """Yield the name of every node that says more than its name, however deep."""
    if isinstance(node, list):
        for part in node:
            yield from ids(part)
    elif isinstance(node, dict):
        if "@id" in node and len(node) > 1:
            yield node["@id"]
        for part in node.values():
            yield from ids(part)


def served(url: str, public_url: str | None = None) -> Iterator[Names]:
    """Yield the names in a store's files at each address, whatever the order of parameters."""
    app = create_app(Settings(database_url=url, public_url=public_url))
    asked = ("type=contract&date=2023", "date=2023&type=contract")
    for number, address in enumerate(ADDRESSES):
        with TestClient(app, base_url=address) as client:
            query = asked[number % 2]
            yield names({name: client.get(f"/events.{name}?{query}").content for name in FORMATS})


def exported(url: str, folder: Path) -> Names:
    """Return the names in the files that the command line writes."""
    files = {}
    for name in FORMATS:
        asked = ("export", name, "--type", "contract", "--date", "2023")
        ran = call(*asked, folder=folder, settings={"database_url": url})
        assert ran.code == 0, ran.err
        files[name] = ran.out.encode()
    return names(files)


def test_subscribers_know_every_event_again(
    stores: Stores, seeded_store: str, tmp_path: Path
) -> None:
    """At any host, port and scheme, under a public address, on the command line, restored."""
    restored = stores.new()
    for url, *arguments in (
        (seeded_store, "backup", "copy.backup"),
        (restored, "restore", "copy.backup"),
    ):
        ran = call(*arguments, folder=tmp_path, settings={"database_url": url})
        assert ran.code == 0, ran.err
    first, *others = served(seeded_store)
    assert all(len(values) > 1 for values in first.values())
    others += served(seeded_store, public_url="https://example.org/prefix")
    others += [exported(seeded_store, tmp_path), exported(restored, tmp_path)]
    others += served(restored)
    assert [found for found in others if found != first] == []


def test_names_are_unique_and_well_formed(seeded_store: str) -> None:
    """A UID has an id and a UUID, every other name is a `urn:uuid:`."""
    found = next(served(seeded_store))
    for uid in found["ics"]:
        event, _, identity = uid.partition("@")
        assert event in uid
        assert UUID(identity).version == 4
    assert len({*found["atom"]}) == len(found["atom"])
    assert found["atom"][1:]
    assert {*found["atom"][1:]} == {*found["jsonfeed"]} < {*found["jsonld"]}
    for urn in (*found["atom"], *found["jsonld"], *found["schemes"]):
        assert UUID(urn.removeprefix("urn:uuid:")).urn == urn


def test_a_copy_keeps_the_names(
    stores: Stores, seeded_store: str, tmp_path: Path, postgresql: str | None
) -> None:
    """On the other engine, from either."""
    if postgresql is None:
        left_out("postgresql", "PostgreSQL is not installed on this machine")
        raise AssertionError
    others = (SqliteStores(tmp_path), PostgresqlStores(postgresql))
    target = others[isinstance(stores, SqliteStores)].new()
    ran = run("copy", seeded_store, target, folder=tmp_path, seconds=60)
    assert ran.code == 0, ran.err
    assert next(served(target)) == next(served(seeded_store))


# -- stores of the first version ------------------------------------------------------------------


def migrate_to(store: Database, revision: str) -> None:
    """Build the tables of an earlier version."""
    engine = store.dialect.migrator()
    store.dialect.prepare(engine)
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.attributes["engine"], config.attributes["astray"] = engine, store.dialect.astray
    command.upgrade(config, revision)
    engine.dispose()


def rows(connection: Connection, table: str) -> list[str]:
    """Return every row of a table, without the identity."""
    columns = [column for column in TABLES[table].c if column.name != "identity"]
    query = TABLES[table].select().with_only_columns(*columns)
    return sorted(map(repr, map(tuple, connection.execute(query))))


def without_chronology(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a seeded store with nothing that the first version had no table for."""
    url = migrated(stores)
    with monkeypatch.context() as patch, opened(url) as store, store.write() as session:
        patch.setattr(seeding, "_store_chronology", lambda _: 0)
        read_seed = seeding.read_seed
        patch.setattr(
            seeding,
            "read_seed",
            lambda name: [{k: v for k, v in e.items() if k != "extra"} for e in read_seed(name)],
        )
        seeding.seed(session)
    return url


def as_first_served(value: object) -> object:
    """Return a document without the members that later versions added; any other value as it is."""
    return value.replace(b',"media":[],"extra":{}', b"") if isinstance(value, bytes) else value


def first_version(stores: Stores, full: str, revision: str = "0001") -> str:
    """Return the URL of a store with the tables of an earlier version and the rows of another."""
    url = stores.new()
    with opened(full) as origin, opened(url) as store:
        migrate_to(store, revision)
        with origin.read(patient=True) as source, store.write() as session:
            connection = session.connection()
            for name in {*inspect(connection).get_table_names()} & {*TABLES} - {"store"}:
                columns = [column["name"] for column in inspect(connection).get_columns(name)]
                there = [TABLES[name].c[column] for column in columns]
                query = TABLES[name].select().with_only_columns(*there)
                filled = [tuple(row) for row in source.execute(query)]
                if revision < "0005":
                    filled = [tuple(map(as_first_served, row)) for row in filled]
                store.dialect.fill(connection, name, columns, filled)
            state = source.execute(text("SELECT epoch, position, stamp FROM store")).one()
            update = "UPDATE store SET epoch = :epoch, position = :position, stamp = :stamp"
            session.execute(text(update), dict(state._mapping))
            store.dialect.after_copy(connection)
    return url


def upgraded(
    stores: Stores, folder: Path, monkeypatch: pytest.MonkeyPatch, revision: str = "0001"
) -> str:
    """Return the URL of a store of an earlier version, with events, that is of this version now."""
    url = first_version(stores, without_chronology(stores, monkeypatch), revision)
    with monkeypatch.context() as patch, opened(url) as store:
        patch.chdir(folder)  # PostgreSQL's copy of the store before is made here
        store.schema.migrate()
    return url


def test_a_store_of_the_first_version_gets_an_identity(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else of it changes; it is sound, and each gets one of its own."""
    identities, full = set(), without_chronology(stores, monkeypatch)
    for _ in range(2):
        url = first_version(stores, full)
        ran = run("serve", "--port", "0", folder=tmp_path, settings={"database_url": url})
        assert (ran.code, "dateline migrate" in ran.err) == (1, True)
        ran = call("migrate", folder=tmp_path, settings={"database_url": url})
        assert ran.code == 0, ran.err
        with opened(url) as store, store.read(patient=True) as connection:
            with opened(full) as origin, origin.read(patient=True) as source:
                different = [n for n in TABLES if rows(connection, n) != rows(source, n)]
            assert different == []
            identity = connection.execute(text("SELECT identity FROM store")).scalar_one()
            assert UUID(identity).version == 4
            identities.add(identity)
            assert list(find_damage(store)) == []
    assert len(identities) == 2


def test_a_backup_of_the_first_version_can_be_restored(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets its identity then."""
    url = first_version(stores, without_chronology(stores, monkeypatch))
    restored = stores.new()
    with opened(url) as store:
        store.dialect.backup(tmp_path / "first.backup")
    ran = call("restore", "first.backup", folder=tmp_path, settings={"database_url": restored})
    assert ran.code == 0, ran.err
    assert len(next(served(restored))["ics"]) > 1


def test_an_identity_that_is_none_is_found(seeded_store: str) -> None:
    """By the table itself, or by `check`; no file is made with it."""
    update = text("UPDATE store SET identity = :it")
    with opened(seeded_store) as store:
        for identity in ("", "none"):
            with pytest.raises(IntegrityError, match="ck_store_identity"), store.write() as session:
                session.execute(update, {"it": identity})
        with store.write() as session:
            session.execute(update, {"it": "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"})
        assert "the store has lost its identity; restore a backup" in list(find_damage(store))
    with TestClient(create_app(Settings(database_url=seeded_store))) as client:
        assert client.get("/events.ics").status_code == 503
