"""Blocks: stretches of the timeline whose events have a slot each, a bit in every posting.

A posting says which slots of a block bear a term: up to a sixteenth of them as a list of numbers
of 16 bits, more as a bit for each. So all that a term needs of a million events are some sixty
short rows, in timeline order, and a rare one's cost no more than its events.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, insert, text

from app.models import TABLES

SLOTS = 1 << 14
AT_ONCE = 500  # terms are looked up together
Slots = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]

OF_KEY = text("SELECT id, used FROM block WHERE first_key <= :key ORDER BY first_key DESC LIMIT 1")
BEYOND = text("SELECT 1 FROM timeline WHERE key > :key LIMIT 1")


def filled() -> int:
    """So many events a block gets that is made anew, to have room for more."""
    return SLOTS * 3 // 4


def none() -> Mask:
    """No slot at all."""
    return np.zeros(SLOTS, dtype=np.bool_)


def packed(mask: Mask) -> bytes:
    """A posting's bytes: an even number for a list of slots, odd for a bit each and one more."""
    slots = np.flatnonzero(mask)
    if 2 * len(slots) < SLOTS // 8:
        return slots.astype("<u2").tobytes()
    return np.packbits(mask, bitorder="little").tobytes() + b"\0"


def _is_list(bits: bytes) -> bool:
    return len(bits) % 2 == 0


def unpacked(bits: bytes) -> Mask:
    """Whether each slot is in a posting."""
    if _is_list(bits):
        mask = none()
        mask[np.frombuffer(bits, dtype="<u2")] = True
        return mask
    held = np.frombuffer(bits, dtype=np.uint8, count=len(bits) - 1)
    return np.unpackbits(held, bitorder="little", count=SLOTS).view(np.bool_)


def slots_of(bits: bytes) -> Slots:
    """The slots in a posting, in no order."""
    if _is_list(bits):
        return np.frombuffer(bits, dtype="<u2")
    return np.flatnonzero(unpacked(bits)).astype(np.uint16)


def _changed(bits: bytes, put: Sequence[int], taken: Sequence[int]) -> bytes:
    """A posting with some slots more and some fewer."""
    if not taken and _is_list(bits) and len(bits) + 2 * len(put) < SLOTS // 8:
        return bits + array("H", put).tobytes()
    mask = unpacked(bits)
    mask[list(put)] = True
    mask[list(taken)] = False
    return packed(mask)


