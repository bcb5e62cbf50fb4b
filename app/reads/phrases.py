"""Events whose wording has a phrase. The wording is read once, and the result is cached."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from app.dialects import Prepared
from app.filters import Phrase
from app.index import Mask, empty_mask
from app.reads.bitmaps import Bitmap, match_blocks
from app.reads.blocks import Array, BlockState, Older, TimelineState, cached, columns

PHRASE_KEYS = Prepared("SELECT key FROM wording WHERE key IN :keys AND words LIKE :pattern")
MAX_KEYS_PER_QUERY = 2000


@dataclass(frozen=True)
class PhraseSlots:
    """The slots of a block whose events have a phrase."""

    slots: Array

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.slots.nbytes


def match_phrase(
    connection: Connection,
    timeline: TimelineState,
    phrase: Phrase,
    words: Bitmap,
    check: Callable[[], None],
) -> Bitmap:
    """Return all slots with a phrase among those with its words; call `check` before each block."""

    def match(block: BlockState) -> Mask:
        check()
        return match_phrase_in_block(connection, block, phrase, words)

    return match_blocks(connection, timeline, ("said", phrase.pattern), match)


def match_phrase_in_block(
    connection: Connection, block: BlockState, phrase: Phrase, words: Bitmap
) -> Mask:
    """Return the slots of a block with a phrase, among those with its words."""

    def make(_: Older[PhraseSlots]) -> PhraseSlots:
        candidates = words.mask(block.id)
        slots = np.flatnonzero(empty_mask() if candidates is None else candidates).astype(np.uint16)
        keys = columns(connection, block).of["key"][slots]
        matching_keys: list[int] = []
        for start in range(0, len(keys), MAX_KEYS_PER_QUERY):
            batch = keys[start : start + MAX_KEYS_PER_QUERY].tolist()
            rows = PHRASE_KEYS.rows(connection, keys=batch, pattern=phrase.pattern)
            matching_keys += (key for (key,) in rows)
        return PhraseSlots(slots[np.isin(keys, matching_keys)])

    key = "phrase", phrase.pattern, block.id
    mask = empty_mask()
    mask[cached(connection, key, block.stamp, make, per_filter=True).slots] = True
    return mask
