"""Writing the read model: entries in, rows out."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from app import rows
from app.dialects import StoreError, listed
from app.index import keys, terms
from app.index.blocks import BlockWriter, filled_events
from app.index.documents import Entry, read_entries, read_entries_or_errors
from app.models import TABLES
from app.rows import batches

Link = tuple[str, str]  # an event, and one that it relates to
PLACES = text("SELECT event_id, key, block, slot FROM timeline WHERE event_id IN :ids").bindparams(
    listed("ids")
)
ENTRIES = text(
    "SELECT t.event_id, t.key, t.day, t.clock, t.block, t.slot, d.terms, d.body"
    " FROM timeline t LEFT JOIN document d ON d.key = t.key WHERE t.event_id IN :ids"
).bindparams(listed("ids"))

LINKED = text(
    "SELECT t.event_id, t.key, t.block, t.slot, d.terms"
    " FROM timeline t JOIN document d ON d.key = t.key WHERE t.event_id IN :ids"
).bindparams(listed("ids"))
UPDATED_COLUMNS = [
    c.name for c in TABLES["timeline"].columns if c.name not in ("key", "block", "slot")
]
UPDATE_TIMELINE = (
    f"UPDATE timeline SET {', '.join(f'{column} = {{}}' for column in UPDATED_COLUMNS)}"
    " WHERE event_id = {}"
)


class EntryChange(NamedTuple):
    """An event's document before and after its read model was written."""

    event_id: str
    before: bytes | None  # None if it is new
    after: bytes | None  # None if it is deleted


def update_entries(
    connection: Connection,
    ids: Iterable[str],
    prepared: Iterable[Entry] = (),
    links: Iterable[Link] = (),
    blocks: BlockWriter | None = None,
) -> list[EntryChange]:
    """Update the read model of the events `ids` from their rows, and return the changes.

    Events without rows are removed. Entries in `prepared` are not read again. `links` are new, to
    events that are not in `ids`. Pass `blocks` for many writes in one transaction: postings then
    wait for its flush.
    """
    entry_of = {entry.event_id: entry for entry in prepared}
    changes: list[EntryChange] = []
    writer = blocks or BlockWriter(connection)
    for batch in batches(dict.fromkeys(ids)):
        entries_of_batch = {
            event_id: entry_of[event_id] for event_id in batch if event_id in entry_of
        }
        if others := [event_id for event_id in batch if event_id not in entry_of]:
            entries_of_batch |= {
                entry.event_id: entry for entry in read_entries(connection, others)
            }
        changes += _write(connection, writer, batch, entries_of_batch)
    _link(connection, writer, links)
    if blocks is None:
        writer.flush()
    return changes


def _write(
    connection: Connection, blocks: BlockWriter, ids: Sequence[str], written: dict[str, Entry]
) -> Iterator[EntryChange]:
    stored = {row.event_id: row for row in connection.execute(ENTRIES, {"ids": ids})}
    before = {event_id: terms.decode_terms(row.terms) for event_id, row in stored.items()}
    _remove_documents(connection, [row.key for row in stored.values()])
    staying = {
        i
        for i, row in stored.items()
        if i in written and written[i].place == (row.day, row.clock, i)
    }
    _displace(connection, blocks, [row for i, row in stored.items() if i not in staying], before)
    _place(connection, blocks, [entry for i, entry in written.items() if i not in staying])
    _update(connection, blocks, [written[i] for i in staying])
    borne = blocks.terms.ids([entry.terms for entry in written.values()])
    bears = dict(zip(written, borne, strict=True))
    # Only now: placing one event may have moved another.
    placed = {row.event_id: row for row in connection.execute(PLACES, {"ids": list(written)})}
    for event_id, row in placed.items():
        now, was = bears[event_id], before[event_id] if event_id in staying else set()
        blocks.add_terms(row.block, row.slot, [term for term in now if term not in was])
        blocks.remove_terms(row.block, row.slot, was.difference(now))
    _insert_documents(
        connection, [(placed[i].key, entry, bears[i]) for i, entry in written.items()]
    )
    for event_id in ids:
        shown, entry = stored.get(event_id), written.get(event_id)
        body = None if shown is None or shown.body is None else bytes(shown.body)
        yield EntryChange(event_id, body, None if entry is None else entry.body)


def _place(connection: Connection, blocks: BlockWriter, new: Sequence[Entry]) -> None:
    """Insert events into the timeline that are new, or new to their day or time of day."""
    entry_of = {entry.event_id: entry for entry in new}
    wanted = [entry.place for entry in new]
    for free in keys.allocate_keys(connection, wanted, blocks.reload):
        event_at = {key: event_id for event_id, key in free.items()}
        for placed in blocks.allocate_slots(sorted(event_at)):
            rows.insert(
                connection,
                "timeline",
                [
                    (
                        key,
                        *timeline_row(entry_of[event_at[key]]).values(),
                        block,
                        slot,
                        blocks.stamp,
                    )
                    for key, block, slot in placed
                ],
            )


def _update(connection: Connection, blocks: BlockWriter, staying: Sequence[Entry]) -> None:
    """Update the timeline's rows of events that stay in their places."""
    changes = [(*timeline_row(entry).values(), blocks.stamp, entry.event_id) for entry in staying]
    rows.execute_many(connection, UPDATE_TIMELINE, changes)


