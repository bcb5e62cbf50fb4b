"""Every query over the stored documents and the vocabulary."""

from app.reads.counts import facets, histogram
from app.reads.cursors import Page, Position, position
from app.reads.events import event, page
from app.reads.vocabulary import record, vocabulary

__all__ = [
    "Page",
    "Position",
    "event",
    "facets",
    "histogram",
    "page",
    "position",
    "record",
    "vocabulary",
]
