"""Holding the read model, and the one invariant that SQLite can lose, against the rows."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Connection, RowMapping, text

from app.dates import DateError, parse
from app.index.blocks import empty_mask, slots_of, unpacked
from app.index.documents import Entry, Measurement, entries_or_errors
from app.index.keys import first_key
from app.index.postings import row_of
from app.index.terms import WORDS, Term, written
from app.rows import BATCH, batches
from app.words import fold

WITHOUT_SOURCE = text(
    "SELECT id FROM event e WHERE NOT EXISTS (SELECT 1 FROM citation c"
    " WHERE c.event_id = e.id AND c.role = 'supports') ORDER BY id"
)
# Not as NOT IN: where what is in it is large, PostgreSQL goes through all of it for each row.
MISSING = text(
    "SELECT id FROM event e WHERE NOT EXISTS (SELECT 1 FROM timeline t WHERE t.event_id = e.id)"
    " ORDER BY id"
)
HELD = text(
    "SELECT t.*, d.body, d.terms, w.words FROM timeline t LEFT JOIN document d ON d.key = t.key"
    " LEFT JOIN wording w ON w.key = t.key WHERE t.key > :after ORDER BY t.key LIMIT :limit"
)
DOCUMENTS = text(
    "SELECT count(*) FROM document d WHERE NOT EXISTS"
    " (SELECT 1 FROM timeline t WHERE t.key = d.key)"
)
UUID_TEXT = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MEND = "`dateline reindex` mends it"


def check(
    connection: Connection, progress: Callable[[int], None] = lambda done: None
) -> Iterator[str]:
    """What is wrong with rows and read model, a line a finding; nothing where all is well."""
    yield from _store(connection)
    yield from _rows(connection)
    for event_id in connection.execute(WITHOUT_SOURCE).scalars():
        yield f"event {event_id} has no source that supports it"
    for event_id in connection.execute(MISSING).scalars():
        yield f"event {event_id} is not in the read model; {MEND}"
    if number := connection.execute(DOCUMENTS).scalar_one():
        yield f"the read model has {number} documents of no event; {MEND}"
    yield from _postings(connection)
    yield from _entries(connection, progress)


def _store(connection: Connection) -> Iterator[str]:
    """Report what the store has lost of the row that says which one it is."""
    rows = connection.execute(text("SELECT epoch, identity FROM store")).all()
    for name, values in (
        ("epoch", [row.epoch for row in rows if row.epoch]),
        ("identity", [row.identity for row in rows if UUID_TEXT.fullmatch(row.identity or "")]),
    ):
        if len(values) != 1:
            yield f"the store has lost its {name}; restore a backup"


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


def _postings(connection: Connection) -> Iterator[str]:
    """Whether all postings are of events, and as many as their terms say."""
    held: dict[int, list[int]] = {}
    for block, slot in connection.execute(text("SELECT block, slot FROM timeline")):
        held.setdefault(block, []).append(slot)
    astray, counted = 0, Counter[int]()
    query = text("SELECT block, term, bits FROM posting ORDER BY block")
    postings = connection.execute(query, execution_options={"yield_per": BATCH})  # gigabytes
    for block, rows in groupby(postings, key=lambda row: row.block):
        of_events = empty_mask()
        of_events[held.get(block, [])] = True
        for row in rows:
            try:
                mask = unpacked(row.bits)
                misplaced = int(np.count_nonzero(mask & ~of_events))
            except (ValueError, IndexError):
                yield f"the read model has a posting that is unreadable; {MEND}"
                return
            counted[row.term] += int(np.count_nonzero(mask))
            astray += misplaced
    if astray:
        yield f"the read model has {astray} postings of no event; {MEND}"
    terms = connection.execute(text("SELECT id, events FROM term"))
    told = ((0 if term in WORDS else counted[term], events) for term, events in terms)
    if wrong := sum(number != events for number, events in told):
        yield f"the read model has {wrong} terms with a wrong count; {MEND}"


class _Blocks:
    """The blocks as they stand, to hold the timeline's rows against."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        query = text("SELECT first_key, id, used FROM block ORDER BY first_key, id")
        rows = connection.execute(query).all()
        self.first_keys = [row.first_key for row in rows]
        self.ids = [row.id for row in rows]
        self.used = {row.id: row.used for row in rows}
        self.seen: set[tuple[int, int]] = set()
        self.posted: tuple[int, dict[int, set[int]]] = (-1, {})

    def holds(self, row: RowMapping) -> bool:
        """Whether the row's block is that of its key, and its slot no other's."""
        place = max(bisect_right(self.first_keys, row["key"]) - 1, 0)
        fits = self.ids[place : place + 1] == [row["block"]]
        given = row["block"], row["slot"]
        fits = fits and 0 <= row["slot"] < self.used[row["block"]] and given not in self.seen
        self.seen.add(given)
        return fits

    def terms(self, row: RowMapping) -> set[int]:
        """The terms under which the row's slot is posted."""
        if self.posted[0] != row["block"]:
            found: dict[int, set[int]] = defaultdict(set)
            query = text("SELECT term, bits FROM posting WHERE block = :block")
            for term, bits in self.connection.execute(query, {"block": row["block"]}):
                with suppress(ValueError):  # a finding of `_postings`
                    for slot in slots_of(bits).tolist():
                        found[slot].add(term)
            self.posted = (row["block"], found)
        return self.posted[1].get(row["slot"], set())


def _entries(connection: Connection, progress: Callable[[int], None]) -> Iterator[str]:
    """Compare every entry of the read model with what the rows make of it, in timeline order."""
    last: tuple[int, str] | None = None
    after, done = -1, 0
    blocks = _Blocks(connection)
    while held := connection.execute(HELD, {"after": after, "limit": BATCH}).mappings().all():
        made = entries_or_errors(connection, [row["event_id"] for row in held])
        posted = {row["key"]: blocks.terms(row) for row in held}
        terms = _terms(connection, {term for of_row in posted.values() for term in of_row})
        measured = _measured(connection, held[0]["key"], held[-1]["key"])
        for row in held:
            entry = made.get(row["event_id"])
            place = (row["day"], row["event_id"])
            if isinstance(entry, str):
                yield entry
            elif (
                not blocks.holds(row)
                or _differs(
                    row, entry, {number: terms.get(number) for number in posted[row["key"]]}
                )
                or (entry and measured.get(row["key"], ()) != entry.measurements)
                or (last and last >= place)
            ):
                yield f"event {row['event_id']} differs in the read model; {MEND}"
            last = place
        after, done = held[-1]["key"], done + len(held)
        progress(done)


def _terms(connection: Connection, ids: set[int]) -> dict[int, Term]:
    """The terms with these ids, where there are such."""
    found: dict[int, Term] = {}
    for batch in batches(sorted(ids)):
        numbers = ", ".join(map(str, batch))
        query = f"SELECT id, kind, value FROM term WHERE id IN ({numbers})"
        found |= {row.id: (row.kind, row.value) for row in connection.exec_driver_sql(query)}
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


def _differs(row: RowMapping, entry: Entry | None, posted: dict[int, Term | None]) -> bool:
    if entry is None:
        return True
    expected: dict[str, Any] = {**row_of(entry), "body": entry.body, "words": entry.words}
    day = entry.date.order_day
    return (
        any(row[name] != value for name, value in expected.items())
        or not first_key(day) <= row["key"] < first_key(day + 1)
        or set(posted.values()) != {(kind, v) for kind, of in entry.terms.items() for v in of}
        or written(posted) != row["terms"]
    )
