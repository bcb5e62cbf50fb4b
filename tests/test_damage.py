"""Rows that somebody else took away or spoiled: `check` finds them, `reindex` mends or refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from app import index, writes
from app.dialects import Dialect, StoreError
from app.errors import Problem
from app.models import TABLES
from commands import call
from stores import PostgresqlStores, Stores, opened

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

# Damages, and whether `reindex` refuses them. One row is taken from each table that holds any.
REFUSED_WITHOUT = ("store", "source", "actor", "place", "tag")
# Empty in the example chronology.
UNUSED = ("api_key", "answered", "counter", "medium", "saved_mapping")
SPOILT = {
    "UPDATE document SET body = :bits, terms = :bits": False,
    "UPDATE posting SET bits = :bits": False,
    "DELETE FROM term": False,
    "DELETE FROM block": False,
    "DELETE FROM source": True,
    "DELETE FROM actor": True,
    "DELETE FROM citation": False,
    "UPDATE event SET date_edtf = 'soon'": True,
    "UPDATE source SET published = 'soon'": True,
    "UPDATE quantity SET value = 'many'": True,
}


def removals() -> Iterator[tuple[str, bool]]:
    """For each table, a statement that deletes its first row, and whether reindex refuses then."""
    for name, table in TABLES.items():
        if name not in UNUSED:
            keys = ", ".join(column.name for column in table.primary_key.columns)
            first = f"SELECT {keys} FROM {name} ORDER BY {keys} LIMIT 1"
            yield f"DELETE FROM {name} WHERE ({keys}) IN ({first})", name in REFUSED_WITHOUT


@contextmanager
def damaged(connection: Connection, stores: Stores, statement: str) -> Iterator[None]:
    """Damage the store as one could who switches its rules off; undone when the block ends."""
    transaction = connection.begin()
    try:
        if isinstance(stores, PostgresqlStores):
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        values = {"bits": b"\x01\x02\x03"} if ":bits" in statement else {}
        assert connection.execute(text(statement), values).rowcount
        yield
    finally:
        transaction.rollback()


def outcome(dialect: Dialect, connection: Connection) -> tuple[int, str]:
    """Return how many findings there are, and what `reindex` says if it refuses."""
    findings = [
        *writes.find_contradictions(connection),
        *index.find_faults(connection),
        *dialect.broken(connection),
    ]
    try:
        index.rebuild(connection)
    except (StoreError, Problem) as error:
        return len(findings), str(error)
    return len(findings), ""


def test_every_damage_is_found_and_none_ends_in_a_traceback(
    stores: Stores, seeded_store: str
) -> None:
    """A row is missing from any table, or what stands in a column is not what it is for."""
    wrong = []
    with opened(seeded_store) as store:
        engine = store.dialect.migrator()  # its transactions may leave rows astray
        with engine.connect() as connection:
            for statement, refused in [*removals(), *SPOILT.items()]:
                with damaged(connection, stores, statement):
                    try:
                        number, refusal = outcome(store.dialect, connection)
                    except Exception as error:
                        wrong.append((statement, repr(error)))
                        continue
                if not number or refused != bool(refusal) or "check`" not in (refusal or "check`"):
                    wrong.append((statement, f"{number} findings; {refusal}"))
        engine.dispose()
    assert wrong == []


def test_the_commands_name_the_event_and_what_it_lacks(
    stores: Stores, seeded_store: str, tmp_path: Path
) -> None:
    """One line of `reindex`, which changes nothing; findings of `check`."""
    with opened(seeded_store) as store:
        engine = store.dialect.migrator()
        with engine.begin() as connection:
            if isinstance(stores, PostgresqlStores):
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("DELETE FROM source WHERE id = 'balkan-insight-2023-11-15'"))
        engine.dispose()
    ran = [
        call(command, folder=tmp_path, settings={"database_url": seeded_store})
        for command in ("check", "reindex")
    ]
    lack = "names the source 'balkan-insight-2023-11-15', which is not there"
    assert [r.code for r in ran] == [1, 1]
    assert lack in ran[0].out
    assert "findings in" in ran[0].err
    assert lack in ran[1].err
    assert len(ran[1].err.splitlines()) == 1
