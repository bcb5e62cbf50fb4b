"""Random chronologies, and what every question about one means in plain Python: to judge the app.

`generator` makes a chronology and `queries` questions, the `model` answers by looking at each event
in turn, `asking` puts the same question over HTTP. The model knows nothing of the application's
filter, index and words; what a date means it takes from the enumerating model of dates, where the
date came with one.
"""

from chronology.asking import ascending, items, walk
from chronology.generator import OWN_FIELDS, SPELLS, WITHOUT_DAYS, chronology, drawn, windows_at
from chronology.model import FACETS, SORTS, Chronology, Known, Query, fitting
from chronology.queries import random_query
from chronology.spans import INTERVALS

__all__ = [
    "FACETS",
    "INTERVALS",
    "OWN_FIELDS",
    "SORTS",
    "SPELLS",
    "WITHOUT_DAYS",
    "Chronology",
    "Known",
    "Query",
    "ascending",
    "chronology",
    "drawn",
    "fitting",
    "items",
    "random_query",
    "walk",
    "windows_at",
]
