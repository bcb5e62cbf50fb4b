"""Writing the read model: entries in, rows out."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, text, update

from app import rows
from app.dialects import listed
from app.index import keys, terms
from app.index.blocks import Blocks, filled
from app.index.documents import Entry, entries
from app.models import TABLES
from app.rows import batches

TIMELINE = TABLES["timeline"]
PLACED = text(
    "SELECT event_id, key, day, block, slot FROM timeline WHERE event_id IN :ids"
).bindparams(listed("ids"))
HELD = text(
    "SELECT t.event_id, t.key, t.day, t.block, t.slot, d.terms, d.body"
    " FROM timeline t LEFT JOIN document d ON d.key = t.key WHERE t.event_id IN :ids"
).bindparams(listed("ids"))


class Written(NamedTuple):
    """What an event showed before its read model was written, and what it shows now."""

    event_id: str
    before: bytes | None  # where it is new
    after: bytes | None  # where it is gone


def write(
    connection: Connection,
    ids: Iterable[str],
    made: Iterable[Entry] = (),
    blocks: Blocks | None = None,
) -> list[Written]:
    """Bring the read model of the events `ids` up to their rows; those gone are taken out.

    Entries that are `made` already are not read again. With `blocks`, of many writes in one
    transaction, postings wait until these are flushed. Gives the documents before and after.
    """
    known = {entry.event_id: entry for entry in made}
    done: list[Written] = []
    written_to = blocks or Blocks(connection)
    for batch in batches(dict.fromkeys(ids)):
        written = {event_id: known[event_id] for event_id in batch if event_id in known}
        if others := [event_id for event_id in batch if event_id not in known]:
            written |= {entry.event_id: entry for entry in entries(connection, others)}
        done += _write(connection, written_to, batch, written)
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
    for event_id, entry in written.items():
        if event_id in staying:
            told = row_of(entry) | {"stamp": blocks.stamp}
            query = update(TIMELINE).where(TIMELINE.c.event_id == event_id)
            connection.execute(query, told)
        else:
            key = keys.place(connection, entry.date.order_day, event_id, blocks.reload)
            row = (key, *row_of(entry).values(), *blocks.place(key))
            rows.insert(connection, "timeline", [row])
    ids_of = terms.term_ids(
        connection, {term for entry in written.values() for term in entry.terms}
    )
    # Only now: placing one event may have moved another.
    placed = {row.event_id: row for row in connection.execute(PLACED, {"ids": list(written)})}
    bears = {i: {ids_of[term] for term in entry.terms} for i, entry in written.items()}
    for event_id, row in placed.items():
        was = before[event_id] if event_id in staying else set()
        blocks.put(row.block, row.slot, bears[event_id] - was)
        blocks.take(row.block, row.slot, was - bears[event_id])
    _insert_documents(
        connection, [(placed[i].key, entry, bears[i]) for i, entry in written.items()]
    )
    counted = Counter(term for of_event in bears.values() for term in of_event)
    counted.subtract(term for of_event in before.values() for term in of_event)
    terms.count(connection, counted)
    for event_id in ids:
        shown, now = held.get(event_id), written.get(event_id)
        body = None if shown is None or shown.body is None else bytes(shown.body)
        yield Written(event_id, body, None if now is None else now.body)


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


def rebuild(connection: Connection, progress: Callable[[int], None] = lambda done: None) -> int:
    """Make the read model anew from the rows; gives the number of events, tells `progress`."""
    for table in ("posting", "block", "term", *keys.KEYED):
        connection.execute(text(f"DELETE FROM {table}"))
    ids = connection.execute(text("SELECT id FROM event ORDER BY id")).scalars().all()
    days: list[tuple[int, str]] = []
    for batch in batches(ids):
        days += [(entry.date.order_day, entry.event_id) for entry in entries(connection, batch)]
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
    counted = Counter(term for _, _, entry in made for term in entry.terms)
    ids_of = terms.term_ids(connection, counted)
    documents = []
    for key, slot, entry in made:
        borne = {ids_of[term] for term in entry.terms}
        blocks.put(block, slot, borne)
        documents.append((key, entry, borne))
    _insert_documents(connection, documents)
    terms.count(connection, Counter({ids_of[term]: number for term, number in counted.items()}))


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
    if held:
        for table in keys.KEYED[1:]:
            connection.execute(
                text(f"DELETE FROM {table} WHERE key = :key"), [{"key": key} for key in held]
            )


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
