"""Findings about the data that an editor should look at again: one rule per finding."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from app import dates
from app.dialects import numbers
from app.filters import AuditQuery, resolve
from app.reads.cursors import Page, Position, read_cursor, write_cursor, write_json
from app.reads.hits import Hits, batch_keys
from app.reads.orders import key_at
from app.reads.room import MAX_PAGE_BYTES, documents

Json = dict[str, Any]
MAX_AUDITED_EVENTS = 1000  # per page, with or without findings


@dataclass(frozen=True)
class Finding:
    """A message, and the ids of the sources that it is about."""

    message: str
    sources: tuple[str, ...] = ()


Rule = Callable[[Json, int], Iterator[Finding]]  # takes a document and today as a day number


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


def _published_after_accessed(event: Json, today: int) -> Iterator[Finding]:
    for source in event["sources"]:
        published, accessed = source["published"], source["accessed"]
        if published and accessed:
            first, last = dates.parse(published), dates.parse(accessed)
            if first.start_earliest > last.end_latest:
                message = f"Published {published}, yet read {accessed}."
                yield Finding(message, (source["id"],))


def _published_in_future(event: Json, today: int) -> Iterator[Finding]:
    for source in event["sources"]:
        if source["published"] and dates.parse(source["published"]).start_earliest > today:
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

    A page may have fewer findings than its limit, or none, if MAX_AUDITED_EVENTS events or
    MAX_PAGE_BYTES of documents were read; `cursor` goes on.
    """
    hits = Hits(connection, resolve(connection, query))
    beyond, begun, seen = None, None, 0
    if query.cursor is not None:
        day, begun, seen = read_cursor(now, query.identity, query.cursor, (int, str, int))
        beyond = key_at(connection, day, begun, descending=True) - 1
    keys = next(batch_keys(hits.in_order(beyond=beyond), MAX_AUDITED_EVENTS + 1), [])
    statement = f"SELECT day, event_id FROM timeline WHERE key IN ({numbers(keys)}) ORDER BY key"
    rows = connection.exec_driver_sql(statement).all()
    today = datetime.now(UTC).toordinal()
    items: list[bytes] = []
    room = MAX_PAGE_BYTES
    for number, (row, body) in enumerate(zip(rows, documents(connection, keys), strict=True)):
        room -= len(body)
        full = number == MAX_AUDITED_EVENTS or (room < 0 < number)
        findings = [] if full else _of_event(json.loads(body), query.finding, today)
        start = seen if row.event_id == begun else 0
        end = start + query.limit - len(items)
        items += findings[start:end]
        if full or len(findings) > end:
            following = [row.day, row.event_id, end if len(findings) > end else 0]
            return Page(items, None, write_cursor(now, query.identity, following))
    return Page(items, None, None)


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