def _link(connection: Connection, blocks: BlockWriter, links: Iterable[Link]) -> None:
    """Add terms to events, so that they are found by the events that now relate to them."""
    origins: dict[str, set[str]] = {}
    for origin, target in links:
        origins.setdefault(target, set()).add(origin)
    for batch in batches(origins):
        linked = connection.execute(LINKED, {"ids": batch}).all()
        term_ids = blocks.terms.ids([{"related": origins[row.event_id]} for row in linked])
        changes = []
        for row, related in zip(linked, term_ids, strict=True):
            was = terms.decode_terms(row.terms)
            blocks.add_terms(row.block, row.slot, set(related) - was)
            changes.append((terms.encode_terms(was.union(related)), row.key))
        rows.execute_many(connection, "UPDATE document SET terms = {} WHERE key = {}", changes)


def _displace(
    connection: Connection, blocks: BlockWriter, rows: Sequence[Any], term_ids: dict[str, set[int]]
) -> None:
    """Remove events from the timeline that are deleted, or move to another day or time of day."""
    if not rows:
        return
    for row in rows:
        blocks.remove_terms(row.block, row.slot, term_ids[row.event_id])
    gone = [{"key": row.key} for row in rows]
    connection.execute(text("DELETE FROM timeline WHERE key = :key"), gone)
    blocks.drop_empty({row.block for row in rows})


def count_indexed_events(connection: Connection) -> int:
    """Return how many events are stored, whatever state the read model is in."""
    return int(connection.execute(text("SELECT count(*) FROM event")).scalar_one())


def rebuild(connection: Connection, progress: Callable[[int], None] = lambda done: None) -> int:
    """Rebuild the read model from the rows and return the number of events.

    Raise StoreError, and leave the read model as it is, if an event cannot be indexed.
    """
    for table in ("posting", "block", "term", *keys.KEYED_TABLES):
        connection.execute(text(f"DELETE FROM {table}"))
    ids = connection.execute(text("SELECT id FROM event ORDER BY id")).scalars().all()
    places: list[keys.TimelinePlace] = []
    for batch in batches(ids):
        for entry in read_entries_or_errors(connection, batch).values():
            if isinstance(entry, str):
                raise StoreError(f"nothing was indexed: {entry}; `dateline check` lists all faults")
            places.append(entry.place)
    key_of: dict[str, int] = {}
    for day, places_of_day in groupby(sorted(places), key=attrgetter("day")):
        of_day = [place.event_id for place in places_of_day]
        key_of.update(zip(of_day, keys.spread_keys(day, len(of_day)), strict=True))
    done = 0
    blocks = BlockWriter(connection)
    for block in batches(key_of, filled_events()):
        number = blocks.create_block(key_of[block[0]] if done else 0, len(block))
        slots = iter(range(len(block)))
        for batch in batches(block):
            entries = {entry.event_id: entry for entry in read_entries(connection, batch)}
            _fill(connection, blocks, number, [(key_of[i], next(slots), entries[i]) for i in batch])
            done += len(batch)
            progress(done)
        blocks.flush()
    return done


def _fill(
    connection: Connection,
    blocks: BlockWriter,
    block: int,
    entries: Sequence[tuple[int, int, Entry]],
) -> None:
    """Insert entries with their keys and slots into a new block."""
    rows.insert(
        connection,
        "timeline",
        [(key, *timeline_row(e).values(), block, slot, blocks.stamp) for key, slot, e in entries],
    )
    documents = []
    term_ids = blocks.terms.ids([entry.terms for _, _, entry in entries])
    for (key, slot, entry), of_event in zip(entries, term_ids, strict=True):
        blocks.add_terms(block, slot, of_event)
        documents.append((key, entry, of_event))
    _insert_documents(connection, documents)


def timeline_row(entry: Entry) -> dict[str, Any]:
    """Return the timeline's columns for an entry, without key, block and slot."""
    return {
        "event_id": entry.event_id,
        "day": entry.date.order_day,
        "clock": entry.date.order_clock,
        "start_earliest": entry.date.start_earliest,
        "start_latest": entry.date.start_latest,
        "end_earliest": entry.date.end_earliest,
        "end_latest": entry.date.end_latest,
        "sure": entry.sure,
        "known": entry.known,
        "publishers": entry.publishers,
        "updated_at": entry.updated_at,
    }


def _remove_documents(connection: Connection, stored_keys: Sequence[int]) -> None:
    """Delete documents, wordings and measurements of the events with these keys."""
    for table in keys.KEYED_TABLES[1:]:
        rows.execute_many(
            connection, f"DELETE FROM {table} WHERE key = {{}}", [(key,) for key in stored_keys]
        )


def _insert_documents(
    connection: Connection, entries: Sequence[tuple[int, Entry, Collection[int]]]
) -> None:
    """Insert documents, wordings and measurements of entries, with keys and term ids."""
    rows.insert(
        connection,
        "document",
        [(key, e.body, terms.encode_terms(term_ids)) for key, e, term_ids in entries],
    )
    rows.insert(connection, "wording", [(key, entry.words) for key, entry, _ in entries])
    rows.insert(
        connection,
        "measurement",
        [
            (key, position, *measurement)
            for key, entry, _ in entries
            for position, measurement in enumerate(entry.measurements)
        ],
    )
