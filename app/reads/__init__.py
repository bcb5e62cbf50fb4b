"""Every query over the stored documents, the vocabulary and the journal."""

from app.reads.audit import audit
from app.reads.counts import facets, histogram
from app.reads.cursors import Page, Position, position, tag
from app.reads.events import event, export, last_update, matching, page
from app.reads.journal import changes, changes_after, revision, revisions
from app.reads.vocabulary import VOCABULARIES, record, served, vocabulary

__all__ = [
    "VOCABULARIES",
    "Page",
    "Position",
    "audit",
    "changes",
    "changes_after",
    "event",
    "export",
    "facets",
    "histogram",
    "last_update",
    "matching",
    "page",
    "position",
    "record",
    "revision",
    "revisions",
    "served",
    "tag",
    "vocabulary",
]
