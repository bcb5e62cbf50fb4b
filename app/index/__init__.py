"""The derived read model: written here alone, in the transaction of the change it follows.

`timeline` places each event in a `block`, `document` holds it as served, `term` and `posting` say
which events of a block bear a value. All of it can be rebuilt from the normalised rows.
"""

from app.index.blocks import Blocks, Mask, Slots, empty_mask, is_list, slots_of, unpacked
from app.index.check import check
from app.index.documents import joined
from app.index.postings import Written, count_events, rebuild, write
from app.index.terms import Term, ids_of_kind
from app.rows import BATCH, batches

__all__ = [
    "BATCH",
    "Blocks",
    "Mask",
    "Slots",
    "Term",
    "Written",
    "batches",
    "check",
    "count_events",
    "empty_mask",
    "ids_of_kind",
    "is_list",
    "joined",
    "rebuild",
    "slots_of",
    "unpacked",
    "write",
]
