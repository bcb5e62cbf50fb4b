"""The orders in which events can be listed, each with where its cursors go on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, islice
from typing import Any, Protocol

import numpy as np
from sqlalchemy import Connection

from app import words
from app.dialects import Prepared
from app.filters import EventQuery, OrderedQuery
from app.reads.cursors import Position, read_cursor
from app.reads.hits import Hits, in_batches

MAX_KEY = (1 << 63) - 1
AT_A_TIME, MOST_AT_A_TIME = 60, 2000  # events in the order of their edits are held in memory
FEW = 2000
LAST_TEXT = "\U0010ffff"  # behind every timestamp and id
FEW_BY_UPDATE, ALL_BY_UPDATE, BY_UPDATE = (
    {
        descending: Prepared(query.format(way="DESC" if descending else "ASC", side=side))
        for descending, side in ((True, "<"), (False, ">"))
    }
    for query in (
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
RANKED = 1000  # hits that are ranked: the newest
WEIGHTS = (8, 4, 4, 2, 1)  # of a word in the title, actors, places and tags, summary, sources
REPEATS = 3  # a word counts so often in a field, no more


WORDS = Prepared("SELECT key, words FROM wording WHERE key IN :keys")
AT = {
    descending: Prepared(
        f"SELECT key FROM timeline WHERE (day, event_id) {side} (:day, :id)"
        f" ORDER BY day {way}, event_id {way} LIMIT 1"
    )
    for descending, side, way in ((True, ">=", "ASC"), (False, "<=", "DESC"))
}
PLACE = Prepared("SELECT day, event_id, updated_at FROM timeline WHERE key = :key")


class Order(Protocol):
    """A way to list events."""

    def keys(
        self, connection: Connection, asked: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        """The keys of the events of a page and, where there is more, one key too many."""

    def walk(self, connection: Connection, asked: OrderedQuery, hits: Hits) -> Iterator[int]:
        """Give the keys of all its events, as they are found."""

    def told(self, connection: Connection, key: int) -> list[Any]:
        """What the cursor behind an event holds."""


@dataclass
class ByDate:
    """Timeline order, or its exact reverse."""

    descending: bool

    def keys(
        self, connection: Connection, asked: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        beyond = None
        if asked.cursor is not None:
            day, event_id = read_cursor(now, asked.identity, asked.cursor, (int, str))
            beyond = key_at(connection, day, event_id, descending=self.descending)
        keys = hits.in_order(descending=self.descending, beyond=beyond)
        return next(in_batches(keys, asked.limit + 1), [])

    def walk(self, connection: Connection, asked: OrderedQuery, hits: Hits) -> Iterator[int]:
        for some in hits.in_order(descending=self.descending):
            yield from some.tolist()

    def told(self, connection: Connection, key: int) -> list[Any]:
        day, event_id, _ = place(connection, key)
        return [day, event_id]


@dataclass
class ByUpdate:
    """The order of the last edits, or its exact reverse."""

    descending: bool

    def keys(
        self, connection: Connection, asked: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        after = None
        if asked.cursor is not None:
            moment, event_id = read_cursor(now, asked.identity, asked.cursor, (str, str))
            after = (moment, event_id)
        keys = by_update(connection, hits, descending=self.descending, after=after)
        return list(islice(keys, asked.limit + 1))

    def walk(self, connection: Connection, asked: OrderedQuery, hits: Hits) -> Iterator[int]:
        return by_update(connection, hits, descending=self.descending)

    def told(self, connection: Connection, key: int) -> list[Any]:
        _, event_id, updated_at = place(connection, key)
        return [updated_at, event_id]


def by_update(
    connection: Connection,
    hits: Hits,
    *,
    descending: bool,
    after: tuple[str, str] | None = None,
) -> Iterator[int]:
    """The keys of hits in the order of their last edits, or its reverse, `after` one of these."""
    before_all = (LAST_TEXT, LAST_TEXT) if descending else ("", "")
    moment, event_id = after or before_all
    if hits.count() <= FEW:  # are sorted; of more the first are soon found in the order of all
        keys = [key for some in hits.in_order() for key in some.tolist()]
        few = FEW_BY_UPDATE[descending]
        rows = few.rows(connection, keys=keys, moment=moment, event_id=event_id)
        yield from (row[0] for row in rows)
        return
    size, everything = AT_A_TIME, hits.found.everything
    query = (ALL_BY_UPDATE if everything else BY_UPDATE)[descending]
    while rows := query.rows(connection, moment=moment, event_id=event_id, size=size):
        _, moment, event_id, *_ = rows[-1]
        if not everything:
            blocks, slots = np.array([(row[3], row[4]) for row in rows]).T
            rows = list(compress(rows, hits.every().holds(blocks, slots)))
        yield from (row[0] for row in rows)
        size = min(4 * size, MOST_AT_A_TIME)


@dataclass
class ByRelevance:
    """The newest hits, those first that say most of what `q` asks for, then the newer ones.

    A score depends on the event alone, and the cursor remembers how far back the first page
    looked, so that nothing moves while other events are written.
    """

    scores: dict[int, int] = field(default_factory=dict)
    oldest: list[Any] = field(default_factory=list)

    def keys(
        self, connection: Connection, asked: EventQuery, hits: Hits, now: Position
    ) -> Sequence[int]:
        after: tuple[int, int] | None = None
        oldest, limit = -1, RANKED
        if asked.cursor is not None:
            shape = (int, int, str, int, str)
            score, day, event_id, *self.oldest = read_cursor(
                now, asked.identity, asked.cursor, shape
            )
            after = (-score, -key_at(connection, day, event_id, descending=True))
            oldest = key_at(connection, *self.oldest, descending=True)
            limit = 2 * RANKED  # newer hits may have come in since
        newest = next(in_batches(hits.in_order(descending=True), limit), [])
        ranked = self._rank(connection, asked, [key for key in newest if key >= oldest])
        keys = [-key for score, key in ranked if after is None or (score, key) > after]
        return keys[: asked.limit + 1]

    def walk(self, connection: Connection, asked: OrderedQuery, hits: Hits) -> Iterator[int]:
        newest = next(in_batches(hits.in_order(descending=True), RANKED), [])
        return iter([-key for _, key in self._rank(connection, asked, newest)])

    def told(self, connection: Connection, key: int) -> list[Any]:
        day, event_id, _ = place(connection, key)
        return [self.scores[key], day, event_id, *self.oldest]

    def _rank(
        self, connection: Connection, asked: OrderedQuery, keys: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Return the score and the key of each, negated so that the best and newest come first."""
        sought = list(words.patterns(words.search(str(asked.q))))
        wordings = WORDS.rows(connection, keys=keys)
        self.scores = {key: _score(wording, sought) for key, wording in wordings}
        if keys and not self.oldest:
            self.oldest = list(place(connection, keys[-1])[:2])
        return sorted((-score, -key) for key, score in self.scores.items())


ORDERS: Mapping[str, Callable[[], Order]] = {
    "date": partial(ByDate, descending=False),
    "-date": partial(ByDate, descending=True),
    "updated": partial(ByUpdate, descending=False),
    "-updated": partial(ByUpdate, descending=True),
    "relevance": ByRelevance,
}


def _score(wording: str, sought: Sequence[str]) -> int:
    """How much of what is sought stands in each field, by the field's weight."""
    return sum(
        weight * min(line.count(pattern.strip("%")), REPEATS)
        for weight, line in zip(WEIGHTS, wording.split("\n"), strict=False)
        for pattern in sought
    )


def place(connection: Connection, key: int) -> tuple[int, str, str]:
    """Where the event with a key stands: its day, its id, and when it was last edited."""
    ((day, event_id, updated_at),) = PLACE.rows(connection, key=key)
    return day, event_id, updated_at


def key_at(connection: Connection, day: int, event_id: str, *, descending: bool) -> int:
    """A key that parts what came up to an event from what follows, also where the event is gone."""
    row = AT[descending].row(connection, day=day, id=event_id)
    end = MAX_KEY if descending else -1
    return end if row is None else int(row[0])
