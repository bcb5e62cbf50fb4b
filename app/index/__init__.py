"""The derived read model, written only here, in the transaction of the change.

`timeline` places each event in a `block`, `document` is the event as served, and a `posting` lists
the events of a block that have a `term`. All of it can be rebuilt from the normalised rows.
"""

from app.index.blocks import BlockWriter, Mask, Slots, decode_posting, empty_mask, is_list, slots_of
from app.index.check import find_faults
from app.index.documents import join_entries
from app.index.keys import TimelinePlace
from app.index.postings import EntryChange, count_indexed_events, rebuild, update_entries
from app.index.terms import IndexTerm, ids_of_kind
from app.rows import BATCH, batches

__all__ = [
    "BATCH",
    "BlockWriter",
    "EntryChange",
    "IndexTerm",
    "Mask",
    "Slots",
    "TimelinePlace",
    "batches",
    "count_indexed_events",
    "decode_posting",
    "empty_mask",
    "find_faults",
    "ids_of_kind",
    "is_list",
    "join_entries",
    "rebuild",
    "slots_of",
    "update_entries",
]
