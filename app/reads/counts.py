"""Counts of what a filter finds: by the values that events bear, and by spans of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pycountry
from sqlalchemy import Connection

from app import dates
from app.dialects import Prepared
from app.errors import Fault, refuse
from app.filters import EventFilter, FacetQuery, HistogramQuery, find
from app.reads.cursors import write_json
from app.reads.hits import Hits
from app.reads.spans import INTERVALS, OF_PICTURES, Cut, Interval, cut
from app.reads.tallies import Spans, commonest, spans_of

MAX_BUCKETS = 5000
Json = dict[str, Any]

# -- facets ---------------------------------------------------------------------------------------

SHARED_NAMES = {
    "actor": Prepared(
        "SELECT folded FROM (SELECT id, folded FROM actor UNION SELECT actor_id, folded FROM"
        " actor_alias) named GROUP BY folded HAVING count(*) > 1"
    ),
    "place": Prepared("SELECT folded FROM place GROUP BY folded HAVING count(*) > 1"),
}
ALL_TYPES = Prepared("SELECT id, label FROM type ORDER BY id")
# Where the labels of values stand; the values of other facets are words of their own.
LABELS: Mapping[str, Prepared] = {
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


def facets(connection: Connection, asked: FacetQuery) -> bytes:
    """How many of the events that a filter finds bear each value of the dimensions asked for."""
    hits = Hits(connection, find(connection, asked))
    counted = {name: facet(connection, hits, name, asked.limit) for name in dict.fromkeys(asked.by)}
    return write_json({"total": hits.count(), "facets": counted})


def facet(connection: Connection, hits: Hits, name: str, limit: int) -> list[Json]:
    """The `limit` commonest values of one dimension, with labels and numbers of events."""
    found = commonest(connection, hits, name, limit)
    named = labels(connection, name, [value for value, _ in found])
    return [{"value": value, "label": named[value], "count": number} for value, number in found]


def type_labels(connection: Connection) -> dict[str, str]:
    """Return the label of every type by its id."""
    return dict(ALL_TYPES.rows(connection))


def shared_names(connection: Connection) -> dict[str, frozenset[str]]:
    """Return the folded names that several actors or several places have, by `actors`, `places`."""
    return {
        f"{kind}s": frozenset(name for (name,) in query.rows(connection))
        for kind, query in SHARED_NAMES.items()
    }


def labels(connection: Connection, name: str, values: Sequence[str]) -> dict[str, str]:
    """What people call values of a dimension; the value itself where it has no other name."""
    known: dict[str, str] = {}
    if name in LABELS:
        known = dict(LABELS[name].rows(connection, values=values))
    elif name == "country":
        countries = {value: pycountry.countries.get(alpha_2=value) for value in values}
        known = {v: getattr(c, "common_name", c.name) for v, c in countries.items() if c}
    return {value: known.get(value, value) for value in values}


# -- histogram ------------------------------------------------------------------------------------


class Bucket(NamedTuple):
    """A span of time, both ends included, and how many events fall into it; with the possible."""

    first: int
    last: int
    label: str
    certain: int
    possible: int


def histogram(connection: Connection, asked: HistogramQuery) -> bytes:
    """How many of the events that a filter finds fall into each span of time.

    An event counts in every span that it may overlap, but for those whose date names no year.
    Raise Problem `invalid-parameters` if there would be more than MAX_BUCKETS spans.
    """
    density = densities(connection, asked)
    interval = INTERVALS[asked.interval]
    size = density.size(interval)
    if size > MAX_BUCKETS:
        message = (
            f"'{asked.interval}' makes {size} buckets of the time asked for,"
            f" {MAX_BUCKETS} are the most"
        )
        # The finest that makes few enough; INTERVALS begin with the coarsest, which always does.
        *_, fitting = (n for n, i in INTERVALS.items() if density.size(i) <= MAX_BUCKETS)
        hint = "; ask for coarser spans, or for less time with `date`"
        raise refuse(Fault("query", "interval", message + hint, fitting))
    return b'{"interval":"%b","undated":%d,"buckets":[%b]}' % (
        asked.interval.encode(),
        density.undated,
        density.written(interval),
    )


@dataclass(frozen=True)
class Density:
    """The bounds of the events that a filter finds, to be cut into spans of any size."""

    extent: tuple[int, int] | None  # None where no event names a day
    spans: Spans

    @property
    def undated(self) -> int:
        """How many events are in no span: all if none of them names a day."""
        return self.spans.undated + (0 if self.extent else int(self.spans.events.sum()))

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
        if self.extent is None:
            return []
        made = self._made(interval)
        counts = (counted.tolist() for counted in self.spans.counts(made))
        return [Bucket(*one[:3], *n) for one, *n in zip(made.spans, *counts, strict=True)]

    def written(self, interval: Interval) -> bytes:
        """The same as JSON, separated by commas."""
        if self.extent is None:
            return b""
        made = self._made(interval)
        return made.template % tuple(np.stack(self.spans.counts(made), axis=1).ravel().tolist())

    def _made(self, interval: Interval) -> Cut:
        assert self.extent is not None
        return cut(interval, *map(interval.number_at, self.extent))

    def trimmed(self, bucket: Bucket, window: dates.Window) -> Bucket:
        """As much of a span as lies in a window, and what falls into that."""
        first, last = max(bucket.first, window.first), min(bucket.last, window.last)
        if (first, last) == (bucket.first, bucket.last):
            return bucket
        label = dates.parse(dates.write_window(dates.Window(first, last))).label
        days = np.array([first, last + 1])
        (possible,), (certain,) = self.spans.possible(days), self.spans.certain(days)
        return Bucket(first, last, label, int(certain), int(possible))


def densities(connection: Connection, asked: EventFilter) -> Density:
    """How the events that a filter finds lie in time."""
    spans = spans_of(Hits(connection, find(connection, asked)))
    return Density(_extent(asked.window, spans), spans)


def _extent(window: dates.Window | None, spans: Spans) -> tuple[int, int] | None:
    """First and last day shown: those of `date`, or where it is open the finite bounds'."""
    first, last = window or (dates.BEGINNING, dates.END)
    closed = first > dates.BEGINNING and last < dates.END
    named = [day for day in (() if closed else spans.extent or ()) if first <= day <= last]
    finite = [*named, *(day for day in (first, last) if dates.BEGINNING < day < dates.END)]
    if not finite:
        return None
    return (
        min(finite) if first == dates.BEGINNING else first,
        max(finite) if last == dates.END else last,
    )


# -- what was known when --------------------------------------------------------------------------


def reported(connection: Connection, asked: EventFilter) -> list[tuple[int, int]]:
    """The days on which events became known by their sources, each with how many, in order."""
    hits = Hits(connection, find(connection, asked))
    known = hits.values("known")
    days, numbers = np.unique(known[known <= dates.LAST_DAY], return_counts=True)
    return list(zip(days.tolist(), numbers.tolist(), strict=True))
