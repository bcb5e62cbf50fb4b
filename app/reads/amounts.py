"""The quantities of the events in a block as arrays, so that all are compared at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import QuantityBound
from app.index import Mask, empty_mask
from app.reads.bitmaps import Bitmap, match_blocks
from app.reads.blocks import Array, BlockState, Older, TimelineState, cached

# A slot without a quantity has one row too: it may have had one before.
QUANTITY_ROWS = Prepared(
    "SELECT t.slot, m.measure, m.kind, m.low, m.high"
    " FROM timeline t LEFT JOIN measurement m ON m.key = t.key"
    " WHERE t.block = :block AND t.stamp > :stamp"
)


@dataclass(frozen=True)
class Amounts:
    """One row per quantity: its slot, and the positions of its texts in the sorted `texts`."""

    slots: Array
    places: Array  # four rows of positions: measure, kind, low, high
    texts: Array
    named: dict[bytes, int]  # positions of measures and kinds

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.slots.nbytes + self.places.nbytes + self.texts.nbytes

    def within(self, bound: QuantityBound) -> Mask:
        """Return the slots that have a quantity within the bound."""
        fits = np.ones(len(self.slots), dtype=bool)
        measures, kinds, lows, highs = self.places
        for places, text in ((measures, bound.measure), (kinds, bound.kind)):
            if text is not None:
                fits &= places == self.named.get(text.encode(), -1)
        if bound.least is not None:
            fits &= highs >= self._place(bound.least)
        if bound.most is not None:
            fits &= lows < self._place(bound.most, "right")
        mask = empty_mask()
        mask[self.slots[fits]] = True
        return mask

    def _place(self, text: str, side: Literal["left", "right"] = "left") -> int:
        return int(np.searchsorted(self.texts, np.array(text.encode()), side))


def match_quantity(connection: Connection, timeline: TimelineState, bound: QuantityBound) -> Bitmap:
    """Return the slots of all events that have a quantity within the bound."""

    def match(block: BlockState) -> Mask:
        return block_amounts(connection, block).within(bound)

    return match_blocks(connection, timeline, ("quantity", bound), match)


def block_amounts(connection: Connection, block: BlockState) -> Amounts:
    """Return the quantities of a block, read again only where they have changed."""

    def make(older: Older[Amounts]) -> Amounts:
        since, previous = older or (-1, None)
        rows = QUANTITY_ROWS.rows(connection, block=block.id, stamp=since)
        measured = [row for row in rows if row[1] is not None]
        slots = np.array([slot for slot, *_ in measured], dtype=np.uint16)
        texts = np.array([[t.encode() for t in row[1:]] for row in measured], dtype="S")
        texts = texts.reshape(len(measured), 4).T
        if previous:
            staying = ~np.isin(previous.slots, [slot for slot, *_ in rows])
            slots = np.concatenate([previous.slots[staying], slots])
            texts = np.concatenate([previous.texts[previous.places[:, staying]], texts], axis=1)
        ordered, places = np.unique(texts, return_inverse=True)
        places = places.reshape(texts.shape).astype(np.int32)
        named = {bytes(ordered[place]): place for place in np.unique(places[:2]).tolist()}
        return Amounts(slots, places, ordered, named)

    return cached(connection, ("amounts", block.id), block.stamp, make)
