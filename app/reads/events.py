"""Events: one, or a page of those that a filter finds."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice

from sqlalchemy import Connection

from app.dates import Window
from app.dialects import Prepared
from app.filters import EventFilter, EventQuery, ExportQuery, find
from app.formats import pick
from app.reads.cursors import Page, Position, one, write_cursor, write_json
from app.reads.hits import Hits
from app.reads.orders import ORDERS, by_update, place
from app.reads.room import documents, within_room

AT_A_TIME = 500  # documents of an export are held in memory
DOCUMENT = Prepared(
    "SELECT d.body FROM timeline t JOIN document d ON d.key = t.key WHERE t.event_id = :id"
)
CERTAIN = Prepared(
    "SELECT key FROM timeline WHERE key IN :keys"
    " AND sure AND start_latest <= :last AND end_earliest >= :first"
)


def event(connection: Connection, event_id: str) -> bytes:
    """The document of one event; Problem `not-found` names the nearest id."""
    return bytes(one(connection, "event", DOCUMENT, event_id)[0])


def page(connection: Connection, now: Position, asked: EventQuery) -> Page:
    """One page of the events that a query finds, in the state `now` of the store."""
    order = ORDERS[asked.sort]()
    hits = Hits(connection, find(connection, asked))
    total = hits.count() if asked.total == "exact" else None
    keys = order.keys(connection, asked, hits, now)
    items = within_room(documents(connection, keys[: asked.limit]))
    cursor = None
    if len(keys) > len(items):
        keys = keys[: len(items)]
        cursor = write_cursor(now, asked.identity, order.told(connection, keys[-1]))
    if asked.window is not None:
        items = _with_match(connection, asked.window, keys, items)
    if asked.picked is not None:
        items = [write_json(pick(json.loads(item), asked.picked)) for item in items]
    return Page(items, total, cursor)


@contextmanager
def export(connection: Connection, asked: ExportQuery) -> Iterator[Iterator[bytes]]:
    """Give the documents of the events that a file holds, in its order, as they are read.

    With a date, each says how it matches. Raise Problem `invalid-parameters` at once, before the
    first is asked for.
    """
    hits = Hits(connection, find(connection, asked))
    keys = islice(ORDERS[asked.sort]().walk(connection, asked, hits), asked.limit)
    yield chain.from_iterable(_export(connection, asked.window, keys))


def _export(
    connection: Connection, window: Window | None, keys: Iterator[int]
) -> Iterator[Iterable[bytes]]:
    """Give the documents with these keys, some at a time."""
    while some := list(islice(keys, AT_A_TIME)):
        items = documents(connection, some)
        yield items if window is None else _with_match(connection, window, some, items)


def last_update(connection: Connection, asked: EventFilter) -> str | None:
    """When one of the events that a filter finds was last edited, RFC 3339; None of none."""
    hits = Hits(connection, find(connection, asked))
    for key in by_update(connection, hits, descending=True):
        return place(connection, key)[2]
    return None


def matching(connection: Connection, asked: EventFilter) -> int:
    """How many events a filter finds; Problem `invalid-parameters` as for a list."""
    return Hits(connection, find(connection, asked)).count()


def _with_match(
    connection: Connection, window: Window, keys: Sequence[int], items: Iterable[bytes]
) -> list[bytes]:
    """The documents with these keys, each with how it matches a window."""
    told = {"keys": keys, "first": window.first, "last": window.last}
    certain = {key for (key,) in CERTAIN.rows(connection, **told)}
    words = (b"certain" if key in certain else b"possible" for key in keys)
    return [b'%b,"match":"%b"}' % (i[:-1], word) for i, word in zip(items, words, strict=True)]
