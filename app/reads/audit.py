"""Findings about the data that an editor should look at again: one rule per finding."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from sqlalchemy import Connection

from app import dates
from app.dialects import Prepared
from app.filters import AuditQuery, Choice, EventFilter, resolve
from app.index import Mask, TimelinePlace
from app.json_types import Json
from app.reads.bitmaps import Bitmap, match_blocks, match_clause
from app.reads.blocks import Array, BlockState, Older, cached, columns
from app.reads.cursors import Page, Position, read_cursor, write_cursor, write_json
from app.reads.hits import Hits, batch_keys
from app.reads.orders import PLACE_TYPES, key_at, locate
from app.reads.room import MAX_DOCUMENTS_PER_QUERY, documents

SOURCES = Prepared("SELECT id, published, accessed FROM source WHERE published IS NOT NULL")
SOURCE_TERMS = Prepared("SELECT id FROM term WHERE kind = 'source' AND value IN :ids")


@dataclass(frozen=True)
class Finding:
    """A message, and the ids of the sources that it is about."""

    message: str
    sources: tuple[str, ...] = ()


Rule = Callable[[Json, int], Iterator[Finding]]  # takes a document and today as a day number
Suspects = Callable[[Hits, Position, int], Bitmap]


def _reported(source: Json) -> int:
    """Return the last day on which a source may have come out; dates.END if unknown."""
    stated = source["published"] or source["accessed"]
    return dates.parse(stated).end_latest if stated else dates.END


def _act_after_sources(event: Json, today: int) -> Iterator[Finding]:
    supporting = [source for source in event["sources"] if source["role"] == "supports"]
    began = dates.parse(event["date"]["edtf"]).start_earliest
    if event["status"] not in ("planned", "cancelled") and began > max(map(_reported, supporting)):
        source_ids = tuple(source["id"] for source in supporting)
        yield Finding("It took place after all of its sources came out; a plan?", source_ids)


def _is_published_after_accessed(published: str | None, accessed: str | None) -> bool:
    if not (published and accessed):
        return False
    return dates.parse(published).start_earliest > dates.parse(accessed).end_latest


def _published_after_accessed(event: Json, today: int) -> Iterator[Finding]:
    for source in event["sources"]:
        published, accessed = source["published"], source["accessed"]
        if _is_published_after_accessed(published, accessed):
            yield Finding(f"Published {published}, yet read {accessed}.", (source["id"],))


def _is_published_in_future(published: str | None, today: int) -> bool:
    return bool(published) and dates.parse(str(published)).start_earliest > today


def _published_in_future(event: Json, today: int) -> Iterator[Finding]:
    for source in event["sources"]:
        if _is_published_in_future(source["published"], today):
            yield Finding(f"Published {source['published']}, which is to come.", (source["id"],))


def _publishers(event: Json) -> set[str]:
    supporting = (source for source in event["sources"] if source["role"] == "supports")
    return {source["publisher"] for source in supporting} - {None}


def _no_known_publisher(event: Json, today: int) -> Iterator[Finding]:
    if not _publishers(event):
        yield Finding("No source that supports it has a known publisher.")


def _single_publisher(event: Json, today: int) -> Iterator[Finding]:
    if len(publishers := _publishers(event)) == 1:
        yield Finding(f"{publishers.pop()} alone supports it.")


def _planned_overdue(event: Json, today: int) -> Iterator[Finding]:
    if event["status"] == "planned" and dates.parse(event["date"]["edtf"]).end_latest < today:
        yield Finding(f"Planned for {event['date']['label']}, which is past.")


RULES: Mapping[str, Rule] = {
    "act-after-sources": _act_after_sources,
    "published-after-accessed": _published_after_accessed,
    "published-in-future": _published_in_future,
    "no-known-publisher": _no_known_publisher,
    "single-publisher": _single_publisher,
    "planned-overdue": _planned_overdue,
}


def audit(connection: Connection, now: Position, query: AuditQuery) -> Page:
    """Return a page of findings about the events of a filter, in timeline order.

    Raise Problem `query-too-costly` if it takes too long.
    """
    hits = Hits(connection, resolve(connection, query))
    today = datetime.now(UTC).toordinal()
    hits.narrow(_suspects(hits, now, query.finding or tuple(RULES), today))
    beyond, first_event, skipped = None, None, 0
    if query.cursor is not None:
        *values, skipped = read_cursor(now, query.identity, query.cursor, (*PLACE_TYPES, int))
        place = TimelinePlace(*values)
        first_event = place.event_id
        beyond = key_at(connection, place, descending=True) - 1
    items: list[bytes] = []
    for key, event in _documents(hits, beyond):
        findings = _of_event(event, query.finding, today)
        start = skipped if event["id"] == first_event else 0
        end = start + query.limit - len(items)
        items += findings[start:end]
        if len(findings) > end:
            cursor = write_cursor(now, query.identity, [*locate(connection, key)[0], end])
            return Page(items, None, cursor)
    return Page(items, None, None)


def _documents(hits: Hits, beyond: int | None) -> Iterator[tuple[int, Json]]:
    """Yield the key and the document of each hit, in timeline order."""
    for keys in batch_keys(hits.in_order(beyond=beyond), MAX_DOCUMENTS_PER_QUERY):
        hits.check_time()
        for key, body in zip(keys, documents(hits.connection, keys), strict=True):
            yield key, json.loads(body)


# -- the events that a rule must look at ----------------------------------------------------------


def _suspects(hits: Hits, now: Position, names: Sequence[str], today: int) -> Bitmap:
    """Return a bitmap with every event that one of the rules may report, and few others."""
    return reduce(or_, (SUSPECTS[name](hits, now, today) for name in names))


def _match(
    hits: Hits, name: str, condition: Callable[[Mapping[str, Array]], Mask], day: int = 0
) -> Bitmap:
    """Return the slots whose columns meet a condition, cached under its name and a day."""

    def match(block: BlockState) -> Mask:
        return condition(columns(hits.connection, block).of)

    return match_blocks(hits.connection, hits.timeline, ("audit", name, day), match)


def _started_after_known(hits: Hits, now: Position, today: int) -> Bitmap:
    return _match(hits, "started", lambda of: of["start_earliest"] > of["known"])


def _with_publishers(number: int) -> Suspects:
    def suspects(hits: Hits, now: Position, today: int) -> Bitmap:
        return _match(hits, f"publishers-{number}", lambda of: of["publishers"] == number)

    return suspects


def _planned_before(hits: Hits, now: Position, today: int) -> Bitmap:
    connection = hits.connection
    planned = Hits(connection, resolve(connection, EventFilter(status=["planned"]))).bitmap()
    return planned & _match(hits, "ended", lambda of: of["end_latest"] < today, today)


def _citing_bad_source(hits: Hits, now: Position, today: int) -> Bitmap:
    """Return the events that cite a source with wrong dates."""
    connection = hits.connection

    def compute(_: Older[tuple[int, ...]]) -> tuple[int, ...]:
        ids = [
            source_id
            for source_id, published, accessed in SOURCES.rows(connection)
            if _is_published_after_accessed(published, accessed)
            or _is_published_in_future(published, today)
        ]
        return tuple(sorted(term for (term,) in SOURCE_TERMS.rows(connection, ids=ids)))

    key = "audit-sources", today
    terms = cached(connection, key, now.position, compute, lambda terms: 40 * len(terms))
    return match_clause(connection, hits.timeline, tuple(map(Choice, terms)))


SUSPECTS: Mapping[str, Suspects] = {
    "act-after-sources": _started_after_known,
    "published-after-accessed": _citing_bad_source,
    "published-in-future": _citing_bad_source,
    "no-known-publisher": _with_publishers(0),
    "single-publisher": _with_publishers(1),
    "planned-overdue": _planned_before,
}


def _of_event(event: Json, wanted: Sequence[str], today: int) -> list[bytes]:
    """Return the findings about one event, only the wanted kinds if any are named."""
    return [
        write_json(
            {
                "finding": name,
                "event": event["id"],
                "title": event["title"],
                "message": finding.message,
                "sources": finding.sources,
            }
        )
        for name, rule in RULES.items()
        if not wanted or name in wanted
        for finding in rule(event, today)
    ]
