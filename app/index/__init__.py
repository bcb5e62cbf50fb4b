"""The derived read model: written here alone, in the transaction of the change it follows.

`timeline` places each event, `document` holds it as served, `term` and `posting` say which events
bear a value. All of it can be rebuilt from the normalised rows.
"""

from app.index.check import check
from app.index.documents import Term, joined
from app.index.postings import Written, rebuild, write
from app.rows import BATCH, batches

__all__ = ["BATCH", "Term", "Written", "batches", "check", "joined", "rebuild", "write"]
