"""A chronology in memory, and the answers to every filter, facet and histogram of it."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache, cached_property
from itertools import islice
from typing import Any

from sqlalchemy import insert, text
from sqlmodel import Session

from app import dates as edtf
from app import index, models, schemas, writes
from chronology.amounts import Range, amount, kind_and_size, range_of
from chronology.spans import INTERVALS, MOST, spans, written
from chronology.texts import bare, sought, words
from dates.model import FIRST, LAST, Model, clock_of, number
from stores import BY

Query = Mapping[str, Sequence[str]]
Days = tuple[int, int]
Judge = Callable[[str], bool]  # of an event's id

SORTS = ("date", "-date", "updated", "-updated")
FACETS = (
    *("type", "actor", "role", "place", "country", "tag", "publisher", "source", "status"),
    "extra",
)
AMOUNT = ("measure", "unit", "min_value", "max_value")

TYPES = ("visit", "contract", "statement", "gas-delivery", "incident", "unused-type")
# Ids as they must come out, with the names that they are made from.
TAGS = {"energy": "energy", "arms-trade": "Arms trade", "diplomatija": "Diplomatija", "o2": "O2"}
PUBLISHERS = {
    "daily-courier": "Daily Courier",
    "sljivic-press": "Šljivić Press",
    "ministry-of-energy": "Ministry of Energy",
    "agency-24": "Agency 24",
}
COUNTRIES = {"RS": "Serbia", "AZ": "Azerbaijan", "NZ": "New Zealand"}


# -- what is known of a date ----------------------------------------------------------------------


def _within(day: int) -> int:
    """A day number of `app.dates` as one of the model, whose infinity is nearer."""
    return max(FIRST, min(LAST, day))


def _anywhere(first: int, last: int) -> bool:
    """Whether some day from `first` to `last` lies in the year 0, and some in the year 9999."""
    return first < number(1, 1, 1) and last >= number(9999, 1, 1)


@dataclass(frozen=True)
class Known:
    """A date with its four bounds; with the enumerating model where it was drawn from there."""

    bounds: tuple[int, int, int, int]
    sure: bool
    clock: int = -1
    model: Model | None = None

    @classmethod
    def of(cls, text: str, model: Model | None = None) -> "Known":
        """What is known of an EDTF text: by its model, else as the application reads it."""
        if model is not None:
            sure = not (model.uncertain or model.approximate)
            return cls(model.bounds, sure, model.clock, model)
        date = edtf.parse(text)
        start_earliest, start_latest = _within(date.start_earliest), _within(date.start_latest)
        end_earliest, end_latest = _within(date.end_earliest), _within(date.end_latest)
        return cls(
            (start_earliest, start_latest, end_earliest, end_latest),
            not (date.uncertain or date.approximate),
            clock_of(text),
        )

    @property
    def place(self) -> tuple[int, int]:
        """The day and the time of it that place it in the timeline."""
        return self.bounds[3] if self.bounds[0] == FIRST else self.bounds[0], self.clock

    @property
    def named(self) -> set[int]:
        """The bounds that are those of a year, none that are open or the calendar's own."""
        start_earliest, start_latest, end_earliest, end_latest = self.bounds
        named: set[int] = set()
        # What bounds a start only because it bounds the end says nothing of the start, and so back.
        start_until = LAST if start_latest == end_latest else start_latest
        end_from = FIRST if end_earliest == start_earliest else end_earliest
        before_christ = ("-9999-01-01", "-0001-12-31")
        for ends, first, last in (
            ((start_earliest, start_latest), start_earliest, start_until),
            ((end_earliest, end_latest), end_from, end_latest),
        ):
            if not _anywhere(first, last) and tuple(map(written, ends)) != before_christ:
                named |= {*ends}
        return named - {FIRST, LAST}

    @property
    def dated(self) -> bool:
        """Whether it names a year, or some time is certain whatever the year."""
        return bool(self.named) or self.bounds[1] <= self.bounds[2]

    def match(self, first: int, last: int) -> str | None:
        """`certain`, `possible` or None: whether it falls into the window, both ends included."""
        if self.model is not None:
            possible, certain = self.model.possible(first, last), self.model.certain(first, last)
        else:
            start_earliest, start_latest, end_earliest, end_latest = self.bounds
            possible = start_earliest <= last and end_latest >= first
            certain = self.sure and start_latest <= last and end_earliest >= first
        return "certain" if certain else "possible" if possible else None


