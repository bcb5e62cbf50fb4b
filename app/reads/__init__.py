"""Every query over the stored documents, the vocabulary and the journal."""

from app.reads.audit import audit
from app.reads.chronology import (
    UNTITLED,
    chronology,
    chronology_revision,
    chronology_revisions,
    fetch_chronology,
)
from app.reads.counts import (
    Bucket,
    Density,
    coordinates,
    facet,
    facets,
    histogram,
    labels,
    measure_density,
    reported,
)
from app.reads.cursors import Page, Position, identity, position, tag, write_json
from app.reads.events import (
    ListPlace,
    count_matching,
    event,
    export,
    last_update,
    locate_in_list,
    page,
)
from app.reads.files import describe_file
from app.reads.hits import Hits
from app.reads.journal import changes, changes_after, revision, revisions
from app.reads.mappings import list_mappings, mapping, mappings, unknown_mapping
from app.reads.vocabulary import VOCABULARIES, record, served, vocabulary
from app.reads.warming import warm

__all__ = [
    "UNTITLED",
    "VOCABULARIES",
    "Bucket",
    "Density",
    "Hits",
    "ListPlace",
    "Page",
    "Position",
    "audit",
    "changes",
    "changes_after",
    "chronology",
    "chronology_revision",
    "chronology_revisions",
    "coordinates",
    "count_matching",
    "describe_file",
    "event",
    "export",
    "facet",
    "facets",
    "fetch_chronology",
    "histogram",
    "identity",
    "labels",
    "last_update",
    "list_mappings",
    "locate_in_list",
    "mapping",
    "mappings",
    "measure_density",
    "page",
    "position",
    "record",
    "reported",
    "revision",
    "revisions",
    "served",
    "tag",
    "unknown_mapping",
    "vocabulary",
    "warm",
    "write_json",
]
