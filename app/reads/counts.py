"""Counts of what a filter finds: by the values that events bear, and by spans of time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import pycountry
from sqlalchemy import Connection, text

from app import dates
from app.errors import Fault, refuse
from app.filters import EventFilter, FacetQuery, Found, HistogramQuery, Where, find
from app.reads.cursors import write_json
from app.reads.events import count
from app.reads.spans import INTERVALS, OF_PICTURES, Interval

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
    counted = {
        name: facet(connection, found, name, asked.limit) for name in dict.fromkeys(asked.by)
    }
    return write_json({"total": count(connection, found), "facets": counted})


def facet(connection: Connection, found: Found, name: str, limit: int) -> list[Json]:
    """The `limit` commonest values of one dimension, with labels and numbers of events."""
    condition = found.plan.of_value.get(name)
    return [
        {"value": value, "label": label(connection, name, value), "count": number}
        for value, number in _facet(connection, found.all(), name, condition, limit)
    ]


def _facet(
    connection: Connection, found: Where, name: str, counted: str | None, limit: int
) -> list[tuple[str, int]]:
    """Values and counts, the commonest first; only where `counted` holds of event and value."""
    query = "SELECT value, events AS number FROM term WHERE kind = :facet AND events > 0"
    if found.conditions:
        query = (
            # Every posting of the facet is held against the keys, once. With the `+` no planner
            # looks each key up under each term instead, which takes up to fifty times as long.
            f"WITH k AS MATERIALIZED (SELECT t.key {found.sql})"
            " SELECT v.value, count(*) AS number FROM term v JOIN posting t ON t.term = v.id"
            f" WHERE v.kind = :facet AND +t.key IN (SELECT key FROM k) AND {counted or '1 = 1'}"
            " GROUP BY v.value"
        )
    rows = connection.execute(
        text(f"{query} ORDER BY number DESC, value LIMIT :limit"),
        {**found.parameters, "facet": name, "limit": limit},
    )
    return [(row.value, row.number) for row in rows]


def label(connection: Connection, name: str, value: str) -> str:
    """What people call a value of a dimension; the value itself where it has no other name."""
    found = None
    if name in LABELS:
        found = connection.execute(text(LABELS[name]), {"value": value}).scalar()
    elif name == "country" and (country := pycountry.countries.get(alpha_2=value)):
        found = getattr(country, "common_name", country.name)
    return value if found is None else str(found)


# -- histogram ------------------------------------------------------------------------------------


class Bounds(NamedTuple):
    """The bounds of some events that share them."""

    start_earliest: int
    start_latest: int
    end_earliest: int
    end_latest: int
    sure: bool
    events: int


class Bucket(NamedTuple):
    """A span of time, both ends included, and how many events fall into it; with the possible."""

    first: int
    last: int
    label: str
    certain: int
    possible: int

    def told(self) -> Json:
        """As the API says it."""
        days = {"start": dates.iso_day(self.first), "end": dates.iso_day(self.last)}
        return days | {"label": self.label, "certain": self.certain, "possible": self.possible}


def histogram(connection: Connection, asked: HistogramQuery) -> bytes:
    """How many of the events that a filter finds fall into each span of time.

    An event counts in every span that it may overlap. Problem `invalid-parameters` where there
    would be more than MAX_BUCKETS spans.
    """
    density = densities(connection, asked)
    interval = INTERVALS[asked.interval]
    size = density.size(interval)
    if size > MAX_BUCKETS:
        message = (
            f"'{asked.interval}' makes {size} buckets of the time asked for,"
            f" {MAX_BUCKETS} are the most"
        )
        # The finest that makes few enough; INTERVALS begin with the coarsest.
        fitting = [n for n, i in INTERVALS.items() if density.size(i) <= MAX_BUCKETS]
        hint = "" if fitting else "; ask for less time with `date`"
        raise refuse(Fault("query", "interval", message + hint, fitting[-1] if fitting else None))
    buckets = [bucket.told() for bucket in density.cut(interval)]
    return write_json({"interval": asked.interval, "buckets": buckets})


@dataclass(frozen=True)
class Density:
    """The bounds of the events that a filter finds, to be cut into spans of any size."""

    extent: tuple[int, int] | None  # None where no event names a day
    bounds: Sequence[Bounds]

    def size(self, interval: Interval) -> int:
        """How many spans of an interval it makes."""
        if self.extent is None:
            return 0
        first, last = map(interval.number_at, self.extent)
        return last - first + 1

    def fitting(self, most: int) -> Interval:
        """The finest interval that makes at most so many spans, else the coarsest there is."""
        names = [name for name, i in OF_PICTURES.items() if self.size(i) <= most]
        return OF_PICTURES[names[-1] if names else next(iter(OF_PICTURES))]

    def cut(self, interval: Interval) -> list[Bucket]:
        """The spans in order, none left out."""
        return [] if self.extent is None else _buckets(interval, self.extent, self.bounds)

    def trimmed(self, bucket: Bucket, window: dates.Window) -> Bucket:
        """As much of a span as lies in a window, and what falls into that."""
        first, last = max(bucket.first, window.first), min(bucket.last, window.last)
        if (first, last) == (bucket.first, bucket.last):
            return bucket
        possible = (b for b in self.bounds if b.start_earliest <= last and b.end_latest >= first)
        held = list(possible)
        certain = sum(
            b.events for b in held if b.sure and b.start_latest <= last and b.end_earliest >= first
        )
        label = dates.parse(dates.write_window(dates.Window(first, last))).label
        return Bucket(first, last, label, certain, sum(b.events for b in held))


def densities(connection: Connection, asked: EventFilter) -> Density:
    """How the events that a filter finds lie in time."""
    found = find(connection, asked).all()
    query = text(
        "SELECT b.start_earliest, b.start_latest, b.end_earliest, b.end_latest, b.sure, count(*)"
        f" FROM (SELECT t.key {found.sql}) k JOIN timeline b ON b.key = k.key"
        " GROUP BY 1, 2, 3, 4, 5"
    )
    bounds = [Bounds(*row) for row in connection.execute(query, found.parameters)]
    return Density(_extent(asked.window, bounds), bounds)


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


def _buckets(interval: Interval, extent: tuple[int, int], bounds: Iterable[Bounds]) -> list[Bucket]:
    lowest, highest = map(interval.number_at, extent)
    size = highest - lowest + 1
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
    sums = zip(accumulate(certain), accumulate(possible), strict=True)
    return [
        _bucket(interval, lowest + number, *counts)
        for number, counts in enumerate(sums)
        if number < size
    ]


def _bucket(interval: Interval, number: int, certain: int, possible: int) -> Bucket:
    first, last = interval.first_day(number), interval.first_day(number + 1) - 1
    # At the edges of the calendar as much of a span as can be asked for.
    days = max(first, dates.FIRST_DAY), min(last, dates.LAST_DAY)
    return Bucket(*days, interval.label(number), certain, possible)


# -- what was known when --------------------------------------------------------------------------


def reported(connection: Connection, asked: EventFilter) -> list[tuple[int, int]]:
    """The days on which events became known by their sources, each with how many, in order."""
    found = find(connection, asked).all()
    query = text(
        f"SELECT b.known, count(*) FROM (SELECT t.key {found.sql}) k"
        " JOIN timeline b ON b.key = k.key WHERE b.known <= :last_day GROUP BY 1 ORDER BY 1"
    )
    rows = connection.execute(query, {**found.parameters, "last_day": dates.LAST_DAY})
    return [(row[0], row[1]) for row in rows]
