"""Checks of the read model against the rows, and of the one constraint that SQLite can lose."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Connection, RowMapping, text

from app.dates import DateError, parse_days
from app.index.blocks import decode_posting, empty_mask, slots_of
from app.index.documents import Entry, IndexedQuantity, read_entries_or_errors
from app.index.keys import TimelinePlace, first_key_of_day
from app.index.postings import timeline_row
from app.index.terms import WORD_IDS, IndexTerm, encode_terms
from app.rows import BATCH, batches
from app.words import fold

WITHOUT_SOURCE = text(
    "SELECT id FROM event e WHERE NOT EXISTS (SELECT 1 FROM citation c"
    " WHERE c.event_id = e.id AND c.role = 'supports') ORDER BY id"
)
# Not as NOT IN: PostgreSQL would go through a large list for each row.
WITHOUT_ENTRY = text(
    "SELECT id FROM event e WHERE NOT EXISTS (SELECT 1 FROM timeline t WHERE t.event_id = e.id)"
    " ORDER BY id"
)
TIMELINE_ROWS = text(
    "SELECT t.*, d.body, d.terms, w.words FROM timeline t LEFT JOIN document d ON d.key = t.key"
    " LEFT JOIN wording w ON w.key = t.key WHERE t.key > :after ORDER BY t.key LIMIT :limit"
)
ORPHAN_DOCUMENTS = text(
    "SELECT count(*) FROM document d WHERE NOT EXISTS"
    " (SELECT 1 FROM timeline t WHERE t.key = d.key)"
)
UUID_TEXT = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REMEDY = "`dateline reindex` mends it"


def find_faults(
    connection: Connection, progress: Callable[[int], None] = lambda done: None
) -> Iterator[str]:
    """Yield a line per fault in the rows and the read model; nothing if all is well."""
    yield from _store(connection)
    yield from _rows(connection)
    for event_id in connection.execute(WITHOUT_SOURCE).scalars():
        yield f"event {event_id} has no source that supports it"
    for event_id in connection.execute(WITHOUT_ENTRY).scalars():
        yield f"event {event_id} is not in the read model; {REMEDY}"
    if number := connection.execute(ORPHAN_DOCUMENTS).scalar_one():
        yield f"the read model has {number} documents of no event; {REMEDY}"
    yield from _postings(connection)
    yield from _entries(connection, progress)


def _store(connection: Connection) -> Iterator[str]:
    """Yield what is wrong with the row that says which store this is."""
    rows = connection.execute(text("SELECT epoch, identity FROM store")).all()
    for name, values in (
        ("epoch", [row.epoch for row in rows if row.epoch]),
        ("identity", [row.identity for row in rows if UUID_TEXT.fullmatch(row.identity or "")]),
    ):
        if len(values) != 1:
            yield f"the store has lost its {name}; restore a backup"


def _rows(connection: Connection) -> Iterator[str]:
    """Yield rows that the schemas would refuse, and names that are folded in an outdated way."""
    query = "SELECT id, published, accessed FROM source ORDER BY id"
    for source_id, *texts in connection.execute(text(query)):
        for date in filter(None, texts):
            try:
                parse_days(date)
            except DateError as error:
                yield f"source {source_id} has a date that is none: {error}"
    for table, name in (
        ("actor", "name"),
        ("actor_alias", "alias"),
        ("place", "name"),
        ("publisher", "name"),
        ("tag", "name"),
    ):
        for name_text, folded in connection.execute(text(f"SELECT {name}, folded FROM {table}")):
            if folded != fold(name_text):
                yield f"{table} '{name_text}' is not found by its name: '{folded}' is stored for it"


def _postings(connection: Connection) -> Iterator[str]:
    """Yield faults of the postings: slots without an event, and wrong counts of terms."""
    slots_of_events: dict[int, list[int]] = {}
    for block, slot in connection.execute(text("SELECT block, slot FROM timeline")):
        slots_of_events.setdefault(block, []).append(slot)
    astray, counted = 0, Counter[int]()
    query = text("SELECT block, term, bits FROM posting ORDER BY block")
    postings = connection.execute(query, execution_options={"yield_per": BATCH})  # gigabytes
    for block, rows in groupby(postings, key=lambda row: row.block):
        of_events = empty_mask()
        of_events[slots_of_events.get(block, [])] = True
        for row in rows:
            try:
                mask = decode_posting(row.bits)
                misplaced = int(np.count_nonzero(mask & ~of_events))
            except (ValueError, IndexError):
                yield f"the read model has a posting that is unreadable; {REMEDY}"
                return
            counted[row.term] += int(np.count_nonzero(mask))
            astray += misplaced
    if astray:
        yield f"the read model has {astray} postings of no event; {REMEDY}"
    terms = connection.execute(text("SELECT id, events FROM term"))
    pairs = ((0 if term in WORD_IDS else counted[term], events) for term, events in terms)
    if wrong := sum(number != events for number, events in pairs):
        yield f"the read model has {wrong} terms with a wrong count; {REMEDY}"


class _StoredBlocks:
    """The blocks as stored, to check the rows of the timeline against."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        query = text("SELECT first_key, id, used FROM block ORDER BY first_key, id")
        rows = connection.execute(query).all()
        self.first_keys = [row.first_key for row in rows]
        self.ids = [row.id for row in rows]
        self.used = {row.id: row.used for row in rows}
        self.seen: set[tuple[int, int]] = set()
        self.posted: tuple[int, dict[int, set[int]]] = (-1, {})

    def is_placed_right(self, row: RowMapping) -> bool:
        """Return whether a row's block is that of its key, and its slot is its own."""
        place = max(bisect_right(self.first_keys, row["key"]) - 1, 0)
        fits = self.ids[place : place + 1] == [row["block"]]
        place_in_block = row["block"], row["slot"]
        fits = (
            fits and 0 <= row["slot"] < self.used[row["block"]] and place_in_block not in self.seen
        )
        self.seen.add(place_in_block)
        return fits

    def terms(self, row: RowMapping) -> set[int]:
        """Return the ids of the terms whose postings have the row's slot."""
        if self.posted[0] != row["block"]:
            terms_by_slot: dict[int, set[int]] = defaultdict(set)
            query = text("SELECT term, bits FROM posting WHERE block = :block")
            for term, bits in self.connection.execute(query, {"block": row["block"]}):
                with suppress(ValueError):  # reported by `_postings`
                    for slot in slots_of(bits).tolist():
                        terms_by_slot[slot].add(term)
            self.posted = (row["block"], terms_by_slot)
        return self.posted[1].get(row["slot"], set())


