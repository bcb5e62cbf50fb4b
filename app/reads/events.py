"""Events: one, or a page of those that a filter finds."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, column, text

from app.filters import EventFilter, EventQuery, Found, find
from app.reads.cursors import Page, Position, one, write_cursor, write_json
from app.reads.orders import ORDERS

AT_A_TIME = 500  # documents of an export are held in memory
DOCUMENT = text(
    "SELECT d.body FROM timeline t JOIN document d ON d.key = t.key WHERE t.event_id = :id"
).columns(column("body"))


def event(connection: Connection, event_id: str) -> bytes:
    """The document of one event; Problem `not-found` names the nearest id."""
    return bytes(one(connection, "event", DOCUMENT, event_id).body)


def page(connection: Connection, now: Position, asked: EventQuery) -> Page:
    """One page of the events that a query finds, in the state `now` of the store."""
    order = ORDERS[asked.sort]()
    found = find(connection, asked)
    total = count(connection, found) if asked.total == "exact" else None
    rows = order.rows(connection, asked, found.first(by_date=order.by_date), now)
    cursor = None
    if len(rows) > asked.limit:
        rows = rows[: asked.limit]
        cursor = write_cursor(now, asked.identity, order.told(rows[-1]))
    items = [bytes(row.body) for row in rows]
    if asked.date is not None:
        items = [_with_match(row.body, row.certain) for row in rows]
    if asked.fields is not None:
        items = [_only(item, asked.fields.split(",")) for item in items]
    return Page(items, total, cursor)


@contextmanager
def export(
    connection: Connection, asked: EventFilter, latest: int | None = None
) -> Iterator[Iterator[bytes]]:
    """The documents of all events that a filter finds, in timeline order, as they are read.

    With `latest`, so many at most, the last updated first. Problem `invalid-parameters` comes at
    once, before the first is asked for.
    """
    where = find(connection, asked).first(by_date=latest is None)
    if latest is None:
        keys, order = f"SELECT t.key {where.sql}", "k.key"
    else:
        columns, order = "t.key, t.updated_at, t.event_id", "k.updated_at DESC, k.event_id DESC"
        last = "ORDER BY t.updated_at DESC, t.event_id DESC LIMIT :latest"
        keys = f"SELECT {columns} {where.sql} {last}"
        where.parameters["latest"] = latest
    query = text(
        f"SELECT d.body FROM ({keys}) k JOIN document d ON d.key = k.key ORDER BY {order}"
    ).execution_options(stream_results=True, yield_per=AT_A_TIME)
    with connection.execute(query, where.parameters) as rows:  # also where it is left half-way
        yield (bytes(body) for body in rows.scalars())


def last_update(connection: Connection, asked: EventFilter) -> str | None:
    """When one of the events that a filter finds was last edited, RFC 3339; None of none."""
    where = find(connection, asked).first(by_date=False)
    query = text(f"SELECT t.updated_at {where.sql} ORDER BY t.updated_at DESC LIMIT 1")
    found: str | None = connection.execute(query, where.parameters).scalar()
    return found


def matching(connection: Connection, asked: EventFilter) -> int:
    """How many events a filter finds; Problem `invalid-parameters` as for a list."""
    return count(connection, find(connection, asked))


def count(connection: Connection, found: Found) -> int:
    """How many events a filter finds."""
    if found.known is not None:
        return found.known
    where = found.all()
    query = text(f"SELECT count(*) {where.sql}")
    return int(connection.execute(query, where.parameters).scalar_one())


def _with_match(body: bytes, certain: bool) -> bytes:
    word = b"certain" if certain else b"possible"
    return bytes(body)[:-1] + b',"match":"' + word + b'"}'


def _only(item: bytes, fields: Sequence[str]) -> bytes:
    document = json.loads(item)
    kept = {name: document[name] for name in (*fields, "match") if name in document}
    return write_json(kept)
