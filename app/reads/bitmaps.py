"""Sets of events as bitmaps. The result of a clause is cached while its blocks do not change."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Clause, ColumnBound
from app.index import Mask, Slots, empty_mask, is_list, slots_of
from app.reads.blocks import BlockState, Older, TimelineState, cached, columns

POSTINGS = Prepared(
    "SELECT block, term, bits FROM posting WHERE block IN :blocks AND term IN :terms"
)
SPARSE_BYTES_PER_SLOT = 64  # a bitmap with more bytes per slot is cached as a list of slots
Integers = npt.NDArray[np.signedinteger[Any]]
Bits = npt.NDArray[np.uint8]


def count_bits(bits: Bits) -> int:
    """Return how many bits are set."""
    wide = bits.view(np.uint64) if bits.shape[-1] % 8 == 0 else bits
    return int(np.bitwise_count(wide).sum(dtype=np.int64))


@dataclass(frozen=True)
class Bitmap:
    """Slots of several blocks: ascending block ids, and a row of bits for each."""

    blocks: Integers
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
        for part in (self, other):
            bits[np.searchsorted(blocks, part.blocks)] |= part.bits
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
        """Return the size in bytes."""
        return self.blocks.nbytes + self.bits.nbytes

    def expand(self) -> "Bitmap":
        """Return the bitmap itself; `SparseBitmap` has the same method."""
        return self

    def compact(self) -> "Bitmap | SparseBitmap":
        """Return the form that takes less memory: the bits, or a list of slots if there are few."""
        if self.count > self.bits.size // SPARSE_BYTES_PER_SLOT:
            return self
        nonempty = self.without_empty_blocks()
        return SparseBitmap(nonempty.blocks, nonempty.positions(nonempty.blocks).astype(np.int32))

    def contains(self, blocks: Integers, slots: Integers) -> Mask:
        """Return, for each pair of a block and a slot, whether the slot is set."""
        rows = np.searchsorted(self.blocks, blocks)
        is_set = np.isin(blocks, self.blocks)
        bits = self.bits[rows[is_set], slots[is_set] >> 3]
        is_set[is_set] = bits >> (slots[is_set] & 7) & 1
        return is_set

    def mask_over(self, blocks: Integers) -> Mask:
        """Return a mask over all slots of `blocks`, which include the bitmap's own."""
        bits = self.bits
        if len(blocks) != len(self.blocks):
            bits = np.zeros((len(blocks), bits.shape[1]), dtype=np.uint8)
            bits[np.searchsorted(blocks, self.blocks)] = self.bits
        return np.unpackbits(bits, bitorder="little").view(np.bool_)

    @cached_property
    def count(self) -> int:
        """Return how many slots are set."""
        return count_bits(self.bits)

    def positions(self, blocks: Integers) -> Integers:
        """Return the positions of the set slots among all slots of `blocks`."""
        set_slots = np.flatnonzero(np.unpackbits(self.bits, bitorder="little").view(np.bool_))
        if len(blocks) == len(self.blocks):
            return set_slots
        rows, slots = np.divmod(set_slots, 8 * self.bits.shape[1])
        shifted: Integers = (
            np.searchsorted(blocks, self.blocks)[rows] * 8 * self.bits.shape[1] + slots
        )
        return shifted

    def without_empty_blocks(self) -> "Bitmap":
        """Return the bitmap without the blocks in which no slot is set."""
        nonempty = self.bits.any(axis=1)
        return self if nonempty.all() else Bitmap(self.blocks[nonempty], self.bits[nonempty])

    def mask(self, block: int) -> Mask | None:
        """Return the slots of one block as a mask; None if no slot is set."""
        at = self._row(block)
        if at is None:
            return None
        return np.unpackbits(self.bits[at], bitorder="little").view(np.bool_)

    def _row(self, block: int) -> int | None:
        at = int(np.searchsorted(self.blocks, block))
        return at if at < len(self.blocks) and self.blocks[at] == block else None


