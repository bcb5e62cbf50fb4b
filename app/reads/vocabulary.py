"""The vocabulary: what events refer to, each entry with how many events bear it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from app import words
from app.dialects import listed
from app.filters import VocabularyQuery
from app.reads.cursors import Page, Position, one, read_cursor, write_cursor, write_json
from app.reads.events import event


@dataclass(frozen=True)
class Vocabulary:
    """A kind of record that events share: the table, its members, and the kind of its terms."""

    table: str
    members: str  # SQL over `v`

    @property
    def query(self) -> str:
        """Each record with the number of events that bear it."""
        return (
            f"SELECT {self.members}, coalesce(t.events, 0) AS events FROM {self.table} v"
            f" LEFT JOIN term t ON t.kind = '{self.table}' AND t.value = v.id"
        )


VOCABULARIES: Mapping[str, Vocabulary] = {
    "types": Vocabulary("type", "v.id, v.label, v.description"),
    "actors": Vocabulary("actor", "v.id, v.name, v.kind, v.country, NULL AS aliases, v.url"),
    "places": Vocabulary("place", "v.id, v.name, v.country, v.latitude, v.longitude"),
    "tags": Vocabulary("tag", "v.id, v.name"),
    "publishers": Vocabulary("publisher", "v.id, v.name"),
    "sources": Vocabulary(
        "source",
        "v.id, (SELECT name FROM publisher p WHERE p.id = v.publisher_id) AS publisher, v.title,"
        " v.author, v.url, v.archive_url, v.published, v.accessed, v.language, v.kind",
    ),
}


def vocabulary(connection: Connection, now: Position, name: str, asked: VocabularyQuery) -> Page:
    """A page of a vocabulary (a key of VOCABULARIES), ordered by id, with event counts."""
    kind = VOCABULARIES[name]
    identity = [name, asked.q]
    conditions, parameters = _search(asked.q)
    counted = None
    if asked.total == "exact":
        query = f"SELECT count(*) FROM {kind.table} v WHERE {conditions}"
        counted = connection.execute(text(query), parameters).scalar_one()
    after = read_cursor(now, identity, asked.cursor, (str,))[0] if asked.cursor else ""
    query = f"{kind.query} WHERE {conditions} AND v.id > :after ORDER BY v.id LIMIT :limit"
    parameters |= {"after": after, "limit": asked.limit + 1}
    rows = connection.execute(text(query), parameters).all()
    following = None
    if len(rows) > asked.limit:
        rows = rows[: asked.limit]
        following = write_cursor(now, identity, [rows[-1].id])
    return Page(_records(connection, name, rows), counted, following)


def _search(q: str | None) -> tuple[str, dict[str, Any]]:
    """The condition over `v` that a `q` means, with its parameters."""
    if q is None:
        return "1 = 1", {}
    patterns = {f"pattern{n}": p for n, p in enumerate(words.patterns(words.search(q)))}
    return " AND ".join(f"v.words LIKE :{name}" for name in patterns) or "1 = 0", dict(patterns)


def record(connection: Connection, name: str, record_id: str) -> bytes:
    """One record of a vocabulary with its event count; Problem `not-found` names the nearest id."""
    kind = VOCABULARIES[name]
    query = text(f"{kind.query} WHERE v.id = :id")

    def find(connection: Connection, **of_id: str) -> Row[Any] | None:
        return connection.execute(query, of_id).first()

    row = one(connection, kind.table, find, record_id)
    return _records(connection, name, [row])[0]


def served(connection: Connection, kind: str, record_id: str) -> bytes:
    """The document of a record of any kind; Problem `not-found` or `gone`."""
    if kind == "event":
        return event(connection, record_id)
    return record(connection, f"{kind}s", record_id)


def _records(connection: Connection, name: str, rows: Sequence[Row[Any]]) -> list[bytes]:
    records = [dict(row._mapping) for row in rows]
    if name == "actors":
        aliases = _aliases(connection, [record["id"] for record in records])
        for record in records:
            record["aliases"] = aliases[record["id"]]
    return [write_json(record) for record in records]


def _aliases(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    query = text(
        "SELECT actor_id, alias FROM actor_alias WHERE actor_id IN :ids ORDER BY actor_id, position"
    ).bindparams(listed("ids"))
    found: dict[str, list[str]] = {actor_id: [] for actor_id in ids}
    for actor_id, alias in connection.execute(query, {"ids": list(ids)}):
        found[actor_id].append(alias)
    return found
