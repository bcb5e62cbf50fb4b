"""The view of a page, read from one snapshot of the store."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection

from app import dates, reads
from app.filters import EventFilter, EventQuery, RevisionsQuery, VocabularyQuery, resolve
from app.formats.html import STATUS_WORDS
from app.json_types import Json
from app.languages import ENGLISH, Language, find_language, mark
from app.web.axis import MAX_EVENTS, Axis, fit_axis, name_year
from app.web.map import Area, Map, MappedPlace, draw_map
from app.web.overview import MAX_LANES, LaneName, Overview, draw_counts, draw_overview
from app.web.query import PageQuery
from app.web.strip import Strip, draw_strip

FACET_HEADINGS: Mapping[str, str] = {
    "type": mark("Type"),
    "actor": mark("Actor"),
    "place": mark("Place"),
    "publisher": mark("Publisher"),
    "tag": mark("Tag"),
    "status": mark("Status"),
}
PARAMETER_NAMES: Mapping[str, str] = {
    "q": mark("text"),
    "date": mark("when"),
    "match": mark("match"),
    "known_by": mark("known by"),
    "type": mark("type"),
    "actor": mark("actor"),
    "place": mark("place"),
    "country": mark("country"),
    "tag": mark("tag"),
    "publisher": mark("publisher"),
    "source": mark("source"),
    "status": mark("status"),
    "role": mark("role"),
    "measure": mark("measure"),
    "unit": mark("unit"),
    "min_publishers": mark("publishers at least"),
    "min_value": mark("at least"),
    "max_value": mark("at most"),
    "related_to": mark("linked to"),
    "updated_since": mark("updated since"),
    "bbox": mark("within"),
    "all_of": mark("all of"),
    "extra": mark("own field"),
}
# Values of parameters that are words of the page, not data.
VALUE_WORDS: Mapping[str, Collection[str]] = {
    "status": STATUS_WORDS,
    "match": (mark("possible"), mark("certain")),
}
FORM_FIELDS = ("q", "date", "match", "known_by", "sort", "theme")
MAX_FACET_VALUES, MAX_REVISIONS, MAX_LINKED_EVENTS, MAX_REPLAY_STEPS = 100, 50, 100, 400
MAX_MAPPED_PLACES, WHOLE_EARTH = 500, "-180,-90,180,90"
MIN_SHARING = 3  # events that have to share a source, so that it is named once for all
# A relation, read from its other end.
INVERSE: Mapping[str, str] = {
    "follows": mark("followed by"),
    "part-of": mark("includes"),
    "implements": mark("implemented by"),
    "responds-to": mark("answered by"),
    "causes": mark("caused by"),
    "amends": mark("amended by"),
    "supersedes": mark("superseded by"),
    "contradicts": mark("contradicted by"),
    "confirms": mark("confirmed by"),
    "related": mark("related to"),
}
RELATION_WORDS: Mapping[str, str] = {
    "follows": mark("follows"),
    "part-of": mark("part of"),
    "implements": mark("implements"),
    "responds-to": mark("responds to"),
    "causes": mark("causes"),
    "amends": mark("amends"),
    "supersedes": mark("supersedes"),
    "contradicts": mark("contradicts"),
    "confirms": mark("confirms"),
    "related": mark("related"),
}


class Option(NamedTuple):
    """A value of a facet, with its number of events."""

    value: str
    label: str
    events: int
    chosen: bool


class Chip(NamedTuple):
    """A parameter in force: its name and value, and the label of what it asks for."""

    name: str
    value: str
    label: str
    excluded: bool  # whether it asks for everything else


class Step(NamedTuple):
    """A day on which a source reported an event, and the number of events reported by then."""

    day: str
    events: int


class Facts(NamedTuple):
    """The chronology in figures."""

    years: Sequence[str]  # of the first and the last day that its events name, once if the same
    events: int
    sources: int
    updated: str  # the day of the last edit of an event, empty if there is none


@dataclass(frozen=True)
class OpenEvent:
    """The open event with the events linked to it, each with its relation, and its revisions."""

    event: Json
    linked: Sequence[tuple[str, Json]]
    revisions: Sequence[Json]
    before: Json | None  # its neighbours in the list
    after: Json | None


@dataclass(frozen=True)
class View:
    """The part of the store that a page shows."""

    language: Language
    chronology: Json
    facts: Facts
    total: int
    all_events: int
    years: Sequence[tuple[str | None, Sequence[Json]]]  # by year, "" unknown; or None: not grouped
    cursor: str | None
    total_now: int | None  # of what is known now, if it is asked for what was known on a day
    shared: Json | None  # the source that all events cite
    overview: Overview | None
    map: Map | None
    strip: Strip | None
    facets: Mapping[str, Sequence[Option]]
    chips: Sequence[Chip]
    hidden: Sequence[tuple[str, str]]  # parameters without a field in the form
    steps: Sequence[Step]
    opened: OpenEvent | None
    labels: Mapping[tuple[str, str], str]

    def label(self, name: str, value: str) -> str:
        """Return the name of a value for people."""
        return self.labels.get((name, value)) or value.replace("-", " ")


def read_view(
    connection: Connection,
    now: reads.Position,
    query: PageQuery,
    preferred: Language | None = None,
    *,
    form: bool = True,
) -> View:
    """Return the view in the state `now` of the store, without facets if there is no `form`.

    It is in the language that the reader prefers, else in that of the chronology.
    """
    chronology = reads.fetch_chronology(connection)
    language = preferred or language_of(chronology)
    page = reads.page(connection, now, query.listing)
    events = [json.loads(item) for item in page.items]
    facets = {name: _facet(connection, query, name) for name in FACET_HEADINGS} if form else {}
    chips = list(_chips(connection, query))
    opened = _opened(connection, now, query, query.event) if query.event else None
    total, facts = page.total or 0, _facts(connection, now)
    pictures = read_pictures(connection, now, query, total, language)
    total_now = None
    if query.known_by:
        total_now = reads.count_matching(connection, query.without("known_by"))
    events_on_page = [*events, *([opened.event] if opened else [])]
    return View(
        language=language,
        chronology=chronology,
        facts=facts,
        total=total,
        all_events=facts.events,
        years=_by_year(events) if query.sort in ("date", "-date") else [(None, events)],
        cursor=page.cursor,
        total_now=total_now,
        shared=_shared_source(connection, query, events, total),
        overview=pictures.overview,
        map=_read_map(connection, query) if query.shows_map else None,
        strip=pictures.strip,
        facets=facets,
        chips=chips,
        hidden=_hidden(query, facets),
        steps=_steps(connection, query) if form else [],
        opened=opened,
        labels=_labels(connection, events_on_page, facets),
    )


def language_of(chronology: Json) -> Language:
    """Return the language of a chronology if pages have it, else English."""
    return find_language(chronology["language"] or "") or ENGLISH


def _facts(connection: Connection, now: reads.Position) -> Facts:
    """Return the facts about all events, whatever the filter."""
    extent = reads.measure_density(connection, EventFilter()).extent
    years = [name_year(day) for day in extent] if extent else []
    updated = reads.last_update(connection, EventFilter())
    return Facts(
        list(dict.fromkeys(years)),
        reads.count_matching(connection, EventFilter()),
        reads.vocabulary(connection, now, "sources", VocabularyQuery(limit=1)).total or 0,
        updated[:10] if updated else "",
    )


def _shared_source(
    connection: Connection, query: PageQuery, events: Sequence[Json], total: int
) -> Json | None:
    """Return the source that every event of the filter cites, None if there is none."""
    if total < MIN_SHARING or not events:
        return None
    hits = reads.Hits(connection, resolve(connection, query))
    (commonest,) = reads.facet(connection, hits, "source", 1) or [{"count": 0}]
    if commonest["count"] < total:
        return None
    sources = [s for s in events[0]["sources"] if s["id"] == commonest["value"]]
    return {**sources[0], "role": "supports"} if sources else None  # its role is another each time


def _by_year(events: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    """Group the events by the years of the timeline in EDTF, in the given order."""
    return [(year, list(group)) for year, group in groupby(events, _year)]


def _year(event: Json) -> str:
    day = dates.parse(event["date"]["edtf"]).order_day
    return name_year(day) if dates.iso_day(day) else ""


def first_event(connection: Connection, now: reads.Position, query: PageQuery) -> Json | None:
    """Return the first event of the list, None if it is empty."""
    one = EventQuery(**query.given_values, sort=query.sort, limit=1, total="none")
    items = reads.page(connection, now, one).items
    return json.loads(items[0]) if items else None


# -- the pictures on the axis ---------------------------------------------------------------------


class Pictures(NamedTuple):
    """The pictures of a page on its axis, None if they are not shown."""

    overview: Overview | None = None
    strip: Strip | None = None


def read_overview(connection: Connection, now: reads.Position, query: PageQuery) -> Overview | None:
    """Return the overview alone."""
    total = reads.count_matching(connection, query)
    return read_pictures(connection, now, query, total, ENGLISH).overview


def read_pictures(
    connection: Connection, now: reads.Position, query: PageQuery, total: int, language: Language
) -> Pictures:
    """Return the overview and the strip of what a filter finds, `total` events."""
    density = reads.measure_density(connection, query)
    # The axis is the same on each day of a replay.
    whole = query.without("known_by")
    on_axis = reads.measure_density(connection, whole) if query.known_by else density
    axis = fit_axis(on_axis, query.window, language)
    if axis is None:
        return Pictures()
    strip = draw_strip(density, axis, query.window, language) if query.shows_strip else None
    if not query.shows_overview:
        return Pictures(None, strip)
    if total > MAX_EVENTS:
        counts = _overview_of_counts(connection, query, density, axis, language)
        return Pictures(counts, strip)
    return Pictures(_overview(connection, now, query, axis), strip)


def _overview(
    connection: Connection, now: reads.Position, query: PageQuery, axis: Axis
) -> Overview:
    """Return every event with its title."""
    events = _read_events(connection, now, query)
    outlined: set[str] = set()
    if query.known_by:
        known = {event["id"] for event in events}
        whole = query.without("known_by")
        if reads.count_matching(connection, whole) <= MAX_EVENTS:
            events = _read_events(connection, now, whole)
        outlined = {event["id"] for event in events} - known
    types = reads.labels(connection, "type", sorted({event["type"] for event in events}))
    lanes_of = {event["id"]: list(_lane_names(event, query.lanes, types)) for event in events}
    return draw_overview(events, lanes_of, axis, outlined)


def _read_events(connection: Connection, now: reads.Position, query: EventFilter) -> list[Json]:
    everything = EventQuery(**query.given_values, sort="date", limit=MAX_EVENTS, total="none")
    return [json.loads(item) for item in reads.page(connection, now, everything).items]


def _lane_names(event: Json, kind: str, types: Mapping[str, str]) -> Iterator[LaneName]:
    """Yield the lanes of an event, each once."""
    if kind == "type":
        names = [LaneName(event["type"], types[event["type"]])]
    elif kind == "publisher":
        published = [source["publisher"] for source in event["sources"] if source["publisher"]]
        names = [LaneName(name, name) for name in published]
    else:
        named = [record for record in event[f"{kind}s"] if record.get("id")]
        names = [LaneName(record["id"], record["name"]) for record in named]
    yield from dict.fromkeys(names)


def _overview_of_counts(
    connection: Connection,
    query: PageQuery,
    density: reads.Density,
    axis: Axis,
    language: Language,
) -> Overview:
    """Return how the events of the commonest values lie in time."""
    kind = query.lanes
    chosen = [value for value in getattr(query, kind) if not value.startswith("!")]
    excluded = [value for value in getattr(query, kind) if value.startswith("!")]
    hits = reads.Hits(connection, resolve(connection, query))
    commonest = reads.facet(connection, hits, kind, MAX_LANES)
    rest = query.without(kind).given_values
    lanes = []
    for option in commonest:
        if chosen and option["value"] not in chosen:
            continue  # bears a chosen value and this one, which no single filter asks for
        one = EventFilter(**rest, **{kind: [option["value"], *excluded]})
        of_lane = reads.measure_density(connection, one)
        lanes.append((option["value"], option["label"], option["count"], of_lane))
    return draw_counts(density, lanes, axis, language)


# -- the map --------------------------------------------------------------------------------------


def _read_map(connection: Connection, query: PageQuery) -> Map:
    """Return the map of the places with the most events, of `bbox` if the filter has one."""
    hits = reads.Hits(connection, resolve(connection, query))
    options = reads.facet(connection, hits, "place", MAX_MAPPED_PLACES)
    at = reads.coordinates(connection, [option["value"] for option in options])
    places = [
        MappedPlace(option["value"], option["label"], *at[option["value"]], option["count"])
        for option in options
        if option["value"] in at
    ]
    if query.bbox:
        west, south, east, north = map(float, query.bbox.split(","))
        return draw_map(places, 0, Area(west, south, east + 360 * (east < west), north))
    anywhere = EventFilter(**query.without("bbox").given_values, bbox=WHOLE_EARTH)
    events = reads.count_matching(connection, query)
    return draw_map(places, events - reads.count_matching(connection, anywhere))


# -- the filter -----------------------------------------------------------------------------------


def _facet(connection: Connection, query: PageQuery, name: str) -> list[Option]:
    """Count for each value the events that the filter would find if only it were chosen."""
    values = getattr(query, name)
    chosen = [value for value in values if not value.startswith("!")]
    excluded = [value for value in values if value.startswith("!")]
    rest = query.without(name).given_values
    base = EventFilter(**rest, **({name: excluded} if excluded else {}))
    if name in query.all_of:
        base = EventFilter(**query.given_values)
    counts = reads.facet(
        connection, reads.Hits(connection, resolve(connection, base)), name, MAX_FACET_VALUES
    )
    options = [Option(v["value"], v["label"], v["count"], v["value"] in chosen) for v in counts]
    # A chosen value may not be among the commonest, or be a publisher or a tag by its name.
    listed = {option.value for option in options}
    others = [value for value in dict.fromkeys(chosen) if value not in listed]
    for value, label in reads.labels(connection, name, others).items():
        number = reads.count_matching(connection, EventFilter(**rest, **{name: [value, *excluded]}))
        options.append(Option(value, label, number, True))
    return options


def _chips(connection: Connection, query: PageQuery) -> Iterator[Chip]:
    for name, values in query.given_values.items():
        for value in values if isinstance(values, list) else [values]:
            plain = str(value).removeprefix("!")
            is_date = name in ("date", "known_by")
            labels = {} if is_date else reads.labels(connection, name, [plain])
            excluded = isinstance(values, list) and str(value).startswith("!")
            yield Chip(name, str(value), plain if is_date else labels[plain], excluded)


def _hidden(query: PageQuery, facets: Mapping[str, Sequence[Option]]) -> list[tuple[str, str]]:
    in_form = {(name, option.value) for name, options in facets.items() for option in options}
    in_form |= {("all_of", name) for name in facets if several_chosen(facets[name])}
    return [
        pair
        for pair in query.pairs
        if pair[0] not in (*FORM_FIELDS, "event") and pair not in in_form
    ]


def several_chosen(options: Sequence[Option]) -> bool:
    """Return whether more than one value of a facet is chosen: any of them, or all."""
    return sum(option.chosen for option in options) > 1


def _steps(connection: Connection, query: PageQuery) -> list[Step]:
    """Return the days on which the events were reported, at most MAX_REPLAY_STEPS of them."""
    reported = reads.reported(connection, query.without("known_by"))
    total, steps = 0, []
    for day, number in reported:
        total += number
        iso = str(dates.iso_day(day))
        steps.append(Step(iso, total))
    stride = -(-len(steps) // MAX_REPLAY_STEPS) or 1
    # From the end, so that the last one stays.
    return steps[::-1][::stride][::-1]


# -- the open event -------------------------------------------------------------------------------


def _opened(
    connection: Connection, now: reads.Position, page_query: PageQuery, event_id: str
) -> OpenEvent:
    event = json.loads(reads.event(connection, event_id))
    query = RevisionsQuery(limit=MAX_REVISIONS)
    revisions = reads.revisions(connection, now, "event", event_id, query)
    return OpenEvent(
        event,
        list(_linked(connection, now, event)),
        [json.loads(item) for item in revisions.items],
        *_neighbours(connection, page_query, event_id),
    )


def _neighbours(
    connection: Connection, query: PageQuery, event_id: str
) -> tuple[Json | None, Json | None]:
    """Return the events before and after this one in the list, None at an end."""
    place = reads.locate_in_list(connection, query, event_id)
    return place.before, place.after


def _linked(connection: Connection, now: reads.Position, event: Json) -> Iterator[tuple[str, Json]]:
    """Yield the events linked to this one from either end, each with its relation."""
    query = EventQuery(related_to=event["id"], limit=MAX_LINKED_EVENTS, total="none")
    for item in reads.page(connection, now, query).items:
        other = json.loads(item)
        for link in event["related"]:
            if link["event"] == other["id"]:
                yield RELATION_WORDS[link["relation"]], other
        for link in other["related"]:
            if link["event"] == event["id"]:
                yield INVERSE[link["relation"]], other


def _labels(
    connection: Connection, events: Sequence[Json], facets: Mapping[str, Sequence[Option]]
) -> dict[tuple[str, str], str]:
    """Return the labels of the types on a page; other values come with their names."""
    types = {option.value: option.label for option in facets.get("type", ())}
    missing = {event["type"] for event in events} - types.keys()
    types |= reads.labels(connection, "type", sorted(missing))
    return {("type", value): label for value, label in types.items()}
