"""The quantities of the events in a block, kept so that they are compared all at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Quantity
from app.index import Mask, none
from app.reads.bitmaps import Bitmap, of_each
from app.reads.blocks import Block, Column, Older, Timeline, kept

# A slot without a quantity has one row too: it may have had one before.
ROWS = Prepared(
    "SELECT t.slot, m.measure, m.kind, m.low, m.high"
    " FROM timeline t LEFT JOIN measurement m ON m.key = t.key"
    " WHERE t.block = :block AND t.stamp > :stamp"
)


@dataclass(frozen=True)
class Amounts:
    """A row a quantity: its slot, and where its texts stand in `texts`, which are sorted."""

    slots: Column
    places: Column  # rows of measure, kind, low and high
    texts: Column
    named: dict[bytes, int]  # where measures and kinds stand

    @property
    def size(self) -> int:
        """In bytes."""
        return self.slots.nbytes + self.places.nbytes + self.texts.nbytes

    def fitting(self, wanted: Quantity) -> Mask:
        """Which slots have a quantity that may be all that is wanted."""
        fits = np.ones(len(self.slots), dtype=bool)
        measures, kinds, lows, highs = self.places
        for places, text in ((measures, wanted.measure), (kinds, wanted.kind)):
            if text is not None:
                fits &= places == self.named.get(text.encode(), -1)
        if wanted.least is not None:
            fits &= highs >= self._place(wanted.least)
        if wanted.most is not None:
            fits &= lows < self._place(wanted.most, "right")
        mask = none()
        mask[self.slots[fits]] = True
        return mask

    def _place(self, text: str, side: Literal["left", "right"] = "left") -> int:
        return int(np.searchsorted(self.texts, np.array(text.encode()), side))


def amounting(connection: Connection, timeline: Timeline, wanted: Quantity) -> Bitmap:
    """The slots whose events have a quantity that may be all that is wanted."""

    def fitting(block: Block) -> Mask:
        return amounts(connection, block).fitting(wanted)

    return of_each(connection, timeline, ("quantity", wanted), fitting)


def amounts(connection: Connection, block: Block) -> Amounts:
    """The quantities of a block."""

    def make(older: Older[Amounts]) -> Amounts:
        since, known = older or (-1, None)
        rows = ROWS.rows(connection, block=block.id, stamp=since)
        told = [row for row in rows if row[1] is not None]
        slots = np.array([slot for slot, *_ in told], dtype=np.uint16)
        texts = np.array([[t.encode() for t in row[1:]] for row in told], dtype="S")
        texts = texts.reshape(len(told), 4).T
        if known:
            staying = ~np.isin(known.slots, [slot for slot, *_ in rows])
            slots = np.concatenate([known.slots[staying], slots])
            texts = np.concatenate([known.texts[known.places[:, staying]], texts], axis=1)
        ordered, places = np.unique(texts, return_inverse=True)
        places = places.reshape(texts.shape).astype(np.int32)
        named = {bytes(ordered[place]): place for place in np.unique(places[:2]).tolist()}
        return Amounts(slots, places, ordered, named)

    return kept(connection, ("amounts", block.id), block.stamp, make)
