"""Blocks: stretches of the timeline in which each event has a slot, which is a bit in the postings.

A posting lists the slots of a block whose events have a term: as 16-bit numbers if they are at most
a sixteenth of the slots, else as a bit each. A term of a million events thus needs some sixty short
rows, in timeline order, and a rare term costs no more than its events.
"""

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, insert, text

from app import rows
from app.dialects import lost, numbers
from app.index.terms import TermIds, adjust_counts
from app.models import TABLES
from app.rows import batches

SLOTS = 1 << 14
MAX_PENDING_CHANGES = 10_000_000  # ten bytes each, and four times that to sort them
TERM_MASK = (1 << 32) - 1  # the low bits of a number; the block is in the high ones
Slots = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]
Changes = npt.NDArray[np.int16]  # of a posting: slot + 1 if it is added, negative if it is removed

UPDATE_POSTING = "UPDATE posting SET bits = {} WHERE block = {} AND term = {}"
KEY_AFTER = text("SELECT 1 FROM timeline WHERE key > :key LIMIT 1")


def filled_events() -> int:
    """Return how many events a rebuilt block gets, to have room for more."""
    return SLOTS * 3 // 4


def empty_mask() -> Mask:
    """Return a mask with no slot set."""
    return np.zeros(SLOTS, dtype=np.bool_)


def encode_posting(slots: npt.NDArray[Any]) -> bytes:
    """Return the bytes of a posting: an even number for a list, an odd one for bits and a zero."""
    if 2 * len(slots) < SLOTS // 8:
        return slots.astype("<u2").tobytes()
    mask = empty_mask()
    mask[slots] = True
    return np.packbits(mask, bitorder="little").tobytes() + b"\0"


def is_list(bits: bytes) -> bool:
    """Return whether a posting is a list of slots."""
    return len(bits) % 2 == 0


def decode_posting(bits: bytes) -> Mask:
    """Return a posting as a mask over the slots."""
    if is_list(bits):
        mask = empty_mask()
        mask[np.frombuffer(bits, dtype="<u2")] = True
        return mask
    packed = np.frombuffer(bits, dtype=np.uint8, count=len(bits) - 1)
    return np.unpackbits(packed, bitorder="little", count=SLOTS).view(np.bool_)


def slots_of(bits: bytes) -> Slots:
    """Return the slots of a posting, in no order."""
    if is_list(bits):
        return np.frombuffer(bits, dtype="<u2")
    return np.flatnonzero(decode_posting(bits)).astype(np.uint16)


def _apply_changes(bits: bytes, changes: Changes, grows: bool) -> bytes:
    """Return a posting after some changes in order; `grows` if none of them removes a slot."""
    slots = np.abs(changes) - 1
    if grows and not is_list(bits):
        packed = np.frombuffer(bits, dtype=np.uint8).copy()
        np.bitwise_or.at(packed, slots >> 3, (1 << (slots & 7)).astype(np.uint8))
        return packed.tobytes()
    if grows and len(bits) + 2 * len(slots) < SLOTS // 8:
        return bits + slots.astype("<u2").tobytes()
    mask = decode_posting(bits)
    mask[slots] = changes > 0  # of two changes to a slot the last counts
    return encode_posting(np.flatnonzero(mask))


