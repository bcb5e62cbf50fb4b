"""The orders in which events can be listed, each with where its cursors go on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Connection, Row, text

from app import words
from app.filters import EventQuery, Where
from app.reads.cursors import Position, read_cursor

MAX_KEY = (1 << 63) - 1
RANKED = 1000  # hits that are ranked: the newest
WEIGHTS = (8, 4, 4, 2, 1)  # of a word in the title, actors, places and tags, summary, sources
REPEATS = 3  # a word counts so often in a field, no more


class Order(Protocol):
    """A way to list events."""

    by_date: bool

    def rows(
        self, connection: Connection, asked: EventQuery, found: Where, now: Position
    ) -> Sequence[Row[Any]]:
        """The rows of a page and, where there is more, one row too many."""

    def told(self, row: Row[Any]) -> list[Any]:
        """What the cursor behind a row holds."""


@dataclass
class ByDate:
    """Timeline order, or its exact reverse."""

    descending: bool
    by_date: bool = True

    def rows(
        self, connection: Connection, asked: EventQuery, found: Where, now: Position
    ) -> Sequence[Row[Any]]:
        if asked.cursor is not None:
            day, event_id = read_cursor(now, asked.identity, asked.cursor, (int, str))
            found.conditions.append(f"t.key {'<' if self.descending else '>'} :after")
            key = key_at(connection, day, event_id, descending=self.descending)
            found.parameters["after"] = key
        order = "t.key DESC" if self.descending else "t.key"
        keys = f"SELECT t.key {found.sql} ORDER BY {order} LIMIT :limit"
        return _documents(connection, asked, keys, order, found.parameters)

    def told(self, row: Row[Any]) -> list[Any]:
        return [row.day, row.event_id]


@dataclass
class ByUpdate:
    """The order of the last edits, or its exact reverse."""

    descending: bool
    by_date: bool = False

    def rows(
        self, connection: Connection, asked: EventQuery, found: Where, now: Position
    ) -> Sequence[Row[Any]]:
        if asked.cursor is not None:
            moment, event_id = read_cursor(now, asked.identity, asked.cursor, (str, str))
            side = "<" if self.descending else ">"
            found.conditions.append(f"(t.updated_at, t.event_id) {side} (:moment, :after)")
            found.parameters |= {"moment": moment, "after": event_id}
        way = " DESC" if self.descending else ""
        order = f"t.updated_at{way}, t.event_id{way}"
        keys = f"SELECT t.key {found.sql} ORDER BY {order} LIMIT :limit"
        return _documents(connection, asked, keys, order, found.parameters)

    def told(self, row: Row[Any]) -> list[Any]:
        return [row.updated_at, row.event_id]


@dataclass
class ByRelevance:
    """The newest hits, those first that say most of what `q` asks for, then the newer ones.

    A score depends on the event alone, and the cursor remembers how far back the first page
    looked, so that nothing moves while other events are written.
    """

    by_date: bool = True
    scores: dict[int, int] = field(default_factory=dict)
    oldest: list[Any] = field(default_factory=list)

    def rows(
        self, connection: Connection, asked: EventQuery, found: Where, now: Position
    ) -> Sequence[Row[Any]]:
        after: tuple[int, int] | None = None
        limit = RANKED
        if asked.cursor is not None:
            shape = (int, int, str, int, str)
            score, day, event_id, *self.oldest = read_cursor(
                now, asked.identity, asked.cursor, shape
            )
            after = (-score, -key_at(connection, day, event_id, descending=True))
            found.conditions.append("t.key >= :oldest")
            found.parameters["oldest"] = key_at(connection, *self.oldest, descending=True)
            limit = 2 * RANKED  # newer hits may have come in since
        self._rank(connection, asked, found, limit)
        ranked = sorted((-score, -key) for key, score in self.scores.items())
        keys = [-key for score, key in ranked if after is None or (score, key) > after]
        return self._in_order(connection, asked, keys[: asked.limit + 1])

    def told(self, row: Row[Any]) -> list[Any]:
        return [self.scores[row.key], row.day, row.event_id, *self.oldest]

    def _rank(self, connection: Connection, asked: EventQuery, found: Where, limit: int) -> None:
        hits = connection.execute(
            text(
                "SELECT k.key, g.words FROM"
                f" (SELECT t.key {found.sql} ORDER BY t.key DESC LIMIT :hits) k"
                " JOIN wording g ON g.key = k.key ORDER BY k.key DESC"
            ),
            {**found.parameters, "hits": limit},
        ).all()
        sought = list(words.patterns(words.search(str(asked.q))))
        self.scores = {hit.key: _score(hit.words, sought) for hit in hits}
        if hits and not self.oldest:
            query = text("SELECT day, event_id FROM timeline WHERE key = :key")
            self.oldest = list(connection.execute(query, {"key": hits[-1].key}).one())

    def _in_order(
        self, connection: Connection, asked: EventQuery, keys: Sequence[int]
    ) -> Sequence[Row[Any]]:
        parameters = {f"key{number}": key for number, key in enumerate(keys)}
        listed = ", ".join(f":{name}" for name in parameters) or "NULL"
        query = f"SELECT key FROM timeline WHERE key IN ({listed}) LIMIT :limit"
        rows = _documents(connection, asked, query, "t.key", parameters)
        return sorted(rows, key=lambda row: keys.index(row.key))


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


def _documents(
    connection: Connection, asked: EventQuery, keys: str, order: str, parameters: Mapping[str, Any]
) -> Sequence[Row[Any]]:
    """The documents of the events whose keys the SQL `keys` gives, one more than asked for."""
    certain = "NULL"
    window = {}
    if asked.window is not None:
        certain = "t.sure AND t.start_latest <= :to_day AND t.end_earliest >= :from_day"
        window = {"from_day": asked.window.first, "to_day": asked.window.last}
    query = (
        f"SELECT t.key, t.day, t.event_id, t.updated_at, d.body, {certain} AS certain"
        f" FROM ({keys}) k JOIN timeline t ON t.key = k.key JOIN document d ON d.key = k.key"
        f" ORDER BY {order}"
    )
    return connection.execute(text(query), {**parameters, **window, "limit": asked.limit + 1}).all()


def key_at(connection: Connection, day: int, event_id: str, *, descending: bool) -> int:
    """A key that parts what came up to an event from what follows, also where the event is gone."""
    side, way, end = (">=", "ASC", MAX_KEY) if descending else ("<=", "DESC", -1)
    query = text(
        f"SELECT key FROM timeline WHERE (day, event_id) {side} (:day, :id)"
        f" ORDER BY day {way}, event_id {way} LIMIT 1"
    )
    key = connection.execute(query, {"day": day, "id": event_id}).scalar()
    return end if key is None else int(key)
