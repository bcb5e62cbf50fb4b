"""Sets of events as bits: what a clause finds is kept while its blocks do not change."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Clause, Hold
from app.index import Mask, Slots, is_list, none, slots_of
from app.reads.blocks import Block, Older, Timeline, columns, kept

POSTINGS = Prepared(
    "SELECT block, term, bits FROM posting WHERE block IN :blocks AND term IN :terms"
)
SPARSE = 64  # bytes of bits for a slot, and more, are kept as the slots
Rows = npt.NDArray[np.signedinteger[Any]]
Bits = npt.NDArray[np.uint8]


def number_of(bits: Bits) -> int:
    """How many bits are set."""
    wide = bits.view(np.uint64) if bits.shape[-1] % 8 == 0 else bits
    return int(np.bitwise_count(wide).sum(dtype=np.int64))


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

    @property
    def size(self) -> int:
        """In bytes."""
        return self.blocks.nbytes + self.bits.nbytes

    def bitmap(self) -> "Bitmap":
        """Itself, as of few slots."""
        return self

    def kept(self) -> "Bitmap | Few":
        """The form in which it takes little room."""
        if self.count > self.bits.size // SPARSE:
            return self
        some = self.trimmed()
        return Few(some.blocks, some.places(some.blocks).astype(np.int32))

    def holds(self, blocks: Rows, slots: Rows) -> Mask:
        """Whether each slot, of the block beside it, is among them."""
        rows = np.searchsorted(self.blocks, blocks)
        found = np.isin(blocks, self.blocks)
        bits = self.bits[rows[found], slots[found] >> 3]
        found[found] = bits >> (slots[found] & 7) & 1
        return found

    def of(self, blocks: Rows) -> Mask:
        """Whether each slot of some blocks, its own among these, is one of them."""
        bits = self.bits
        if len(blocks) != len(self.blocks):
            bits = np.zeros((len(blocks), bits.shape[1]), dtype=np.uint8)
            bits[np.searchsorted(blocks, self.blocks)] = self.bits
        return np.unpackbits(bits, bitorder="little").view(np.bool_)

    @cached_property
    def count(self) -> int:
        """How many slots there are."""
        return number_of(self.bits)

    def places(self, blocks: Rows) -> Rows:
        """Where its slots are among those of some blocks, its own among these."""
        found = np.flatnonzero(np.unpackbits(self.bits, bitorder="little").view(np.bool_))
        if len(blocks) == len(self.blocks):
            return found
        rows, slots = np.divmod(found, 8 * self.bits.shape[1])
        placed: Rows = np.searchsorted(blocks, self.blocks)[rows] * 8 * self.bits.shape[1] + slots
        return placed

    def trimmed(self) -> "Bitmap":
        """Without the blocks that have none."""
        some = self.bits.any(axis=1)
        return self if some.all() else Bitmap(self.blocks[some], self.bits[some])

    def mask(self, block: int) -> Mask | None:
        """The slots of a block, None where it has none at all."""
        at = self._row(block)
        if at is None:
            return None
        return np.unpackbits(self.bits[at], bitorder="little").view(np.bool_)

    def _row(self, block: int) -> int | None:
        at = int(np.searchsorted(self.blocks, block))
        return at if at < len(self.blocks) and self.blocks[at] == block else None


@dataclass(frozen=True)
class Few:
    """A bitmap of few slots as it is kept: where they are among those of its blocks."""

    blocks: Rows
    places: Rows

    @property
    def size(self) -> int:
        """In bytes."""
        return self.blocks.nbytes + self.places.nbytes

    def bitmap(self) -> Bitmap:
        """The bits."""
        bits = np.zeros((len(self.blocks), len(none()) // 8), dtype=np.uint8)
        slots = (1 << (self.places & 7)).astype(np.uint8)
        np.bitwise_or.at(bits.reshape(-1), self.places >> 3, slots)
        return Bitmap(self.blocks, bits)


def bearing(connection: Connection, timeline: Timeline, clause: Clause) -> Bitmap:
    """The slots whose events fit one of the choices of a clause."""

    def read(blocks: Sequence[Block]) -> Bitmap:
        return _read(connection, [block.id for block in blocks], clause)

    return of_all(connection, timeline, ("clause", clause), read)


def keep(connection: Connection, timeline: Timeline, clause: Clause, found: Bitmap) -> None:
    """Keep what a clause finds, as it is known already: its bits take no room of their own."""
    kept(
        connection,
        ("clause", clause),
        timeline.stamp,
        lambda _: found.kept(),
        lambda made: made.size if isinstance(made, Few) else 0,
        found=True,
    )


def holding(connection: Connection, timeline: Timeline, hold: Hold) -> Bitmap:
    """The slots that keep to a bound; those that have no event may too."""
    value = value_of(hold)

    def fitting(block: Block) -> Mask | bool:
        return columns(connection, block).keeping(hold.column, hold.at_least, value)

    return of_each(connection, timeline, ("hold", hold), fitting)


def of_each(
    connection: Connection,
    timeline: Timeline,
    key: Hashable,
    fitting: Callable[[Block], Mask | bool],
) -> Bitmap:
    """The slots that fit, as they are told of each block: True where all do, False where none."""

    def read(blocks: Sequence[Block]) -> Bitmap:
        masks = np.empty((len(blocks), len(none())), dtype=bool)
        for row, block in enumerate(blocks):
            masks[row] = fitting(block)
        return of_masks(blocks, masks)

    return of_all(connection, timeline, key, read)


def of_masks(blocks: Sequence[Block], masks: npt.NDArray[np.bool_]) -> Bitmap:
    """Of blocks by their ids, and a mask of each."""
    ids = np.array([block.id for block in blocks], dtype=np.int64)
    return Bitmap(ids, np.packbits(masks, axis=1, bitorder="little"))


def of_all(
    connection: Connection,
    timeline: Timeline,
    key: Hashable,
    read: Callable[[Sequence[Block]], Bitmap],
) -> Bitmap:
    """What is read of blocks, which it gets by their ids; only those that change are read again."""

    def make(older: Older[Bitmap | Few]) -> Bitmap | Few:
        since, held = older or (-1, None)
        made = read(sorted(block for block in timeline.blocks if block.stamp > since))
        if held is not None:
            known = held.bitmap()
            same = [block.id for block in timeline.blocks if block.stamp <= since]
            made = _joined(known, np.isin(known.blocks, same), made)
        return made.kept()

    return kept(connection, key, timeline.stamp, make, found=True).bitmap()


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
