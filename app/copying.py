"""`copy`: a whole store into an empty one, of either engine, in steps that may be broken off."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, func, select, text, tuple_

from app.db import Database
from app.dialects import StoreError
from app.models import COPYING, TABLES

BATCH = 2000  # rows of a step's first table are written in one transaction
# In an order in which each row finds what it refers to; an event and its parts come together.
STEPS: tuple[tuple[str, ...], ...] = (
    *(("type",), ("actor",), ("actor_alias",), ("place",), ("publisher",), ("source",), ("tag",)),
    (
        *("event", "citation", "citation_claim", "event_actor", "event_place", "event_tag"),
        "quantity",
    ),
    *(("relation",), ("change",), ("api_key",), ("answered",)),
    *(("block",), ("timeline",), ("document",), ("wording",), ("measurement",)),
    *(("term",), ("posting",)),
)
COPIED = [table for step in STEPS for table in step]
# They change without a change of the state: a key is made or revoked, a request is answered.
ANEW = ("api_key", "answered")
COMPARED = ("document", "change", *ANEW)
STORE = text("SELECT epoch, position, stamp, identity FROM store")
WHOLE = text("UPDATE store SET epoch = :epoch, identity = :identity")
FULL = text("SELECT 1 FROM store WHERE position > 0 UNION ALL SELECT 1 FROM api_key LIMIT 1")
Rows = list[tuple[Any, ...]]


def copy(
    source: Database,
    target: Database,
    verify: Callable[[Database], None],
    tell: Callable[[int], None],
) -> int:
    """Make a store hold all that another does; gives how many rows these are.

    It has the same epoch and identity then, so that cursors and subscriptions go on. What an
    earlier copy of the same state has written stays. StoreError where the target holds
    anything else, or differs in the end, as `verify` may say too. `tell` is told how many
    rows are there.
    """
    target.migrate(older=False)
    with target.dialect.copying():
        with source.read(patient=True) as origin:
            told = dict(origin.execute(STORE).one()._mapping)
            done = _fill(origin, target, " ".join((COPYING, *map(str, told.values()))), tell)
        with target.write() as session:
            target.dialect.after_copy(session.connection())
            session.execute(text("UPDATE store SET position = :position, stamp = :stamp"), told)
        verify(target)
        with target.write() as session:
            session.execute(WHOLE, told)
    return done


def _fill(origin: Connection, target: Database, mark: str, tell: Callable[[int], None]) -> int:
    """Write what a target of this mark lacks, and compare; gives how many rows it has then."""
    _begin(target, mark)
    with target.write() as session:
        for table in ANEW:
            session.execute(TABLES[table].delete())
    with target.read(patient=True) as connection:
        done = size(connection)
    for step in STEPS:
        for rows in _missing(origin, target, step):
            with target.write() as session:
                for table, some in rows.items():
                    target.dialect.fill(session.connection(), table, _columns(table), some)
            done += sum(map(len, rows.values()))
            tell(done)
    with target.read(patient=True) as connection:
        _compare(origin, connection)
    return done


def size(connection: Connection) -> int:
    """How many rows a copy of a store has."""
    return sum(_number(connection, table) for table in COPIED)


def _begin(target: Database, mark: str) -> None:
    """Mark an empty store as the target of this copy; StoreError for one that holds another."""
    with target.write() as session:
        epoch = session.execute(STORE).one().epoch
        if epoch == mark:
            return
        if epoch.startswith(COPYING):
            raise StoreError(
                f"{target} holds part of a copy of another store, or of this one before it was "
                "changed: empty it, then begin again"
            )
        if session.execute(FULL).first():
            raise StoreError(f"{target} is not empty; a copy never overwrites a store")
        session.execute(text("UPDATE store SET epoch = :mark"), {"mark": mark})


def _missing(
    origin: Connection, target: Database, step: tuple[str, ...]
) -> Iterator[dict[str, Rows]]:
    """What of a step the target does not hold yet, in batches of rows by table."""
    first, *parts = (TABLES[name] for name in step)
    keys = list(first.primary_key.columns)
    last: Sequence[Any] | None
    with target.read(patient=True) as connection:
        query = select(*keys).order_by(*(key.desc() for key in keys)).limit(1)
        last = connection.execute(query).first()
    places = [list(first.columns).index(key) for key in keys]
    while True:
        query = select(first).order_by(*keys).limit(BATCH)
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
    """StoreError where the copy differs, in the number of any rows or in what is compared."""
    for table in COPIED:
        if _number(origin, table) != _number(copied, table):
            raise StoreError(f"the copy differs in the number of rows in {table}")
    for name in COMPARED:
        compared = TABLES[name]
        query = select(compared).order_by(*compared.primary_key.columns)
        both = (
            connection.execution_options(yield_per=BATCH).execute(query)
            for connection in (origin, copied)
        )
        for one, other in zip_longest(*both):
            if one is None or other is None or tuple(one) != tuple(other):
                raise StoreError(f"the copy differs in {name}, from {(one or other)[0]} on")


def _number(connection: Connection, table: str) -> int:
    return connection.execute(select(func.count()).select_from(TABLES[table])).scalar_one()


def _columns(table: str) -> list[str]:
    return list(TABLES[table].columns.keys())
