"""Types, actors, places and sources: how each is stored, found, and created if missing."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, select, text, tuple_, update
from sqlmodel import Session

from app import index, rows, schemas
from app.dialects import listed
from app.json_types import Json
from app.models import TABLES
from app.words import fold, make_search_text, make_slug
from app.writes.journal import By, JournalEntry, fetch_versions, record_changes
from app.writes.names import NUMBERED, IdAllocator, NameTable, fetch_ids, numbered_parameters

Handle = tuple[str, ...]  # a name or address that finds a record


# -- the kinds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VocabularyKind:
    """How a kind of record that events name is stored and found."""

    name: str  # of the kind and of its table
    shape: type[schemas.Shape]
    called: Callable[[Mapping[str, Any]], str]  # the text of a new id
    follows: Callable[[Json], Json]  # the columns that follow from the record
    handles: Callable[[Mapping[str, Any]], Iterator[Handle]]  # the first one is looked up
    find: Callable[[Session, Collection[Handle]], Iterator[tuple[Handle, str]]]
    users: tuple[Column[Any], Column[Any]]  # of the table that names it: the event's id, its own
    in_documents: bool = True  # of those events
    derived: frozenset[str] = frozenset({"events"})

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Return the names of the members that can be written."""
        return tuple(self.shape.model_fields)

    def exists(self, session: Session, record_id: str) -> bool:
        """Return whether it is stored."""
        return self.stored(session, record_id) is not None

    def stored(self, session: Session, record_id: str) -> Json | None:
        """Return the record; None if it is not stored."""
        return rows.records(session.connection(), self.name, [record_id]).get(record_id)

    def record(self, record_id: str, fields: Mapping[str, Any], publishers: NameTable) -> Json:
        """Return the record that valid members mean, in the shape of `stored`."""
        document = {name: fields.get(name) for name in RECORD_MEMBERS[self.name]}
        document["id"] = record_id
        if self is ACTOR:
            document["aliases"] = fields.get("aliases") or []
        if publisher := document.get("publisher"):
            named = publishers.find(publisher)
            document |= {"publisher": named["name"], "publisher_id": named["id"]}
        return document

    def rows(self, document: Json) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield the rows of a record, each with its table."""
        columns = {**document, **self.follows(document)}
        yield self.name, ROW_VALUES[self.name](columns)
        for position, alias in enumerate(document.get("aliases", ())):
            yield "actor_alias", (document["id"], position, alias, fold(alias))

    def change(self, document: Json, op: str, version: int) -> JournalEntry:
        """Return the journal entry of a stored record."""
        members = {name: value for name, value in document.items() if name != "publisher_id"}
        return JournalEntry(op, self.name, document["id"], version, _encode(members).encode())

    def used_by(self, session: Session, record_id: str) -> list[str]:
        """Return the ids of the events that use it."""
        return list(self.users_of(session, [record_id]))

    def users_of(self, session: Session, record_ids: Collection[str]) -> dict[str, str]:
        """Return the events that use any of the records, in order, each with one that it uses."""
        event, record = self.users
        query = (
            f"SELECT DISTINCT {event.name}, {record.name} FROM {record.table.name}"
            f" WHERE {record.name} IN :ids ORDER BY 1, 2 DESC"
        )
        users: dict[str, str] = {}
        for batch in rows.batches(record_ids):
            for event_id, record_id in session.execute(
                text(query).bindparams(listed("ids")), {"ids": batch}
            ):
                users[event_id] = record_id
        return dict(sorted(users.items()))

    def save(self, session: Session, by: By, body: Any, op: str) -> str:
        """Store a valid document and all that follows from it; return its id.

        `op` says whether it is new. Events that show the record are rewritten, each with an entry
        in the feed.
        """
        publishers = NameTable(session, "publisher")
        record_id = str(body.id or IdAllocator(session, self.name).make(self.called(vars(body))))
        document = self.record(record_id, vars(body), publishers)
        if op == "update" and document == self.stored(session, record_id):
            return record_id
        publishers.store()
        self.put(session, document, op)
        version = fetch_versions(session, self.name, [record_id]).get(record_id, 0) + 1
        record_changes(session, by, [self.change(document, op, version)])
        if op == "update":
            rewrite_events(session, by, self, [record_id])
            self._tidy(session)
        return record_id

    def put(self, session: Session, document: Json, op: str) -> None:
        """Write the rows of a record."""
        if self is ACTOR:
            aliases = text("DELETE FROM actor_alias WHERE actor_id = :id")
            session.execute(aliases, {"id": document["id"]})
        for table, row in self.rows(document):
            if op == "update" and table == self.name:
                columns = dict(zip(TABLES[table].columns.keys(), row, strict=True))
                own = TABLES[table]
                session.execute(update(own).where(own.c.id == document["id"]), columns)
            else:
                rows.insert(session.connection(), table, [row])

    def remove(self, session: Session, by: By, record_id: str) -> None:
        """Delete a record that nothing uses."""
        version = fetch_versions(session, self.name, [record_id]).get(record_id, 0) + 1
        session.execute(text(f"DELETE FROM {self.name} WHERE id = :id"), {"id": record_id})
        record_changes(session, by, [JournalEntry("delete", self.name, record_id, version, None)])
        self._tidy(session)

    def revived(self, session: Session, document: Json) -> Json:
        """Return a document of the journal, ready to be stored again."""
        return document

    def _tidy(self, session: Session) -> None:
        if self is SOURCE:
            delete_unused(session, "publisher", "source", "publisher_id")


def rewrite_events(
    session: Session,
    by: By,
    kind: VocabularyKind,
    record_ids: Collection[str],
    blocks: index.BlockWriter | None = None,
) -> None:
    """Rewrite the documents of the events that show these records, with entries in the feed.

    With `blocks`, for many writes in one transaction, postings wait until these are flushed.
    """
    causes = kind.users_of(session, record_ids) if kind.in_documents else {}
    for batch in index.batches(causes):
        written = index.update_entries(session.connection(), batch, blocks=blocks)
        changes = [
            JournalEntry(
                "update",
                "event",
                entry.event_id,
                json.loads(entry.after)["version"],
                entry.after,
                kind.name,
                causes[entry.event_id],
            )
            for entry in written
            if entry.after is not None and entry.after != entry.before
        ]
        record_changes(session, by, changes)


def delete_unused(session: Session, table: str, user: str, column: str) -> None:
    """Delete the tags or publishers that no row uses: they exist by being named."""
    session.execute(
        text(
            f"DELETE FROM {table} WHERE NOT EXISTS"
            f" (SELECT 1 FROM {user} u WHERE u.{column} = {table}.id)"
        )
    )


_encode = json.JSONEncoder(ensure_ascii=False).encode
# The members of each kind's documents, in their order, and the publisher's id of a source.
RECORD_MEMBERS = {
    "type": ("id", "label", "description"),
    "actor": ("id", "name", "kind", "country", "url", "aliases"),
    "place": ("id", "name", "country", "latitude", "longitude"),
    "source": (
        *("id", "publisher", "title", "author", "url", "archive_url", "published", "accessed"),
        *("language", "kind", "publisher_id"),
    ),
}
ROW_VALUES = {name: itemgetter(*TABLES[name].columns.keys()) for name in RECORD_MEMBERS}


def _users(table: str, event: str, record: str) -> tuple[Column[Any], Column[Any]]:
    columns = TABLES[table].c
    return columns[event], columns[record]


def _no_handles(fields: Mapping[str, Any]) -> Iterator[Handle]:
    return iter(())


def _names(fields: Mapping[str, Any]) -> Iterator[Handle]:
    """Yield a handle for each name and alias."""
    for name in (fields.get("name"), *(fields.get("aliases") or ())):
        if name is not None:
            yield (fold(name),)


def _sources(fields: Mapping[str, Any]) -> Iterator[Handle]:
    """Yield the exact URL; then publisher, title and publication date if all three are known."""
    if fields.get("url"):
        yield ("url", fields["url"])
    publisher, title, published = (fields.get(n) for n in ("publisher", "title", "published"))
    if publisher and title and published:
        yield ("said", fold(publisher), title, published)


def _find_none(session: Session, handles: Collection[Handle]) -> Iterator[tuple[Handle, str]]:
    return iter(())


def _finder(*queries: str) -> Callable[..., Iterator[tuple[Handle, str]]]:
    """Return a function that finds ids by folded name with these queries."""
    union = " UNION ".join(f"{query} WHERE folded IN :names" for query in queries)
    query = text(f"{union} ORDER BY 2").bindparams(listed("names"))

    def find(session: Session, handles: Collection[Handle]) -> Iterator[tuple[Handle, str]]:
        for name, record_id in session.execute(query, {"names": [name for (name,) in handles]}):
            yield (name,), record_id

    return find


def _find_sources(session: Session, handles: Collection[Handle]) -> Iterator[tuple[Handle, str]]:
    source = TABLES["source"].c
    urls = [handle[1] for handle in handles if handle[0] == "url"]
    by_url = select(source.url, source.id).where(source.url.in_(urls)).order_by(source.id)
    for url, record_id in session.execute(by_url) if urls else ():
        yield ("url", url), record_id
    names = {handle[1] for handle in handles if handle[0] == "said"}
    publisher = TABLES["publisher"].c
    named = select(publisher.folded, publisher.id).where(publisher.folded.in_(names))
    id_of = {row.folded: row.id for row in session.execute(named)} if names else {}
    handle_of = {(id_of[h[1]], *h[2:]): h for h in handles if h[0] == "said" and h[1] in id_of}
    columns = (source.publisher_id, source.title, source.published)
    by_all = select(*columns, source.id).where(tuple_(*columns).in_(handle_of)).order_by(source.id)
    for *values, record_id in session.execute(by_all) if handle_of else ():
        yield handle_of[tuple(values)], record_id


def find_same_sources(session: Session, source: Mapping[str, Any]) -> list[str]:
    """Return the sources with exactly these fields whose ids were made of them, oldest first."""
    values = {name: source.get(name) or "" for name in RECORD_MEMBERS["source"][2:-1]}
    alike = " AND ".join(f"coalesce(s.{name}, '') = :{name}" for name in values)
    query = (
        "SELECT s.id FROM source s LEFT JOIN publisher p ON p.id = s.publisher_id"
        f" WHERE {NUMBERED.format('s.id')}"
        f" AND coalesce(p.folded, '') = :publisher AND {alike} ORDER BY length(s.id), s.id"
    )
    publisher = fold(source.get("publisher") or "")
    return fetch_ids(
        session,
        query,
        **numbered_parameters(make_slug(_source_name(source))),
        **values,
        publisher=publisher,
    )


def _source_name(fields: Mapping[str, Any]) -> str:
    named = [fields[part] for part in ("publisher", "title") if fields.get(part)]
    if not named and fields.get("url"):
        named = [fields["url"].partition("://")[2]]
    dated = fields.get("published") or fields.get("accessed")
    return " ".join([*named, *([dated] if dated else [])])


def _name(fields: Mapping[str, Any]) -> str:
    return str(fields["name"])


TYPE = VocabularyKind(
    "type",
    schemas.TypeWrite,
    lambda fields: str(fields["label"]),
    lambda record: {"words": make_search_text([[record["label"], record["description"]]])},
    _no_handles,
    _find_none,
    _users("event", "id", "type_id"),
    in_documents=False,
)
ACTOR = VocabularyKind(
    "actor",
    schemas.ActorWrite,
    _name,
    lambda record: {
        "folded": fold(record["name"]),
        "words": make_search_text([[record["name"], *record["aliases"]]]),
    },
    _names,
    _finder("SELECT folded, id FROM actor", "SELECT folded, actor_id FROM actor_alias"),
    _users("event_actor", "event_id", "actor_id"),
)
PLACE = VocabularyKind(
    "place",
    schemas.PlaceWrite,
    _name,
    lambda record: {"folded": fold(record["name"]), "words": make_search_text([[record["name"]]])},
    _names,
    _finder("SELECT folded, id FROM place"),
    _users("event_place", "event_id", "place_id"),
)
SOURCE = VocabularyKind(
    "source",
    schemas.SourceWrite,
    _source_name,
    lambda record: {
        "words": make_search_text([[record[n] for n in ("publisher", "title", "author")]])
    },
    _sources,
    _find_sources,
    _users("citation", "event_id", "source_id"),
)
