"""The filter: the query string's grammar (`query`), its `meaning`, and the SQL (`where`)."""

from app.filters.meaning import NEAREST_AMONG, Meaning
from app.filters.query import (
    EventFilter,
    EventQuery,
    FacetQuery,
    HistogramQuery,
    VocabularyQuery,
)
from app.filters.where import Found, Where, find

__all__ = [
    "NEAREST_AMONG",
    "EventFilter",
    "EventQuery",
    "FacetQuery",
    "Found",
    "HistogramQuery",
    "Meaning",
    "VocabularyQuery",
    "Where",
    "find",
]
