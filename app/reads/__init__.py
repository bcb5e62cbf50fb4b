"""Every query over the stored documents, the vocabulary and the journal."""

from app.reads.audit import audit
from app.reads.counts import (
    Bucket,
    Density,
    densities,
    facet,
    facets,
    histogram,
    labels,
    reported,
    shared_names,
    type_labels,
)
from app.reads.cursors import Page, Position, identity, position, tag
from app.reads.events import event, export, last_update, matching, page
from app.reads.hits import Hits
from app.reads.journal import changes, changes_after, revision, revisions
from app.reads.vocabulary import VOCABULARIES, record, served, vocabulary
from app.reads.warming import warm

__all__ = [
    "VOCABULARIES",
    "Bucket",
    "Density",
    "Hits",
    "Page",
    "Position",
    "audit",
    "changes",
    "changes_after",
    "densities",
    "event",
    "export",
    "facet",
    "facets",
    "histogram",
    "identity",
    "labels",
    "last_update",
    "matching",
    "page",
    "position",
    "record",
    "reported",
    "revision",
    "revisions",
    "served",
    "shared_names",
    "tag",
    "type_labels",
    "vocabulary",
    "warm",
]