class BlockWriter:
    """Writes blocks and their postings.

    Postings, and the number of events of each term, change all at once in `flush`.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.terms = TermIds(connection)
        bump = text("UPDATE store SET stamp = stamp + 1 RETURNING stamp")
        stamp: int | None = connection.execute(bump).scalar()
        if stamp is None:
            raise lost()
        self.stamp = stamp
        self._touched: set[int] = set()
        # Pending changes: block and term in one number, and the slot as `_apply_changes` takes it.
        self._pairs, self._slots = array("q"), array("h")
        self._first_keys: list[int] = []
        self._ids: list[int] = []
        self._used: dict[int, int] = {}
        self.reload()

    def reload(self) -> None:
        """Read again where the blocks begin, after keys have moved or blocks have changed."""
        rows = self.connection.execute(text("SELECT first_key, id, used FROM block ORDER BY 1"))
        used_before = self._used
        self._first_keys, self._ids, self._used = [], [], {}
        for first_key, block, used in rows:
            self._first_keys.append(first_key)
            self._ids.append(block)
            self._used[block] = used_before.get(block, used)

    def allocate_slots(self, keys: Iterable[int]) -> Iterator[list[tuple[int, int, int]]]:
        """Yield free slots for events at ascending keys, as lists of key, block and slot.

        Store the events of each list before taking the next one, which may move them.
        """
        placed: list[tuple[int, int, int]] = []
        for key in keys:
            block = self._at(key)
            if block is None or self._used[block] == SLOTS:
                yield placed
                placed = []
                block = self._make_room(key)
            placed.append((key, block, self._used[block]))
            self._used[block] += 1
        yield placed

    def _at(self, key: int) -> int | None:
        """Return the block of a key, or None if it is before the first block."""
        place = bisect_right(self._first_keys, key) - 1
        return None if place < 0 else self._ids[place]

    def _make_room(self, key: int) -> int:
        """Return a block with a free slot for an event at a key."""
        block = self._at(key)
        if block is None:
            return self.create_block(0, 0)
        if self.connection.execute(KEY_AFTER, {"key": key}).first() is None:
            # Events that are added as they happen fill block after block.
            return self.create_block(key, 0)
        self._rebuild_block(block)
        block = self._at(key)
        assert block is not None
        return block

    def create_block(self, first_key: int, used: int) -> int:
        """Insert a block that begins at `first_key`, and return its id."""
        row = {"first_key": first_key, "used": used, "stamp": self.stamp}
        result = self.connection.execute(insert(TABLES["block"]).values(row))
        assert result.inserted_primary_key is not None
        self.reload()
        return int(result.inserted_primary_key[0])

    def add_terms(self, block: int, slot: int, terms: Collection[int]) -> None:
        """Add the event in a slot to the postings of these terms."""
        self._change(block, slot + 1, terms)

    def remove_terms(self, block: int, slot: int, terms: Collection[int]) -> None:
        """Remove the event in a slot from the postings of these terms."""
        self._change(block, -slot - 1, terms)

    def _change(self, block: int, change: int, terms: Collection[int]) -> None:
        self._touched.add(block)
        of_block = block << 32
        self._pairs.extend([of_block | term for term in terms])
        self._slots.extend([change] * len(terms))
        if len(self._pairs) > MAX_PENDING_CHANGES:
            self.flush()

    def drop_empty(self, blocks: Iterable[int]) -> None:
        """Delete those of these blocks that have no events left."""
        self.connection.execute(
            text(
                "DELETE FROM block WHERE id = :id"
                " AND NOT EXISTS (SELECT 1 FROM timeline WHERE block = :id)"
            ),
            [{"id": block} for block in blocks],
        )
        self.reload()

    def flush(self) -> None:
        """Write all pending changes of postings."""
        self._flush()
        parameters = [
            {"id": block, "stamp": self.stamp, "used": self._used[block]}
            for block in sorted(self._touched)
            if block in self._used
        ]
        if parameters:
            query = "UPDATE block SET stamp = :stamp, used = :used WHERE id = :id"
            self.connection.execute(text(query), parameters)
        self._touched.clear()

    def _flush(self, only: int | None = None) -> None:
        """Write the pending changes, only those of one block if it is named."""
        pairs, slots = self._take_waiting(only)
        starts = np.flatnonzero(np.diff(pairs, prepend=-1))
        if not len(starts):
            return
        blocks, terms = (pairs[starts] >> 32).tolist(), (pairs[starts] & TERM_MASK).tolist()
        # Each slot added to a posting is one more event with the term.
        more = np.add.reduceat(np.sign(slots), starts, dtype=np.int64).tolist()
        adjust_counts(self.connection, zip(terms, more, strict=True))
        changes = [slots[start:end] for start, end in pairwise([*starts.tolist(), len(slots)])]
        grow = (np.minimum.reduceat(slots, starts) > 0).tolist()
        of_pairs = zip(blocks, terms, changes, grow, strict=True)
        for block, of_block in groupby(of_pairs, itemgetter(0)):
            for batch in batches(of_block):
                self._write(block, {term: (of_term, grows) for _, term, of_term, grows in batch})

    def _take_waiting(self, only: int | None) -> tuple[npt.NDArray[np.int64], Changes]:
        """Return the pending changes, sorted by block and term, and forget them."""
        pairs, slots = np.asarray(self._pairs), np.asarray(self._slots)
        waits = np.zeros(len(pairs), dtype=np.bool_) if only is None else pairs >> 32 != only
        self._pairs = array("q", pairs[waits].tobytes())
        self._slots = array("h", slots[waits].tobytes())
        taken = np.flatnonzero(~waits)
        order = taken[np.argsort(pairs[taken], kind="stable")]
        return pairs[order], slots[order]

    def _write(self, block: int, changes: Mapping[int, tuple[Changes, bool]]) -> None:
        condition = f"WHERE block = {block} AND term IN ({numbers(changes)})"
        query = f"SELECT term, bits FROM posting {condition}"
        stored = dict(map(tuple, self.connection.exec_driver_sql(query)))
        changed = {term: _apply_changes(stored.get(term, b""), *of) for term, of in changes.items()}
        self._insert(block, {term: bits for term, bits in changed.items() if term not in stored})
        updated = [(changed[term], block, term) for term in stored if changed[term]]
        rows.execute_many(self.connection, UPDATE_POSTING, updated)
        emptied = [(block, term) for term in stored if not changed[term]]
        rows.execute_many(
            self.connection, "DELETE FROM posting WHERE block = {} AND term = {}", emptied
        )

    def _insert(self, block: int, postings: Mapping[int, bytes]) -> None:
        nonempty = [(block, term, bits) for term, bits in postings.items() if bits]
        rows.insert(self.connection, "posting", nonempty)

    def _rebuild_block(self, block: int) -> None:
        """Split a full block in two, or rebuild it as one if enough of its slots are free."""
        pairs, slots = np.asarray(self._pairs), np.asarray(self._slots)
        if np.any(slots[pairs >> 32 == block] < 0):
            self._flush(block)  # an event that was removed has no slot any more
        parameters = {"block": block}
        query = "SELECT key, slot FROM timeline WHERE block = :block ORDER BY key"
        events = self.connection.execute(text(query), parameters).all()
        first = text("SELECT first_key FROM block WHERE id = :block")
        first_key: int = self.connection.execute(first, parameters).scalar_one()
        half = len(events) if len(events) <= filled_events() else len(events) // 2
        query = "SELECT term, bits FROM posting WHERE block = :block"
        postings = self.connection.execute(text(query), parameters).all()
        self.connection.execute(text("DELETE FROM posting WHERE block = :block"), parameters)
        self.connection.execute(text("DELETE FROM block WHERE id = :block"), parameters)
        for number, part in enumerate(filter(None, (events[:half], events[half:]))):
            new_block = self.create_block(part[0].key if number else first_key, len(part))
            new_slots = np.full(SLOTS, -1, dtype=np.int16)
            new_slots[[row.slot for row in part]] = np.arange(len(part))
            self._move_postings(block, new_block, new_slots, postings)
            query = "UPDATE timeline SET block = {}, slot = {}, stamp = {} WHERE key = {}"
            changes = [(new_block, slot, self.stamp, row.key) for slot, row in enumerate(part)]
            rows.execute_many(self.connection, query, changes)

    def _move_postings(
        self, old: int, new: int, new_slots: Changes, postings: Sequence[Any]
    ) -> None:
        """Move postings, stored and pending, to a new block; `new_slots` maps the old slots."""
        self._touched.add(new)
        moved = {row.term: new_slots[slots_of(row.bits)] for row in postings}
        self._insert(
            new, {term: encode_posting(slots[slots >= 0]) for term, slots in moved.items()}
        )
        pairs, slots = np.asarray(self._pairs), np.asarray(self._slots)  # to be changed in place
        waiting = np.flatnonzero(pairs >> 32 == old)
        waiting = waiting[new_slots[slots[waiting] - 1] >= 0]
        slots[waiting] = new_slots[slots[waiting] - 1] + 1
        pairs[waiting] = (new << 32) | (pairs[waiting] & TERM_MASK)
