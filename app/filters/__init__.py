"""The filter: the query string's grammar (`query`), its `meaning`, and the SQL (`where`)."""

from app.filters.meaning import NEAREST_AMONG, Meaning
from app.filters.query import (
    AuditQuery,
    ChangesQuery,
    EventFilter,
    EventQuery,
    ExportQuery,
    FacetQuery,
    HistogramQuery,
    ListQuery,
    RevisionsQuery,
    VocabularyQuery,
)
from app.filters.where import Found, Where, find

__all__ = [
    "NEAREST_AMONG",
    "AuditQuery",
    "ChangesQuery",
    "EventFilter",
    "EventQuery",
    "ExportQuery",
    "FacetQuery",
    "Found",
    "HistogramQuery",
    "ListQuery",
    "Meaning",
    "RevisionsQuery",
    "VocabularyQuery",
    "Where",
    "find",
]
