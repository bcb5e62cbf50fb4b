"""What HTTP would hide: queries inside one process, against reading one stored event by its key."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app import reads
from app.errors import Problem
from app.filters import EventFilter, EventQuery, FacetQuery
from app.settings import Settings
from app.store import Database
from benchmarks.kinds import TERMS
from benchmarks.values import DIMENSIONS, Query, Values

Work = Callable[[Connection], object]
EVERY = 10  # queries, as many events are read by their key


@dataclass(frozen=True)
class Part:
    """Queries of a kind, of whose times a percentile is compared."""

    name: str
    percentile: int
    made: Callable[[Values, int], Iterator[Work]]


def combined(number: int) -> Callable[[Values, int], Iterator[Work]]:
    """Pages under so many terms, in both orders of time."""

    def made(values: Values, times: int) -> Iterator[Work]:
        for _ in range(times):
            filters = filtered(values, number)
            for sort in ("date", "-date"):
                asked = {**filters, "sort": sort, "total": "none"}
                yield page(EventQuery.model_validate(asked))

    return made


def filtered(values: Values, number: int) -> dict[str, list[str]]:
    """A filter by so many dimensions, their values common, middling or rare."""
    ways = [how for how in TERMS.values() if len(how) == number] or [("any",)]
    [terms] = values.terms(number, *values.random.choice(ways), times=1)
    return listed(terms)


def listed(query: Query) -> dict[str, list[str]]:
    """As the filter takes it."""
    return {name: [value] for name, value in query.items()}


def page(asked: EventQuery) -> Work:
    """Reading a page."""
    return lambda connection: reads.page(connection, reads.position(connection), asked)


def totals(values: Values, times: int) -> Iterator[Work]:
    """Counting under one, two and three terms."""
    for step in range(times):
        asked = EventFilter.model_validate(filtered(values, 1 + step % 3))
        yield partial(reads.count_matching, query=asked)


def facets(values: Values, times: int) -> Iterator[Work]:
    """Each dimension counted, under no filter and under any one."""
    for step in range(times):
        filters = filtered(values, 1) if step % 10 else {}
        asked = FacetQuery.model_validate({"by": [DIMENSIONS[step % len(DIMENSIONS)]], **filters})
        yield partial(reads.facets, query=asked)


PARTS = (
    Part("two terms, in process", 99, combined(2)),
    Part("three terms, in process", 99, combined(3)),
    Part("exact total of up to three terms, in process", 95, totals),
    Part("facet under one filter, in process", 95, facets),
)


def measured(
    url: str, values: Values, parts: Sequence[Part], times: int, seconds: float
) -> list[dict[str, Any]]:
    """The percentile of each part against the median of reading one event, in the same turns."""
    told = []
    with closing(Database(Settings(database_url=url))) as store:
        with store.read(patient=True) as connection:
            reads.warm(connection)  # as a server does
        for part in parts:
            values.random.seed(part.name)
            keys = cycle(values.events())
            taken: list[float] = []
            unit: list[float] = []
            until = time.perf_counter() + seconds
            for number, work in enumerate(part.made(values, times)):
                with store.read() as connection:
                    if number % EVERY == 0:
                        unit += [timed(connection, by_key(key)) for key in islice(keys, EVERY)]
                    spent = timed(connection, work)
                if number >= 2:  # what is opened once is not counted
                    taken.append(spent)
                if time.perf_counter() > until:
                    break
            told.append(compared(part, taken, unit))
    return told


def by_key(event_id: str) -> Work:
    """Reading one stored event."""
    return lambda connection: reads.event(connection, event_id)


def timed(connection: Connection, work: Work) -> float:
    """The seconds of one query; one that is refused for its cost has taken them, too."""
    started = time.perf_counter()
    with suppress(DBAPIError, Problem):
        work(connection)
    return time.perf_counter() - started


def compared(part: Part, taken: list[float], unit: list[float]) -> dict[str, Any]:
    """The figures of a part, in milliseconds."""
    at = quantiles(taken, n=100, method="inclusive")[part.percentile - 1]
    return {
        "name": part.name,
        "percentile": part.percentile,
        "milliseconds": 1000 * at,
        "median": 1000 * median(taken),
        "unit": 1000 * median(unit),
        "ratio": at / median(unit),
        "queries": len(taken),
    }
