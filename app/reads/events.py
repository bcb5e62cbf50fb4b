"""Events: one, or a page of those that a filter finds."""

import json
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text

from app.filters import EventFilter, EventQuery, Found, find
from app.reads.cursors import Page, Position, one, write_cursor, write_json
from app.reads.orders import ORDERS

AT_A_TIME = 500  # documents of an export are held in memory


def event(connection: Connection, event_id: str) -> bytes:
    """The document of one event; Problem `not-found` names the nearest id."""
    query = "SELECT d.body FROM timeline t JOIN document d ON d.key = t.key WHERE t.event_id = :id"
    return bytes(one(connection, "event", query, event_id).body)


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


def export(connection: Connection, asked: EventFilter) -> Iterator[bytes]:
    """The documents of all events that a filter finds, in timeline order, as they are read.

    Problem `invalid-parameters` comes at once, before the first is asked for.
    """
    where = find(connection, asked).first(by_date=True)
    query = text(
        f"SELECT d.body FROM (SELECT t.key {where.sql}) k JOIN document d ON d.key = k.key"
        " ORDER BY k.key"
    ).execution_options(stream_results=True, yield_per=AT_A_TIME)
    rows = connection.execute(query, where.parameters).scalars()
    return (bytes(body) for body in rows)


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
