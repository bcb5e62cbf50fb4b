"""Counts of what a filter finds: by the values that events bear, and by spans of time."""

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, NamedTuple

import pycountry
from sqlalchemy import Connection, text

from app import dates
from app.errors import Fault, refuse
from app.filters import FacetQuery, HistogramQuery, Where, find
from app.reads.cursors import write_json
from app.reads.events import count
from app.reads.spans import INTERVALS, Interval

MAX_BUCKETS = 5000
Json = dict[str, Any]

# -- facets ---------------------------------------------------------------------------------------

# Where the labels of values stand; the values of other facets are words of their own.
LABELS: Mapping[str, str] = {
    "type": "SELECT label FROM type WHERE id = :value",
    **{
        name: f"SELECT name FROM {name} WHERE id = :value"
        for name in ("actor", "place", "tag", "publisher")
    },
    "source": "SELECT coalesce(s.title, p.name, s.id) FROM source s"
    " LEFT JOIN publisher p ON p.id = s.publisher_id WHERE s.id = :value",
}


def facets(connection: Connection, asked: FacetQuery) -> bytes:
    """How many of the events that a filter finds bear each value of the dimensions asked for."""
    found = find(connection, asked)
    where = found.all()
    counted = {
        name: [
            {"value": value, "label": _label(connection, name, value), "count": number}
            for value, number in _facet(
                connection, where, name, found.plan.of_value.get(name), asked.limit
            )
        ]
        for name in dict.fromkeys(asked.by)
    }
    return write_json({"total": count(connection, found), "facets": counted})


def _facet(
    connection: Connection, found: Where, name: str, counted: str | None, limit: int
) -> list[tuple[str, int]]:
    """Values and counts, the commonest first; only where `counted` holds of event and value."""
    query = "SELECT value, events AS number FROM term WHERE kind = :facet AND events > 0"
    if found.conditions:
        query = (
            # Materialised: a planner that mixes both questions takes up to twenty times as long.
            f"WITH k AS MATERIALIZED (SELECT t.key {found.sql})"
            " SELECT v.value, count(*) AS number FROM k t JOIN posting b ON b.key = t.key"
            f" JOIN term v ON v.id = b.term WHERE v.kind = :facet AND {counted or '1 = 1'}"
            " GROUP BY v.value"
        )
    rows = connection.execute(
        text(f"{query} ORDER BY number DESC, value LIMIT :limit"),
        {**found.parameters, "facet": name, "limit": limit},
    )
    return [(row.value, row.number) for row in rows]


def _label(connection: Connection, name: str, value: str) -> str:
    label = None
    if name in LABELS:
        label = connection.execute(text(LABELS[name]), {"value": value}).scalar()
    elif name == "country" and (country := pycountry.countries.get(alpha_2=value)):
        label = getattr(country, "common_name", country.name)
    return value if label is None else str(label)


# -- histogram ------------------------------------------------------------------------------------


class Bounds(NamedTuple):
    """The bounds of some events that share them."""

    start_earliest: int
    start_latest: int
    end_earliest: int
    end_latest: int
    sure: bool
    events: int


def histogram(connection: Connection, asked: HistogramQuery) -> bytes:
    """How many of the events that a filter finds fall into each span of time.

    An event counts in every span that it may overlap. Problem `invalid-parameters` where there
    would be more than MAX_BUCKETS spans.
    """
    found = find(connection, asked).all()
    query = text(
        "SELECT b.start_earliest, b.start_latest, b.end_earliest, b.end_latest, b.sure, count(*)"
        f" FROM (SELECT t.key {found.sql}) k JOIN timeline b ON b.key = k.key"
        " GROUP BY 1, 2, 3, 4, 5"
    )
    bounds = [Bounds(*row) for row in connection.execute(query, found.parameters)]
    extent = _extent(asked.window, bounds)
    buckets = _buckets(asked.interval, extent, bounds) if extent else []
    return write_json({"interval": asked.interval, "buckets": buckets})


def _extent(window: dates.Window | None, bounds: Iterable[Bounds]) -> tuple[int, int] | None:
    """First and last day shown: those of `date`, or where it is open the finite bounds'."""
    first, last = window or (dates.BEGINNING, dates.END)
    held = {
        day
        for found in bounds
        for day in found[:4]
        if max(first, dates.BEGINNING + 1) <= day <= min(last, dates.END - 1)
    }
    finite = held | {day for day in (first, last) if dates.BEGINNING < day < dates.END}
    if not finite:
        return None
    return (
        min(finite) if first == dates.BEGINNING else first,
        max(finite) if last == dates.END else last,
    )


def _buckets(name: str, extent: tuple[int, int], bounds: Iterable[Bounds]) -> list[Json]:
    interval = INTERVALS[name]
    lowest, highest = map(interval.number_at, extent)
    size = _size(interval, extent)
    if size > MAX_BUCKETS:
        message = f"'{name}' makes {size} buckets of the time asked for, {MAX_BUCKETS} are the most"
        fitting = _fitting(extent)
        hint = "" if fitting else "; ask for less time with `date`"
        raise refuse(Fault("query", "interval", message + hint, fitting))
    possible, certain = [0] * (size + 1), [0] * (size + 1)

    def add(counts: list[int], first_day: int, last_day: int, events: int) -> None:
        start = max(interval.number_at(first_day), lowest)
        end = min(interval.number_at(last_day), highest)
        if start <= end:
            counts[start - lowest] += events
            counts[end - lowest + 1] -= events

    for found in bounds:
        add(possible, found.start_earliest, found.end_latest, found.events)
        if found.sure:
            add(certain, found.start_latest, found.end_earliest, found.events)
    return [
        _bucket(interval, lowest + number, *counts)
        for number, counts in enumerate(zip(accumulate(certain), accumulate(possible), strict=True))
        if number < size
    ]


def _bucket(interval: Interval, number: int, certain: int, possible: int) -> Json:
    first, last = interval.first_day(number), interval.first_day(number + 1) - 1
    return {  # at the edges of the calendar as much of a span as can be asked for
        "start": dates.iso_day(max(first, dates.FIRST_DAY)),
        "end": dates.iso_day(min(last, dates.LAST_DAY)),
        "label": interval.label(number),
        "certain": certain,
        "possible": possible,
    }


def _fitting(extent: tuple[int, int]) -> str | None:
    """The finest interval that makes few enough buckets; INTERVALS begin with the coarsest."""
    names = [n for n, i in INTERVALS.items() if _size(i, extent) <= MAX_BUCKETS]
    return names[-1] if names else None


def _size(interval: Interval, extent: tuple[int, int]) -> int:
    first, last = map(interval.number_at, extent)
    return last - first + 1
