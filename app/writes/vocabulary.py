"""Types, actors, places and sources: how each is stored, found, and made where it is not there."""

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
from app.models import TABLES
from app.words import fold, slug, wording
from app.writes.journal import By, Change, record, versions
from app.writes.names import NUMBERED, Ids, Names, ids, numbered

Json = dict[str, Any]
Handle = tuple[str, ...]  # what a record is found by


# -- the kinds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vocabulary:
    """How a kind of record that events name is stored and found."""

    name: str  # of the kind and of its table
    shape: type[schemas.Shape]
    called: Callable[[Mapping[str, Any]], str]  # what an id is made of
    follows: Callable[[Json], Json]  # the columns that follow from the record
    handles: Callable[[Mapping[str, Any]], Iterator[Handle]]  # the first is what is looked for
    find: Callable[[Session, Collection[Handle]], Iterator[tuple[Handle, str]]]
    users: tuple[Column[Any], Column[Any]]  # of the table that names it: the event's id, its own
    shown: bool = True  # in the documents of those events
    derived: frozenset[str] = frozenset({"events"})

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Those of its documents as they are written."""
        return tuple(self.shape.model_fields)

    def exists(self, session: Session, record_id: str) -> bool:
        """Whether it is stored."""
        return self.stored(session, record_id) is not None

    def stored(self, session: Session, record_id: str) -> Json | None:
        """The record; None where it is not stored."""
        return rows.records(session.connection(), self.name, [record_id]).get(record_id)

    def record(self, record_id: str, said: Mapping[str, Any], publishers: Names) -> Json:
        """The record that valid members mean, as `stored` will give it."""
        made = {name: said.get(name) for name in MEMBERS[self.name]}
        made["id"] = record_id
        if self is ACTOR:
            made["aliases"] = said.get("aliases") or []
        if publisher := made.get("publisher"):
            named = publishers.find(publisher)
            made |= {"publisher": named["name"], "publisher_id": named["id"]}
        return made

    def rows(self, made: Json) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The rows of a record, each with its table."""
        columns = {**made, **self.follows(made)}
        yield self.name, ROWS[self.name](columns)
        for position, alias in enumerate(made.get("aliases", ())):
            yield "actor_alias", (made["id"], position, alias, fold(alias))

    def change(self, made: Json, op: str, version: int) -> Change:
        """What is written down of a record that was stored."""
        shown = {name: value for name, value in made.items() if name != "publisher_id"}
        return Change(op, self.name, made["id"], version, _encode(shown).encode())

    def used_by(self, session: Session, record_id: str) -> list[str]:
        """Ids of the events that use it."""
        return list(self.users_of(session, [record_id]))

    def users_of(self, session: Session, record_ids: Collection[str]) -> dict[str, str]:
        """Return the events that use any of the records, in order, each with one that it uses."""
        event, record = self.users
        query = (
            f"SELECT DISTINCT {event.name}, {record.name} FROM {record.table.name}"
            f" WHERE {record.name} IN :ids ORDER BY 1, 2 DESC"
        )
        found: dict[str, str] = {}
        for batch in rows.batches(record_ids):
            for event_id, record_id in session.execute(
                text(query).bindparams(listed("ids")), {"ids": batch}
            ):
                found[event_id] = record_id
        return dict(sorted(found.items()))

    def save(self, session: Session, by: By, given: Any, op: str) -> str:
        """Store a valid document with all that follows from it; gives its id.

        `op` tells whether it is new. Events that show the record are shown anew, and each says so
        in the feed.
        """
        publishers = Names(session, "publisher")
        record_id = str(given.id or Ids(session, self.name).make(self.called(vars(given))))
        made = self.record(record_id, vars(given), publishers)
        if op == "update" and made == self.stored(session, record_id):
            return record_id
        publishers.store()
        self.put(session, made, op)
        version = versions(session, self.name, [record_id]).get(record_id, 0) + 1
        record(session, by, [self.change(made, op, version)])
        if op == "update":
            show_again(session, by, self, [record_id])
            self._tidy(session)
        return record_id

    def put(self, session: Session, made: Json, op: str) -> None:
        """Write the rows of a record."""
        if self is ACTOR:
            aliases = text("DELETE FROM actor_alias WHERE actor_id = :id")
            session.execute(aliases, {"id": made["id"]})
        for table, row in self.rows(made):
            if op == "update" and table == self.name:
                columns = dict(zip(TABLES[table].columns.keys(), row, strict=True))
                own = TABLES[table]
                session.execute(update(own).where(own.c.id == made["id"]), columns)
            else:
                rows.insert(session.connection(), table, [row])

    def remove(self, session: Session, by: By, record_id: str) -> None:
        """Delete a record that nothing uses."""
        version = versions(session, self.name, [record_id]).get(record_id, 0) + 1
        session.execute(text(f"DELETE FROM {self.name} WHERE id = :id"), {"id": record_id})
        record(session, by, [Change("delete", self.name, record_id, version, None)])
        self._tidy(session)

    def revived(self, session: Session, document: Json) -> Json:
        """A document of the journal, made ready to be stored again: it names nothing."""
        return document

    def _tidy(self, session: Session) -> None:
        if self is SOURCE:
            forget_unused(session, "publisher", "source", "publisher_id")


