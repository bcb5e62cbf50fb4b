"""Rows in and out of the tables by the hundred, as plain tuples, without an ORM object for each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, TextClause, text

from app.dialects import listed
from app.json_types import Json
from app.models import TABLES

T = TypeVar("T")
Records = Mapping[str, Mapping[str, Json]]  # by kind and id

BATCH = 500  # events or ids

# The tables of an event's parts; their rows begin with the event's id and the part's position.
PARTS = (
    *("citation", "citation_claim", "event_actor", "event_place", "event_tag"),
    *("quantity", "relation", "medium", "own_field"),
)


@dataclass(frozen=True)
class EventRows:
    """An event as the tables have it; the rows of its parts are in the order of their columns."""

    event: Json
    parts: Mapping[str, list[tuple[Any, ...]]]

    @property
    def event_id(self) -> str:
        """Return the event's id."""
        return str(self.event["id"])

    @property
    def links(self) -> list[tuple[int, str, str]]:
        """Return position, relation and target id of each relation."""
        return [row[1:] for row in self.parts["relation"]]

    @property
    def targets(self) -> set[str]:
        """Return the ids of the events that it relates to."""
        return {target for _, _, target in self.links}

    def ids(self, kind: str) -> Iterable[str]:
        """Return the ids of the actors, places, tags or sources that it names."""
        table = "citation" if kind == "source" else f"event_{kind}"
        return (row[2] for row in self.parts[table])


def _of(select: str, behind: str = "") -> TextClause:
    return text(f"{select} IN :ids {behind}").bindparams(listed("ids"))


def _part(name: str) -> TextClause:
    table = TABLES[name]
    columns, keys = (", ".join(c.name for c in some) for some in (table.columns, table.primary_key))
    return _of(f"SELECT {columns} FROM {name} WHERE event_id", f"ORDER BY {keys}")


EVENTS = _of(f"SELECT {', '.join(TABLES['event'].columns.keys())} FROM event WHERE id")
PARTS_OF = {name: _part(name) for name in PARTS}

# For each kind the members of its document, in order, and the publisher's id of a source.
RECORDS = {
    "type": _of("SELECT id, label, description FROM type WHERE id"),
    "actor": _of("SELECT id, name, kind, country, url FROM actor WHERE id"),
    "place": _of("SELECT id, name, country, latitude, longitude FROM place WHERE id"),
    "tag": _of("SELECT id, name FROM tag WHERE id"),
    "source": _of(
        "SELECT s.id, p.name AS publisher, s.title, s.author, s.url, s.archive_url, s.published,"
        " s.accessed, s.language, s.kind, s.publisher_id FROM source s"
        " LEFT JOIN publisher p ON p.id = s.publisher_id WHERE s.id"
    ),
}
ALIASES = _of(
    "SELECT actor_id, alias FROM actor_alias WHERE actor_id", "ORDER BY actor_id, position"
)


def batches(values: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield `values` in lists of `size`; the last list may be shorter."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def stored(connection: Connection, ids: Iterable[str]) -> dict[str, EventRows]:
    """Return the stored events among these ids, by id; for some hundreds at a time."""
    parameters = {"ids": list(ids)}
    events = {
        event["id"]: EventRows(dict(event), {name: [] for name in PARTS})
        for event in connection.execute(EVENTS, parameters).mappings()
    }
    for name, query in PARTS_OF.items() if events else ():
        for row in connection.execute(query, parameters):
            if row[0] in events:  # else its event was deleted behind Dateline's back
                events[row[0]].parts[name].append(tuple(row))
    return events


def records(connection: Connection, kind: str, ids: Iterable[str]) -> dict[str, Json]:
    """Return the stored records of a kind among these ids, by id."""
    records_by_id: dict[str, Json] = {}
    for batch in batches(ids):
        of_batch = connection.execute(RECORDS[kind], {"ids": batch}).mappings()
        records_by_id |= {record["id"]: dict(record) for record in of_batch}
        if kind == "actor":
            records_by_id |= {
                record_id: {**records_by_id[record_id], "aliases": []}
                for record_id in batch
                if record_id in records_by_id
            }
            for actor_id, alias in connection.execute(ALIASES, {"ids": batch}):
                if actor_id in records_by_id:  # else its actor was deleted behind Dateline's back
                    records_by_id[actor_id]["aliases"].append(alias)
    return records_by_id


def insert(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values are in the order of the table's columns."""
    execute_many(connection, _insert(table), rows)


@cache
def _insert(table: str) -> str:
    columns = TABLES[table].columns.keys()
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['{}'] * len(columns))})"


def execute_many(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Execute a statement once per row; each `{}` in it stands for a value."""
    if rows:
        connection.exec_driver_sql(_marked(connection, statement), list(rows))


def matching(
    connection: Connection, query: str, wanted: Iterable[tuple[Any, ...]]
) -> Iterator[Any]:
    """Yield the rows of a query that has `{}` after VALUES, run with batches of `wanted`."""
    for batch in batches(wanted):
        row = f"({', '.join(['{}'] * len(batch[0]))})"
        statement = query.replace("{}", ", ".join([row] * len(batch)))
        values = tuple(value for row in batch for value in row)
        yield from connection.exec_driver_sql(_marked(connection, statement), values)


def _marked(connection: Connection, statement: str) -> str:
    return statement.replace("{}", "?" if connection.dialect.paramstyle == "qmark" else "%s")
