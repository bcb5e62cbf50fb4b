"""Counts of a filter's hits: by facet value, and by span of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pycountry
from sqlalchemy import Connection

from app import dates
from app.dialects import Prepared
from app.errors import Fault, refuse
from app.filters import (
    NAMES_FIRST,
    EventFilter,
    FacetQuery,
    HistogramQuery,
    find_facet_kind,
    resolve,
)
from app.json_types import Json
from app.reads.cursors import write_json
from app.reads.hits import Hits
from app.reads.spans import (
    CALENDAR_INTERVALS,
    PICTURE_INTERVALS,
    CalendarInterval,
    Cut,
    cut_calendar,
)
from app.reads.tallies import Spans, count_commonest, spans_of
from app.schemas import name_own_field

MAX_BUCKETS = 5000
MAX_NAMES = 100_000  # of own fields

# -- facets ---------------------------------------------------------------------------------------

SHARED_NAMES = {
    "actor": Prepared(
        "SELECT folded FROM (SELECT id, folded FROM actor UNION SELECT actor_id, folded FROM"
        " actor_alias) named GROUP BY folded HAVING count(*) > 1"
    ),
    "place": Prepared("SELECT folded FROM place GROUP BY folded HAVING count(*) > 1"),
}
PLACES_WITH_COORDINATES = Prepared(
    "SELECT id, latitude, longitude FROM place WHERE id IN :values AND latitude IS NOT NULL"
)
ALL_TYPES = Prepared("SELECT id, label FROM type ORDER BY id")
# The queries for labels; the values of other facets are their own labels.
LABEL_QUERIES: Mapping[str, Prepared] = {
    "type": Prepared("SELECT id, label FROM type WHERE id IN :values"),
    **{
        name: Prepared(f"SELECT id, name FROM {name} WHERE id IN :values")
        for name in ("actor", "place", "tag", "publisher")
    },
    "source": Prepared(
        "SELECT s.id, coalesce(s.title, p.name, s.id) FROM source s"
        " LEFT JOIN publisher p ON p.id = s.publisher_id WHERE s.id IN :values"
    ),
}


def facets(connection: Connection, query: FacetQuery) -> bytes:
    """Return, as JSON, how many hits have each value of the facets in the query."""
    hits = Hits(connection, resolve(connection, query))
    counted = {name: facet(connection, hits, name, query.limit) for name in dict.fromkeys(query.by)}
    return write_json({"total": hits.count(), "facets": counted})


def facet(connection: Connection, hits: Hits, name: str, limit: int) -> list[Json]:
    """Return the `limit` commonest values of one facet, with labels and numbers of events."""
    kind, prefix = find_facet_kind(connection, name)
    counts = count_commonest(connection, hits, kind, limit, prefix)
    counts = [(value.removeprefix(NAMES_FIRST), number) for value, number in counts]
    label_of = labels(connection, name, [value for value, _ in counts])
    return [{"value": value, "label": label_of[value], "count": number} for value, number in counts]


def type_labels(connection: Connection) -> dict[str, str]:
    """Return the label of every type by its id."""
    return dict(ALL_TYPES.rows(connection))


def coordinates(connection: Connection, place_ids: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return latitude and longitude of each of these places that has them, in degrees."""
    rows = PLACES_WITH_COORDINATES.rows(connection, values=place_ids)
    return {place_id: (latitude, longitude) for place_id, latitude, longitude in rows}


def shared_names(connection: Connection) -> dict[str, frozenset[str]]:
    """Return the folded names that several actors or several places have, by `actors`, `places`."""
    return {
        f"{kind}s": frozenset(name for (name,) in query.rows(connection))
        for kind, query in SHARED_NAMES.items()
    }


def own_field_names(connection: Connection, query: EventFilter) -> list[str]:
    """Return the names of the own fields that hits have, in order."""
    hits = Hits(connection, resolve(connection, query))
    kind, prefix = find_facet_kind(connection, "extra")
    names = count_commonest(connection, hits, kind, MAX_NAMES, prefix)
    return sorted(name.removeprefix(NAMES_FIRST) for name, _ in names)


def labels(connection: Connection, name: str, values: Sequence[str]) -> dict[str, str]:
    """Return the label of each value of a facet; the value itself if it has no label."""
    label_of: dict[str, str] = {}
    if name in LABEL_QUERIES:
        label_of = dict(LABEL_QUERIES[name].rows(connection, values=values))
    elif name == "country":
        countries = {value: pycountry.countries.get(alpha_2=value) for value in values}
        label_of = {v: getattr(c, "common_name", c.name) for v, c in countries.items() if c}
    elif name == "extra":
        label_of = {value: value.replace(":", ": ", 1) for value in values}
    elif name_own_field(name):
        label_of = {value: value.partition(":")[2] for value in values}
    return {value: label_of.get(value, value) for value in values}


# -- histogram ------------------------------------------------------------------------------------


