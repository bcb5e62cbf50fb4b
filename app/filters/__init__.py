"""The filter: the query string's grammar (`query`) and the WHERE it means (`where`)."""

from app.filters.query import PAGE, EventFilter, EventQuery
from app.filters.where import NEAREST_AMONG, Plan, Where, resolve, where

__all__ = [
    "NEAREST_AMONG",
    "PAGE",
    "EventFilter",
    "EventQuery",
    "Plan",
    "Where",
    "resolve",
    "where",
]
