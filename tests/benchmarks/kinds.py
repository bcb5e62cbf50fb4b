"""The requests that are timed: a row a kind, with the values that it is asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks import generated
from benchmarks.values import DIMENSIONS, MANY, Query, Values
from benchmarks.wire import Request

NEWEST = ", newest first"
INTERVALS = ("year", "quarter", "month")


@dataclass(frozen=True)
class Kind:
    """Requests of one kind; the `group` tells which goal they have."""

    name: str
    group: str
    made: Callable[[Values], Iterable[Request]]
    poll: bool = False  # with the tag of the answer, so that the answer is 304

    def requests(self, values: Values) -> list[Request]:
        """What is asked for, the same whatever was asked before."""
        values.random.seed(self.name)
        return list(dict.fromkeys(self.made(values)))[: 2 * MANY]


def get(path: str, query: Query | None = None) -> Request:
    """A request; `by` may stand for several values, separated by spaces."""
    pairs = [(n, part) for n, v in (query or {}).items() for part in told(n, v)]
    return Request(f"{path}?{urlencode(pairs)}" if pairs else path)


def told(name: str, value: str) -> list[str]:
    """The values of a parameter."""
    return value.split() if name == "by" else [value]


def values_of(dimension: str) -> Callable[[Values], Iterable[Query]]:
    """A filter by each value of a dimension."""
    return lambda values: ({dimension: value} for value in values.spread(dimension))


def amounts(values: Values) -> Iterator[Query]:
    """By unit and range."""
    for step, (measure, unit, size) in enumerate(generated.MEASURES * 4):
        low = values.random.uniform(1, 99)
        query = {"unit": unit, "min_value": f"{low * 10**size:.2f}"}
        if step % 2:
            query["max_value"] = f"{(low + 3) * 10**size:.2f}"
        yield query if step % 3 else {"measure": measure, **query}


# Each parameter of the filter alone; `date`, `match` and `q` have rows of their own below.
FILTERS: dict[str, Callable[[Values], Iterable[Query]]] = {
    **{name: values_of(name) for name in DIMENSIONS},
    "not a type": lambda values: ({"type": f"!{value}"} for value in values.spread("type")),
    "not an actor": lambda values: ({"actor": f"!{value}"} for value in values.spread("actor")),
    "any of three actors": lambda values: (
        {"actor": " ".join(values.any("actor") for _ in range(3))} for _ in range(20)
    ),
    "all of two actors": lambda values: (
        {"actor": " ".join(values.any("actor") for _ in range(2)), "all_of": "actor"}
        for _ in range(20)
    ),
    "bbox": lambda values: ({"bbox": box} for box in values.boxes()),
    "min_publishers": lambda _: ({"min_publishers": str(least)} for least in range(1, 6)),
    "measure": lambda _: ({"measure": m} for m in sorted({m for m, *_ in generated.MEASURES})),
    "unit, min_value, max_value": amounts,
    "known_by": lambda _: ({"known_by": str(year)} for year in range(1989, 2028)),
    "related_to": lambda values: (
        {"related_to": f"event-{serial}"} for serial in (*range(10), *range(10, values.number, 977))
    ),
    "extra": lambda _: ({"extra": f"importance:{value}"} for value in range(generated.IMPORTANCES)),
    "updated_since": lambda values: ({"updated_since": moment} for moment in values.moments),
}

TEXTS: dict[str, Callable[[Values], Iterable[Query]]] = {
    "rare word": lambda values: ({"q": word} for word in values.rare_words()),
    "word in nearly every event": lambda _: ({"q": generated.EVERYWHERE},),
    "common word": lambda values: ({"q": word} for word in values.words()),
    "two words": lambda values: (
        {"q": f"{one} {values.random.choice(values.words())}"} for one in values.words()
    ),
    "prefix": lambda values: ({"q": f"{word[:4]}*"} for word in values.words()),
    "phrase": lambda _: ({"q": f'"{generated.PHRASE}"'}, {"q": '"understanding"'}),
    "word, with a filter": lambda values: (
        {"q": word, **query}
        for word, query in zip(values.words(), values.terms(1, "any"), strict=True)
    ),
}

TERMS: dict[str, tuple[str, ...]] = {  # how common the values of each are
    "two terms, common": ("common", "common"),
    "two terms, common and rare": ("common", "any"),
    "two terms, few hits": ("middling", "middling"),
    "three terms, common": ("common", "common", "common"),
    "three terms, common and rare": ("common", "common", "any"),
    "three terms, few hits": ("common", "middling", "middling"),
}


def listed(name: str, group: str, made: Callable[[Values], Iterable[Query]], **more: str) -> Kind:
    """Pages of the events that each of some filters finds."""

    def requests(values: Values) -> Iterator[Request]:
        for query in made(values):
            yield events({**query, **more})

    return Kind(name, group, requests)


def events(query: Query) -> Request:
    """A page of events; several actors are separated by spaces."""
    pairs = [
        (name, part)
        for name, value in query.items()
        for part in (value.split() if name == "actor" else [value])
    ]
    return Request(f"/events?{urlencode(pairs)}" if pairs else "/events")


def deep(sort: str) -> Callable[[Values], Iterable[Query]]:
    """Pages far inside a list."""
    return lambda values: (
        {"sort": sort, "cursor": cursor}
        for cursor in values.cursors[sort][:: 1 + len(values.cursors[sort]) // 40]
    )


def combined(how: tuple[str, ...]) -> Callable[[Values], Iterable[Query]]:
    """Filters by so many dimensions."""
    return lambda values: values.terms(len(how), *how)


def facets(query: Callable[[Values], Iterable[Query]]) -> Callable[[Values], Iterator[Request]]:
    """Each dimension counted, under each filter in turn."""

    def requests(values: Values) -> Iterator[Request]:
        for step, asked in enumerate(query(values)):
            yield get("/facets", {"by": DIMENSIONS[step % len(DIMENSIONS)], **asked})

    return requests


def histograms(query: Callable[[Values], Iterable[Query]]) -> Callable[[Values], Iterator[Request]]:
    """Each interval, under each filter in turn."""

    def requests(values: Values) -> Iterator[Request]:
        for step, asked in enumerate(query(values)):
            yield get("/histogram", {"interval": INTERVALS[step % 3], **asked})

    return requests


def export(values: Values) -> Iterator[Request]:
    """The filter that finds nearest to ten thousand events, or all of a smaller store."""
    counted = {
        (name, value): count for name in DIMENSIONS for value, count in values.counts[name]
    } | {("total", "none"): values.number}
    name, value = min(counted, key=lambda pair: (abs(counted[pair] - 10_000), pair))
    yield get("/events.ndjson", {} if name == "total" else {name: value})


def nothing(times: int) -> Callable[[Values], Iterable[Query]]:
    """No filter, so many times."""
    return lambda _: ({} for _ in range(times))


def plain(values: Values) -> Iterator[Query]:
    """One filter of each dimension in turn, values common and rare."""
    return (query for query in values.terms(1, "any"))


KINDS: tuple[Kind, ...] = (
    Kind("one event", "one", lambda values: (get(f"/events/{i}") for i in values.events())),
    listed("first page", "page", nothing(1)),
    listed("first page" + NEWEST, "page", nothing(1), sort="-date"),
    listed("first page, least recently updated", "page", nothing(1), sort="updated"),
    listed("first page, last updated", "page", nothing(1), sort="-updated"),
    listed("deep page", "page", deep("date")),
    listed("deep page" + NEWEST, "page", deep("-date")),
    *(listed(name, "filter", made) for name, made in FILTERS.items()),
    *(listed(name + NEWEST, "filter", made, sort="-date") for name, made in FILTERS.items()),
    *(
        listed(f"overlap {match}{way}", "overlap", over, match=match, sort=sort)
        for over in [lambda values: ({"date": window} for window in values.windows())]
        for match in ("possible", "certain")
        for way, sort in (("", "date"), (NEWEST, "-date"))
    ),
    *(listed(name + NEWEST, "text", made, sort="-date") for name, made in TEXTS.items()),
    *(listed(name, "text, other orders", made) for name, made in TEXTS.items()),
    *(
        listed(f"{name}, by relevance", "text, other orders", TEXTS[name], sort="relevance")
        for name in ("rare word", "word in nearly every event", "phrase")
    ),
    *(listed(name, "terms", combined(how)) for name, how in TERMS.items()),
    Kind("facet", "facet", facets(nothing(9))),
    Kind("facet, one filter", "facet", facets(plain)),
    Kind(
        "four facets, no filter",
        "facet",
        lambda _: [get("/facets", {"by": "type actor tag publisher"})],
    ),
    Kind("histogram", "histogram", histograms(nothing(3))),
    Kind("histogram, one filter", "histogram", histograms(plain)),
    Kind(
        "histogram, a window",
        "histogram",
        histograms(lambda _: ({"date": f"{year}/{year + 5}"} for year in range(1990, 2020))),
    ),
    Kind("sources", "vocabulary", lambda _: [get("/sources")]),
    Kind(
        "sources, a word",
        "vocabulary",
        lambda values: (get("/sources", {"q": word}) for word in values.words()),
    ),
    Kind("export of 10,000 events", "export", export),
    Kind(
        "unchanged poll (304)",
        "poll",
        lambda values: [
            get("/events"),
            *(events({**query, "sort": "-date"}) for query in values.terms(1, "any")),
        ],
        poll=True,
    ),
)
