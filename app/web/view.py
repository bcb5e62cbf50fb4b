"""What a page shows, read from one snapshot of the store."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app import dates, reads
from app.filters import EventFilter, EventQuery, RevisionsQuery, find
from app.web.asked import PageQuery
from app.web.drawing import Strip, strip

Json = dict[str, Any]
FACETS: Mapping[str, str] = {
    "type": "Type",
    "actor": "Actor",
    "place": "Place",
    "publisher": "Publisher",
    "tag": "Tag",
    "status": "Status",
}
NAMES: Mapping[str, str] = {
    "q": "text",
    "date": "when",
    "match": "match",
    "known_by": "known by",
    "min_publishers": "publishers at least",
    "min_value": "at least",
    "max_value": "at most",
    "related_to": "linked to",
    "updated_since": "updated since",
    "bbox": "within",
    "all_of": "all of",
}
IN_THE_FORM = ("q", "date", "match", "known_by", "sort", "theme")
MOST_VALUES, MOST_REVISIONS, MOST_LINKS, MOST_STEPS = 100, 50, 100, 400
# What the other end of a link is to an event.
INVERSE: Mapping[str, str] = {
    "follows": "followed by",
    "part-of": "includes",
    "implements": "implemented by",
    "responds-to": "answered by",
    "causes": "caused by",
    "amends": "amended by",
    "supersedes": "superseded by",
    "contradicts": "contradicted by",
    "confirms": "confirmed by",
    "related": "related to",
}


class Option(NamedTuple):
    """A value that the events can be narrowed to."""

    value: str
    label: str
    events: int
    chosen: bool


class Chip(NamedTuple):
    """A parameter that is in force, in words."""

    name: str
    value: str
    said: str


class Step(NamedTuple):
    """A day on which something became known, and how many events were known by then."""

    day: str
    label: str
    known: int


@dataclass(frozen=True)
class Opened:
    """The event that is open: whole, with what it is linked to and how it came to be so."""

    event: Json
    linked: Sequence[tuple[str, Json]]
    revisions: Sequence[Json]


@dataclass(frozen=True)
class View:
    """All that a page shows of the store."""

    total: int
    of: int
    years: Sequence[tuple[str, Sequence[Json]]]
    cursor: str | None
    strip: Strip | None
    facets: Mapping[str, Sequence[Option]]
    chips: Sequence[Chip]
    hidden: Sequence[tuple[str, str]]  # of the filter, what the form has no field for
    steps: Sequence[Step]
    opened: Opened | None
    labels: Mapping[tuple[str, str], str]

    def label(self, name: str, value: str) -> str:
        """What people call a value."""
        return self.labels.get((name, value)) or value.replace("-", " ")


def look(
    connection: Connection, now: reads.Position, asked: PageQuery, *, form: bool = True
) -> View:
    """What a page shows in the state `now` of the store, without counts where it has no `form`."""
    page = reads.page(connection, now, asked.listing)
    events = [json.loads(item) for item in page.items]
    density = reads.densities(connection, asked)
    facets = {name: _facet(connection, asked, name) for name in FACETS} if form else {}
    chips = list(_chips(connection, asked))
    opened = _opened(connection, now, asked.event) if asked.event else None
    shown = [*events, *([opened.event] if opened else [])]
    return View(
        total=page.total or 0,
        of=reads.matching(connection, EventFilter()),
        years=_by_year(events) if asked.sort in ("date", "-date") else [("", events)],
        cursor=page.cursor,
        strip=strip(density, asked.window),
        facets=facets,
        chips=chips,
        hidden=_hidden(asked, facets),
        steps=_steps(connection, asked) if form else [],
        opened=opened,
        labels=_labels(connection, shown, facets),
    )


def _by_year(events: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    """The events under the years that they stand at in the timeline, in the order they came."""
    return [(year, list(group)) for year, group in groupby(events, _year)]


def _year(event: Json) -> str:
    day = dates.parse(event["date"]["edtf"]).order_day
    named = dates.iso_day(day)
    return dates.parse(named[: -len("-01-01")]).label if named else "At an unknown time"


# -- the filter -----------------------------------------------------------------------------------


def _facet(connection: Connection, asked: PageQuery, name: str) -> list[Option]:
    """Each value with the events that would be found with it instead of those chosen now."""
    given = getattr(asked, name)
    chosen = [value for value in given if not value.startswith("!")]
    excluded = [value for value in given if value.startswith("!")]
    rest = asked.without(name).given
    base = EventFilter(**rest, **({name: excluded} if excluded else {}))
    counted = reads.facet(
        connection, reads.Hits(connection, find(connection, base)), name, MOST_VALUES
    )
    options = [Option(v["value"], v["label"], v["count"], v["value"] in chosen) for v in counted]
    # Not among the commonest, or a publisher or a tag by its name.
    shown = {option.value for option in options}
    others = [value for value in dict.fromkeys(chosen) if value not in shown]
    for value, label in reads.labels(connection, name, others).items():
        number = reads.matching(connection, EventFilter(**rest, **{name: [value, *excluded]}))
        options.append(Option(value, label, number, True))
    return options


def _chips(connection: Connection, asked: PageQuery) -> Iterator[Chip]:
    for name, given in asked.given.items():
        for value in given if isinstance(given, list) else [given]:
            plain = str(value).removeprefix("!")
            dated = name in ("date", "known_by")
            named = {} if dated else reads.labels(connection, name, [plain])
            said = dates.parse(plain).label if dated else named[plain]
            about = NAMES.get(name, name.replace("_", " "))
            excluded = isinstance(given, list) and str(value).startswith("!")
            yield Chip(name, str(value), f"{about}: {'not ' if excluded else ''}{said}")


def _hidden(asked: PageQuery, facets: Mapping[str, Sequence[Option]]) -> list[tuple[str, str]]:
    shown = {(name, option.value) for name, options in facets.items() for option in options}
    return [
        pair for pair in asked.pairs if pair[0] not in (*IN_THE_FORM, "event") and pair not in shown
    ]


def _steps(connection: Connection, asked: PageQuery) -> list[Step]:
    """How the events that the rest of the filter finds became known, thinned where it is long."""
    reported = reads.reported(connection, asked.without("known_by"))
    known, steps = 0, []
    for day, number in reported:
        known += number
        named = str(dates.iso_day(day))
        steps.append(Step(named, dates.parse(named).label, known))
    apart = -(-len(steps) // MOST_STEPS) or 1
    # From the end, so that the last one stays.
    return steps[::-1][::apart][::-1]


# -- the open event -------------------------------------------------------------------------------


def _opened(connection: Connection, now: reads.Position, event_id: str) -> Opened:
    event = json.loads(reads.event(connection, event_id))
    asked = RevisionsQuery(limit=MOST_REVISIONS)
    revisions = reads.revisions(connection, now, "event", event_id, asked)
    return Opened(
        event,
        list(_linked(connection, now, event)),
        [json.loads(item) for item in revisions.items],
    )


def _linked(connection: Connection, now: reads.Position, event: Json) -> Iterator[tuple[str, Json]]:
    """The events that it is linked to from either end, each with what they are to it."""
    asked = EventQuery(related_to=event["id"], limit=MOST_LINKS, total="none")
    for item in reads.page(connection, now, asked).items:
        other = json.loads(item)
        for link in event["related"]:
            if link["event"] == other["id"]:
                yield link["relation"].replace("-", " "), other
        for link in other["related"]:
            if link["event"] == event["id"]:
                yield INVERSE[link["relation"]], other


def _labels(
    connection: Connection, events: Sequence[Json], facets: Mapping[str, Sequence[Option]]
) -> dict[tuple[str, str], str]:
    """What the types on a page are called; other values bear their names with them."""
    known = {option.value: option.label for option in facets.get("type", ())}
    wanted = {event["type"] for event in events} - known.keys()
    named = known | reads.labels(connection, "type", sorted(wanted))
    return {("type", value): label for value, label in named.items()}