class Blocks:
    """The blocks while they are written. Postings change when they are flushed, all at once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        bump = text("UPDATE store SET stamp = stamp + 1 RETURNING stamp")
        self.stamp: int = connection.execute(bump).scalar_one()
        self._touched: set[int] = set()
        self._put: dict[int, dict[int, array[int]]] = defaultdict(_lists)
        self._taken: dict[int, dict[int, array[int]]] = defaultdict(_lists)

    def place(self, key: int) -> dict[str, int]:
        """A free slot for an event at `key`, as columns of the timeline; may make room for it."""
        found = self.connection.execute(OF_KEY, {"key": key}).first()
        if found is None:
            return self._begin(0)
        if found.used == SLOTS:
            if self.connection.execute(BEYOND, {"key": key}).first() is None:
                return self._begin(key)  # what is told as it happens fills block after block
            self._make_anew(found.id)
            return self.place(key)
        self.connection.execute(
            text("UPDATE block SET used = used + 1, stamp = :stamp WHERE id = :id"),
            {"id": found.id, "stamp": self.stamp},
        )
        return {"block": found.id, "slot": found.used, "stamp": self.stamp}

    def begin(self, first_key: int, used: int) -> int:
        """A new block from `first_key` on; gives its id."""
        row = {"first_key": first_key, "used": used, "stamp": self.stamp}
        made = self.connection.execute(insert(TABLES["block"]).values(row))
        assert made.inserted_primary_key is not None
        return int(made.inserted_primary_key[0])

    def _begin(self, key: int) -> dict[str, int]:
        return {"block": self.begin(key, 1), "slot": 0, "stamp": self.stamp}

    def put(self, block: int, slot: int, terms: Iterable[int]) -> None:
        """The event in a slot bears some terms more."""
        self._touched.add(block)
        lists = self._put[block]
        for term in terms:
            lists[term].append(slot)

    def take(self, block: int, slot: int, terms: Iterable[int]) -> None:
        """The event in a slot bears some terms no longer."""
        self._touched.add(block)
        lists = self._taken[block]
        for term in terms:
            lists[term].append(slot)

    def left(self, blocks: Iterable[int]) -> None:
        """Events of these blocks are gone; a block without any goes too."""
        self.connection.execute(
            text(
                "DELETE FROM block WHERE id = :id"
                " AND NOT EXISTS (SELECT 1 FROM timeline WHERE block = :id)"
            ),
            [{"id": block} for block in blocks],
        )

    def flush(self) -> None:
        """Write the postings of all that was put and taken."""
        for block in sorted(self._touched):
            self._flush(block)
        if self._touched:
            self.connection.execute(
                text("UPDATE block SET stamp = :stamp WHERE id = :id"),
                [{"id": block, "stamp": self.stamp} for block in sorted(self._touched)],
            )
        self._touched.clear()

    def _flush(self, block: int) -> None:
        put, taken = self._put.pop(block, _lists()), self._taken.pop(block, _lists())
        terms = sorted({*put, *taken})
        for start in range(0, len(terms), AT_ONCE):
            self._change(block, terms[start : start + AT_ONCE], put, taken)

    def _change(
        self,
        block: int,
        terms: Sequence[int],
        put: dict[int, "array[int]"],
        taken: dict[int, "array[int]"],
    ) -> None:
        held = {row.term: row.bits for row in self._held(block, terms)}
        rows = [
            {
                "block": block,
                "term": term,
                "bits": _changed(held.get(term, b""), put.get(term, ()), taken.get(term, ())),
            }
            for term in terms
        ]
        if stay := [row for row in rows if row["bits"]]:
            self.connection.execute(
                text(
                    "INSERT INTO posting (block, term, bits) VALUES (:block, :term, :bits)"
                    " ON CONFLICT (block, term) DO UPDATE SET bits = excluded.bits"
                ),
                stay,
            )
        gone = [row for row in rows if not row["bits"] and row["term"] in held]
        if gone:
            self.connection.execute(
                text("DELETE FROM posting WHERE block = :block AND term = :term"), gone
            )

    def _held(self, block: int, terms: Sequence[int]) -> Sequence[Any]:
        numbers = ", ".join(map(str, terms))
        query = f"SELECT term, bits FROM posting WHERE block = {block} AND term IN ({numbers})"
        return self.connection.exec_driver_sql(query).all()

    def _make_anew(self, block: int) -> None:
        """Two blocks of one that is full, or one of it where enough slots are no longer held."""
        self._flush(block)
        told = {"block": block}
        query = "SELECT key, slot FROM timeline WHERE block = :block ORDER BY key"
        rows = self.connection.execute(text(query), told).all()
        first = text("SELECT first_key FROM block WHERE id = :block")
        first_key: int = self.connection.execute(first, told).scalar_one()
        half = len(rows) if len(rows) <= filled() else len(rows) // 2
        query = "SELECT term, bits FROM posting WHERE block = :block"
        postings = self.connection.execute(text(query), told).all()
        for number, part in enumerate(filter(None, (rows[:half], rows[half:]))):
            made = self.begin(part[0].key if number else first_key, len(part))
            self._move(made, part, postings)
        self.connection.execute(text("DELETE FROM posting WHERE block = :block"), told)
        self.connection.execute(text("DELETE FROM block WHERE id = :block"), told)

    def _move(self, block: int, part: Sequence[Any], postings: Sequence[Any]) -> None:
        """Give the events of a part their slots in a new block, in order."""
        old = np.array([row.slot for row in part])
        moved = [
            {"block": block, "term": row.term, "bits": bits}
            for row in postings
            if (bits := _packed_anew(unpacked(row.bits)[old]))
        ]
        if moved:  # events that are just being written have no postings yet
            self.connection.execute(insert(TABLES["posting"]), moved)
        self.connection.execute(
            text(
                "UPDATE timeline SET block = :block, slot = :slot, stamp = :stamp WHERE key = :key"
            ),
            [
                {"key": row.key, "block": block, "slot": slot, "stamp": self.stamp}
                for slot, row in enumerate(part)
            ],
        )


def _lists() -> dict[int, "array[int]"]:
    return defaultdict(lambda: array("H"))


def _packed_anew(taken: Mask) -> bytes:
    mask = none()
    mask[: len(taken)] = taken
    return packed(mask)
