"""The orders in which events can be listed, and the cursors of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, islice
from typing import Any, Protocol

import numpy as np
from sqlalchemy import Connection

from app import words
from app.dialects import LAST_TEXT, Prepared
from app.filters import EventQuery, OrderedQuery
from app.index import TimelinePlace
from app.reads.cursors import Position, read_cursor
from app.reads.hits import Hits, batch_keys

MAX_KEY = (1 << 63) - 1
PLACE_TYPES = (int, int, str)  # of a TimelinePlace
MIN_BATCH_EVENTS, MAX_BATCH_EVENTS = 60, 2000  # read at once in the order of their edits
MAX_SORTED_EVENTS = 2000
FEW_BY_UPDATE, ALL_BY_UPDATE, BY_UPDATE = (
    {
        descending: Prepared(statement.format(way="DESC" if descending else "ASC", side=side))
        for descending, side in ((True, "<"), (False, ">"))
    }
    for statement in (
        "SELECT key FROM timeline"
        " WHERE key IN :keys AND (updated_at, event_id) {side} (:moment, :event_id)"
        " ORDER BY updated_at {way}, event_id {way}",
        "SELECT key, updated_at, event_id FROM timeline"
        " WHERE (updated_at, event_id) {side} (:moment, :event_id)"
        " ORDER BY updated_at {way}, event_id {way} LIMIT :size",
        "SELECT key, updated_at, event_id, block, slot FROM timeline"
        " WHERE (updated_at, event_id) {side} (:moment, :event_id)"
        " ORDER BY updated_at {way}, event_id {way} LIMIT :size",
    )
)
MAX_RANKED_EVENTS = 1000  # only the newest hits are ranked
WEIGHTS = (8, 4, 4, 2, 1)  # of a word in the title, actors, places and tags, summary, sources
MAX_WORD_REPEATS = 3  # further repeats of a word in a field do not count


WORDINGS = Prepared("SELECT key, words FROM wording WHERE key IN :keys")
KEY_AT = {
    descending: Prepared(
        f"SELECT key FROM timeline WHERE (day, clock, event_id) {side} (:day, :clock, :id)"
        f" ORDER BY day {way}, clock {way}, event_id {way} LIMIT 1"
    )
    for descending, side, way in ((True, ">=", "ASC"), (False, "<=", "DESC"))
}
EVENT_PLACE = Prepared("SELECT day, clock, event_id, updated_at FROM timeline WHERE key = :key")


class Order(Protocol):
    """A way to list events."""

    def keys(
        self, connection: Connection, query: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        """Return the keys of a page's events, and one more if there is another page."""

    def walk(self, connection: Connection, query: OrderedQuery, hits: Hits) -> Iterator[int]:
        """Yield the keys of all hits in this order."""

    def cursor_values(self, connection: Connection, key: int) -> list[Any]:
        """Return the values of the cursor after the event with this key."""


