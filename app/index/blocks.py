"""Blocks: stretches of the timeline whose events have a slot each, a bit in every posting.

A posting says which slots of a block bear a term: up to a sixteenth of them as a list of numbers
of 16 bits, more as a bit for each. So all that a term needs of a million events are some sixty
short rows, in timeline order, and a rare one's cost no more than its events.
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
from app.index.terms import Terms, add_up
from app.models import TABLES
from app.rows import batches

SLOTS = 1 << 14
MOST_WAITING = 10_000_000  # changes of postings, of ten bytes each, and four times that to sort
TERM = (1 << 32) - 1  # the term's part of a number that holds its block, too
Slots = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]
Changes = npt.NDArray[np.int16]  # to a posting: slot + 1 for one more, the negative for one less

UPDATE = "UPDATE posting SET bits = {} WHERE block = {} AND term = {}"
BEYOND = text("SELECT 1 FROM timeline WHERE key > :key LIMIT 1")


def filled() -> int:
    """So many events a block gets that is made anew, to have room for more."""
    return SLOTS * 3 // 4


def empty_mask() -> Mask:
    """No slot at all."""
    return np.zeros(SLOTS, dtype=np.bool_)


def packed(slots: npt.NDArray[Any]) -> bytes:
    """A posting's bytes: an even number for a list of slots, odd for a bit each and one more."""
    if 2 * len(slots) < SLOTS // 8:
        return slots.astype("<u2").tobytes()
    mask = empty_mask()
    mask[slots] = True
    return np.packbits(mask, bitorder="little").tobytes() + b"\0"


def is_list(bits: bytes) -> bool:
    """Whether a posting is a list of slots."""
    return len(bits) % 2 == 0


def unpacked(bits: bytes) -> Mask:
    """Whether each slot is in a posting."""
    if is_list(bits):
        mask = empty_mask()
        mask[np.frombuffer(bits, dtype="<u2")] = True
        return mask
    held = np.frombuffer(bits, dtype=np.uint8, count=len(bits) - 1)
    return np.unpackbits(held, bitorder="little", count=SLOTS).view(np.bool_)


def slots_of(bits: bytes) -> Slots:
    """The slots in a posting, in no order."""
    if is_list(bits):
        return np.frombuffer(bits, dtype="<u2")
    return np.flatnonzero(unpacked(bits)).astype(np.uint16)


def _changed(bits: bytes, changes: Changes, grows: bool) -> bytes:
    """A posting after some changes in order; it `grows` where none of them takes a slot."""
    slots = np.abs(changes) - 1
    if grows and not is_list(bits):
        held = np.frombuffer(bits, dtype=np.uint8).copy()
        np.bitwise_or.at(held, slots >> 3, (1 << (slots & 7)).astype(np.uint8))
        return held.tobytes()
    if grows and len(bits) + 2 * len(slots) < SLOTS // 8:
        return bits + slots.astype("<u2").tobytes()
    mask = unpacked(bits)
    mask[slots] = changes > 0  # of a slot that changes twice the last counts
    return packed(np.flatnonzero(mask))


