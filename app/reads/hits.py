"""The events that a filter finds, block by block, so that the first are had without the rest."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Connection

from app.dialects import Prepared, too_costly
from app.filters import Choice, Found
from app.index import Mask, none, unpacked
from app.reads.amounts import amounts
from app.reads.blocks import Block, Column, Columns, columns, timeline

Bits = dict[int, bytes]  # the postings of a block, by term
POSTINGS = Prepared(
    "SELECT block, term, bits FROM posting WHERE block IN :blocks AND term IN :terms"
)
AT_FIRST, GROWTH = 2, 4  # so many blocks are read together, and then so many times more
FIRST_SLOTS = 256  # of a block are put in order, and then so many times more
AT_ONCE = 2000  # keys are checked together


class Hits:
    """What a filter finds in the state of a snapshot; Problem `query-too-costly` after its time."""

    def __init__(self, connection: Connection, found: Found) -> None:
        self.connection = connection
        self.found = found
        whole = timeline(connection)
        self.blocks = whole.blocks
        seconds = connection.get_execution_options().get("seconds")
        self._count = whole.events if found.everything else found.known
        self._held: dict[int, Mask] | None = None
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def count(self) -> int:
        """How many there are."""
        if self._count is None:
            masks = (mask for _, mask in self.masks(self.blocks))
            self._count = sum(int(np.count_nonzero(mask)) for mask in masks)
        return self._count

    def in_order(self, *, descending: bool = False, beyond: int | None = None) -> Iterator[Column]:
        """Their keys in timeline order or its reverse, `beyond` a key, block by block."""
        for block, mask in self.masks(self._towards(descending, beyond)):
            held = columns(self.connection, block)
            slots, keys = held.ordered, held.keys
            if descending:
                end = None if beyond is None else int(np.searchsorted(keys, beyond))
                slots, keys = slots[:end][::-1], keys[:end][::-1]
            elif beyond is not None:
                start = np.searchsorted(keys, beyond, side="right")
                slots, keys = slots[start:], keys[start:]
            done, size = 0, FIRST_SLOTS
            while done < len(slots):
                found = keys[done : done + size][mask[slots[done : done + size]]]
                if len(found):
                    yield found
                done, size = done + size, size * GROWTH

    def values(self, column: str) -> Column:
        """What a column of the timeline says of each, in no order."""
        parts = [
            columns(self.connection, block).of[column][mask]
            for block, mask in self.masks(self.blocks)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def holds(self, block: int, slot: int) -> bool:
        """Whether the event in a slot of a block is among them."""
        if self.found.everything:
            return True
        if self._held is None:
            self._held = {held.id: mask for held, mask in self.masks(self.blocks)}
        return block in self._held and bool(self._held[block][slot])

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
        size, start = AT_FIRST, 0
        while start < len(chosen):
            together = chosen[start : start + size]
            bits = self._bits(together)
            for block in together:
                if self._deadline is not None and time.monotonic() > self._deadline:
                    raise too_costly()
                mask = self._mask(block, bits.get(block.id, {}))
                if mask.any():
                    yield block, mask
            start, size = start + size, size * GROWTH

    def _bits(self, together: Sequence[Block]) -> dict[int, Bits]:
        found: dict[int, Bits] = {}
        if terms := self.found.terms:
            ids = [block.id for block in together]
            for block, term, bits in POSTINGS.rows(self.connection, blocks=ids, terms=terms):
                found.setdefault(block, {})[term] = bits
        return found

    def _mask(self, block: Block, bits: Bits) -> Mask:
        if not self.found.clauses:
            mask = columns(self.connection, block).live.copy()
        for n, clause in enumerate(self.found.clauses):
            mask = mask & _any(clause, bits) if n else _any(clause, bits)
            if not mask.any():
                return mask
        for term in self.found.none_of:
            if term in bits:
                mask &= ~unpacked(bits[term])
        plan = self.found.plan
        if plan.quantity:
            mask &= amounts(self.connection, block).fitting(plan.quantity)
        if plan.holds or plan.checks:
            held = columns(self.connection, block)
            for hold in plan.holds:
                mask &= held.passing(*hold)
            for check in plan.checks:
                mask = self._checked(mask, held, check)
        return mask

    def _checked(self, mask: Mask, held: Columns, check: str) -> Mask:
        """Those of the slots whose keys a query lets pass."""
        slots = held.ordered[mask[held.ordered]]
        keys = held.of["key"][slots]
        query, passing = Prepared(check), list[int]()
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE].tolist()
            rows = query.rows(self.connection, keys=some, **self.found.plan.parameters)
            passing += (key for (key,) in rows)
        made = none()
        made[slots[np.isin(keys, passing)]] = True
        return made


def _any(clause: Sequence[Choice], bits: Bits) -> Mask:
    """Which slots fit one of the choices."""
    fitting = none()
    for choice in clause:
        if choice.term in bits:
            mask = unpacked(bits[choice.term])
            for other in choice.none_of:
                if other in bits:
                    mask &= ~unpacked(bits[other])
            fitting |= mask
    return fitting


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
