"""Which events say a phrase: their words are read once, and what was found is kept."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Phrase
from app.index import Mask, none
from app.reads.bitmaps import Bitmap, of_each
from app.reads.blocks import Block, Column, Older, Timeline, columns, kept

SAYING = Prepared("SELECT key FROM wording WHERE key IN :keys AND words LIKE :pattern")
AT_ONCE = 2000  # keys are asked for together


@dataclass(frozen=True)
class Saying:
    """The slots of a block whose events say a phrase."""

    slots: Column

    @property
    def size(self) -> int:
        """In bytes."""
        return self.slots.nbytes


def said(
    connection: Connection,
    timeline: Timeline,
    phrase: Phrase,
    words: Bitmap,
    check: Callable[[], None],
) -> Bitmap:
    """All slots that say a phrase, among those that bear its `words`; `check` before each block."""

    def fitting(block: Block) -> Mask:
        check()
        return saying(connection, block, phrase, words)

    return of_each(connection, timeline, ("said", phrase.pattern), fitting)


def saying(connection: Connection, block: Block, phrase: Phrase, words: Bitmap) -> Mask:
    """Which slots of a block say a phrase, among those that bear its `words`."""

    def make(_: Older[Saying]) -> Saying:
        bearing = words.mask(block.id)
        slots = np.flatnonzero(none() if bearing is None else bearing).astype(np.uint16)
        keys = columns(connection, block).of["key"][slots]
        found: list[int] = []
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE].tolist()
            rows = SAYING.rows(connection, keys=some, pattern=phrase.pattern)
            found += (key for (key,) in rows)
        return Saying(slots[np.isin(keys, found)])

    key = "phrase", phrase.pattern, block.id
    mask = none()
    mask[kept(connection, key, block.stamp, make, found=True).slots] = True
    return mask
