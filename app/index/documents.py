"""From the normalised rows to what is served: an event's document, its place in time, its terms."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app import dates, quantities, rows
from app.dialects import listed
from app.index.terms import EVERY, Values
from app.rows import EventRows
from app.words import fold, wording

NEVER = dates.END + 1  # after every day that a query can name

Json = dict[str, Any]


RELATED_FROM = text("SELECT target_id, event_id FROM relation WHERE target_id IN :ids").bindparams(
    listed("ids")
)
NAMED = ("actor", "place", "tag", "source")
ACTOR = ("id", "name", "kind", "country", "role")
QUANTITY = ("measure", "value", "max_value", "qualifier", "unit", "text")
NOT_SAID = {None}
KEPT = 1 << 13  # dates as they are served
of_actor = itemgetter(*ACTOR)
as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class MissingRecordError(LookupError):
    """An event names a record that is not stored."""


# What a value does that is not what its column is for: no date, no decimal, no text.
UNREADABLE = (dates.DateError, ArithmeticError, TypeError, MissingRecordError, DBAPIError)


class Measurement(NamedTuple):
    """A quantity as it is compared."""

    measure: str
    kind: str
    low: str
    high: str


class Entry(NamedTuple):
    """All that the read model holds of one event."""

    event_id: str
    date: dates.Date
    updated_at: str
    body: bytes
    terms: Values
    known: int
    publishers: int
    words: str
    measurements: tuple[Measurement, ...]

    @property
    def sure(self) -> bool:
        """Whether the date bears no `?`, `~` or `%`."""
        return not (self.date.uncertain or self.date.approximate)


def entries(connection: Connection, ids: Sequence[str]) -> list[Entry]:
    """The entries of those of `ids` that exist, in no order; meant for some hundreds at a time."""
    found = rows.stored(connection, ids)
    named = {
        kind: rows.records(connection, kind, {i for e in found.values() for i in e.ids(kind)})
        for kind in NAMED
    }
    return joined(connection, found.values(), named)


def entries_or_errors(connection: Connection, ids: Sequence[str]) -> dict[str, Entry | str]:
    """Return, by id, each entry that can be made of the stored rows, or else why it cannot."""
    try:
        return {entry.event_id: entry for entry in entries(connection, ids)}
    except UNREADABLE as error:
        if len(ids) == 1:
            return {ids[0]: f"event {ids[0]} {_explain(error)}"}
    return {name: e for one in ids for name, e in entries_or_errors(connection, [one]).items()}


def _explain(error: Exception) -> str:
    """Return what is wrong with an event, as a predicate."""
    if isinstance(error, dates.DateError):
        return f"has a date that is none: {error}"
    if isinstance(error, ArithmeticError):
        return "has a quantity that is no number"
    return str(error) if isinstance(error, MissingRecordError) else f"is unreadable: {error}"


def joined(
    connection: Connection, events: Collection[EventRows], named: rows.Records
) -> list[Entry]:
    """The entries of events that are stored, with the records that they name."""
    incoming: dict[str, list[str]] = defaultdict(list)
    asked = {"ids": [event.event_id for event in events]}
    for target, origin in connection.execute(RELATED_FROM, asked):
        incoming[target].append(origin)
    return [
        _entry(event.event, _whole_parts(event, named), incoming[event.event_id])
        for event in events
    ]


def _whole_parts(event: EventRows, named: rows.Records) -> dict[str, list[Json]]:
    """Return the lists of the document. Raise MissingRecordError if they name what is not there."""
    try:
        return _parts(event, named)
    except KeyError:
        for kind in NAMED:
            for record_id in event.ids(kind):
                if record_id not in named[kind]:
                    raise MissingRecordError(
                        f"names the {kind} '{record_id}', which is not there"
                    ) from None
        raise


def _parts(event: EventRows, named: rows.Records) -> dict[str, list[Json]]:
    """The lists of the document, in their order, with what they name."""
    held = event.parts
    actors, places, tags, sources = (named[kind] for kind in NAMED)
    claims: dict[int, list[str]] = defaultdict(list)
    for _, citation, _, claim in held["citation_claim"]:
        claims[citation].append(claim)
    return {
        "actors": [{**actors[actor], "role": role} for _, _, actor, role in held["event_actor"]],
        "places": [places[place] for _, _, place in held["event_place"]],
        "quantities": [dict(zip(QUANTITY, row[2:], strict=True)) for row in held["quantity"]],
        "tags": [tags[tag] for _, _, tag in held["event_tag"]],
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
            for _, position, source, role, quote, locator, note in held["citation"]
        ],
    }


def _entry(event: Json, parts: dict[str, list[Json]], incoming: list[str]) -> Entry:
    sources = parts["sources"]
    publishers = {s["publisher_id"] for s in sources if s["role"] == "supports"} - NOT_SAID
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
        min(map(_reported, sources), default=NEVER),
        len(publishers),
        words,
        measurements,
    )


def _document(event: Json, parts: dict[str, list[Json]]) -> Json:
    """The event as it is served."""
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
        "actors": [dict(zip(ACTOR, of_actor(actor), strict=True)) for actor in parts["actors"]],
        "tags": [tag["name"] for tag in parts["tags"]],
        "version": event["version"],
        "created_at": event["created_at"],
        "updated_at": event["updated_at"],
    }


@lru_cache(KEPT)
def _date(edtf: str) -> Json:
    """A date as it is served, but for its text."""
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
    """A document's bytes, as `json` writes it."""
    # What `json` writes as 1e-05 is 0.00001 to pydantic, which is several times faster.
    tiny = any(
        place[name] and abs(place[name]) < 1e-4
        for place in document["places"]
        for name in ("latitude", "longitude")
    )
    return as_json(document).encode() if tiny else to_json(document)


