"""Events: one, a page of hits, or all hits for a file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import NamedTuple

from sqlalchemy import Connection

from app.dates import Window
from app.dialects import Prepared
from app.filters import EventFilter, EventQuery, ExportQuery, OrderedQuery, resolve
from app.formats import pick_members
from app.json_types import Json
from app.reads.cursors import Page, Position, fetch_record, write_cursor, write_json
from app.reads.hits import Hits
from app.reads.orders import ORDERS, keys_by_update, locate
from app.reads.room import documents, within_room

MAX_DOCUMENTS_IN_MEMORY = 500  # of an export
DOCUMENT = Prepared(
    "SELECT d.body FROM timeline t JOIN document d ON d.key = t.key WHERE t.event_id = :id"
)
KEY_OF = Prepared("SELECT key FROM timeline WHERE event_id = :id")
CERTAIN = Prepared(
    "SELECT key FROM timeline WHERE key IN :keys"
    " AND sure AND start_latest <= :last AND end_earliest >= :first"
)


def event(connection: Connection, event_id: str) -> bytes:
    """Return an event's document. Raise Problem `gone`, or `not-found` with the nearest id."""
    return bytes(fetch_record(connection, "event", DOCUMENT, event_id)[0])


class ListPlace(NamedTuple):
    """The place of an event among the hits of a query: its number from 1 on, and those around it.

    All are None if the event is not among the hits.
    """

    number: int | None
    before: Json | None
    after: Json | None


def locate_in_list(connection: Connection, query: OrderedQuery, event_id: str) -> ListPlace:
    """Return the place of an event in the list of a query."""
    hits = Hits(connection, resolve(connection, query))
    ((own_key,),) = KEY_OF.rows(connection, id=event_id) or [(None,)]
    before, keys = None, ORDERS[query.sort]().walk(connection, query, hits)
    for number, key in enumerate(keys, 1):
        if key == own_key:
            around = [_find_document(connection, beside) for beside in (before, next(keys, None))]
            return ListPlace(number, *around)
        before = key
    return ListPlace(None, None, None)


def _find_document(connection: Connection, key: int | None) -> Json | None:
    return None if key is None else json.loads(next(iter(documents(connection, [key]))))


def page(connection: Connection, now: Position, query: EventQuery) -> Page:
    """Return one page of the hits of a query, in the state `now` of the store."""
    order = ORDERS[query.sort]()
    hits = Hits(connection, resolve(connection, query))
    total = hits.count() if query.total == "exact" else None
    keys = order.keys(connection, query, hits, now)
    items = within_room(documents(connection, keys[: query.limit]))
    cursor = None
    if len(keys) > len(items):
        keys = keys[: len(items)]
        cursor = write_cursor(now, query.identity, order.cursor_values(connection, keys[-1]))
    if query.window is not None:
        items = _with_match(connection, query.window, keys, items)
    if query.picked is not None:
        items = [write_json(pick_members(json.loads(item), query.picked)) for item in items]
    return Page(items, total, cursor)


@contextmanager
def export(connection: Connection, query: ExportQuery) -> Iterator[Iterator[bytes]]:
    """Yield an iterator over the documents for a file, in its order, read as they are taken.

    With a date, each document says how it matches. Raise Problem `invalid-parameters` at once,
    before the first document is taken.
    """
    hits = Hits(connection, resolve(connection, query))
    keys = islice(ORDERS[query.sort]().walk(connection, query, hits), query.limit)
    yield chain.from_iterable(_export(connection, query.window, keys))


def _export(
    connection: Connection, window: Window | None, keys: Iterator[int]
) -> Iterator[Iterable[bytes]]:
    """Yield the documents with these keys in batches."""
    while batch := list(islice(keys, MAX_DOCUMENTS_IN_MEMORY)):
        items = documents(connection, batch)
        yield items if window is None else _with_match(connection, window, batch, items)


def last_update(connection: Connection, query: EventFilter) -> str | None:
    """Return when the latest edited hit was edited, in RFC 3339; None if there are no hits."""
    hits = Hits(connection, resolve(connection, query))
    for key in keys_by_update(connection, hits, descending=True):
        return locate(connection, key)[1]
    return None


def count_matching(connection: Connection, query: EventFilter) -> int:
    """Return the number of hits. Raise Problem `invalid-parameters` as a list does."""
    return Hits(connection, resolve(connection, query)).count()


def _with_match(
    connection: Connection, window: Window, keys: Sequence[int], items: Iterable[bytes]
) -> list[bytes]:
    """Return the documents with these keys, each with how it matches a window."""
    parameters = {"keys": keys, "first": window.first, "last": window.last}
    certain = {key for (key,) in CERTAIN.rows(connection, **parameters)}
    words = (b"certain" if key in certain else b"possible" for key in keys)
    return [b'%b,"match":"%b"}' % (i[:-1], word) for i, word in zip(items, words, strict=True)]
