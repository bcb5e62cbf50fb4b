"""Holding the read model, and the one invariant that SQLite can lose, against the rows."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.exc import DBAPIError

from app.dates import DateError, parse
from app.index.documents import Entry, Measurement, Term, entries
from app.index.keys import first_key
from app.index.postings import row_of
from app.rows import BATCH
from app.words import fold

WITHOUT_SOURCE = text(
    "SELECT id FROM event e WHERE NOT EXISTS (SELECT 1 FROM citation c"
    " WHERE c.event_id = e.id AND c.role = 'supports') ORDER BY id"
)
MISSING = text("SELECT id FROM event WHERE id NOT IN (SELECT event_id FROM timeline) ORDER BY id")
HELD = text(
    "SELECT t.*, d.body, d.terms, w.words FROM timeline t LEFT JOIN document d ON d.key = t.key"
    " LEFT JOIN wording w ON w.key = t.key WHERE t.key > :after ORDER BY t.key LIMIT :limit"
)
COUNTS = {
    "documents of no event": "SELECT count(*) FROM document WHERE key NOT IN"
    " (SELECT key FROM timeline)",
    "postings of no event": "SELECT count(*) FROM posting WHERE key NOT IN"
    " (SELECT key FROM timeline)",
    "terms with a wrong count": "SELECT count(*) FROM term WHERE events <>"
    " (SELECT count(*) FROM posting WHERE posting.term = term.id)",
}
# What a value does that is not what its column is for: no date, no decimal, no text.
UNREADABLE = (DateError, ArithmeticError, TypeError, DBAPIError)
MEND = "`dateline reindex` mends it"


def check(
    connection: Connection, progress: Callable[[int], None] = lambda done: None
) -> Iterator[str]:
    """What is wrong with rows and read model, a line a finding; nothing where all is well."""
    if connection.execute(text("SELECT count(*) FROM store WHERE epoch <> ''")).scalar_one() != 1:
        yield "the store has lost its epoch; restore a backup"
    yield from _rows(connection)
    for event_id in connection.execute(WITHOUT_SOURCE).scalars():
        yield f"event {event_id} has no source that supports it"
    for event_id in connection.execute(MISSING).scalars():
        yield f"event {event_id} is not in the read model; {MEND}"
    for finding, query in COUNTS.items():
        if number := connection.execute(text(query)).scalar_one():
            yield f"the read model has {number} {finding}; {MEND}"
    yield from _entries(connection, progress)


def _rows(connection: Connection) -> Iterator[str]:
    """Rows that no schema would have let in, and names folded otherwise than they would be now."""
    query = "SELECT id, published, accessed FROM source ORDER BY id"
    for source_id, *stated in connection.execute(text(query)):
        for date in filter(None, stated):
            try:
                parse(date)
            except DateError as error:
                yield f"source {source_id} has a date that is none: {error}"
    for table, name in (
        ("actor", "name"),
        ("actor_alias", "alias"),
        ("place", "name"),
        ("publisher", "name"),
        ("tag", "name"),
    ):
        for spelt, folded in connection.execute(text(f"SELECT {name}, folded FROM {table}")):
            if folded != fold(spelt):
                yield f"{table} '{spelt}' is not found by its name: '{folded}' is stored for it"


def _entries(connection: Connection, progress: Callable[[int], None]) -> Iterator[str]:
    """Compare every entry of the read model with what the rows make of it, in timeline order."""
    last: tuple[int, str] | None = None
    after, done = -1, 0
    page = {"after": after, "limit": BATCH}
    while held := connection.execute(HELD, {**page, "after": after}).mappings().all():
        made = _made(connection, [row["event_id"] for row in held])
        posted = _posted(connection, held[0]["key"], held[-1]["key"])
        measured = _measured(connection, held[0]["key"], held[-1]["key"])
        for row in held:
            entry = made.get(row["event_id"])
            place = (row["day"], row["event_id"])
            if isinstance(entry, Exception):
                dateless = isinstance(entry, DateError)
                what = "has a date that is none" if dateless else "is unreadable"
                yield f"event {row['event_id']} {what}: {entry}"
            elif (
                _differs(row, entry, posted.get(row["key"], set()))
                or (entry and measured.get(row["key"], ()) != entry.measurements)
                or (last and last >= place)
            ):
                yield f"event {row['event_id']} differs in the read model; {MEND}"
            last = place
        after, done = held[-1]["key"], done + len(held)
        progress(done)


def _made(connection: Connection, ids: list[str]) -> dict[str, Entry | Exception]:
    try:
        return {entry.event_id: entry for entry in entries(connection, ids)}
    except UNREADABLE as error:
        if len(ids) == 1:
            return {ids[0]: error}
    return {name: entry for one in ids for name, entry in _made(connection, [one]).items()}


def _posted(connection: Connection, first: int, last: int) -> dict[int, set[tuple[int, Term]]]:
    """The terms under which the events between two keys are posted."""
    found: dict[int, set[tuple[int, Term]]] = {}
    query = (
        "SELECT p.key, p.term, t.kind, t.value FROM posting p LEFT JOIN term t ON t.id = p.term"
        " WHERE p.key BETWEEN :first AND :last"
    )
    for key, term, kind, value in connection.execute(text(query), {"first": first, "last": last}):
        found.setdefault(key, set()).add((term, (kind, value)))
    return found


def _measured(connection: Connection, first: int, last: int) -> dict[int, tuple[Measurement, ...]]:
    """The measurements of the events between two keys."""
    found: dict[int, tuple[Measurement, ...]] = {}
    query = (
        "SELECT key, measure, kind, low, high FROM measurement"
        " WHERE key BETWEEN :first AND :last ORDER BY key, position"
    )
    for key, *measured in connection.execute(text(query), {"first": first, "last": last}):
        found[key] = (*found.get(key, ()), Measurement(*measured))
    return found


def _differs(row: RowMapping, entry: Entry | None, posted: set[tuple[int, Term]]) -> bool:
    if entry is None:
        return True
    expected: dict[str, Any] = {
        **row_of(row["key"], entry),
        "body": entry.body,
        "words": entry.words,
    }
    day = entry.date.order_day
    return (
        any(row[name] != value for name, value in expected.items())
        or not first_key(day) <= row["key"] < first_key(day + 1)
        or {term for _, term in posted} != entry.terms
        or json.dumps(sorted(number for number, _ in posted)) != row["terms"]
    )
