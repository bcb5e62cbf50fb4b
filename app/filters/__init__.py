"""The filter: the query string's grammar (`query`), its `meaning`, and what is `found` of it."""

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
from app.filters.resolved import Choice, Clause, Phrase, ResolvedFilter, resolve

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
    "HistogramQuery",
    "Hold",
    "ListQuery",
    "Meaning",
    "OrderedQuery",
    "Part",
    "Phrase",
    "Quantity",
    "ResolvedFilter",
    "RevisionsQuery",
    "VocabularyQuery",
    "resolve",
]
