"""Sets of events as bits: what a clause finds is kept while its blocks do not change."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Clause, Hold
from app.index import Mask, Slots, is_list, none, slots_of
from app.reads.blocks import Timeline, columns, memory_of

POSTINGS = Prepared(
    "SELECT block, term, bits FROM posting WHERE block IN :blocks AND term IN :terms"
)
CHOICE = 100  # bytes of a key
Rows = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Bitmap:
    """Slots of blocks: the ids of those blocks that have any, ascending, and the bits of each."""

    blocks: Rows
    bits: Bits

    def __and__(self, other: "Bitmap") -> "Bitmap":
        if np.array_equal(self.blocks, other.blocks):
            return Bitmap(self.blocks, self.bits & other.bits)
        both, mine, its = np.intersect1d(
            self.blocks, other.blocks, assume_unique=True, return_indices=True
        )
        return Bitmap(both, self.bits[mine] & other.bits[its])

    def __or__(self, other: "Bitmap") -> "Bitmap":
        blocks = np.union1d(self.blocks, other.blocks)
        bits = np.zeros((len(blocks), self.bits.shape[1]), dtype=np.uint8)
        for one in (self, other):
            bits[np.searchsorted(blocks, one.blocks)] |= one.bits
        return Bitmap(blocks, bits)

    def __sub__(self, other: "Bitmap") -> "Bitmap":
        _, mine, its = np.intersect1d(
            self.blocks, other.blocks, assume_unique=True, return_indices=True
        )
        bits = self.bits.copy()
        bits[mine] &= ~other.bits[its]
        return Bitmap(self.blocks, bits)

    def count(self) -> int:
        """How many slots there are."""
        wide = self.bits.view(np.uint64) if self.bits.shape[1] % 8 == 0 else self.bits
        return int(np.bitwise_count(wide).sum(dtype=np.int64))

    def mask(self, block: int) -> Mask | None:
        """The slots of a block, None where it has none at all."""
        at = int(np.searchsorted(self.blocks, block))
        if at == len(self.blocks) or self.blocks[at] != block:
            return None
        return np.unpackbits(self.bits[at], bitorder="little").view(np.bool_)


@dataclass(frozen=True)
class Held:
    """What a clause finds in one state of the store."""

    stamp: int
    found: Bitmap

    @property
    def size(self) -> int:
        """In bytes."""
        return self.found.blocks.nbytes + self.found.bits.nbytes


def bitmap(connection: Connection, timeline: Timeline, clause: Clause) -> Bitmap:
    """The slots of all blocks whose events fit one of the choices of a clause."""
    memory = memory_of(connection)
    held: Held | None = memory.get(("clause", clause))
    if held and held.stamp == timeline.stamp:
        return held.found
    older = held if held and held.stamp < timeline.stamp else None
    since = older.stamp if older else -1
    made = _read(connection, [b.id for b in timeline.blocks if b.stamp > since], clause)
    if older:
        same = np.array([b.id for b in timeline.blocks if b.stamp <= since], dtype=np.int64)
        made = _joined(older.found, np.isin(older.found.blocks, same), made)
    if held is None or older:
        now = Held(timeline.stamp, made)
        memory.put(("clause", clause), now, now.size + CHOICE * len(clause))
    return made


def holding(connection: Connection, timeline: Timeline, holds: Sequence[Hold]) -> Bitmap:
    """The slots of all blocks that keep to every bound; those that have no event may too."""
    blocks = sorted(timeline.blocks, key=attrgetter("id"))
    held = [columns(connection, block) for block in blocks]
    bounds = [(hold.column, hold.at_least, value_of(hold)) for hold in holds]
    some = [n for n, of in enumerate(held) if all(of.may(*bound) for bound in bounds)]
    masks = np.ones((len(some), len(none())), dtype=bool)
    for row, n in enumerate(some):
        for bound in bounds:
            held[n].keep(masks[row], *bound)
    ids = np.array([blocks[n].id for n in some], dtype=np.int64)
    return Bitmap(ids, np.packbits(masks, axis=1, bitorder="little"))


def value_of(hold: Hold) -> Any:
    """The value of a bound, as its column has it."""
    if hold.column == "updated_at":
        return np.datetime64(hold.value.removesuffix("Z"), "us")
    return hold.value


def _read(connection: Connection, blocks: Sequence[int], clause: Clause) -> Bitmap:
    found = _bearing(connection, blocks, [c.term for c in clause if not c.none_of])
    for term, none_of in clause:
        if none_of:
            excluded = _bearing(connection, blocks, list(none_of))
            found |= _bearing(connection, blocks, [term]) - excluded
    return found


def _bearing(connection: Connection, blocks: Sequence[int], terms: list[int]) -> Bitmap:
    """The slots whose events bear one of some terms."""
    postings = POSTINGS.rows(connection, blocks=blocks, terms=terms) if terms else ()
    ids = sorted({block for block, *_ in postings})
    rows = {block: row for row, block in enumerate(ids)}
    listed: list[tuple[int, Slots]] = []
    bits = np.zeros((len(ids), len(none()) // 8), dtype=np.uint8)
    for block, _, posting in postings:
        if is_list(posting):
            listed.append((rows[block], slots_of(posting)))
        else:
            bits[rows[block]] |= np.frombuffer(posting, dtype=np.uint8, count=len(posting) - 1)
    if listed:
        masks = np.zeros((len(ids), len(none())), dtype=bool)
        of_rows, slots = zip(*listed, strict=True)
        masks[np.repeat(of_rows, [len(some) for some in slots]), np.concatenate(slots)] = True
        bits |= np.packbits(masks, axis=1, bitorder="little")
    return Bitmap(np.array(ids, dtype=np.int64), bits)


def _joined(older: Bitmap, staying: Mask, newer: Bitmap) -> Bitmap:
    blocks = np.concatenate([older.blocks[staying], newer.blocks])
    order = np.argsort(blocks)
    return Bitmap(blocks[order], np.concatenate([older.bits[staying], newer.bits])[order])
