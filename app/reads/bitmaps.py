"""Sets of events as bits: what a clause finds is kept while its blocks do not change."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Clause
from app.index import Mask, none, unpacked
from app.reads.blocks import Timeline, memory_of

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


def _read(connection: Connection, blocks: Sequence[int], clause: Clause) -> Bitmap:
    terms = list({term for choice in clause for term in (choice.term, *choice.none_of)})
    postings: dict[int, dict[int, bytes]] = {}
    for block, term, bits in POSTINGS.rows(connection, blocks=blocks, terms=terms):
        postings.setdefault(block, {})[term] = bits
    ids = sorted(postings)
    masks = [_fitting(clause, postings[block]) for block in ids]
    bits = np.packbits(np.stack([none(), *masks])[1:], axis=1, bitorder="little")
    return Bitmap(np.array(ids, dtype=np.int64), bits)


def _fitting(clause: Clause, postings: dict[int, bytes]) -> Mask:
    """Which slots of a block fit one of the choices."""
    fitting = none()
    for choice in clause:
        if choice.term in postings:
            mask = unpacked(postings[choice.term])
            for other in choice.none_of:
                if other in postings:
                    mask &= ~unpacked(postings[other])
            fitting |= mask
    return fitting


def _joined(older: Bitmap, staying: Mask, newer: Bitmap) -> Bitmap:
    blocks = np.concatenate([older.blocks[staying], newer.blocks])
    order = np.argsort(blocks)
    return Bitmap(blocks[order], np.concatenate([older.bits[staying], newer.bits])[order])