def _reported(source: Json) -> int:
    """The last day on which the source may have come out, or been read where only that is known."""
    stated = source["published"] or source["accessed"]
    last = dates.parse(stated).end_latest if stated else dates.END
    return last if last < dates.END else NEVER


def _words(event: Json, parts: dict[str, list[Json]]) -> str:
    """Title; actors and aliases; places and tags; summary; sources."""
    actors = (name for actor in parts["actors"] for name in (actor["name"], *actor["aliases"]))
    named = (part["name"] for part in (*parts["places"], *parts["tags"]))
    cited = ("publisher", "title", "author", "quote")
    sources = (source[name] for source in parts["sources"] for name in cited)
    return wording([[event["title"]], actors, named, [event["summary"]], sources])


def _measurement(quantity: Json) -> Measurement:
    stated = (quantity[name] for name in ("value", "max_value", "qualifier", "unit"))
    low, high = quantities.amounts(*stated)
    kind = quantities.kind_of(quantity["unit"])
    measure = fold(quantity["measure"])
    return Measurement(measure, kind, quantities.sortable(low), quantities.sortable(high))


def _terms(event: Json, parts: dict[str, list[Json]], incoming: list[str]) -> dict[str, set[str]]:
    """Every value that the event can be filtered by, and the one that every event bears."""
    actors, places, sources = parts["actors"], parts["places"], parts["sources"]
    every, value = EVERY
    return {
        every: {value},
        "type": {event["type_id"]},
        "status": {event["status"]} - NOT_SAID,
        "actor": {actor["id"] for actor in actors},
        "role": {actor["role"] for actor in actors} - NOT_SAID,
        "actor-role": {f"{actor['id']}:{actor['role']}" for actor in actors if actor["role"]},
        "place": {place["id"] for place in places},
        "country": {where["country"] for where in (*actors, *places)} - NOT_SAID,
        "tag": {tag["id"] for tag in parts["tags"]},
        "source": {source["id"] for source in sources},
        "publisher": {source["publisher_id"] for source in sources} - NOT_SAID,
        "related": {link["event"] for link in parts["related"]}.union(incoming),
    }