class Bucket(NamedTuple):
    """A span of time, both ends included, and the events in it: for certain, and possibly."""

    first: int
    last: int
    label: str
    certain: int
    possible: int


def histogram(connection: Connection, query: HistogramQuery) -> bytes:
    """Return, as JSON, how many hits fall into each span of time.

    An event counts in every span that it may overlap, unless its date names no year. Raise Problem
    `invalid-parameters` if there would be more than MAX_BUCKETS spans.
    """
    density = measure_density(connection, query)
    interval = CALENDAR_INTERVALS[query.interval]
    size = density.size(interval)
    if size > MAX_BUCKETS:
        message = (
            f"'{query.interval}' makes {size} buckets of the time asked for,"
            f" {MAX_BUCKETS} are the most"
        )
        # The finest interval with few enough spans. The first one, the coarsest, always has.
        *_, finest = (n for n, i in CALENDAR_INTERVALS.items() if density.size(i) <= MAX_BUCKETS)
        hint = "; ask for coarser spans, or for less time with `date`"
        raise refuse(Fault("query", "interval", message + hint, finest))
    return b'{"interval":"%b","undated":%d,"buckets":[%b]}' % (
        query.interval.encode(),
        density.undated,
        density.to_json(interval),
    )


@dataclass(frozen=True)
class Density:
    """The date bounds of a filter's hits, to be cut into spans of any size."""

    extent: tuple[int, int] | None  # None if no event names a day
    spans: Spans

    @property
    def undated(self) -> int:
        """Return how many events are in no span: all if none of them names a day."""
        return self.spans.undated + (0 if self.extent else int(self.spans.events.sum()))

    def size(self, interval: CalendarInterval) -> int:
        """Return how many spans an interval makes."""
        if self.extent is None:
            return 0
        first, last = map(interval.number_at, self.extent)
        return last - first + 1

    def finest_interval(self, most: int) -> CalendarInterval:
        """Return the finest interval with at most `most` spans, else the coarsest of all."""
        names = [name for name, i in PICTURE_INTERVALS.items() if self.size(i) <= most]
        return PICTURE_INTERVALS[names[-1] if names else next(iter(PICTURE_INTERVALS))]

    def cut(self, interval: CalendarInterval) -> list[Bucket]:
        """Return the spans in order, empty ones included."""
        if self.extent is None:
            return []
        spans = self._cut(interval)
        counts = (counted.tolist() for counted in self.spans.counts(spans))
        return [Bucket(*one[:3], *n) for one, *n in zip(spans.spans, *counts, strict=True)]

    def to_json(self, interval: CalendarInterval) -> bytes:
        """Return the spans as JSON objects separated by commas."""
        if self.extent is None:
            return b""
        spans = self._cut(interval)
        return spans.template % tuple(np.stack(self.spans.counts(spans), axis=1).ravel().tolist())

    def _cut(self, interval: CalendarInterval) -> Cut:
        assert self.extent is not None
        return cut_calendar(interval, *map(interval.number_at, self.extent))

    def trimmed(self, bucket: Bucket, window: dates.Window) -> Bucket:
        """Return the part of a span within a window, with the events in that part."""
        first, last = max(bucket.first, window.first), min(bucket.last, window.last)
        if (first, last) == (bucket.first, bucket.last):
            return bucket
        label = dates.parse(dates.write_window(dates.Window(first, last))).label
        days = np.array([first, last + 1])
        (possible,), (certain,) = self.spans.possible(days), self.spans.certain(days)
        return Bucket(first, last, label, int(certain), int(possible))


def measure_density(connection: Connection, query: EventFilter) -> Density:
    """Return how the hits of a filter lie in time."""
    spans = spans_of(Hits(connection, resolve(connection, query)))
    return Density(_extent(query.window, spans), spans)


def _extent(window: dates.Window | None, spans: Spans) -> tuple[int, int] | None:
    """Return the first and last day to show: those of `date`, or of the hits if it is open."""
    first, last = window or (dates.BEGINNING, dates.END)
    closed = first > dates.BEGINNING and last < dates.END
    days = [day for day in (() if closed else spans.extent or ()) if first <= day <= last]
    finite = [*days, *(day for day in (first, last) if dates.BEGINNING < day < dates.END)]
    if not finite:
        return None
    return (
        min(finite) if first == dates.BEGINNING else first,
        max(finite) if last == dates.END else last,
    )


# -- what was known when --------------------------------------------------------------------------


def reported(connection: Connection, query: EventFilter) -> list[tuple[int, int]]:
    """Return the days on which hits became known, in order, each with the number of events."""
    hits = Hits(connection, resolve(connection, query))
    days_known = hits.values("known")
    days, numbers = np.unique(days_known[days_known <= dates.LAST_DAY], return_counts=True)
    return list(zip(days.tolist(), numbers.tolist(), strict=True))