def _entries(connection: Connection, progress: Callable[[int], None]) -> Iterator[str]:
    """Compare every entry of the read model with its rows, in timeline order; yield faults."""
    last: TimelinePlace | None = None
    after, done = -1, 0
    blocks = _StoredBlocks(connection)
    while (
        rows := connection.execute(TIMELINE_ROWS, {"after": after, "limit": BATCH}).mappings().all()
    ):
        entries = read_entries_or_errors(connection, [row["event_id"] for row in rows])
        posted = {row["key"]: blocks.terms(row) for row in rows}
        terms = _terms(connection, {term for of_row in posted.values() for term in of_row})
        measured = _measured(connection, rows[0]["key"], rows[-1]["key"])
        for row in rows:
            entry = entries.get(row["event_id"])
            place = TimelinePlace(row["day"], row["clock"], row["event_id"])
            if isinstance(entry, str):
                yield entry
            elif (
                not blocks.is_placed_right(row)
                or _differs(
                    row, entry, {number: terms.get(number) for number in posted[row["key"]]}
                )
                or (entry and measured.get(row["key"], ()) != entry.measurements)
                or (last and last >= place)
            ):
                yield f"event {row['event_id']} differs in the read model; {REMEDY}"
            last = place
        after, done = rows[-1]["key"], done + len(rows)
        progress(done)


def _terms(connection: Connection, ids: set[int]) -> dict[int, IndexTerm]:
    """Return the terms with these ids; unknown ids are left out."""
    terms: dict[int, IndexTerm] = {}
    for batch in batches(sorted(ids)):
        numbers = ", ".join(map(str, batch))
        query = f"SELECT id, kind, value FROM term WHERE id IN ({numbers})"
        terms |= {row.id: (row.kind, row.value) for row in connection.exec_driver_sql(query)}
    return terms


def _measured(
    connection: Connection, first: int, last: int
) -> dict[int, tuple[IndexedQuantity, ...]]:
    """Return the measurements of the events between two keys, by key."""
    measurements: dict[int, tuple[IndexedQuantity, ...]] = {}
    query = (
        "SELECT key, measure, kind, low, high FROM measurement"
        " WHERE key BETWEEN :first AND :last ORDER BY key, position"
    )
    for key, *values in connection.execute(text(query), {"first": first, "last": last}):
        measurements[key] = (*measurements.get(key, ()), IndexedQuantity(*values))
    return measurements


def _differs(row: RowMapping, entry: Entry | None, posted: dict[int, IndexTerm | None]) -> bool:
    if entry is None:
        return True
    expected: dict[str, Any] = {**timeline_row(entry), "body": entry.body, "words": entry.words}
    day = entry.date.order_day
    return (
        any(row[name] != value for name, value in expected.items())
        or not first_key_of_day(day) <= row["key"] < first_key_of_day(day + 1)
        or set(posted.values())
        != {(kind, v) for kind, values in entry.terms.items() for v in values}
        or encode_terms(posted) != row["terms"]
    )
