"""The events that a filter finds, block by block, so that the first are had without the rest."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_

import numpy as np
from sqlalchemy import Connection

from app.dialects import too_costly
from app.filters import Choice, Clause, Found
from app.index import Mask, ids_of_kind
from app.reads.amounts import amounting
from app.reads.bitmaps import Bitmap, bearing, holding
from app.reads.blocks import Block, Column, columns, timeline
from app.reads.phrases import said, saying

EVERY = (Choice(ids_of_kind("every")[0]),)  # what all events bear
FEW = 512  # hits in a block are put in order; of more, as many are sought as are wanted:
FIRST_SLOTS, GROWTH = 256, 4  # among so many slots in order, then among so many times more


class Hits:
    """What a filter finds in the state of a snapshot; Problem `query-too-costly` after its time."""

    def __init__(self, connection: Connection, found: Found) -> None:
        self.connection = connection
        self.found = found
        self.timeline = timeline(connection)
        seconds = connection.get_execution_options().get("seconds")
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._terms = self._fitting()
        self._phrases = [(p, self._all_of(p.words)) for p in found.phrases]

    @property
    def blocks(self) -> Sequence[Block]:
        """All blocks, in timeline order."""
        return self.timeline.blocks

    def every(self) -> Bitmap:
        """All of them, none left to be looked at."""
        for phrase, words in self._phrases:
            self._terms &= said(self.connection, self.timeline, phrase, words, self._check)
        self._phrases = []
        return self._terms

    def count(self) -> int:
        """How many there are."""
        return self.every().count

    def in_order(self, *, descending: bool = False, beyond: int | None = None) -> Iterator[Column]:
        """Their keys in timeline order or its reverse, `beyond` a key, as they are found."""
        for block, mask in self.masks(self._towards(descending, beyond)):
            held = columns(self.connection, block)
            few = np.count_nonzero(mask) <= FEW
            keys = np.sort(held.of["key"][mask]) if few else held.keys
            start, end, step = 0, len(keys), -1 if descending else 1
            if beyond is not None and descending:
                end = int(np.searchsorted(keys, beyond))
            elif beyond is not None:
                start = int(np.searchsorted(keys, beyond, side="right"))
            keys = keys[start:end][::step]
            if few:
                yield keys
                continue
            slots = held.ordered[start:end][::step]
            done, size = 0, FIRST_SLOTS
            while done < len(slots):
                yield keys[done : done + size][mask[slots[done : done + size]]]
                done, size = done + size, size * GROWTH

    def values(self, column: str) -> Column:
        """What a column of the timeline says of each, in no order."""
        parts = [
            columns(self.connection, block).of[column][mask]
            for block, mask in self.masks(self.blocks)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def _towards(self, descending: bool, beyond: int | None) -> Sequence[Block]:
        """The blocks that may hold keys beyond one, in order."""
        if beyond is not None:
            first_keys = [block.first_key for block in self.blocks]
            if descending:
                return self.blocks[: bisect_left(first_keys, beyond)][::-1]
            return self.blocks[max(bisect_right(first_keys, beyond) - 1, 0) :]
        return self.blocks[::-1] if descending else self.blocks

    def masks(self, chosen: Sequence[Block]) -> Iterator[tuple[Block, Mask]]:
        """Which slots they have, of each of some blocks that holds any."""
        for block in chosen:
            self._check()
            mask = self._terms.mask(block.id)
            if mask is None:
                continue
            for phrase, words in self._phrases:
                mask &= saying(self.connection, block, phrase, words)
            if mask.any():
                yield block, mask

    def _check(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise too_costly()

    def _fitting(self) -> Bitmap:
        """The slots that bear what they must, within their bounds."""
        at, plan = (self.connection, self.timeline), self.found.plan
        fitting = self._all_of(self.found.clauses or [EVERY])
        if self.found.none_of:
            fitting -= bearing(*at, self.found.none_of)
        for hold in plan.holds:
            fitting &= holding(*at, hold)
        if plan.quantity:
            fitting &= amounting(*at, plan.quantity)
        return fitting.trimmed()

    def _all_of(self, clauses: Sequence[Clause]) -> Bitmap:
        found = (bearing(self.connection, self.timeline, clause) for clause in clauses)
        return reduce(and_, found)


def in_batches(keys: Iterator[Column], size: int) -> Iterator[list[int]]:
    """Lists of `size` keys, the last one shorter, of what comes block by block."""
    held: list[int] = []
    for some in keys:
        start = 0
        while start < len(some):
            part = some[start : start + size - len(held)]
            held += part.tolist()
            start += len(part)
            if len(held) == size:
                yield held
                held = []
    if held:
        yield held