@dataclass
class ByDate:
    """Timeline order, or its exact reverse."""

    descending: bool

    def keys(
        self, connection: Connection, query: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        beyond = None
        if query.cursor is not None:
            values = read_cursor(now, query.identity, query.cursor, PLACE_TYPES)
            beyond = key_at(connection, TimelinePlace(*values), descending=self.descending)
        keys = hits.in_order(descending=self.descending, beyond=beyond)
        return next(batch_keys(keys, query.limit + 1), [])

    def walk(self, connection: Connection, query: OrderedQuery, hits: Hits) -> Iterator[int]:
        for array in hits.in_order(descending=self.descending):
            yield from array.tolist()

    def cursor_values(self, connection: Connection, key: int) -> list[Any]:
        return [*locate(connection, key)[0]]


@dataclass
class ByUpdate:
    """The order of the last edits, or its exact reverse."""

    descending: bool

    def keys(
        self, connection: Connection, query: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        after = None
        if query.cursor is not None:
            moment, event_id = read_cursor(now, query.identity, query.cursor, (str, str))
            after = (moment, event_id)
        keys = keys_by_update(connection, hits, descending=self.descending, after=after)
        return list(islice(keys, query.limit + 1))

    def walk(self, connection: Connection, query: OrderedQuery, hits: Hits) -> Iterator[int]:
        return keys_by_update(connection, hits, descending=self.descending)

    def cursor_values(self, connection: Connection, key: int) -> list[Any]:
        place, updated_at = locate(connection, key)
        return [updated_at, place.event_id]


def keys_by_update(
    connection: Connection,
    hits: Hits,
    *,
    descending: bool,
    after: tuple[str, str] | None = None,
) -> Iterator[int]:
    """Yield the keys of hits in the order of their last edits, or in reverse, after `after`."""
    before_all = (LAST_TEXT, LAST_TEXT) if descending else ("", "")
    moment, event_id = after or before_all
    # Few hits are sorted. Of many, the first are soon met in the order of all events.
    if hits.count() <= MAX_SORTED_EVENTS:
        keys = [key for array in hits.in_order() for key in array.tolist()]
        rows = FEW_BY_UPDATE[descending].rows(
            connection, keys=keys, moment=moment, event_id=event_id
        )
        yield from (row[0] for row in rows)
        return
    size, everything = MIN_BATCH_EVENTS, hits.filter.everything
    statement = (ALL_BY_UPDATE if everything else BY_UPDATE)[descending]
    while rows := statement.rows(connection, moment=moment, event_id=event_id, size=size):
        _, moment, event_id, *_ = rows[-1]
        if not everything:
            blocks, slots = np.array([(row[3], row[4]) for row in rows]).T
            rows = list(compress(rows, hits.bitmap().contains(blocks, slots)))
        yield from (row[0] for row in rows)
        size = min(4 * size, MAX_BATCH_EVENTS)


@dataclass
class ByRelevance:
    """The newest hits, best match first, then newest first.

    A score depends on the event alone, and the cursor remembers how far back the first page looked,
    so nothing moves while other events are written.
    """

    scores: dict[int, int] = field(default_factory=dict)
    oldest: TimelinePlace | None = None

    def keys(
        self, connection: Connection, query: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        after: tuple[int, int] | None = None
        oldest, limit = -1, MAX_RANKED_EVENTS
        if query.cursor is not None:
            shape = (int, *PLACE_TYPES, *PLACE_TYPES)
            score, *values = read_cursor(now, query.identity, query.cursor, shape)
            last, self.oldest = TimelinePlace(*values[:3]), TimelinePlace(*values[3:])
            after = (-score, -key_at(connection, last, descending=True))
            oldest = key_at(connection, self.oldest, descending=True)
            limit = 2 * MAX_RANKED_EVENTS  # newer hits may have arrived since
        newest = next(batch_keys(hits.in_order(descending=True), limit), [])
        ranked = self._rank(connection, query, [key for key in newest if key >= oldest])
        keys = [-key for score, key in ranked if after is None or (score, key) > after]
        return keys[: query.limit + 1]

    def walk(self, connection: Connection, query: OrderedQuery, hits: Hits) -> Iterator[int]:
        newest = next(batch_keys(hits.in_order(descending=True), MAX_RANKED_EVENTS), [])
        return iter([-key for _, key in self._rank(connection, query, newest)])

    def cursor_values(self, connection: Connection, key: int) -> list[Any]:
        return [self.scores[key], *locate(connection, key)[0], *(self.oldest or ())]

    def _rank(
        self, connection: Connection, query: OrderedQuery, keys: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Return score and key of each event, negated so that the best and newest come first."""
        patterns = list(words.list_patterns(words.parse_search(str(query.q))))
        wordings = WORDINGS.rows(connection, keys=keys)
        self.scores = {key: _score(wording, patterns) for key, wording in wordings}
        if keys and not self.oldest:
            self.oldest = locate(connection, keys[-1])[0]
        return sorted((-score, -key) for key, score in self.scores.items())


ORDERS: Mapping[str, Callable[[], Order]] = {
    "date": partial(ByDate, descending=False),
    "-date": partial(ByDate, descending=True),
    "updated": partial(ByUpdate, descending=False),
    "-updated": partial(ByUpdate, descending=True),
    "relevance": ByRelevance,
}


def _score(wording: str, patterns: Sequence[str]) -> int:
    """Return how often the patterns occur in each field, times the field's weight."""
    return sum(
        weight * min(line.count(pattern.strip("%")), MAX_WORD_REPEATS)
        for weight, line in zip(WEIGHTS, wording.split("\n"), strict=False)
        for pattern in patterns
    )


def locate(connection: Connection, key: int) -> tuple[TimelinePlace, str]:
    """Return the place and the last edit of the event with this key."""
    ((*values, updated_at),) = EVENT_PLACE.rows(connection, key=key)
    return TimelinePlace(*values), updated_at


def key_at(connection: Connection, place: TimelinePlace, *, descending: bool) -> int:
    """Return a key that divides the events before a cursor from those after it.

    It does so even if the cursor's event has gone.
    """
    row = KEY_AT[descending].row(connection, day=place.day, clock=place.clock, id=place.event_id)
    end = MAX_KEY if descending else -1
    return end if row is None else int(row[0])