class Blocks:
    """The blocks while they are written, and the terms that their postings are of.

    Postings, and how many events bear a term, change when they are flushed, all at once.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.terms = Terms(connection)
        bump = text("UPDATE store SET stamp = stamp + 1 RETURNING stamp")
        stamp: int | None = connection.execute(bump).scalar()
        if stamp is None:
            raise lost()
        self.stamp = stamp
        self._touched: set[int] = set()
        # What changes: block and term in one number and, as `_changed` takes them, a slot.
        self._pairs, self._slots = array("q"), array("h")
        self._first_keys: list[int] = []
        self._ids: list[int] = []
        self._used: dict[int, int] = {}
        self.reload()

    def reload(self) -> None:
        """Look up where the blocks begin: keys have moved, or blocks come and gone."""
        rows = self.connection.execute(text("SELECT first_key, id, used FROM block ORDER BY 1"))
        held = self._used
        self._first_keys, self._ids, self._used = [], [], {}
        for first_key, block, used in rows:
            self._first_keys.append(first_key)
            self._ids.append(block)
            self._used[block] = held.get(block, used)

    def place(self, keys: Iterable[int]) -> Iterator[list[tuple[int, int, int]]]:
        """Free slots for events at some keys, in order: key, block and slot of each.

        They come in portions: each must be stored before the next is asked for, which may move it.
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
        """The block that a key lies in; None in front of the first."""
        place = bisect_right(self._first_keys, key) - 1
        return None if place < 0 else self._ids[place]

    def _make_room(self, key: int) -> int:
        """A block with a free slot for an event at a key."""
        block = self._at(key)
        if block is None:
            return self.begin(0, 0)
        if self.connection.execute(BEYOND, {"key": key}).first() is None:
            # What is told as it happens fills block after block.
            return self.begin(key, 0)
        self._make_anew(block)
        block = self._at(key)
        assert block is not None
        return block

    def begin(self, first_key: int, used: int) -> int:
        """A new block from `first_key` on; gives its id."""
        row = {"first_key": first_key, "used": used, "stamp": self.stamp}
        made = self.connection.execute(insert(TABLES["block"]).values(row))
        assert made.inserted_primary_key is not None
        self.reload()
        return int(made.inserted_primary_key[0])

    def put(self, block: int, slot: int, terms: Collection[int]) -> None:
        """The event in a slot bears some terms more."""
        self._change(block, slot + 1, terms)

    def take(self, block: int, slot: int, terms: Collection[int]) -> None:
        """The event in a slot bears some terms no longer."""
        self._change(block, -slot - 1, terms)

    def _change(self, block: int, change: int, terms: Collection[int]) -> None:
        self._touched.add(block)
        of_block = block << 32
        self._pairs.extend([of_block | term for term in terms])
        self._slots.extend([change] * len(terms))
        if len(self._pairs) > MOST_WAITING:
            self.flush()

    def left(self, blocks: Iterable[int]) -> None:
        """Events of these blocks are gone; a block without any goes too."""
        self.connection.execute(
            text(
                "DELETE FROM block WHERE id = :id"
                " AND NOT EXISTS (SELECT 1 FROM timeline WHERE block = :id)"
            ),
            [{"id": block} for block in blocks],
        )
        self.reload()

    def flush(self) -> None:
        """Write the postings of all that was put and taken."""
        self._flush()
        told = [
            {"id": block, "stamp": self.stamp, "used": self._used[block]}
            for block in sorted(self._touched)
            if block in self._used
        ]
        if told:
            query = "UPDATE block SET stamp = :stamp, used = :used WHERE id = :id"
            self.connection.execute(text(query), told)
        self._touched.clear()

    def _flush(self, only: int | None = None) -> None:
        """Write what waits, of one block alone where it is named."""
        pairs, slots = self._take_waiting(only)
        starts = np.flatnonzero(np.diff(pairs, prepend=-1))
        if not len(starts):
            return
        blocks, terms = (pairs[starts] >> 32).tolist(), (pairs[starts] & TERM).tolist()
        # A slot more in a posting is an event more that bears the term.
        more = np.add.reduceat(np.sign(slots), starts, dtype=np.int64).tolist()
        add_up(self.connection, zip(terms, more, strict=True))
        changes = [slots[start:end] for start, end in pairwise([*starts.tolist(), len(slots)])]
        grow = (np.minimum.reduceat(slots, starts) > 0).tolist()
        of_pairs = zip(blocks, terms, changes, grow, strict=True)
        for block, of_block in groupby(of_pairs, itemgetter(0)):
            for some in batches(of_block):
                self._write(block, {term: (of_term, grows) for _, term, of_term, grows in some})

    def _take_waiting(self, only: int | None) -> tuple[npt.NDArray[np.int64], Changes]:
        """What waits no longer: pairs in order, and of each its changes as they came."""
        pairs, slots = np.asarray(self._pairs), np.asarray(self._slots)
        waits = np.zeros(len(pairs), dtype=np.bool_) if only is None else pairs >> 32 != only
        self._pairs = array("q", pairs[waits].tobytes())
        self._slots = array("h", slots[waits].tobytes())
        taken = np.flatnonzero(~waits)
        order = taken[np.argsort(pairs[taken], kind="stable")]
        return pairs[order], slots[order]

    def _write(self, block: int, changes: Mapping[int, tuple[Changes, bool]]) -> None:
        some = f"WHERE block = {block} AND term IN ({numbers(changes)})"
        query = f"SELECT term, bits FROM posting {some}"
        held = dict(map(tuple, self.connection.exec_driver_sql(query)))
        now = {term: _changed(held.get(term, b""), *of) for term, of in changes.items()}
        self._insert(block, {term: bits for term, bits in now.items() if term not in held})
        kept = [(now[term], block, term) for term in held if now[term]]
        rows.run(self.connection, UPDATE, kept)
        gone = [(block, term) for term in held if not now[term]]
        rows.run(self.connection, "DELETE FROM posting WHERE block = {} AND term = {}", gone)

    def _insert(self, block: int, postings: Mapping[int, bytes]) -> None:
        some = [(block, term, bits) for term, bits in postings.items() if bits]
        rows.insert(self.connection, "posting", some)

    def _make_anew(self, block: int) -> None:
        """Two blocks of one that is full, or one of it where enough slots are no longer held."""
        pairs, slots = np.asarray(self._pairs), np.asarray(self._slots)
        if np.any(slots[pairs >> 32 == block] < 0):
            self._flush(block)  # what was taken has a slot no longer
        told = {"block": block}
        query = "SELECT key, slot FROM timeline WHERE block = :block ORDER BY key"
        held = self.connection.execute(text(query), told).all()
        first = text("SELECT first_key FROM block WHERE id = :block")
        first_key: int = self.connection.execute(first, told).scalar_one()
        half = len(held) if len(held) <= filled() else len(held) // 2
        query = "SELECT term, bits FROM posting WHERE block = :block"
        postings = self.connection.execute(text(query), told).all()
        self.connection.execute(text("DELETE FROM posting WHERE block = :block"), told)
        self.connection.execute(text("DELETE FROM block WHERE id = :block"), told)
        for number, part in enumerate(filter(None, (held[:half], held[half:]))):
            made = self.begin(part[0].key if number else first_key, len(part))
            now = np.full(SLOTS, -1, dtype=np.int16)
            now[[row.slot for row in part]] = np.arange(len(part))
            self._move(block, made, now, postings)
            query = "UPDATE timeline SET block = {}, slot = {}, stamp = {} WHERE key = {}"
            changes = [(made, slot, self.stamp, row.key) for slot, row in enumerate(part)]
            rows.run(self.connection, query, changes)

    def _move(self, old: int, new: int, now: Changes, postings: Sequence[Any]) -> None:
        """Take postings, stored and waiting, along to a new block, where slots are `now`."""
        self._touched.add(new)
        moved = {row.term: now[slots_of(row.bits)] for row in postings}
        self._insert(new, {term: packed(slots[slots >= 0]) for term, slots in moved.items()})
        pairs, slots = np.asarray(self._pairs), np.asarray(self._slots)  # to be changed in place
        waiting = np.flatnonzero(pairs >> 32 == old)
        waiting = waiting[now[slots[waiting] - 1] >= 0]
        slots[waiting] = now[slots[waiting] - 1] + 1
        pairs[waiting] = (new << 32) | (pairs[waiting] & TERM)
