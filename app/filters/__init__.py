"""The filter: the query string's grammar (`query`), its `meaning`, and what is `found` of it."""

from app.filters.found import Choice, Clause, Found, Phrase, find
from app.filters.meaning import Hold, Meaning, Part, Quantity
from app.filters.query import (
    FACETS,
    AuditQuery,
    ChangesQuery,
    EventFilter,
    EventQuery,
    ExportQuery,
    FacetQuery,
    HistogramQuery,
    ListQuery,
    OrderedQuery,
    RevisionsQuery,
    VocabularyQuery,
)

__all__ = [
    "FACETS",
    "AuditQuery",
    "ChangesQuery",
    "Choice",
    "Clause",
    "EventFilter",
    "EventQuery",
    "ExportQuery",
    "FacetQuery",
    "Found",
    "HistogramQuery",
    "Hold",
    "ListQuery",
    "Meaning",
    "OrderedQuery",
    "Part",
    "Phrase",
    "Quantity",
    "RevisionsQuery",
    "VocabularyQuery",
    "find",
]