def show_again(
    session: Session,
    by: By,
    kind: Vocabulary,
    record_ids: Collection[str],
    blocks: index.BlockWriter | None = None,
) -> None:
    """Write the documents of the events that show these records anew; each says so in the feed.

    With `blocks`, of many writes in one transaction, postings wait until these are flushed.
    """
    causes = kind.users_of(session, record_ids) if kind.shown else {}
    for batch in index.batches(causes):
        written = index.update_entries(session.connection(), batch, blocks=blocks)
        changes = [
            Change(
                "update",
                "event",
                shown.event_id,
                json.loads(shown.after)["version"],
                shown.after,
                kind.name,
                causes[shown.event_id],
            )
            for shown in written
            if shown.after is not None and shown.after != shown.before
        ]
        record(session, by, changes)


def forget_unused(session: Session, table: str, user: str, column: str) -> None:
    """Delete the tags or publishers that nothing bears any more: they live by being named."""
    session.execute(
        text(
            f"DELETE FROM {table} WHERE NOT EXISTS"
            f" (SELECT 1 FROM {user} u WHERE u.{column} = {table}.id)"
        )
    )


_encode = json.JSONEncoder(ensure_ascii=False).encode
# The members of each kind's documents, in their order, and the publisher's id of a source.
MEMBERS = {
    "type": ("id", "label", "description"),
    "actor": ("id", "name", "kind", "country", "url", "aliases"),
    "place": ("id", "name", "country", "latitude", "longitude"),
    "source": (
        *("id", "publisher", "title", "author", "url", "archive_url", "published", "accessed"),
        *("language", "kind", "publisher_id"),
    ),
}
ROWS = {name: itemgetter(*TABLES[name].columns.keys()) for name in MEMBERS}


def _users(table: str, event: str, record: str) -> tuple[Column[Any], Column[Any]]:
    columns = TABLES[table].c
    return columns[event], columns[record]


def _no_handles(known: Mapping[str, Any]) -> Iterator[Handle]:
    return iter(())


def _names(known: Mapping[str, Any]) -> Iterator[Handle]:
    """By name or alias."""
    for name in (known.get("name"), *(known.get("aliases") or ())):
        if name is not None:
            yield (fold(name),)


def _sources(known: Mapping[str, Any]) -> Iterator[Handle]:
    """By exact URL, or by publisher, title and date of publication where all three are known."""
    if known.get("url"):
        yield ("url", known["url"])
    publisher, title, published = (known.get(n) for n in ("publisher", "title", "published"))
    if publisher and title and published:
        yield ("said", fold(publisher), title, published)


def _find_none(session: Session, handles: Collection[Handle]) -> Iterator[tuple[Handle, str]]:
    return iter(())


def _finder(*queries: str) -> Callable[..., Iterator[tuple[Handle, str]]]:
    """Finds by folded name: what each of `queries` gives for `:names`."""
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
    said = {(id_of[h[1]], *h[2:]): h for h in handles if h[0] == "said" and h[1] in id_of}
    columns = (source.publisher_id, source.title, source.published)
    by_all = select(*columns, source.id).where(tuple_(*columns).in_(said)).order_by(source.id)
    for *found, record_id in session.execute(by_all) if said else ():
        yield said[tuple(found)], record_id


def sources_alike(session: Session, given: Mapping[str, Any]) -> list[str]:
    """Sources that say just this, among those whose ids were made of it; the first made first."""
    said = {name: given.get(name) or "" for name in MEMBERS["source"][2:-1]}
    alike = " AND ".join(f"coalesce(s.{name}, '') = :{name}" for name in said)
    query = (
        "SELECT s.id FROM source s LEFT JOIN publisher p ON p.id = s.publisher_id"
        f" WHERE {NUMBERED.format('s.id')}"
        f" AND coalesce(p.folded, '') = :publisher AND {alike} ORDER BY length(s.id), s.id"
    )
    publisher = fold(given.get("publisher") or "")
    return ids(session, query, **numbered(slug(_source_name(given))), **said, publisher=publisher)


def _source_name(known: Mapping[str, Any]) -> str:
    named = [known[part] for part in ("publisher", "title") if known.get(part)]
    if not named and known.get("url"):
        named = [known["url"].partition("://")[2]]
    dated = known.get("published") or known.get("accessed")
    return " ".join([*named, *([dated] if dated else [])])


def _name(known: Mapping[str, Any]) -> str:
    return str(known["name"])


TYPE = Vocabulary(
    "type",
    schemas.TypeWrite,
    lambda known: str(known["label"]),
    lambda made: {"words": wording([[made["label"], made["description"]]])},
    _no_handles,
    _find_none,
    _users("event", "id", "type_id"),
    shown=False,
)
ACTOR = Vocabulary(
    "actor",
    schemas.ActorWrite,
    _name,
    lambda made: {
        "folded": fold(made["name"]),
        "words": wording([[made["name"], *made["aliases"]]]),
    },
    _names,
    _finder("SELECT folded, id FROM actor", "SELECT folded, actor_id FROM actor_alias"),
    _users("event_actor", "event_id", "actor_id"),
)
PLACE = Vocabulary(
    "place",
    schemas.PlaceWrite,
    _name,
    lambda made: {"folded": fold(made["name"]), "words": wording([[made["name"]]])},
    _names,
    _finder("SELECT folded, id FROM place"),
    _users("event_place", "event_id", "place_id"),
)
SOURCE = Vocabulary(
    "source",
    schemas.SourceWrite,
    _source_name,
    lambda made: {"words": wording([[made[n] for n in ("publisher", "title", "author")]])},
    _sources,
    _find_sources,
    _users("citation", "event_id", "source_id"),
)
