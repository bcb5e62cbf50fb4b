"""Writing the read model: entries in, rows out."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, text, tuple_

from app.dialects import listed
from app.index import keys
from app.index.documents import Entry, Term, entries
from app.models import TABLES
from app.rows import batches

PLACED = text("SELECT event_id, key, day FROM timeline WHERE event_id IN :ids").bindparams(
    listed("ids")
)
HELD = text(
    "SELECT t.event_id, d.key, d.terms, d.body FROM timeline t JOIN document d ON d.key = t.key"
    " WHERE t.event_id IN :ids"
).bindparams(listed("ids"))


class Written(NamedTuple):
    """What an event showed before its read model was written, and what it shows now."""

    event_id: str
    before: bytes | None  # where it is new
    after: bytes | None  # where it is gone


def write(connection: Connection, ids: Iterable[str], made: Iterable[Entry] = ()) -> list[Written]:
    """Bring the read model of the events `ids` up to their rows; those gone are taken out.

    Entries that are `made` already are not read again. Gives their documents before and after.
    """
    done = []
    known = {entry.event_id: entry for entry in made}
    for batch in batches(dict.fromkeys(ids)):
        written = {event_id: known[event_id] for event_id in batch if event_id in known}
        others = [event_id for event_id in batch if event_id not in known]
        if others:
            written |= {entry.event_id: entry for entry in entries(connection, others)}
        before = _remove_documents(connection, batch)
        _place(connection, batch, written)
        # Only now: placing one event may have moved another.
        placed = connection.execute(PLACED, {"ids": batch})
        _insert_documents(connection, [(key, written[event_id]) for event_id, key, _ in placed])
        for event_id in batch:
            entry = written.get(event_id)
            after = None if entry is None else entry.body
            done.append(Written(event_id, before.get(event_id), after))
    return done


def rebuild(connection: Connection, progress: Callable[[int], None] = lambda done: None) -> int:
    """Make the read model anew from the rows; gives the number of events, tells `progress`."""
    for table in ("posting", "term", *keys.KEYED):
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
    for batch in batches(key_of):
        placed = [(key_of[entry.event_id], entry) for entry in entries(connection, batch)]
        _insert(connection, "timeline", [row_of(key, entry) for key, entry in placed])
        _insert_documents(connection, placed)
        done += len(placed)
        progress(done)
    return done


def _place(connection: Connection, ids: Sequence[str], written: dict[str, Entry]) -> None:
    """Give each written event its row in the timeline; the key stays where the day does."""
    held = {row.event_id: row for row in connection.execute(PLACED, {"ids": ids})}
    connection.execute(
        text("DELETE FROM timeline WHERE event_id IN :ids").bindparams(listed("ids")),
        {"ids": [i for i, row in held.items() if not _stays(row.day, written.get(i))]},
    )
    for event_id, entry in written.items():
        if event_id in held and _stays(held[event_id].day, entry):
            key = connection.execute(PLACED, {"ids": [event_id]}).one().key
            table = TABLES["timeline"]
            connection.execute(
                table.update().where(table.c.event_id == event_id).values(row_of(key, entry))
            )
        else:
            key = keys.place(connection, entry.date.order_day, event_id)
            _insert(connection, "timeline", [row_of(key, entry)])


def _stays(day: int, entry: Entry | None) -> bool:
    return entry is not None and entry.date.order_day == day


def row_of(key: int, entry: Entry) -> dict[str, Any]:
    """The row of `timeline` for an entry at `key`."""
    return {
        "key": key,
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


def _remove_documents(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    """Take out documents and postings, and what they added to the counts; gives the documents."""
    found = connection.execute(HELD, {"ids": ids}).all()
    postings = [{"term": t, "key": row.key} for row in found for t in json.loads(row.terms)]
    if found:
        connection.execute(text("DELETE FROM posting WHERE term = :term AND key = :key"), postings)
        held = [{"key": row.key} for row in found]
        for table in keys.KEYED[1:]:
            connection.execute(text(f"DELETE FROM {table} WHERE key = :key"), held)
        _count(connection, Counter(posting["term"] for posting in postings), -1)
    return {row.event_id: bytes(row.body) for row in found}


def _insert_documents(connection: Connection, placed: Sequence[tuple[int, Entry]]) -> None:
    """Documents and postings, and what they add to the counts."""
    counted = Counter(term for _, entry in placed for term in entry.terms)
    ids = _term_ids(connection, counted)
    documents, postings = [], []
    for key, entry in placed:
        terms = sorted(ids[term] for term in entry.terms)
        documents.append({"key": key, "body": entry.body, "terms": json.dumps(terms)})
        postings += [{"term": term, "key": key} for term in terms]
    _insert(connection, "document", documents)
    _insert(connection, "wording", [{"key": key, "words": entry.words} for key, entry in placed])
    _insert(
        connection,
        "measurement",
        [
            {"key": key, "position": position, **measurement._asdict()}
            for key, entry in placed
            for position, measurement in enumerate(entry.measurements)
        ],
    )
    _insert(connection, "posting", sorted(postings, key=lambda row: (row["term"], row["key"])))
    _count(connection, Counter({ids[term]: number for term, number in counted.items()}), 1)


def _term_ids(connection: Connection, wanted: Iterable[Term]) -> dict[Term, int]:
    """The ids of terms; those never seen are added."""
    term = TABLES["term"]
    found: dict[Term, int] = {}
    for batch in batches(sorted(wanted)):
        query = select(term).where(tuple_(term.c.kind, term.c.value).in_(batch))
        known = {(row.kind, row.value) for row in connection.execute(query)}
        new = [{"kind": k, "value": v, "events": 0} for k, v in batch if (k, v) not in known]
        _insert(connection, "term", new)
        found |= {(row.kind, row.value): row.id for row in connection.execute(query)}
    return found


def _count(connection: Connection, postings: Counter[int], sign: int) -> None:
    changes = [{"id": term, "by": sign * number} for term, number in postings.items()]
    if changes:
        connection.execute(text("UPDATE term SET events = events + :by WHERE id = :id"), changes)


def _insert(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(TABLES[table]), rows)
