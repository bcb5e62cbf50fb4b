"""From the normalised rows to the read model: an event's document, its place in time, its terms."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app import dates, quantities, rows
from app.dialects import listed
from app.index.keys import TimelinePlace
from app.index.terms import EVERY_TERM, TermValues
from app.json_types import Json
from app.rows import EventRows
from app.schemas import (
    MAX_COMPARED_CHARACTERS,
    comparable_form,
    decode_own_value,
    format_own_value,
)
from app.words import fold, make_search_text

NEVER_KNOWN = dates.END + 1  # later than any day in a query


RELATED_FROM = text("SELECT target_id, event_id FROM relation WHERE target_id IN :ids").bindparams(
    listed("ids")
)
NAMED_KINDS = ("actor", "place", "tag", "source")
ACTOR_MEMBERS = ("id", "name", "kind", "country", "role")
MEDIUM_MEMBERS = ("url", "kind", "caption", "credit", "alt", "licence", "thumbnail")
QUANTITY_MEMBERS = ("measure", "value", "max_value", "qualifier", "unit", "text")
ABSENT = {None}
MAX_CACHED_DATES = 1 << 13
actor_members = itemgetter(*ACTOR_MEMBERS)
json_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class MissingRecordError(LookupError):
    """An event names a record that is not stored."""


# Raised by a stored value that is no date, no decimal or no text.
UNREADABLE = (dates.DateError, ArithmeticError, TypeError, MissingRecordError, DBAPIError)


class IndexedQuantity(NamedTuple):
    """A quantity in the form in which it is compared."""

    measure: str
    kind: str
    low: str
    high: str


class Entry(NamedTuple):
    """The whole read model of one event."""

    event_id: str
    date: dates.Date
    updated_at: str
    body: bytes
    terms: TermValues
    known: int
    publishers: int
    words: str
    measurements: tuple[IndexedQuantity, ...]

    @property
    def place(self) -> TimelinePlace:
        """Return its place in the order of the timeline."""
        return TimelinePlace(self.date.order_day, self.date.order_clock, self.event_id)

    @property
    def sure(self) -> bool:
        """Return whether the date has no `?`, `~` or `%`."""
        return not (self.date.uncertain or self.date.approximate)


def read_entries(connection: Connection, ids: Sequence[str]) -> list[Entry]:
    """Return the entries of the events with these ids, in no order; for some hundreds at a time."""
    events = rows.stored(connection, ids)
    records = {
        kind: rows.records(connection, kind, {i for e in events.values() for i in e.ids(kind)})
        for kind in NAMED_KINDS
    }
    return join_entries(connection, events.values(), records)


def read_entries_or_errors(connection: Connection, ids: Sequence[str]) -> dict[str, Entry | str]:
    """Return, by id, the entry made from the stored rows, or a message why it cannot be made."""
    try:
        return {entry.event_id: entry for entry in read_entries(connection, ids)}
    except UNREADABLE as error:
        if len(ids) == 1:
            return {ids[0]: f"event {ids[0]} {_explain(error)}"}
    return {name: e for one in ids for name, e in read_entries_or_errors(connection, [one]).items()}


def _explain(error: Exception) -> str:
    """Return what is wrong with an event, as a predicate."""
    if isinstance(error, dates.DateError):
        return f"has a date that is none: {error}"
    if isinstance(error, ArithmeticError):
        return "has a quantity or an own field that is no number"
    return str(error) if isinstance(error, MissingRecordError) else f"is unreadable: {error}"


def join_entries(
    connection: Connection, events: Collection[EventRows], records: rows.Records
) -> list[Entry]:
    """Return the entries of stored events, given the records that they name."""
    incoming: dict[str, list[str]] = defaultdict(list)
    parameters = {"ids": [event.event_id for event in events]}
    for target, origin in connection.execute(RELATED_FROM, parameters):
        incoming[target].append(origin)
    return [
        _entry(event.event, _whole_parts(event, records), incoming[event.event_id])
        for event in events
    ]


def _whole_parts(event: EventRows, records: rows.Records) -> Json:
    """Return the parts of the document. Raise MissingRecordError if a named record is missing."""
    try:
        return _parts(event, records)
    except KeyError:
        for kind in NAMED_KINDS:
            for record_id in event.ids(kind):
                if record_id not in records[kind]:
                    raise MissingRecordError(
                        f"names the {kind} '{record_id}', which is not there"
                    ) from None
        raise


def _parts(event: EventRows, records: rows.Records) -> Json:
    """Return the parts of the document, in order, with the records that they name."""
    rows_of = event.parts
    actors, places, tags, sources = (records[kind] for kind in NAMED_KINDS)
    claims: dict[int, list[str]] = defaultdict(list)
    for _, citation, _, claim in rows_of["citation_claim"]:
        claims[citation].append(claim)
    return {
        "actors": [{**actors[actor], "role": role} for _, _, actor, role in rows_of["event_actor"]],
        "places": [places[place] for _, _, place in rows_of["event_place"]],
        "quantities": [
            dict(zip(QUANTITY_MEMBERS, row[2:], strict=True)) for row in rows_of["quantity"]
        ],
        "tags": [tags[tag] for _, _, tag in rows_of["event_tag"]],
        "related": [{"event": to, "relation": relation} for _, relation, to in event.links],
        "sources": [
            {
                **sources[source],
                "role": role,
                "claims": claims[position],
                "quote": quote,
                "locator": locator,
                "note": note,
            }
            for _, position, source, role, quote, locator, note in rows_of["citation"]
        ],
        "media": [dict(zip(MEDIUM_MEMBERS, row[2:], strict=True)) for row in rows_of["medium"]],
        "extra": {
            name: decode_own_value(kind, value) for _, _, name, kind, value in rows_of["own_field"]
        },
    }


def _entry(event: Json, parts: Json, incoming: list[str]) -> Entry:
    sources = parts["sources"]
    publishers = {s["publisher_id"] for s in sources if s["role"] == "supports"} - ABSENT
    words = _words(event, parts)
    measurements = tuple(map(_measurement, parts["quantities"]))
    terms = {
        **_terms(event, parts, incoming),
        "word": set(words.split()),
        "measure": {measured.measure for measured in measurements},
        "unit": {measured.kind for measured in measurements},
    }
    return Entry(
        event["id"],
        dates.parse(event["date_edtf"]),
        event["updated_at"],
        _encoded(_document(event, parts)),
        terms,
        min(map(_reported, sources), default=NEVER_KNOWN),
        len(publishers),
        words,
        measurements,
    )


def _document(event: Json, parts: Json) -> Json:
    """Return the event as it is served."""
    for source in parts["sources"]:
        del source["publisher_id"]
    return {
        "id": event["id"],
        "type": event["type_id"],
        "title": event["title"],
        "summary": event["summary"],
        "date": {**_date(event["date_edtf"]), "text": event["date_text"]},
        "status": event["status"],
        **parts,
        "actors": [
            dict(zip(ACTOR_MEMBERS, actor_members(actor), strict=True)) for actor in parts["actors"]
        ],
        "tags": [tag["name"] for tag in parts["tags"]],
        "version": event["version"],
        "created_at": event["created_at"],
        "updated_at": event["updated_at"],
    }


@lru_cache(MAX_CACHED_DATES)
def _date(edtf: str) -> Json:
    """Return a date as it is served, without its text."""
    date = dates.parse(edtf)
    return {
        "edtf": date.edtf,
        "text": None,
        "earliest": date.earliest,
        "latest": date.latest,
        "precision": date.precision,
        "uncertain": date.uncertain,
        "approximate": date.approximate,
        "label": date.label,
    }


def _encoded(document: Json) -> bytes:
    """Return a document's bytes, as `json` writes it."""
    # pydantic is several times faster, but writes 0.00001 and 1e16 where `json` writes 1e-05 and
    # 1e+16.
    floats = any(type(value) is float for value in document["extra"].values())
    tiny = floats or any(
        place[name] and abs(place[name]) < 1e-4
        for place in document["places"]
        for name in ("latitude", "longitude")
    )
    return json_text(document).encode() if tiny else to_json(document)