@dataclass(frozen=True)
class SparseBitmap:
    """A bitmap with few slots, cached as their positions among all slots of its blocks."""

    blocks: Integers
    positions: Integers

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.blocks.nbytes + self.positions.nbytes

    def expand(self) -> Bitmap:
        """Return the bits."""
        bits = np.zeros((len(self.blocks), len(empty_mask()) // 8), dtype=np.uint8)
        slots = (1 << (self.positions & 7)).astype(np.uint8)
        np.bitwise_or.at(bits.reshape(-1), self.positions >> 3, slots)
        return Bitmap(self.blocks, bits)


def match_clause(connection: Connection, timeline: TimelineState, clause: Clause) -> Bitmap:
    """Return the slots whose events fit at least one choice of a clause."""

    def read(blocks: Sequence[BlockState]) -> Bitmap:
        return _read_clause(connection, [block.id for block in blocks], clause)

    return cached_bitmap(connection, timeline, ("clause", clause), read)


def cache_clause(
    connection: Connection, timeline: TimelineState, clause: Clause, bitmap: Bitmap
) -> None:
    """Cache the known result of a clause. Its bits are shared, so they count as no memory."""
    cached(
        connection,
        ("clause", clause),
        timeline.stamp,
        lambda _: bitmap.compact(),
        lambda value: value.size if isinstance(value, SparseBitmap) else 0,
        per_filter=True,
    )


def match_bound(connection: Connection, timeline: TimelineState, bound: ColumnBound) -> Bitmap:
    """Return the slots that keep to a bound. Slots without an event may be among them."""
    value = bound_value(bound)

    def match(block: BlockState) -> Mask | bool:
        return columns(connection, block).match_bound(bound.column, bound.at_least, value)

    return match_blocks(connection, timeline, ("hold", bound), match)


def match_blocks(
    connection: Connection,
    timeline: TimelineState,
    key: Hashable,
    match: Callable[[BlockState], Mask | bool],
) -> Bitmap:
    """Return the slots that `match` selects in each block: a mask, True for all, False for none."""

    def read(blocks: Sequence[BlockState]) -> Bitmap:
        masks = np.empty((len(blocks), len(empty_mask())), dtype=bool)
        for row, block in enumerate(blocks):
            masks[row] = match(block)
        return pack_masks(blocks, masks)

    return cached_bitmap(connection, timeline, key, read)


def pack_masks(blocks: Sequence[BlockState], masks: npt.NDArray[np.bool_]) -> Bitmap:
    """Return a bitmap of these blocks, in the order of their ids, from a mask for each."""
    ids = np.array([block.id for block in blocks], dtype=np.int64)
    return Bitmap(ids, np.packbits(masks, axis=1, bitorder="little"))


def cached_bitmap(
    connection: Connection,
    timeline: TimelineState,
    key: Hashable,
    read: Callable[[Sequence[BlockState]], Bitmap],
) -> Bitmap:
    """Return the bitmap that `read` makes of blocks; only changed blocks are read again."""

    def make(older: Older[Bitmap | SparseBitmap]) -> Bitmap | SparseBitmap:
        since, previous = older or (-1, None)
        bitmap = read(sorted(block for block in timeline.blocks if block.stamp > since))
        if previous is not None:
            expanded = previous.expand()
            unchanged = [block.id for block in timeline.blocks if block.stamp <= since]
            bitmap = _merge(expanded, np.isin(expanded.blocks, unchanged), bitmap)
        return bitmap.compact()

    return cached(connection, key, timeline.stamp, make, per_filter=True).expand()


def bound_value(bound: ColumnBound) -> Any:
    """Return the value of a bound in the type of its column."""
    if bound.column == "updated_at":
        return np.datetime64(bound.value.removesuffix("Z"), "us")
    return bound.value


def _read_clause(connection: Connection, blocks: Sequence[int], clause: Clause) -> Bitmap:
    bitmap = _any_term(connection, blocks, [c.term for c in clause if not c.none_of])
    for term, none_of in clause:
        if none_of:
            excluded = _any_term(connection, blocks, list(none_of))
            bitmap |= _any_term(connection, blocks, [term]) - excluded
    return bitmap


def _any_term(connection: Connection, blocks: Sequence[int], terms: list[int]) -> Bitmap:
    """Return the slots whose events have at least one of these terms."""
    postings = POSTINGS.rows(connection, blocks=blocks, terms=terms) if terms else ()
    ids = sorted({block for block, *_ in postings})
    rows = {block: row for row, block in enumerate(ids)}
    slot_lists: list[tuple[int, Slots]] = []
    bits = np.zeros((len(ids), len(empty_mask()) // 8), dtype=np.uint8)
    for block, _, posting in postings:
        if is_list(posting):
            slot_lists.append((rows[block], slots_of(posting)))
        else:
            bits[rows[block]] |= np.frombuffer(posting, dtype=np.uint8, count=len(posting) - 1)
    if slot_lists:
        masks = np.zeros((len(ids), len(empty_mask())), dtype=bool)
        of_rows, slots = zip(*slot_lists, strict=True)
        masks[
            np.repeat(of_rows, [len(slots_of_list) for slots_of_list in slots]),
            np.concatenate(slots),
        ] = True
        bits |= np.packbits(masks, axis=1, bitorder="little")
    return Bitmap(np.array(ids, dtype=np.int64), bits)


def _merge(older: Bitmap, unchanged: Mask, newer: Bitmap) -> Bitmap:
    blocks = np.concatenate([older.blocks[unchanged], newer.blocks])
    order = np.argsort(blocks)
    return Bitmap(blocks[order], np.concatenate([older.bits[unchanged], newer.bits])[order])
