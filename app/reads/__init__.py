"""Every query over the stored documents, the vocabulary and the journal."""

from app.reads.counts import facets, histogram
from app.reads.cursors import Page, Position, position, tag
from app.reads.events import count, event, export, page
from app.reads.journal import changes, changes_after, revision, revisions
from app.reads.vocabulary import VOCABULARIES, record, served, vocabulary

__all__ = [
    "VOCABULARIES",
    "Page",
    "Position",
    "changes",
    "changes_after",
    "count",
    "event",
    "export",
    "facets",
    "histogram",
    "page",
    "position",
    "record",
    "revision",
    "revisions",
    "served",
    "tag",
    "vocabulary",
]
