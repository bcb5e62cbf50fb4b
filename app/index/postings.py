"""Writing the read model: entries in, rows out."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from app import rows
from app.dialects import StoreError, listed
from app.index import keys, terms
from app.index.blocks import Blocks, filled
from app.index.documents import Entry, entries, entries_or_errors
from app.models import TABLES
from app.rows import batches

Link = tuple[str, str]  # an event, and one that it relates to
PLACED = text(
    "SELECT event_id, key, day, block, slot FROM timeline WHERE event_id IN :ids"
).bindparams(listed("ids"))
HELD = text(
    "SELECT t.event_id, t.key, t.day, t.block, t.slot, d.terms, d.body"
    " FROM timeline t LEFT JOIN document d ON d.key = t.key WHERE t.event_id IN :ids"
).bindparams(listed("ids"))

LINKED = text(
    "SELECT t.event_id, t.key, t.block, t.slot, d.terms"
    " FROM timeline t JOIN document d ON d.key = t.key WHERE t.event_id IN :ids"
).bindparams(listed("ids"))
TOLD = [c.name for c in TABLES["timeline"].columns if c.name not in ("key", "block", "slot")]
UPDATE = f"UPDATE timeline SET {', '.join(f'{name} = {{}}' for name in TOLD)} WHERE event_id = {{}}"


class Written(NamedTuple):
    """What an event showed before its read model was written, and what it shows now."""

    event_id: str
    before: bytes | None  # where it is new
    after: bytes | None  # where it is gone


def write(
    connection: Connection,
    ids: Iterable[str],
    made: Iterable[Entry] = (),
    links: Iterable[Link] = (),
    blocks: Blocks | None = None,
) -> list[Written]:
    """Bring the read model of the events `ids` up to their rows; those gone are taken out.

    Entries that are `made` already are not read again. `links` are new, to events that are not in
    `ids`. With `blocks`, of many writes in one transaction, postings wait until these are flushed.
    Gives the documents before and after.
    """
    known = {entry.event_id: entry for entry in made}
    done: list[Written] = []
    written_to = blocks or Blocks(connection)
    for batch in batches(dict.fromkeys(ids)):
        written = {event_id: known[event_id] for event_id in batch if event_id in known}
        if others := [event_id for event_id in batch if event_id not in known]:
            written |= {entry.event_id: entry for entry in entries(connection, others)}
        done += _write(connection, written_to, batch, written)
    _link(connection, written_to, links)
    if blocks is None:
        written_to.flush()
    return done


def _write(
    connection: Connection, blocks: Blocks, ids: Sequence[str], written: dict[str, Entry]
) -> Iterator[Written]:
    held = {row.event_id: row for row in connection.execute(HELD, {"ids": ids})}
    before = {event_id: terms.read(row.terms) for event_id, row in held.items()}
    _remove_documents(connection, [row.key for row in held.values()])
    staying = {i for i, row in held.items() if _stays(row.day, written.get(i))}
    _displace(connection, blocks, [row for i, row in held.items() if i not in staying], before)
    _place(connection, blocks, [entry for i, entry in written.items() if i not in staying])
    _update(connection, blocks, [written[i] for i in staying])
    borne = blocks.terms.ids([entry.terms for entry in written.values()])
    bears = dict(zip(written, borne, strict=True))
    # Only now: placing one event may have moved another.
    placed = {row.event_id: row for row in connection.execute(PLACED, {"ids": list(written)})}
    for event_id, row in placed.items():
        now, was = bears[event_id], before[event_id] if event_id in staying else set()
        blocks.put(row.block, row.slot, [term for term in now if term not in was])
        blocks.take(row.block, row.slot, was.difference(now))
    _insert_documents(
        connection, [(placed[i].key, entry, bears[i]) for i, entry in written.items()]
    )
    for event_id in ids:
        shown, entry = held.get(event_id), written.get(event_id)
        body = None if shown is None or shown.body is None else bytes(shown.body)
        yield Written(event_id, body, None if entry is None else entry.body)


def _place(connection: Connection, blocks: Blocks, new: Sequence[Entry]) -> None:
    """Put events into the timeline that are new, or new to their day."""
    entry_of = {entry.event_id: entry for entry in new}
    wanted = [(entry.date.order_day, entry.event_id) for entry in new]
    for free in keys.place(connection, wanted, blocks.reload):
        event_at = {key: event_id for event_id, key in free.items()}
        for placed in blocks.place(sorted(event_at)):
            rows.insert(
                connection,
                "timeline",
                [
                    (key, *row_of(entry_of[event_at[key]]).values(), block, slot, blocks.stamp)
                    for key, block, slot in placed
                ],
            )


def _update(connection: Connection, blocks: Blocks, staying: Sequence[Entry]) -> None:
    """Let the timeline say what is now so of events that stay in their places."""
    changes = [(*row_of(entry).values(), blocks.stamp, entry.event_id) for entry in staying]
    rows.run(connection, UPDATE, changes)


def _link(connection: Connection, blocks: Blocks, links: Iterable[Link]) -> None:
    """Let events be found by those that now relate to them; nothing else of them changes."""
    origins: dict[str, set[str]] = {}
    for origin, target in links:
        origins.setdefault(target, set()).add(origin)
    for batch in batches(origins):
        found = connection.execute(LINKED, {"ids": batch}).all()
        borne = blocks.terms.ids([{"related": origins[row.event_id]} for row in found])
        changes = []
        for row, related in zip(found, borne, strict=True):
            was = terms.read(row.terms)
            blocks.put(row.block, row.slot, set(related) - was)
            changes.append((terms.written(was.union(related)), row.key))
        rows.run(connection, "UPDATE document SET terms = {} WHERE key = {}", changes)


def _displace(
    connection: Connection, blocks: Blocks, rows: Sequence[Any], borne: dict[str, set[int]]
) -> None:
    """Take events out of the timeline that are gone, or go to another day."""
    if not rows:
        return
    for row in rows:
        blocks.take(row.block, row.slot, borne[row.event_id])
    gone = [{"key": row.key} for row in rows]
    connection.execute(text("DELETE FROM timeline WHERE key = :key"), gone)
    blocks.left({row.block for row in rows})


def count_events(connection: Connection) -> int:
    """Return how many events are stored, whatever state the read model is in."""
    return int(connection.execute(text("SELECT count(*) FROM event")).scalar_one())


def rebuild(connection: Connection, progress: Callable[[int], None] = lambda done: None) -> int:
    """Make the read model anew from the rows and return the number of events.

    Raise StoreError, and leave the read model as it is, if an event cannot be indexed.
    """
    for table in ("posting", "block", "term", *keys.KEYED):
        connection.execute(text(f"DELETE FROM {table}"))
    ids = connection.execute(text("SELECT id FROM event ORDER BY id")).scalars().all()
    days: list[tuple[int, str]] = []
    for batch in batches(ids):
        for entry in entries_or_errors(connection, batch).values():
            if isinstance(entry, str):
                raise StoreError(f"nothing was indexed: {entry}; `dateline check` lists all faults")
            days.append((entry.date.order_day, entry.event_id))
    key_of: dict[str, int] = {}
    for day, events in groupby(sorted(days), key=lambda pair: pair[0]):
        of_day = [event_id for _, event_id in events]
        key_of.update(zip(of_day, keys.evenly(day, len(of_day)), strict=True))
    done = 0
    blocks = Blocks(connection)
    for block in batches(key_of, filled()):
        number = blocks.begin(key_of[block[0]] if done else 0, len(block))
        slots = iter(range(len(block)))
        for batch in batches(block):
            made = {entry.event_id: entry for entry in entries(connection, batch)}
            _fill(connection, blocks, number, [(key_of[i], next(slots), made[i]) for i in batch])
            done += len(batch)
            progress(done)
        blocks.flush()
    return done


def _fill(
    connection: Connection, blocks: Blocks, block: int, made: Sequence[tuple[int, int, Entry]]
) -> None:
    """Put entries with their keys and slots into a new block."""
    rows.insert(
        connection,
        "timeline",
        [(key, *row_of(e).values(), block, slot, blocks.stamp) for key, slot, e in made],
    )
    documents = []
    borne = blocks.terms.ids([entry.terms for _, _, entry in made])
    for (key, slot, entry), of_event in zip(made, borne, strict=True):
        blocks.put(block, slot, of_event)
        documents.append((key, entry, of_event))
    _insert_documents(connection, documents)


def _stays(day: int, entry: Entry | None) -> bool:
    return entry is not None and entry.date.order_day == day


def row_of(entry: Entry) -> dict[str, Any]:
    """What the row of `timeline` says of an entry, wherever it is."""
    return {
        "event_id": entry.event_id,
        "day": entry.date.order_day,
        "start_earliest": entry.date.start_earliest,
        "start_latest": entry.date.start_latest,
        "end_earliest": entry.date.end_earliest,
        "end_latest": entry.date.end_latest,
        "sure": entry.sure,
        "known": entry.known,
        "publishers": entry.publishers,
        "updated_at": entry.updated_at,
    }


def _remove_documents(connection: Connection, held: Sequence[int]) -> None:
    """Take out all that is kept of the events with these keys, but for their place."""
    for table in keys.KEYED[1:]:
        rows.run(connection, f"DELETE FROM {table} WHERE key = {{}}", [(key,) for key in held])


def _insert_documents(
    connection: Connection, made: Sequence[tuple[int, Entry, Collection[int]]]
) -> None:
    """Documents and what goes with them, of entries with their keys and the ids of their terms."""
    rows.insert(
        connection, "document", [(key, e.body, terms.written(borne)) for key, e, borne in made]
    )
    rows.insert(connection, "wording", [(key, entry.words) for key, entry, _ in made])
    rows.insert(
        connection,
        "measurement",
        [
            (key, position, *measurement)
            for key, entry, _ in made
            for position, measurement in enumerate(entry.measurements)
        ],
    )