def _reported(source: Json) -> int:
    """Return the last day of publication, else of access; NEVER_KNOWN if the source has neither."""
    date = source["published"] or source["accessed"]
    last = dates.parse(date).end_latest if date else dates.END
    return last if last < dates.END else NEVER_KNOWN


def _words(event: Json, parts: Json) -> str:
    """Return the wording: title; actors and aliases; places and tags; summary; sources."""
    actors = (name for actor in parts["actors"] for name in (actor["name"], *actor["aliases"]))
    places_and_tags = (part["name"] for part in (*parts["places"], *parts["tags"]))
    source_members = ("publisher", "title", "author", "quote")
    sources = (source[name] for source in parts["sources"] for name in source_members)
    values = (format_own_value(v) for v in parts["extra"].values() if not isinstance(v, bool))
    media = (medium[name] for medium in parts["media"] for name in ("caption", "credit", "alt"))
    return make_search_text(
        [
            *([event["title"]], actors, places_and_tags),
            [event["summary"], *values, *media],
            sources,
        ]
    )


def _measurement(quantity: Json) -> IndexedQuantity:
    members = (quantity[name] for name in ("value", "max_value", "qualifier", "unit"))
    low, high = quantities.find_amount_range(*members)
    kind = quantities.find_unit_kind(quantity["unit"])
    measure = fold(quantity["measure"])
    return IndexedQuantity(
        measure, kind, quantities.encode_sortable(low), quantities.encode_sortable(high)
    )


def _terms(event: Json, parts: Json, incoming: list[str]) -> dict[str, set[str]]:
    """Return every value that the event can be filtered by, and the term that every event has."""
    actors, places, sources = parts["actors"], parts["places"], parts["sources"]
    every, value = EVERY_TERM
    return {
        every: {value},
        "type": {event["type_id"]},
        "status": {event["status"]} - ABSENT,
        "actor": {actor["id"] for actor in actors},
        "role": {actor["role"] for actor in actors} - ABSENT,
        "actor-role": {f"{actor['id']}:{actor['role']}" for actor in actors if actor["role"]},
        "place": {place["id"] for place in places},
        "country": {where["country"] for where in (*actors, *places)} - ABSENT,
        "tag": {tag["id"] for tag in parts["tags"]},
        "source": {source["id"] for source in sources},
        "publisher": {source["publisher_id"] for source in sources} - ABSENT,
        "related": {link["event"] for link in parts["related"]}.union(incoming),
        # A colon in front marks a name alone: ids of PostgreSQL leave room for 16 kinds of term.
        "extra": {f":{name}" for name in parts["extra"]}
        | {
            f"{name}:{form}"
            for name, value in parts["extra"].items()
            if len(form := comparable_form(value)) <= MAX_COMPARED_CHARACTERS
        },
    }
