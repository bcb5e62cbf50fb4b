"""The hits of a filter, block by block, so that the first ones are had without the rest."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_

import numpy as np
from sqlalchemy import Connection

from app.dialects import time_limit, too_costly
from app.filters import Choice, Clause, ResolvedFilter
from app.index import Mask, ids_of_kind
from app.reads.amounts import match_quantity
from app.reads.bitmaps import Bitmap, match_bound, match_clause
from app.reads.blocks import Array, BlockState, columns, current_timeline
from app.reads.phrases import match_phrase, match_phrase_in_block

EVERY_CLAUSE = (Choice(ids_of_kind("every")[0]),)  # a term of every event
# The keys of at most so many hits of a block are sorted. With more, the block's slots are scanned
# in order: MIN_SCANNED_SLOTS first, then each time SCAN_GROWTH times more.
MAX_SORTED_HITS = 512
MIN_SCANNED_SLOTS, SCAN_GROWTH = 256, 4


class Hits:
    """The hits of a filter in one snapshot. Raise Problem `query-too-costly` when time is up."""

    def __init__(self, connection: Connection, resolved: ResolvedFilter) -> None:
        self.connection = connection
        self.filter = resolved
        self.timeline = current_timeline(connection)
        self._time_is_up = time_limit(connection)
        self._terms = self._match_terms()
        self._phrases = [(p, self._all_of(p.words)) for p in resolved.phrases]

    @property
    def blocks(self) -> Sequence[BlockState]:
        """Return all blocks in timeline order."""
        return self.timeline.blocks

    def bitmap(self) -> Bitmap:
        """Return the bitmap of all hits, with every phrase checked."""
        for phrase, words in self._phrases:
            self._terms &= match_phrase(
                self.connection, self.timeline, phrase, words, self.check_time
            )
        self._phrases = []
        return self._terms

    def count(self) -> int:
        """Return how many hits there are."""
        return self.bitmap().count

    def in_order(self, *, descending: bool = False, beyond: int | None = None) -> Iterator[Array]:
        """Yield the keys of the hits in timeline order or in reverse, from beyond `beyond` on."""
        for block, mask in self.masks(self._towards(descending, beyond)):
            block_columns = columns(self.connection, block)
            few = np.count_nonzero(mask) <= MAX_SORTED_HITS
            keys = np.sort(block_columns.of["key"][mask]) if few else block_columns.keys
            start, end, step = 0, len(keys), -1 if descending else 1
            if beyond is not None and descending:
                end = int(np.searchsorted(keys, beyond))
            elif beyond is not None:
                start = int(np.searchsorted(keys, beyond, side="right"))
            keys = keys[start:end][::step]
            if few:
                yield keys
                continue
            slots = block_columns.ordered[start:end][::step]
            done, size = 0, MIN_SCANNED_SLOTS
            while done < len(slots):
                yield keys[done : done + size][mask[slots[done : done + size]]]
                done, size = done + size, size * SCAN_GROWTH

    def values(self, column: str) -> Array:
        """Return the values of a timeline column for all hits, in no order."""
        parts = [
            columns(self.connection, block).of[column][mask]
            for block, mask in self.masks(self.blocks)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def _towards(self, descending: bool, beyond: int | None) -> Sequence[BlockState]:
        """Return the blocks that may hold keys beyond one, in order."""
        if beyond is not None:
            first_keys = [block.first_key for block in self.blocks]
            if descending:
                return self.blocks[: bisect_left(first_keys, beyond)][::-1]
            return self.blocks[max(bisect_right(first_keys, beyond) - 1, 0) :]
        return self.blocks[::-1] if descending else self.blocks

    def masks(self, chosen: Sequence[BlockState]) -> Iterator[tuple[BlockState, Mask]]:
        """Yield each of the chosen blocks that has hits, with a mask of its hits."""
        for block in chosen:
            self.check_time()
            mask = self._terms.mask(block.id)
            if mask is None:
                continue
            for phrase, words in self._phrases:
                mask &= match_phrase_in_block(self.connection, block, phrase, words)
            if mask.any():
                yield block, mask

    def narrow(self, bitmap: Bitmap) -> None:
        """Keep only the hits that are in a bitmap."""
        self._terms = (self._terms & bitmap).without_empty_blocks()

    def check_time(self) -> None:
        """Raise Problem `query-too-costly` if the time is up."""
        if self._time_is_up():
            raise too_costly()

    def _match_terms(self) -> Bitmap:
        """Return the slots that have the required terms and keep to the bounds."""
        scope, plan = (self.connection, self.timeline), self.filter.plan
        bitmap = self._all_of(self.filter.clauses or [EVERY_CLAUSE])
        if self.filter.none_of:
            bitmap -= match_clause(*scope, self.filter.none_of)
        for bound in plan.bounds:
            bitmap &= match_bound(*scope, bound)
        if plan.quantity:
            bitmap &= match_quantity(*scope, plan.quantity)
        return bitmap.without_empty_blocks()

    def _all_of(self, clauses: Sequence[Clause]) -> Bitmap:
        bitmaps = (match_clause(self.connection, self.timeline, clause) for clause in clauses)
        return reduce(and_, bitmaps)


def batch_keys(keys: Iterator[Array], size: int) -> Iterator[list[int]]:
    """Yield the keys of all arrays in lists of `size`; the last list may be shorter."""
    batch: list[int] = []
    for array in keys:
        start = 0
        while start < len(array):
            part = array[start : start + size - len(batch)]
            batch += part.tolist()
            start += len(part)
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch
