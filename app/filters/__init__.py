"""The filter: the parameters of a query string, their meaning, and the resolved filter."""

from app.filters.meaning import (
    NAMES_FIRST,
    ColumnBound,
    ParameterMeaning,
    Participation,
    QuantityBound,
    find_facet_kind,
    require_own_field,
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
    "NAMES_FIRST",
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
    "find_facet_kind",
    "require_own_field",
    "resolve",
]
