"""`dateline copy`: copy a whole store into an empty one, of either engine. It can be resumed."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, func, select, text, tuple_

from app.dialects import StoreError
from app.models import TABLES
from app.store import COPYING, Database

BATCH_ROWS = 2000  # of a step's first table, written in one transaction
# In this order each row comes after those it refers to; an event and its parts come together.
STEPS: tuple[tuple[str, ...], ...] = (
    *(("type",), ("actor",), ("actor_alias",), ("place",), ("publisher",), ("source",), ("tag",)),
    (
        *("event", "citation", "citation_claim", "event_actor", "event_place", "event_tag"),
        *("quantity", "medium", "own_field"),
    ),
    *(("relation",), ("change",), ("api_key",), ("answered",), ("saved_mapping",)),
    *(("block",), ("timeline",), ("document",), ("wording",), ("measurement",)),
    *(("term",), ("posting",)),
)
COPIED = [table for step in STEPS for table in step]
# Copied again each time: they change while the position of the store stays the same.
VOLATILE = ("api_key", "answered", "saved_mapping")
COMPARED = ("document", "change", *VOLATILE)
STATE_SQL = text("SELECT epoch, position, stamp, identity FROM store")
FINISH_SQL = text("UPDATE store SET epoch = :epoch, identity = :identity")
NOT_EMPTY_SQL = text(
    "SELECT 1 FROM store WHERE position > 0 UNION ALL SELECT 1 FROM api_key LIMIT 1"
)
TableRows = list[tuple[Any, ...]]


def copy(
    source: Database,
    target: Database,
    verify: Callable[[Database], None],
    report: Callable[[int], None],
) -> int:
    """Copy every row of a store into an empty one and return how many rows it has.

    The copy keeps the epoch and identity, so cursors and subscriptions go on. Resume an
    interrupted copy of the same state. Raise StoreError if the target holds anything else, or
    differs in the end; `verify` may raise too. Report the number of rows written so far
    to `report`.
    """
    target.schema.migrate(older=False)
    with target.dialect.copying():
        with source.read(patient=True) as origin:
            state = dict(origin.execute(STATE_SQL).one()._mapping)
            written = _fill(origin, target, " ".join((COPYING, *map(str, state.values()))), report)
        with target.write() as session:
            target.dialect.after_copy(session.connection())
            session.execute(text("UPDATE store SET position = :position, stamp = :stamp"), state)
        verify(target)
        with target.write() as session:
            session.execute(FINISH_SQL, state)
    return written


def _fill(origin: Connection, target: Database, mark: str, report: Callable[[int], None]) -> int:
    """Write the rows that the target lacks, compare, and return how many rows it has."""
    _begin(target, mark)
    with target.write() as session:
        for table in VOLATILE:
            session.execute(TABLES[table].delete())
    with target.read(patient=True) as connection:
        written = count_rows(connection)
    for step in STEPS:
        for rows in _missing(origin, target, step):
            with target.write() as session:
                for table, some in rows.items():
                    target.dialect.fill(session.connection(), table, _columns(table), some)
            written += sum(map(len, rows.values()))
            report(written)
    with target.read(patient=True) as connection:
        _compare(origin, connection)
    return written


def count_rows(connection: Connection) -> int:
    """Return how many rows a copy of this store will have."""
    return sum(_count(connection, table) for table in COPIED)


def _begin(target: Database, mark: str) -> None:
    """Mark an empty store as the target of this copy. Raise StoreError if it is not empty."""
    with target.write() as session:
        epoch = session.execute(STATE_SQL).one().epoch
        if epoch == mark:
            return
        if epoch.startswith(COPYING):
            raise StoreError(
                f"{target} holds part of a copy of another store, or of this one before it was "
                "changed: empty it, then begin again"
            )
        if session.execute(NOT_EMPTY_SQL).first():
            raise StoreError(f"{target} is not empty; a copy never overwrites a store")
        session.execute(text("UPDATE store SET epoch = :mark"), {"mark": mark})


def _missing(
    origin: Connection, target: Database, step: tuple[str, ...]
) -> Iterator[dict[str, TableRows]]:
    """Yield the rows of a step that the target lacks, in batches: rows by table."""
    first, *parts = (TABLES[name] for name in step)
    keys = list(first.primary_key.columns)
    last: Sequence[Any] | None
    with target.read(patient=True) as connection:
        query = select(*keys).order_by(*(key.desc() for key in keys)).limit(1)
        last = connection.execute(query).first()
    places = [list(first.columns).index(key) for key in keys]
    while True:
        query = select(first).order_by(*keys).limit(BATCH_ROWS)
        if last is not None:
            query = query.where(tuple_(*keys) > tuple_(*last))
        rows = {first.name: [tuple(row) for row in origin.execute(query)]}
        if not rows[first.name]:
            return
        ends = (rows[first.name][0], rows[first.name][-1])
        begin, end = ([row[place] for place in places] for row in ends)
        for part in parts:
            own = part.c.event_id
            of_batch = select(part).where(own >= begin[0], own <= end[0])
            rows[part.name] = [tuple(row) for row in origin.execute(of_batch)]
        yield rows
        last = end


def _compare(origin: Connection, copied: Connection) -> None:
    """Raise StoreError if the numbers of rows differ, or any row of COMPARED."""
    for table in COPIED:
        if _count(origin, table) != _count(copied, table):
            raise StoreError(f"the copy differs in the number of rows in {table}")
    for name in COMPARED:
        compared = TABLES[name]
        query = select(compared).order_by(*compared.primary_key.columns)
        both = (
            connection.execution_options(yield_per=BATCH_ROWS).execute(query)
            for connection in (origin, copied)
        )
        for one, other in zip_longest(*both):
            if one is None or other is None or tuple(one) != tuple(other):
                raise StoreError(f"the copy differs in {name}, from {(one or other)[0]} on")


def _count(connection: Connection, table: str) -> int:
    return connection.execute(select(func.count()).select_from(TABLES[table])).scalar_one()


def _columns(table: str) -> list[str]:
    return list(TABLES[table].columns.keys())
