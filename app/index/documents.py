"""From the normalised rows to what is served: an event's document, its place in time, its terms."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, TextClause, text

from app import dates, quantities
from app.dialects import listed
from app.filters import EVERY
from app.index.terms import Term
from app.words import fold, wording

NEVER = dates.END + 1  # after every day that a query can name

Json = dict[str, Any]


def _of_events(select: str) -> TextClause:
    """`select` for the events `:ids`, each event's rows in their order."""
    return text(f"{select} WHERE x.event_id IN :ids ORDER BY x.event_id, x.position").bindparams(
        listed("ids")
    )


EVENTS = text(
    "SELECT id, type_id, title, summary, date_edtf, date_text, status, version, created_at,"
    " updated_at FROM event WHERE id IN :ids"
).bindparams(listed("ids"))

# One query a part; its columns are the members of the document, in their order.
PARTS = {
    "actors": _of_events(
        "SELECT x.event_id, a.id, a.name, a.kind, a.country, x.role"
        " FROM event_actor x JOIN actor a ON a.id = x.actor_id"
    ),
    "places": _of_events(
        "SELECT x.event_id, p.id, p.name, p.country, p.latitude, p.longitude"
        " FROM event_place x JOIN place p ON p.id = x.place_id"
    ),
    "quantities": _of_events(
        "SELECT x.event_id, x.measure, x.value, x.max_value, x.qualifier, x.unit, x.text"
        " FROM quantity x"
    ),
    "tags": _of_events(
        "SELECT x.event_id, t.id, t.name FROM event_tag x JOIN tag t ON t.id = x.tag_id"
    ),
    "related": _of_events("SELECT x.event_id, x.target_id AS event, x.relation FROM relation x"),
    "sources": _of_events(
        "SELECT x.event_id, s.id, p.name AS publisher, s.title, s.author, s.url, s.archive_url,"
        " s.published, s.accessed, s.language, s.kind,"
        " x.role, NULL AS claims, x.quote, x.locator, x.note, s.publisher_id, x.position"
        " FROM citation x JOIN source s ON s.id = x.source_id"
        " LEFT JOIN publisher p ON p.id = s.publisher_id"
    ),
}
CLAIMS = text(
    "SELECT event_id, citation_position, claim FROM citation_claim WHERE event_id IN :ids"
    " ORDER BY event_id, citation_position, position"
).bindparams(listed("ids"))
ALIASES = text(
    "SELECT actor_id, alias FROM actor_alias WHERE actor_id IN"
    " (SELECT actor_id FROM event_actor WHERE event_id IN :ids) ORDER BY actor_id, position"
).bindparams(listed("ids"))
RELATED_FROM = text("SELECT target_id, event_id FROM relation WHERE target_id IN :ids").bindparams(
    listed("ids")
)


class Measurement(NamedTuple):
    """A quantity as it is compared."""

    measure: str
    kind: str
    low: str
    high: str


@dataclass(frozen=True)
class Entry:
    """All that the read model holds of one event."""

    event_id: str
    date: dates.Date
    updated_at: str
    body: bytes
    terms: frozenset[Term]
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
    parameters = {"ids": list(ids)}
    parts = {name: _by_event(connection, query, ids) for name, query in PARTS.items()}
    claims: dict[tuple[str, int], list[str]] = defaultdict(list)
    for event_id, citation, claim in connection.execute(CLAIMS, parameters):
        claims[event_id, citation].append(claim)
    for event_id, sources in parts["sources"].items():
        for source in sources:
            source["claims"] = claims[event_id, source.pop("position")]
    aliases: dict[str, list[str]] = defaultdict(list)
    for actor_id, alias in connection.execute(ALIASES, parameters):
        aliases[actor_id].append(alias)
    for actor in chain.from_iterable(parts["actors"].values()):
        actor["aliases"] = aliases[actor["id"]]
    incoming: dict[str, list[str]] = defaultdict(list)
    for target, origin in connection.execute(RELATED_FROM, parameters):
        incoming[target].append(origin)
    return [
        _entry(
            dict(event),
            {name: rows[event["id"]] for name, rows in parts.items()},
            incoming[event["id"]],
        )
        for event in connection.execute(EVENTS, parameters).mappings()
    ]


def _by_event(
    connection: Connection, query: TextClause, ids: Sequence[str]
) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = defaultdict(list)
    for row in connection.execute(query, {"ids": list(ids)}).mappings():
        part = dict(row)
        found[part.pop("event_id")].append(part)
    return found


def _entry(event: Json, parts: dict[str, list[Json]], incoming: list[str]) -> Entry:
    date = dates.parse(event["date_edtf"])
    sources = parts["sources"]
    supporting = (s["publisher_id"] for s in sources if s["role"] == "supports")
    publishers = len(set(supporting) - {None})
    words = _words(event, parts)
    measurements = tuple(_measurement(quantity) for quantity in parts["quantities"])
    terms = frozenset(
        (
            *_terms(event, parts, incoming),
            *(("word", word) for word in words.split()),
            *(term for m in measurements for term in (("measure", m.measure), ("unit", m.kind))),
        )
    )
    for source in sources:
        del source["publisher_id"]
    for actor in parts["actors"]:
        del actor["aliases"]
    document = {
        "id": event["id"],
        "type": event["type_id"],
        "title": event["title"],
        "summary": event["summary"],
        "date": {
            "edtf": date.edtf,
            "text": event["date_text"],
            "earliest": date.earliest,
            "latest": date.latest,
            "precision": date.precision,
            "uncertain": date.uncertain,
            "approximate": date.approximate,
            "label": date.label,
        },
        "status": event["status"],
        **parts,
        "tags": [tag["name"] for tag in parts["tags"]],
        "version": event["version"],
        "created_at": event["created_at"],
        "updated_at": event["updated_at"],
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    known = min(_reported(source) for source in sources) if sources else NEVER
    return Entry(
        event["id"], date, event["updated_at"], body, terms, known, publishers, words, measurements
    )


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


def _terms(event: Json, parts: dict[str, list[Json]], incoming: list[str]) -> Iterator[Term]:
    """Every value that the event can be filtered by, and the one that every event bears."""
    yield EVERY
    yield "type", event["type_id"]
    if event["status"]:
        yield "status", event["status"]
    for actor in parts["actors"]:
        yield "actor", actor["id"]
        if actor["role"]:
            yield "role", actor["role"]
            yield "actor-role", f"{actor['id']}:{actor['role']}"
    for place in parts["places"]:
        yield "place", place["id"]
    for where in (*parts["actors"], *parts["places"]):
        if where["country"]:
            yield "country", where["country"]
    for tag in parts["tags"]:
        yield "tag", tag["id"]
    for source in parts["sources"]:
        yield "source", source["id"]
        if source["publisher_id"]:
            yield "publisher", source["publisher_id"]
    for link in parts["related"]:
        yield "related", link["event"]
    for origin in incoming:
        yield "related", origin
