"""The vocabulary: what events refer to, each entry with how many events bear it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from app import words
from app.dialects import Prepared
from app.filters import VocabularyQuery
from app.reads.blocks import Older, kept
from app.reads.cursors import Page, Position, one, read_cursor, write_cursor, write_json
from app.reads.events import event
from app.reads.room import within_room

ALIASES = Prepared(
    "SELECT actor_id, alias FROM actor_alias WHERE actor_id IN :ids ORDER BY actor_id, position"
)


@dataclass(frozen=True)
class Vocabulary:
    """A kind of record that events share: its table, and its members in the order they are told."""

    table: str
    members: Sequence[str]
    made: Mapping[str, str] = field(default_factory=dict)  # members that are no column, in SQL

    @property
    def query(self) -> str:
        """Each record with the number of events that bear it."""
        told = (f"{self.made.get(name, f'v.{name}')} AS {name}" for name in self.members)
        return (
            f"SELECT {', '.join(told)}, coalesce(t.events, 0) AS events FROM {self.table} v"
            f" LEFT JOIN term t ON t.kind = '{self.table}' AND t.value = v.id"
        )

    def record(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row of the query by names."""
        return dict(zip((*self.members, "events"), row, strict=True))


OF_SOURCES = (
    *("id", "publisher", "title", "author", "url", "archive_url", "published", "accessed"),
    *("language", "kind"),
)
VOCABULARIES: Mapping[str, Vocabulary] = {
    "types": Vocabulary("type", ("id", "label", "description")),
    "actors": Vocabulary(
        "actor", ("id", "name", "kind", "country", "aliases", "url"), {"aliases": "NULL"}
    ),
    "places": Vocabulary("place", ("id", "name", "country", "latitude", "longitude")),
    "tags": Vocabulary("tag", ("id", "name")),
    "publishers": Vocabulary("publisher", ("id", "name")),
    "sources": Vocabulary(
        "source",
        OF_SOURCES,
        {"publisher": "(SELECT name FROM publisher p WHERE p.id = v.publisher_id)"},
    ),
}


def vocabulary(connection: Connection, now: Position, name: str, asked: VocabularyQuery) -> Page:
    """A page of a vocabulary (a key of VOCABULARIES), ordered by id, with event counts."""
    kind = VOCABULARIES[name]
    identity = [name, asked.q]
    conditions, parameters = _search(asked.q)
    total = None
    if asked.total == "exact":
        total = _number(connection, now, kind.table, conditions, parameters)
    after = read_cursor(now, identity, asked.cursor, (str,))[0] if asked.cursor else ""
    query = Prepared(
        f"{kind.query} WHERE {conditions} AND v.id > :after ORDER BY v.id LIMIT :limit"
    )
    rows = query.rows(connection, **parameters, after=after, limit=asked.limit + 1)
    items = within_room(_records(connection, name, rows[: asked.limit]))
    following = None
    if len(rows) > len(items):
        following = write_cursor(now, identity, [rows[len(items) - 1][0]])
    return Page(items, total, following)


def _number(
    connection: Connection,
    now: Position,
    table: str,
    conditions: str,
    parameters: Mapping[str, str],
) -> int:
    """How many records there are in all or of a search, which is kept until the next write."""

    def make(_: Older[int]) -> int:
        query = Prepared(f"SELECT count(*) FROM {table} v WHERE {conditions}")
        number: int = query.row(connection, **parameters)[0]
        return number

    key = "number", table, *parameters.values()
    return kept(connection, key, now.position, make, lambda _: 0)


def _search(q: str | None) -> tuple[str, dict[str, Any]]:
    """The condition over `v` that a `q` means, with its parameters."""
    if q is None:
        return "1 = 1", {}
    patterns = {f"pattern{n}": p for n, p in enumerate(words.name_patterns(q))}
    return " AND ".join(f"v.words LIKE :{name}" for name in patterns) or "1 = 0", dict(patterns)


def record(connection: Connection, name: str, record_id: str) -> bytes:
    """One record of a vocabulary with its event count; Problem `not-found` names the nearest id."""
    kind = VOCABULARIES[name]
    query = Prepared(f"{kind.query} WHERE v.id = :id")
    return _records(connection, name, [one(connection, kind.table, query, record_id)])[0]


def served(connection: Connection, kind: str, record_id: str) -> bytes:
    """The document of a record of any kind; Problem `not-found` or `gone`."""
    if kind == "event":
        return event(connection, record_id)
    return record(connection, f"{kind}s", record_id)


def _records(connection: Connection, name: str, rows: Sequence[Any]) -> list[bytes]:
    records = [VOCABULARIES[name].record(row) for row in rows]
    if name == "actors":
        aliases = _aliases(connection, [record["id"] for record in records])
        for record in records:
            record["aliases"] = aliases[record["id"]]
    return [write_json(record) for record in records]


def _aliases(connection: Connection, ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {actor_id: [] for actor_id in ids}
    for actor_id, alias in ALIASES.rows(connection, ids=ids):
        found[actor_id].append(alias)
    return found
