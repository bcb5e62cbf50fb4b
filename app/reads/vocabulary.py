"""The vocabulary that events refer to, each entry with the number of its events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from app import words
from app.dialects import Prepared
from app.filters import VocabularyQuery
from app.reads.blocks import Older, cached
from app.reads.cursors import Page, Position, fetch_record, read_cursor, write_cursor, write_json
from app.reads.events import event
from app.reads.room import within_room

ACTOR_ALIASES = Prepared(
    "SELECT actor_id, alias FROM actor_alias WHERE actor_id IN :ids ORDER BY actor_id, position"
)


@dataclass(frozen=True)
class VocabularyTable:
    """A kind of record that events share: its table, and its members in the order of the JSON."""

    table: str
    members: Sequence[str]
    expressions: Mapping[str, str] = field(default_factory=dict)  # SQL of members without a column

    @property
    def query(self) -> str:
        """Return the query for each record and the number of its events."""
        columns = (f"{self.expressions.get(name, f'v.{name}')} AS {name}" for name in self.members)
        return (
            f"SELECT {', '.join(columns)}, coalesce(t.events, 0) AS events FROM {self.table} v"
            f" LEFT JOIN term t ON t.kind = '{self.table}' AND t.value = v.id"
        )

    def record(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return a row of the query as a dict."""
        return dict(zip((*self.members, "events"), row, strict=True))


SOURCE_MEMBERS = (
    *("id", "publisher", "title", "author", "url", "archive_url", "published", "accessed"),
    *("language", "kind"),
)
VOCABULARIES: Mapping[str, VocabularyTable] = {
    "types": VocabularyTable("type", ("id", "label", "description")),
    "actors": VocabularyTable(
        "actor", ("id", "name", "kind", "country", "aliases", "url"), {"aliases": "NULL"}
    ),
    "places": VocabularyTable("place", ("id", "name", "country", "latitude", "longitude")),
    "tags": VocabularyTable("tag", ("id", "name")),
    "publishers": VocabularyTable("publisher", ("id", "name")),
    "sources": VocabularyTable(
        "source",
        SOURCE_MEMBERS,
        {"publisher": "(SELECT name FROM publisher p WHERE p.id = v.publisher_id)"},
    ),
}


def vocabulary(connection: Connection, now: Position, name: str, query: VocabularyQuery) -> Page:
    """Return a page of a vocabulary (a key of VOCABULARIES) by id, with event counts."""
    kind = VOCABULARIES[name]
    identity = [name, query.q]
    conditions, parameters = _search(query.q)
    total = None
    if query.total == "exact":
        total = _number(connection, now, kind.table, conditions, parameters)
    after = read_cursor(now, identity, query.cursor, (str,))[0] if query.cursor else ""
    statement = Prepared(
        f"{kind.query} WHERE {conditions} AND v.id > :after ORDER BY v.id LIMIT :limit"
    )
    rows = statement.rows(connection, **parameters, after=after, limit=query.limit + 1)
    items = within_room(_records(connection, name, rows[: query.limit]))
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
    """Return how many records there are in all, or in a search; cached until the next write."""

    def make(_: Older[int]) -> int:
        statement = Prepared(f"SELECT count(*) FROM {table} v WHERE {conditions}")
        number: int = statement.row(connection, **parameters)[0]
        return number

    key = "number", table, *parameters.values()
    return cached(connection, key, now.position, make, lambda _: 0)


def _search(q: str | None) -> tuple[str, dict[str, Any]]:
    """Return the condition on `v` that `q` means, and its parameters."""
    if q is None:
        return "1 = 1", {}
    patterns = {f"pattern{n}": p for n, p in enumerate(words.list_name_patterns(q))}
    return " AND ".join(f"v.words LIKE :{name}" for name in patterns) or "1 = 0", dict(patterns)


def record(connection: Connection, name: str, record_id: str) -> bytes:
    """Return one record with its event count. Raise Problem `not-found` with the nearest id."""
    kind = VOCABULARIES[name]
    query = Prepared(f"{kind.query} WHERE v.id = :id")
    return _records(connection, name, [fetch_record(connection, kind.table, query, record_id)])[0]


def served(connection: Connection, kind: str, record_id: str) -> bytes:
    """Return the document of a record of any kind. Raise Problem `not-found` or `gone`."""
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
    aliases: dict[str, list[str]] = {actor_id: [] for actor_id in ids}
    for actor_id, alias in ACTOR_ALIASES.rows(connection, ids=ids):
        aliases[actor_id].append(alias)
    return aliases
