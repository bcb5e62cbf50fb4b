"""Types, actors, places and sources: how each is stored, found, and made where it is not there."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, text, update
from sqlmodel import Session

from app import index, schemas
from app.models import TABLES
from app.words import fold, slug, wording
from app.writes.journal import By, Change, record, versions

Json = dict[str, Any]


def row(session: Session, query: str, record_id: str) -> Json | None:
    """The row that a query of `:id` finds."""
    found = session.execute(text(query), {"id": record_id}).mappings().first()
    return None if found is None else dict(found)


def ids(session: Session, query: str, **parameters: Any) -> list[str]:
    """The ids that a query finds."""
    return list(session.execute(text(query), parameters).scalars())


# Ids made of one name: the plain one, and those with a number, as a range that an index finds.
NUMBERED = "({0} = :base OR ({0} >= :low AND {0} < :high))"


def numbered(base: str) -> dict[str, str]:
    """The parameters of NUMBERED; `.` is the character behind `-`."""
    return {"base": base, "low": f"{base}-", "high": f"{base}."}


def free_id(session: Session, table: str, name: str, taken: Iterable[str] = ()) -> str:
    """A slug of `name` that no row of `table` has or had: the plain one, else with a number."""
    base = slug(name)
    query = (
        f"SELECT id FROM {table} WHERE {NUMBERED.format('id')}"
        " UNION SELECT record_id FROM change WHERE kind = :kind AND cause_kind IS NULL"
        f" AND {NUMBERED.format('record_id')}"
    )
    held = {*ids(session, query, kind=table, **numbered(base)), *taken}
    candidates = (base if n == 1 else f"{base}-{n}" for n in range(1, len(held) + 2))
    return next(candidate for candidate in candidates if candidate not in held)


# -- the kinds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vocabulary:
    """How a kind of record that events name is stored and found."""

    name: str  # of the kind and of its table
    shape: type[schemas.Shape]
    called: Callable[[Any], str]  # what an id is made of
    row: Callable[[Session, Any], Json]  # the columns that follow from the document but its id
    stored: Callable[[Session, str], Json | None]  # the document but its id
    find: Callable[[Session, Mapping[str, Any]], list[str]]  # by what is known of it but its id
    users: str  # the events that use it
    shown: bool = True  # in the documents of those events
    derived: frozenset[str] = frozenset({"events"})

    def exists(self, session: Session, record_id: str) -> bool:
        """Whether it is stored."""
        return self.stored(session, record_id) is not None

    def document(self, session: Session, record_id: str) -> Json | None:
        """The record as it is written; None where it is not stored."""
        found = self.stored(session, record_id)
        return None if found is None else {"id": record_id, **found}

    def used_by(self, session: Session, record_id: str) -> list[str]:
        """Ids of the events that use it."""
        return ids(session, self.users, id=record_id)

    def save(self, session: Session, by: By, given: Any, op: str) -> str:
        """Store a valid document with all that follows from it; gives its id.

        `op` tells whether it is new. Events that show the record are shown anew, and each says so
        in the feed.
        """
        record_id = given.id or free_id(session, self.name, self.called(given))
        before = self.document(session, record_id) if op == "update" else None
        change = self.put(session, record_id, given, op)
        if before is not None and before == self.document(session, record_id):
            return str(record_id)
        record(session, by, [change])
        if op == "update":
            self._show(session, by, record_id)
            self._tidy(session)
        return str(record_id)

    def put(self, session: Session, record_id: str, given: Any, op: str) -> Change:
        """Store the rows of a document; gives the change that is to be written down."""
        table = TABLES[self.name]
        columns = self.row(session, given)
        if op == "update":
            session.execute(update(table).where(table.c.id == record_id), columns)
        else:
            session.execute(insert(table), {"id": record_id, **columns})
        if isinstance(given, schemas.ActorWrite):
            _put_aliases(session, record_id, given.aliases)
        version = versions(session, self.name, [record_id]).get(record_id, 0) + 1
        body = json.dumps(self.document(session, record_id), ensure_ascii=False).encode()
        return Change(op, self.name, record_id, version, body)

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

    def _show(self, session: Session, by: By, record_id: str) -> None:
        if not self.shown:
            return
        for batch in index.batches(self.used_by(session, record_id)):
            written = index.write(session.connection(), batch)
            changes = [
                Change(
                    "update",
                    "event",
                    shown.event_id,
                    json.loads(shown.after)["version"],
                    shown.after,
                    self.name,
                    record_id,
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


def spelt(session: Session, table: str, name: str) -> str:
    """The id of the publisher or tag of this name, two spellings of one being one; made if new."""
    folded = fold(name)
    found = ids(session, f"SELECT id FROM {table} WHERE folded = :folded", folded=folded)
    if found:
        return found[0]
    made = {"id": free_id(session, table, name), "name": name, "folded": folded}
    session.execute(insert(TABLES[table]), {**made, "words": wording([[name]])})
    return str(made["id"])


def _put_aliases(session: Session, actor_id: str, aliases: Iterable[str]) -> None:
    session.execute(text("DELETE FROM actor_alias WHERE actor_id = :id"), {"id": actor_id})
    rows = [
        {"actor_id": actor_id, "position": position, "alias": alias, "folded": fold(alias)}
        for position, alias in enumerate(aliases)
    ]
    if rows:
        session.execute(insert(TABLES["actor_alias"]), rows)


def _type_row(session: Session, given: schemas.TypeWrite) -> Json:
    words = wording([[given.label, given.description]])
    return {**given.model_dump(exclude={"id"}), "words": words}


def _actor_row(session: Session, given: schemas.ActorWrite) -> Json:
    words = wording([[given.name, *given.aliases]])
    fields = given.model_dump(exclude={"id", "aliases"})
    return {**fields, "folded": fold(given.name), "words": words}


def _place_row(session: Session, given: schemas.PlaceWrite) -> Json:
    fields = given.model_dump(exclude={"id"})
    return {**fields, "folded": fold(given.name), "words": wording([[given.name]])}


def _source_row(session: Session, given: schemas.SourceWrite) -> Json:
    publisher = spelt(session, "publisher", given.publisher) if given.publisher else None
    words = wording([[given.publisher, given.title, given.author]])
    fields = given.model_dump(exclude={"id", "publisher"})
    return {**fields, "publisher_id": publisher, "words": words}


def _stored_type(session: Session, type_id: str) -> Json | None:
    return row(session, "SELECT label, description FROM type WHERE id = :id", type_id)


def _stored_actor(session: Session, actor_id: str) -> Json | None:
    found = row(session, "SELECT name, kind, country, url FROM actor WHERE id = :id", actor_id)
    aliases = "SELECT alias FROM actor_alias WHERE actor_id = :id ORDER BY position"
    return found and {**found, "aliases": ids(session, aliases, id=actor_id)}


def _stored_place(session: Session, place_id: str) -> Json | None:
    query = "SELECT name, country, latitude, longitude FROM place WHERE id = :id"
    return row(session, query, place_id)


def _stored_source(session: Session, source_id: str) -> Json | None:
    query = (
        "SELECT p.name AS publisher, s.title, s.author, s.url, s.archive_url, s.published,"
        " s.accessed, s.language, s.kind FROM source s"
        " LEFT JOIN publisher p ON p.id = s.publisher_id WHERE s.id = :id"
    )
    return row(session, query, source_id)


def _find_actor(session: Session, known: Mapping[str, Any]) -> list[str]:
    query = (
        "SELECT id FROM actor WHERE folded = :name UNION"
        " SELECT actor_id FROM actor_alias WHERE folded = :name ORDER BY 1"
    )
    return ids(session, query, name=fold(known["name"])) if "name" in known else []


def _find_place(session: Session, known: Mapping[str, Any]) -> list[str]:
    query = "SELECT id FROM place WHERE folded = :name ORDER BY id"
    return ids(session, query, name=fold(known["name"])) if "name" in known else []


def findable(known: Mapping[str, Any]) -> bool:
    """Whether enough is known of a source to tell it from others."""
    return "url" in known or {"publisher", "title", "published"} <= known.keys()


def _find_source(session: Session, known: Mapping[str, Any]) -> list[str]:
    """By exact URL, or by publisher, title and date of publication where all three are given."""
    if not findable(known):
        return []
    if "url" in known:
        return ids(session, "SELECT id FROM source WHERE url = :url ORDER BY id", url=known["url"])
    query = (
        "SELECT s.id FROM source s JOIN publisher p ON p.id = s.publisher_id"
        " WHERE p.folded = :folded AND s.title = :title AND s.published = :published ORDER BY s.id"
    )
    folded = fold(known["publisher"])
    said = {"title": known["title"], "published": known["published"]}
    return ids(session, query, folded=folded, **said)


def sources_alike(session: Session, given: schemas.SourceWrite) -> list[str]:
    """Sources that say just this, among those whose ids were made of it; the first made first."""
    said = given.model_dump(exclude={"id", "publisher"})
    alike = " AND ".join(f"coalesce(s.{name}, '') = :{name}" for name in said)
    query = (
        "SELECT s.id FROM source s LEFT JOIN publisher p ON p.id = s.publisher_id"
        f" WHERE {NUMBERED.format('s.id')}"
        f" AND coalesce(p.folded, '') = :publisher AND {alike} ORDER BY length(s.id), s.id"
    )
    of = {**numbered(slug(_source_name(given))), "publisher": fold(given.publisher or "")}
    return ids(session, query, **of, **{name: value or "" for name, value in said.items()})


def _source_name(given: schemas.SourceWrite) -> str:
    said = (given.publisher, given.title, given.published or given.accessed)
    return " ".join(part for part in said if part) or given.url or ""


TYPE = Vocabulary(
    "type",
    schemas.TypeWrite,
    lambda given: given.label,
    _type_row,
    _stored_type,
    lambda session, known: [],
    "SELECT id FROM event WHERE type_id = :id ORDER BY id",
    shown=False,
)
ACTOR = Vocabulary(
    "actor",
    schemas.ActorWrite,
    lambda given: given.name,
    _actor_row,
    _stored_actor,
    _find_actor,
    "SELECT DISTINCT event_id FROM event_actor WHERE actor_id = :id ORDER BY 1",
)
PLACE = Vocabulary(
    "place",
    schemas.PlaceWrite,
    lambda given: given.name,
    _place_row,
    _stored_place,
    _find_place,
    "SELECT event_id FROM event_place WHERE place_id = :id ORDER BY 1",
)
SOURCE = Vocabulary(
    "source",
    schemas.SourceWrite,
    _source_name,
    _source_row,
    _stored_source,
    _find_source,
    "SELECT DISTINCT event_id FROM citation WHERE source_id = :id ORDER BY 1",
)