# -- a chronology ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chronology:
    """Events with all that they name, and the answers to every question."""

    actors: Mapping[str, schemas.ActorWrite]
    places: Mapping[str, schemas.PlaceWrite]
    sources: Mapping[str, schemas.SourceWrite]
    events: Mapping[str, schemas.EventWrite]
    updated: Mapping[str, datetime]
    known: Mapping[str, Known]  # by EDTF text
    windows: Mapping[str, Days]
    last_day: Mapping[str, int]  # of the dates of sources, by EDTF text; LAST where there is none
    tags: Mapping[str, str] = field(default_factory=lambda: TAGS)  # names by id
    publishers: Mapping[str, str] = field(default_factory=lambda: PUBLISHERS)

    # -- storing ------------------------------------------------------------------------------

    def fill(self, session: Session) -> None:
        """Store it as any client's events are, with its own times of the last edit."""
        self.fill_vocabulary(session)
        writes.create_events(session, BY, self.events.values())
        session.flush()
        session.execute(
            text("UPDATE event SET created_at = :moment, updated_at = :moment WHERE id = :id"),
            [{"id": i, "moment": written_moment(moment)} for i, moment in self.updated.items()],
        )
        index.update_entries(session.connection(), self.events)

    def fill_at_once(self, session: Session) -> None:
        """Store it row by row, the same but many times faster."""
        self.fill_vocabulary(session)
        for tag_id, name in self.tags.items():
            folded = bare(name)
            tag = models.Tag(id=tag_id, name=name, folded=folded, words=f" {folded} ")
            session.add(tag)
        session.flush()
        rows: dict[type[Any], list[dict[str, Any]]] = {}
        for event_id in self.events:
            for model, row in self._rows(event_id):
                rows.setdefault(model, []).append(row)
        for model, of_table in rows.items():
            session.execute(insert(model), of_table)
        index.rebuild(session.connection())

    def fill_vocabulary(self, session: Session) -> None:
        """Store what the events name."""
        for name in TYPES:
            writes.TYPE.save(session, BY, schemas.TypeWrite(id=name, label=name.title()), "create")
        for actor in self.actors.values():
            writes.ACTOR.save(session, BY, actor, "create")
        for place in self.places.values():
            writes.PLACE.save(session, BY, place, "create")
        for source in self.sources.values():
            writes.SOURCE.save(session, BY, source, "create")

    def _rows(self, event_id: str) -> Iterator[tuple[type[Any], dict[str, Any]]]:
        """The rows of an event; its sources claim nothing."""
        event, moment = self.events[event_id], written_moment(self.updated[event_id])
        roles = [source.role for source in event.sources]
        yield (
            models.Event,
            {
                **event.model_dump(include={"id", "title", "summary", "status"}),
                "type_id": event.type,
                "date_edtf": event.date.edtf,
                "version": 1,
                "created_at": moment,
                "updated_at": moment,
                "support_position": roles.index("supports"),
                "support_role": "supports",
            },
        )
        parts: list[tuple[type[Any], list[dict[str, Any]]]] = [
            (models.EventActor, [{"actor_id": a.id, "role": a.role} for a in event.actors]),
            (models.EventPlace, [{"place_id": place.id} for place in event.places]),
            (models.EventTag, [{"tag_id": self.tag_ids[name]} for name in event.tags]),
            (models.Quantity, [quantity.model_dump() for quantity in event.quantities]),
            (
                models.OwnField,
                [
                    {"name": name, "kind": OWN_KINDS[type(value)], "value": own_text(value)}
                    for name, value in sorted(event.extra.items())
                ],
            ),
            (
                models.Citation,
                [{"source_id": s.id, "role": s.role, "quote": s.quote} for s in event.sources],
            ),
            (
                models.Relation,
                [
                    {"target_id": link.event, "relation": link.relation}
                    for link in dict.fromkeys(event.related)
                ],
            ),
        ]
        for model, of_part in parts:
            for position, row in enumerate(of_part):
                yield model, {"event_id": event_id, "position": position, **row}

    # -- what events bear ---------------------------------------------------------------------

    @cached_property
    def borne(self) -> Mapping[str, Mapping[str, set[str]]]:
        """For each event the ids of each of FACETS that it bears."""
        return {event_id: self._borne(event) for event_id, event in self.events.items()}

    def _borne(self, event: schemas.EventWrite) -> dict[str, set[str]]:
        countries = {self.actors[actor.id or ""].country for actor in event.actors}
        countries |= {self.places[place.id or ""].country for place in event.places}
        found: dict[str, set[str | None]] = {
            "type": {event.type},
            "actor": {actor.id for actor in event.actors},
            "role": {actor.role for actor in event.actors},
            "place": {place.id for place in event.places},
            "country": countries,
            "tag": {self.tag_ids[name] for name in event.tags},
            "publisher": {self.publisher(source.id or "") for source in event.sources},
            "source": {source.id for source in event.sources},
            "status": {event.status},
            "extra": {*event.extra, *(own_pair(n, value) for n, value in event.extra.items())},
        }
        return {name: {v for v in values if v is not None} for name, values in found.items()}

    def publisher(self, source_id: str) -> str | None:
        """The id of a source's publisher: two spellings of a name are one."""
        return self._publisher_ids.get(bare(self.sources[source_id].publisher or ""))

    @cached_property
    def _publisher_ids(self) -> Mapping[str, str]:
        return {bare(name): publisher_id for publisher_id, name in self.publishers.items()}

    @cached_property
    def tag_ids(self) -> Mapping[str, str]:
        """The id of each tag by its name."""
        return {name: tag_id for tag_id, name in self.tags.items()}

    @cached_property
    def reported(self) -> Mapping[str, int]:
        """For each event the day by which one of its sources had come out for certain."""
        return {i: min(map(self._came_out, e.sources)) for i, e in self.events.items()}

    def _came_out(self, source: schemas.SourceReference) -> int:
        stored = self.sources[source.id or ""]
        dated = stored.published or stored.accessed
        return LAST if dated is None else self.last_day[dated]

    @cached_property
    def supporters(self) -> Mapping[str, int]:
        """For each event how many known publishers support it."""
        return {
            event_id: len(
                {self.publisher(s.id or "") for s in event.sources if s.role == "supports"} - {None}
            )
            for event_id, event in self.events.items()
        }

    @cached_property
    def texts(self) -> Mapping[str, Sequence[str]]:
        """For each event all texts that a search looks through."""
        return {event_id: list(self._texts(event)) for event_id, event in self.events.items()}

    def _texts(self, event: schemas.EventWrite) -> Iterator[str]:
        yield event.title
        yield event.summary or ""
        for actor in (self.actors[actor.id or ""] for actor in event.actors):
            yield from (actor.name, *actor.aliases)
        yield from (self.places[place.id or ""].name for place in event.places)
        yield from event.tags
        for citation in event.sources:
            source = self.sources[citation.id or ""]
            fields = (source.publisher, source.title, source.author, citation.quote)
            yield from (field for field in fields if field)
        yield from (own_text(v) for v in event.extra.values() if not isinstance(v, bool))

    @cached_property
    def worded(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """For each event the words of each of its texts."""
        return {i: [words(text) for text in texts] for i, texts in self.texts.items()}

    @cached_property
    def vocabulary(self) -> Mapping[str, set[str]]:
        """For each event all its words."""
        return {i: {word for text in texts for word in text} for i, texts in self.worded.items()}

    @cached_property
    def measured(self) -> Mapping[str, Sequence[tuple[str, str, Range]]]:
        """For each event what its quantities measure, in which kind of unit, and their ranges."""
        return {
            event_id: [
                (_plain(q.measure), kind_and_size(q.unit)[0] if q.unit else "", range_of(q))
                for q in event.quantities
            ]
            for event_id, event in self.events.items()
        }

    @cached_property
    def linked(self) -> Mapping[str, set[str]]:
        """For each event those that it names as related, and those that name it."""
        links = [(i, link.event) for i, event in self.events.items() for link in event.related]
        found: dict[str, set[str]] = {event_id: set() for event_id in self.events}
        for one, other in links:
            found[one].add(other)
            found[other].add(one)
        return found

    @cached_property
    def order(self) -> Mapping[str, Sequence[str]]:
        """All ids as each of SORTS lists them."""
        by_date = sorted(self.events, key=lambda i: (self.date(i).place, i))
        by_update = sorted(self.events, key=lambda i: (self.updated[i], i))
        return {
            "date": by_date,
            "-date": by_date[::-1],
            "updated": by_update,
            "-updated": by_update[::-1],
        }

    def date(self, event_id: str) -> Known:
        """What is known of the date of an event."""
        return self.known[self.events[event_id].date.edtf]

    # -- the filter ---------------------------------------------------------------------------

    def find(self, query: Query, sort: str = "date") -> dict[str, str | None]:
        """The ids that pass, as `sort` lists them, each with how it matches the date asked for."""
        found = list(self.order[sort])
        for judge in self._judges(query):
            found = [event_id for event_id in found if judge(event_id)]
        return {event_id: self.match(query, event_id) for event_id in found}

    def match(self, query: Query, event_id: str) -> str | None:
        """How an event matches `date`; None where that is not asked."""
        if "date" not in query:
            return None
        return self.matched(self.events[event_id].date.edtf, query["date"][0])

    @cached_property
    def matched(self) -> Callable[[str, str], str | None]:
        """How a date matches a window, both as texts; each pair is judged once."""
        return cache(lambda date, window: self.known[date].match(*self.windows[window]))

    def _judges(self, query: Query) -> Iterator[Judge]:
        """What decides for each parameter, or those that belong together, who passes."""
        one = {name: values[0] for name, values in query.items()}
        an_actor = any(value[0] != "!" for value in query.get("actor", []))
        for name in FACETS:
            if name == "role" and an_actor:
                yield lambda i: self._takes_part(query, i)
            elif name in query:
                yield self._bears(name, query)
        if "related_to" in one:
            yield lambda i: one["related_to"] in self.linked[i]
        if "updated_since" in one:
            since = datetime.fromisoformat(one["updated_since"])
            yield lambda i: self.updated[i] >= since
        if "date" in one:
            enough = ("certain",) if one.get("match") == "certain" else ("certain", "possible")
            yield lambda i: self.match(query, i) in enough
        if "known_by" in one:
            _, asked = self.windows[one["known_by"]]
            yield lambda i: self.reported[i] <= asked
        if "min_publishers" in one:
            yield lambda i: self.supporters[i] >= int(one["min_publishers"])
        if "bbox" in one:
            yield self._in_box(*map(Fraction, one["bbox"].split(",")))
        if "q" in one:
            yield self._says(one["q"])
        if not one.keys().isdisjoint(AMOUNT):
            yield self._measures(one)

    def _bears(self, name: str, query: Query) -> Judge:
        """Any of the values of a parameter, and none of those with `!`."""
        ids = {
            v: i for i, v in {"tag": self.tags, "publisher": self.publishers}.get(name, {}).items()
        }
        asked = [(value[:1] == "!", value.removeprefix("!")) for value in query[name]]
        wanted = {ids.get(value, value) for unwanted, value in asked if not unwanted}
        unwanted = {ids.get(value, value) for unwanted, value in asked if unwanted}

        def judge(event_id: str) -> bool:
            borne = self.borne[event_id][name]
            if name in query.get("all_of", []):
                return not borne & unwanted and borne >= wanted
            return not borne & unwanted and (not wanted or bool(borne & wanted))

        return judge

    def _takes_part(self, query: Query, event_id: str) -> bool:
        """Some actor in some role as they are asked for; each actor, or role, under `all_of`."""
        meant = self.meant(query, event_id)
        actors = {value for value in query.get("actor", []) if value[0] != "!"}
        roles = {value for value in query.get("role", []) if value[0] != "!"}
        every = query.get("all_of", [])
        if "actor" in every and "role" in every:
            return meant.keys() >= actors and all(meant[actor] >= roles for actor in actors)
        if "actor" in every:
            return meant.keys() >= actors
        if "role" in every:
            return bool(meant) and set[str]().union(*meant.values()) >= roles
        return bool(meant)

    def meant(self, query: Query, event_id: str) -> dict[str, set[str]]:
        """Who takes part as `actor` and `role` ask: one listed, in a wanted role, in no unwanted.

        Each with all the roles that this actor bears in the event.
        """
        actors = {value for value in query.get("actor", []) if value[0] != "!"}
        wanted = {value for value in query.get("role", []) if value[0] != "!"}
        unwanted = {value[1:] for value in query.get("role", []) if value[0] == "!"}
        taking_part: dict[str, set[str]] = {}
        for part in self.events[event_id].actors:
            taking_part.setdefault(part.id or "", set()).update([part.role] if part.role else [])
        return {
            actor: roles
            for actor, roles in taking_part.items()
            if (not actors or actor in actors)
            and (not wanted or not wanted.isdisjoint(roles))
            and unwanted.isdisjoint(roles)
        }

    def _in_box(self, west: Fraction, south: Fraction, east: Fraction, north: Fraction) -> Judge:
        """A place in a box, found by walking from its west to the east around the earth."""
        around, width = east - west >= 360, (east - west) % 360

        def inside(place: schemas.PlaceWrite) -> bool:
            if place.latitude is None:
                return False
            at, up = Fraction(str(place.longitude)), Fraction(str(place.latitude))
            return south <= up <= north and (around or (at - west) % 360 <= width)

        within = {place_id for place_id, place in self.places.items() if inside(place)}
        return lambda i: not within.isdisjoint(self.borne[i]["place"])

    def _says(self, q: str) -> Judge:
        """All that is sought, each in any one of the texts."""
        asked = list(sought(q))
        whole = {word for part in asked if not part.prefix for word in part.words}
        return lambda i: (
            bool(asked)
            and self.vocabulary[i] >= whole  # most events lack one, and are soon passed over
            and all(any(part.stands_in(text) for text in self.worded[i]) for part in asked)
        )

    def _measures(self, one: Mapping[str, str]) -> Judge:
        """One and the same quantity that is all that."""
        measure, unit = _plain(one.get("measure", "")), one.get("unit", "")
        kind = kind_and_size(unit)[0]
        least = amount(one["min_value"], unit) if "min_value" in one else None
        most = amount(one["max_value"], unit) if "max_value" in one else None

        def fits(measured: tuple[str, str, Range]) -> bool:
            of, its_kind, (low, high) = measured
            return (
                (not measure or of == measure)
                and (not unit or its_kind == kind)
                and (least is None or high is None or high >= least)
                and (most is None or low is None or low <= most)
            )

        return lambda i: any(map(fits, self.measured[i]))

    # -- counts -------------------------------------------------------------------------------

    def facet(self, query: Query, found: Iterable[str], name: str) -> list[dict[str, Any]]:
        """How many of the events `found` bear each value, the commonest first.

        Of roles those of the actors asked for, of actors those in a role asked for.
        """
        counted = Counter(value for i in found for value in self._counted(query, i, name))
        return [
            {"value": value, "label": self._label(name, value), "count": number}
            for value, number in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        ]

    def _counted(self, query: Query, event_id: str, name: str) -> set[str]:
        if name == "actor" and "role" in query:
            return set(self.meant(query, event_id))
        if name == "role" and any(value[0] != "!" for value in query.get("actor", [])):
            return set[str]().union(*self.meant(query, event_id).values())
        if name.partition(".")[0] == "extra":
            own = name.partition(".")[2]
            fields = self.events[event_id].extra
            if not own:
                return {*fields}
            return {own_pair(own, fields[own])} if own in fields else set()
        return self.borne[event_id][name]

    def _label(self, name: str, value: str) -> str:
        if name.startswith("extra."):
            return value.partition(":")[2]
        if name == "source":
            source = self.sources[value]
            publisher = self.publisher(value)
            return source.title or (self.publishers[publisher] if publisher else value)
        if name == "actor":
            return self.actors[value].name
        if name == "place":
            return self.places[value].name
        labels = {"tag": self.tags, "publisher": self.publishers, "country": COUNTRIES}
        labels["type"] = {type_id: type_id.title() for type_id in TYPES}
        return labels.get(name, {}).get(value, value)

    def extent(self, query: Query, found: Mapping[str, Any]) -> Days | None:
        """The days that a histogram must show; None where there are none."""
        first, last = self.windows[query["date"][0]] if "date" in query else (FIRST, LAST)
        named = {day for i in found for day in self.date(i).named if first <= day <= last}
        finite = (named | {first, last}) - {FIRST, LAST}
        if not finite:
            return None
        return min(finite) if first == FIRST else first, max(finite) if last == LAST else last

    def undated(self, query: Query, found: Mapping[str, Any]) -> int:
        """How many of the events `found` a histogram counts apart: all if it shows nothing."""
        if self.extent(query, found) is None:
            return len(found)
        return sum(not self.date(event_id).dated for event_id in found)

    def histogram(
        self, query: Query, found: Mapping[str, Any], interval: str
    ) -> list[dict[str, Any]]:
        """For each span how many of the events `found` may, or certainly do, fall into it."""
        shown = self.extent(query, found)
        counted = Counter(self.events[i].date.edtf for i in found if self.date(i).dated)
        of = [(*self.known[text].bounds, self.known[text].sure, n) for text, n in counted.items()]
        return [
            {
                "start": written(a),
                "end": written(b),
                "certain": sum(n for _, sl, ee, _, sure, n in of if sure and sl <= b and ee >= a),
                "possible": sum(n for se, _, _, el, _, n in of if se <= b and el >= a),
            }
            for a, b in (spans(interval, *shown) if shown else ())
        ]


OWN_KINDS = {str: "text", bool: "boolean", int: "number", float: "number"}


def own_text(value: Any) -> str:
    """The value of an own field as JSON writes it, a text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def own_pair(name: str, value: Any) -> str:
    """How a filter asks for the value of an own field."""
    return (
        f"{name}:{int(value) if isinstance(value, float) and value % 1 == 0 else own_text(value)}"
    )


def _plain(name: str) -> str:
    return " ".join(bare(name).split())


def fitting(extent: Days | None) -> list[str]:
    """The intervals that make few enough buckets, the finest last."""
    if extent is None:
        return list(INTERVALS)
    return [i for i in INTERVALS if len(list(islice(spans(i, *extent), MOST + 1))) <= MOST]


def written_moment(moment: datetime) -> str:
    """A moment as the store writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
