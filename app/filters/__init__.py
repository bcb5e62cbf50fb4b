"""The filter: the parameters of a query string, their meaning, and the resolved filter."""

from app.filters.meaning import ColumnBound, ParameterMeaning, Participation, QuantityBound
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
    "ColumnBound",
    "EventFilter",
    "EventQuery",
    "ExportQuery",
    "FacetQuery",
    "HistogramQuery",
    "ListQuery",
    "OrderedQuery",
    "ParameterMeaning",
    "Participation",
    "Phrase",
    "QuantityBound",
    "ResolvedFilter",
    "RevisionsQuery",
    "VocabularyQuery",
    "resolve",
]
