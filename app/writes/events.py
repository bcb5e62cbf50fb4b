"""Events: from a valid document to rows, and from there to the read model and the journal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import text, update
from sqlmodel import Session

from app import index, schemas
from app.candidates import Candidates, SearchedColumn
from app.dialects import listed
from app.errors import Fault, Problem, refuse
from app.json_types import Json
from app.models import TABLES
from app.rows import PARTS, EventRows, insert, stored
from app.words import make_slug
from app.writes.journal import (
    By,
    JournalEntry,
    current_timestamp,
    describe_deleted,
    fetch_creation_time,
    fetch_versions,
    record_changes,
    refuse_used_id,
)
from app.writes.lookups import REFERENCES, Lookups
from app.writes.names import IdAllocator, fetch_ids
from app.writes.vocabulary import TYPE, VocabularyKind, delete_unused

MEMBER_OF_COLUMN = {  # of an event, by the column or table that holds them
    "type_id": "type",
    "date_edtf": "date",
    "date_text": "date",
    "support_position": "sources",
    "citation": "sources",
    "citation_claim": "sources",
    "event_actor": "actors",
    "event_place": "places",
    "event_tag": "tags",
    "quantity": "quantities",
    "relation": "related",
    "medium": "media",
    "own_field": "extra",
}
MEDIUM_VALUES = attrgetter("url", "kind", "caption", "credit", "alt", "licence", "thumbnail")
QUANTITY_VALUES = attrgetter("measure", "value", "max_value", "qualifier", "unit", "text")
CITATION_VALUES = attrgetter("role", "quote", "locator", "note")
EVENT_VALUES = itemgetter(*TABLES["event"].columns.keys())


REMOVED_PARTS = {"citation_claim": "claims"}  # whose loss is named more exactly than its member


class EventDifference(NamedTuple):
    """Members of an event in which two versions differ, and those that the new one lacks.

    `removed_sources` counts the sources that only the old version has.
    """

    differing: list[str]
    removed: list[str]
    removed_sources: int


def compare_events(new: EventRows, old: EventRows) -> EventDifference:
    """Return the difference of two versions of an event, except version and timestamps."""
    values = {
        name: (new.event[name], value)
        for name, value in old.event.items()
        if name not in schemas.EDIT_MEMBERS
    }
    parts = {name: (new.parts[name], old.parts[name]) for name in PARTS}
    pairs = {**values, **parts}
    differing = {MEMBER_OF_COLUMN.get(n, n) for n, (one, other) in pairs.items() if one != other}
    removed = [n for n, (one, other) in sorted(values.items()) if one is None and other is not None]
    removed_sources = set(old.ids("source")) - set(new.ids("source"))
    gone = {row[1] for row in old.parts["citation"] if row[2] in removed_sources}
    old_claims = [row for row in old.parts["citation_claim"] if row[1] not in gone]
    parts["citation_claim"] = new.parts["citation_claim"], old_claims
    removed += [
        REMOVED_PARTS.get(n, MEMBER_OF_COLUMN[n])
        for n, (one, other) in parts.items()
        if other and not one
    ]
    return EventDifference(sorted(differing), removed, len(removed_sources))


def build_rows(lookups: Lookups, event_id: str, event_body: schemas.EventWrite) -> EventRows:
    """Return the rows of an event; look up or create every record that it names.

    `lookups` must be prepared for it. Raise Problem `invalid-body` or `conflict` if it names a
    record that does not exist or differs.
    """
    roles = [source.role for source in event_body.sources]
    event = {
        "id": event_id,
        "type_id": lookups.type(event_body.type),
        "title": event_body.title,
        "summary": event_body.summary,
        "date_edtf": event_body.date.edtf,
        "date_text": event_body.date.text,
        "status": event_body.status,
        "support_position": roles.index("supports"),
        "support_role": "supports",
    }
    places = (lookups.resolve("places", place, n) for n, place in enumerate(event_body.places))
    parts: dict[str, list[tuple[Any, ...]]] = {
        "event_actor": [
            (lookups.resolve("actors", actor, n), actor.role)
            for n, actor in enumerate(event_body.actors)
        ],
        "event_place": [(place_id,) for place_id in dict.fromkeys(places)],
        "event_tag": [(tag_id,) for tag_id in dict.fromkeys(map(lookups.tag, event_body.tags))],
        "quantity": [QUANTITY_VALUES(quantity) for quantity in event_body.quantities],
        "relation": [
            (link.relation, _refuse_self(event_id, link.event, n))
            for n, link in enumerate(dict.fromkeys(event_body.related))
        ],
        "medium": [MEDIUM_VALUES(medium) for medium in event_body.media],
        "own_field": [
            (name, *schemas.encode_own_value(value))
            for name, value in sorted(event_body.extra.items())
        ],
        "citation": [
            (lookups.resolve("sources", source, n), *CITATION_VALUES(source))
            for n, source in enumerate(event_body.sources)
        ],
    }
    numbered = {
        table: [(event_id, n, *row) for n, row in enumerate(part_rows)]
        for table, part_rows in parts.items()
    }
    numbered["citation_claim"] = [
        (event_id, n, m, claim)
        for n, source in enumerate(event_body.sources)
        for m, claim in enumerate(dict.fromkeys(source.claims))
    ]
    return EventRows(event, numbered)


def _refuse_self(event_id: str, target: str, number: int) -> str:
    if target == event_id:
        fault = Fault("body", f"related.{number}.event", "an event cannot relate to itself")
        raise refuse(fault, code="invalid-body")
    return target


def save_events(
    session: Session,
    by: By,
    lookups: Lookups,
    events: Sequence[EventRows],
    stored_rows: Mapping[str, EventRows],
    last: Mapping[str, int],
    op: str | None = None,
    blocks: index.BlockWriter | None = None,
) -> None:
    """Store events, their read model and their journal entries; replace those in `stored_rows`.

    `last` has the last version of each event that ever existed. `op` names the operation if it is
    neither `create` nor `update`. The targets of their relations must exist at the end of the
    transaction: `refuse_missing` checks that. With `blocks`, for many saves in one transaction,
    postings wait until these are flushed.
    """
    moment = current_timestamp()
    lookups.save(by, moment, blocks)
    for rows in events:
        was = stored_rows.get(rows.event_id)
        rows.event["version"] = last.get(rows.event_id, 0) + 1
        if was is not None:
            rows.event["created_at"] = was.event["created_at"]
        else:  # one that is restored was there before
            is_known = rows.event_id in last
            rows.event["created_at"] = (
                fetch_creation_time(session, "event", rows.event_id) if is_known else moment
            )
        rows.event["updated_at"] = moment
    replaced = [stored_rows[rows.event_id] for rows in events if rows.event_id in stored_rows]
    _write_rows(session, events, replaced)
    written = _write_index(session, lookups, events, replaced, blocks)
    changes = [
        JournalEntry(
            op or ("update" if rows.event_id in stored_rows else "create"),
            "event",
            rows.event_id,
            rows.event["version"],
            written[rows.event_id],
        )
        for rows in events
    ]
    record_changes(session, by, changes, moment)
    if _list_tags(replaced) - _list_tags(events):
        delete_unused(session, "tag", "event_tag", "tag_id")


def _list_tags(events: Iterable[EventRows]) -> set[str]:
    return {tag_id for rows in events for tag_id in rows.ids("tag")}


def _write_rows(
    session: Session, events: Sequence[EventRows], replaced: Sequence[EventRows]
) -> None:
    replaced_ids = {rows.event_id for rows in replaced}
    _remove_parts(session, replaced_ids)
    table = TABLES["event"]
    for rows in events:
        if rows.event_id in replaced_ids:
            session.execute(update(table).where(table.c.id == rows.event_id), rows.event)
    connection = session.connection()
    fresh = [EVENT_VALUES(rows.event) for rows in events if rows.event_id not in replaced_ids]
    insert(connection, "event", fresh)
    for part in PARTS:
        insert(connection, part, [row for rows in events for row in rows.parts[part]])


def _remove_parts(session: Session, event_ids: Iterable[str]) -> None:
    gone = list(event_ids)
    for table in PARTS if gone else ():
        query = text(f"DELETE FROM {table} WHERE event_id IN :ids").bindparams(listed("ids"))
        session.execute(query, {"ids": gone})


def _write_index(
    session: Session,
    lookups: Lookups,
    events: Sequence[EventRows],
    replaced: Sequence[EventRows],
    blocks: index.BlockWriter | None,
) -> dict[str, bytes | None]:
    """Write the read model of events and of their targets; return the documents by id."""
    connection = session.connection()
    own = dict.fromkeys(rows.event_id for rows in events)
    left = sorted({target for rows in replaced for target in rows.targets}.difference(own))
    links = [(rows.event_id, target) for rows in events for target in rows.targets]
    new = [link for link in links if link[1] not in {*own, *left}]
    documents = index.join_entries(connection, events, lookups.records)
    written = index.update_entries(connection, [*own, *left], documents, new, blocks)
    return {entry.event_id: entry.after for entry in written}


def create_events(
    session: Session, by: By, bodies: Iterable[schemas.EventWrite], *, op: str = "create"
) -> list[str]:
    """Store new events, which may name each other in any order; return their ids in that order.

    Raise Problem `conflict` if an id is taken, `invalid-body` if one names a record that is
    missing.
    """
    lookups, free = Lookups(session), IdAllocator(session, "event")
    all_rows: list[EventRows] = []
    events = list(bodies)
    for batch in index.batches(events):
        lookups.prepare(batch)
        free.ask(event.id or make_slug(_describe_event(event)) for event in batch)
        rows = [_build_new(session, lookups, free, event, op) for event in batch]
        there = (
            fetch_versions(session, "event", [of.event_id for of in rows])
            if op == "restore"
            else {}
        )
        save_events(session, by, lookups, rows, {}, there, op)
        all_rows += rows
    for event, rows_of_event in zip(events, all_rows, strict=True):
        with name_event_in_problem(event.id or event.title):
            refuse_missing(session, rows_of_event)
    return [rows_of_event.event_id for rows_of_event in all_rows]


def _describe_event(event: schemas.EventWrite) -> str:
    return f"{event.date.edtf} {event.title}"


def _build_new(
    session: Session, lookups: Lookups, free: IdAllocator, event: schemas.EventWrite, op: str
) -> EventRows:
    with name_event_in_problem(event.id or event.title):
        event_id = event.id or free.make(_describe_event(event))
        if event.id is not None:
            if op != "restore" and free.taken(event_id):
                there = event_id not in find_missing(session, [event_id])
                refuse_used_id(session, "event", event_id, stored=there)
            free.take(event_id)
        return build_rows(lookups, event_id, event)


@contextmanager
def name_event_in_problem(name: str) -> Iterator[None]:
    """Name the event in the detail of a problem: it may be one of many."""
    try:
        yield
    except Problem as problem:
        problem.detail = f"Event '{name}': {problem.sentence}"
        raise


def find_missing(session: Session, event_ids: Iterable[str]) -> set[str]:
    """Return the ids that no event has."""
    left = set(event_ids)
    query = text("SELECT id FROM event WHERE id IN :ids").bindparams(listed("ids"))
    for batch in index.batches(list(left)):
        left.difference_update(session.execute(query, {"ids": batch}).scalars())
    return left


def refuse_missing(session: Session, rows: EventRows) -> None:
    """Raise Problem `invalid-body` if an event relates to one that does not exist."""
    gone = find_missing(session, rows.targets)
    candidates = Candidates(session.connection())
    faults = [
        missing_target(candidates, position, target)
        for position, _, target in rows.links
        if target in gone
    ]
    if faults:
        raise refuse(*faults, code="invalid-body")


def missing_target(candidates: Candidates, number: int, target: str) -> Fault:
    """Return the fault of a link to an id that no event has."""
    near = candidates.nearest(SearchedColumn("event"), target)
    return Fault("body", f"related.{number}.event", f"there is no event '{target}'", near)


# -- one event, as any other record ---------------------------------------------------------------


@dataclass(frozen=True)
class Events:
    """Events as a kind of record, beside the vocabulary."""

    name: str = "event"
    shape: type[schemas.Shape] = schemas.EventWrite
    derived: frozenset[str] = frozenset(schemas.EDIT_MEMBERS)

    def exists(self, session: Session, record_id: str) -> bool:
        """Return whether it is stored."""
        return not find_missing(session, [record_id])

    def used_by(self, session: Session, record_id: str) -> list[str]:
        """Return the ids of the events that relate to it."""
        query = "SELECT DISTINCT event_id FROM relation WHERE target_id = :id ORDER BY 1"
        return fetch_ids(session, query, id=record_id)

    def save(self, session: Session, by: By, body: Any, op: str) -> str:
        """Store a valid document and return its id. An unchanged document changes nothing."""
        if op != "update":
            return create_events(session, by, [body], op=op)[0]
        assert body.id is not None
        lookups = Lookups(session)
        lookups.prepare([body])
        rows = build_rows(lookups, body.id, body)
        stored_rows = stored(session.connection(), [body.id])
        if compare_events(rows, stored_rows[body.id]).differing:
            save_events(
                session,
                by,
                lookups,
                [rows],
                stored_rows,
                fetch_versions(session, "event", stored_rows),
            )
            refuse_missing(session, rows)
        else:
            lookups.save(by)  # it may fill in an actor, place or source
        return str(body.id)

    def remove(self, session: Session, by: By, record_id: str) -> None:
        """Delete an event that no other relates to; its journal stays."""
        stored_rows = stored(session.connection(), [record_id])[record_id]
        _remove_parts(session, [record_id])
        session.execute(text("DELETE FROM event WHERE id = :id"), {"id": record_id})
        index.update_entries(session.connection(), [record_id, *sorted(stored_rows.targets)])
        version = stored_rows.event["version"] + 1
        record_changes(session, by, [JournalEntry("delete", "event", record_id, version, None)])
        if stored_rows.parts["event_tag"]:
            delete_unused(session, "tag", "event_tag", "tag_id")

    def revived(self, session: Session, document: Json) -> Json:
        """Return a document of the journal, ready to be stored again.

        Records that it names are taken in their present state. Raise Problem `conflict` if one was
        deleted since.
        """
        named: list[tuple[str, StoredKind, str]] = [("type", TYPE, document["type"])]
        for part, (kind, link) in REFERENCES.items():
            named += [(f"{part}.{n}", kind, e["id"]) for n, e in enumerate(document[part])]
            own_members = {"id", *link}
            document[part] = [
                {n: v for n, v in e.items() if n in own_members} for e in document[part]
            ]
        named += [(f"related.{n}", self, e["event"]) for n, e in enumerate(document["related"])]
        faults = [
            Fault("body", where, describe_deleted(kind.name, record_id))
            for where, kind, record_id in named
            if not kind.exists(session, record_id)
        ]
        if faults:
            raise refuse(*faults, code="conflict")
        return document


StoredKind = Events | VocabularyKind
EVENT = Events()
