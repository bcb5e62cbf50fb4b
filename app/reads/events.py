"""Events: one, or a page of those that a filter finds."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from sqlalchemy import Connection, column, text

from app.dialects import numbers
from app.filters import EventFilter, EventQuery, find
from app.reads.cursors import Page, Position, one, write_cursor, write_json
from app.reads.hits import Hits, in_batches
from app.reads.orders import ORDERS, by_update

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
    hits = Hits(connection, find(connection, asked))
    total = hits.count() if asked.total == "exact" else None
    rows = order.rows(connection, asked, hits, now)
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
    hits = Hits(connection, find(connection, asked))
    if latest is None:
        yield _bodies(connection, in_batches(hits.in_order(), AT_A_TIME))
    else:
        yield _bodies(connection, _last(connection, hits, latest))


def _last(connection: Connection, hits: Hits, number: int) -> Iterator[list[int]]:
    """The keys of so many hits, the last updated first."""
    yield list(islice(by_update(connection, hits, descending=True), number))


def _bodies(connection: Connection, batches: Iterator[list[int]]) -> Iterator[bytes]:
    for keys in batches:
        query = f"SELECT key, body FROM document WHERE key IN ({numbers(keys)})"
        bodies = dict(map(tuple, connection.exec_driver_sql(query)))
        yield from (bytes(bodies[key]) for key in keys)


def last_update(connection: Connection, asked: EventFilter) -> str | None:
    """When one of the events that a filter finds was last edited, RFC 3339; None of none."""
    hits = Hits(connection, find(connection, asked))
    for key in by_update(connection, hits, descending=True):
        query = text("SELECT updated_at FROM timeline WHERE key = :key")
        return str(connection.execute(query, {"key": key}).scalar_one())
    return None


def matching(connection: Connection, asked: EventFilter) -> int:
    """How many events a filter finds; Problem `invalid-parameters` as for a list."""
    return Hits(connection, find(connection, asked)).count()


def _with_match(body: bytes, certain: bool) -> bytes:
    word = b"certain" if certain else b"possible"
    return bytes(body)[:-1] + b',"match":"' + word + b'"}'


def _only(item: bytes, fields: Sequence[str]) -> bytes:
    document = json.loads(item)
    kept = {name: document[name] for name in (*fields, "match") if name in document}
    return write_json(kept)
