"""The filter: the parameters of a query string, their meaning, and the resolved filter."""

from app.filters.meaning import (
    ColumnBound,
    OwnFieldValues,
    ParameterMeaning,
    Participation,
    QuantityBound,
    find_facet_kind,
    is_own_field,
)
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
    "OwnFieldValues",
    "ParameterMeaning",
    "Participation",
    "Phrase",
    "QuantityBound",
    "ResolvedFilter",
    "RevisionsQuery",
    "VocabularyQuery",
    "find_facet_kind",
    "is_own_field",
    "resolve",
]
