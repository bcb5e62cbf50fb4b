"""Random chronologies, and what the filter means of one in plain Python: to judge the application.

The model looks at each event in turn. It knows nothing of the application's filter and read model;
what a date means it takes from the enumerating model of dates, where the date came with one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, cached_property
from itertools import pairwise
from random import Random
from typing import Any, TypeVar

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from app import dates as edtf
from app import index, models, schemas, writes
from dates.model import FIRST, LAST, LAST_DAY, NEW_MONTHS, Model, dates, windows

T = TypeVar("T")
Query = dict[str, list[str]]
Days = tuple[int, int]

SORTS = ("date", "-date", "updated", "-updated")
REPEATABLE = (
    *("type", "actor", "role", "place", "country", "tag", "publisher", "source", "status"),
)

TYPES = ("visit", "contract", "statement", "gas-delivery", "incident", "unused-type")
ROLES = ("party", "host", "visitor", "seller", "buyer")
# Ids as they must come out, with the names that they are made from.
TAGS = {"energy": "energy", "arms-trade": "Arms trade", "diplomatija": "Diplomatija", "o2": "O2"}
PUBLISHERS = {
    "daily-courier": "Daily Courier",
    "sljivic-press": "Šljivić Press",
    "ministry-of-energy": "Ministry of Energy",
    "agency-24": "Agency 24",
}
COUNTRIES = ("RS", "AZ", "XK", None)
# All of these begin on 1 November 2023, or end there and have no beginning.
OF_ONE_DAY = (
    *("2023-11", "2023-11-01", "2023-11-01~", "2023-11?", "2023-11-0X", "2023-11/2024-12"),
    *("2023-11-01/..", "2023-11/", "[2023-11..2024-02]", "{2023-11-01,2023-12}"),
    *("[..2023-11-01]", "../2023-11-01", "/2023-11-01"),
)
# Neither a first nor a last day: these stand behind all others.
WITHOUT_DAYS = ("[..1983,1985..]", "{..1990-05,1990-07..}")


def drawn(strategy: st.SearchStrategy[T], count: int, number: int) -> list[T]:
    """`count` values of a strategy, the same for the same seed `number`."""
    found: list[T] = []

    @seed(number)
    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(value: T) -> None:
        found.append(value)

    draw()
    return found


def write_day(number: int) -> str | None:
    """A day number of `dates.model` as a query says it; None where it lies outside the calendar."""
    return edtf.iso_day(number) if NEW_MONTHS[-9999, 1] <= number <= LAST_DAY else None


def windows_at(bounds: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Windows that end or begin on each of some days or a day beside it: text, first, last."""
    for bound in bounds:
        for day in (bound - 1, bound, bound + 1):
            if written := write_day(day):
                yield written, day, day
                yield f"{written}/..", day, LAST
                yield f"../{written}", FIRST, day


# -- what is known of a date ----------------------------------------------------------------------


def _within(day: int) -> int:
    """A day number of `app.dates` as one of the model, whose infinity is nearer."""
    return max(FIRST, min(LAST, day))


@dataclass(frozen=True)
class Known:
    """A date with its four bounds; with the enumerating model where it was drawn from there."""

    bounds: tuple[int, int, int, int]
    sure: bool
    model: Model | None = None

    @classmethod
    def of(cls, text: str, model: Model | None = None) -> "Known":
        """What is known of an EDTF text: by its model, else as the application reads it."""
        if model is not None:
            return cls(model.bounds, not (model.uncertain or model.approximate), model)
        date = edtf.parse(text)
        start_earliest, start_latest = _within(date.start_earliest), _within(date.start_latest)
        end_earliest, end_latest = _within(date.end_earliest), _within(date.end_latest)
        return cls(
            (start_earliest, start_latest, end_earliest, end_latest),
            not (date.uncertain or date.approximate),
        )

    @property
    def order_day(self) -> int:
        """The day that places it in the timeline."""
        return self.bounds[3] if self.bounds[0] == FIRST else self.bounds[0]

    def match(self, first: int, last: int) -> str | None:
        """`certain`, `possible` or None: whether it falls into the window, both ends included."""
        if self.model is not None:
            possible, certain = self.model.possible(first, last), self.model.certain(first, last)
        else:
            start_earliest, start_latest, end_earliest, end_latest = self.bounds
            possible = start_earliest <= last and end_latest >= first
            certain = self.sure and start_latest <= last and end_earliest >= first
        return "certain" if certain else "possible" if possible else None


# -- a chronology and its filter ------------------------------------------------------------------


@dataclass(frozen=True)
class Chronology:
    """Events with all that they name, and the answers to every filter."""

    actors: Mapping[str, schemas.ActorWrite]
    places: Mapping[str, schemas.PlaceWrite]
    sources: Mapping[str, schemas.SourceWrite]
    events: Mapping[str, schemas.EventWrite]
    updated: Mapping[str, datetime]
    known: Mapping[str, Known]  # by EDTF text
    windows: Mapping[str, Days]

    def fill(self, session: Session) -> None:
        """Store it, with its own times of the last edit."""
        for name in TYPES:
            writes.create_type(session, schemas.TypeWrite(id=name, label=name.title()))
        for actor in self.actors.values():
            writes.create_actor(session, actor)
        for place in self.places.values():
            writes.create_place(session, place)
        for source in self.sources.values():
            writes.create_source(session, source)
        writes.create_events(session, self.events.values())
        session.flush()
        session.execute(
            text("UPDATE event SET created_at = :moment, updated_at = :moment WHERE id = :id"),
            [{"id": i, "moment": written(moment)} for i, moment in self.updated.items()],
        )
        index.write(session.connection(), self.events)

    @cached_property
    def borne(self) -> Mapping[str, Mapping[str, set[str]]]:
        """For each event the values of the repeatable parameters that it bears."""
        return {event_id: self._borne(event) for event_id, event in self.events.items()}

    def _borne(self, event: schemas.EventWrite) -> dict[str, set[str]]:
        countries = {self.actors[actor.id or ""].country for actor in event.actors}
        countries |= {self.places[place.id or ""].country for place in event.places}
        publishers = {self.sources[source.id or ""].publisher for source in event.sources}
        found: dict[str, set[str | None]] = {
            "type": {event.type},
            "actor": {actor.id for actor in event.actors},
            "role": {actor.role for actor in event.actors},
            "place": {place.id for place in event.places},
            "country": countries,
            "tag": {*event.tags, *(i for i, name in TAGS.items() if name in event.tags)},
            "publisher": {*publishers, *(i for i, n in PUBLISHERS.items() if n in publishers)},
            "source": {source.id for source in event.sources},
            "status": {event.status},
        }
        return {name: {v for v in values if v is not None} for name, values in found.items()}

    @cached_property
    def order(self) -> Mapping[str, Sequence[str]]:
        """All ids as each of SORTS lists them."""
        by_date = sorted(self.events, key=lambda i: (self.date(i).order_day, i))
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

    def find(self, query: Query, sort: str = "date") -> dict[str, str | None]:
        """The ids that pass, as `sort` lists them, each with how it matches the date asked for."""
        return {i: self.match(query, i) for i in self.order[sort] if self.passes(query, i)}

    def match(self, query: Query, event_id: str) -> str | None:
        """How an event matches `date`; None where that is not asked."""
        if "date" not in query:
            return None
        return self.date(event_id).match(*self.windows[query["date"][0]])

    def passes(self, query: Query, event_id: str) -> bool:
        """Whether an event passes every parameter."""
        if "date" in query:
            enough = ("certain",) if query.get("match") == ["certain"] else ("certain", "possible")
            if self.match(query, event_id) not in enough:
                return False
        if "related_to" in query and query["related_to"][0] not in self.linked[event_id]:
            return False
        if "updated_since" in query:
            since = datetime.fromisoformat(query["updated_since"][0])
            if self.updated[event_id] < since:
                return False
        return all(self._passes(name, query, event_id) for name in REPEATABLE if name in query)

    def _passes(self, name: str, query: Query, event_id: str) -> bool:
        """Whether an event bears any of the values of a parameter, and none of those with `!`."""
        borne = self.borne[event_id][name]
        actors = _wanted(query.get("actor", []))
        if name == "role" and actors:  # of one and the same actor
            had = self.events[event_id].actors
            borne = {actor.role for actor in had if actor.role and actor.id in actors}
        wanted, unwanted = _wanted(query[name]), {v[1:] for v in query[name] if v[0] == "!"}
        return not borne & unwanted and (not wanted or bool(borne & wanted))

    @cached_property
    def linked(self) -> Mapping[str, set[str]]:
        """For each event those that it names as related, and those that name it."""
        links = [(i, link.event) for i, event in self.events.items() for link in event.related]
        found: dict[str, set[str]] = {event_id: set() for event_id in self.events}
        for one, other in links:
            found[one].add(other)
            found[other].add(one)
        return found


def _wanted(values: Sequence[str]) -> set[str]:
    return {value for value in values if value[0] != "!"}


def written(moment: datetime) -> str:
    """A moment as the store writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# -- made at random -------------------------------------------------------------------------------


@cache
def chronology(number: int, count: int = 200) -> Chronology:
    """A chronology of `count` events, the same for the same seed `number`."""
    random = Random(number)
    actors = [
        schemas.ActorWrite(id=f"actor-{n}", name=f"Actor {n}", country=random.choice(COUNTRIES))
        for n in range(12)
    ]
    places = [
        schemas.PlaceWrite(id=f"place-{n}", name=f"Place {n}", country=random.choice(COUNTRIES))
        for n in range(6)
    ]
    sources = [
        schemas.SourceWrite(
            id=f"source-{n}",
            publisher=random.choice([*PUBLISHERS.values(), None]),
            published=f"2024-01-{n + 1:02d}",
        )
        for n in range(15)
    ]
    with_models = drawn(dates(), count, number)
    known = {text: Known.of(text, model) for text, model in with_models}
    known |= {text: Known.of(text) for text in (*OF_ONE_DAY, *WITHOUT_DAYS)}
    texts = [text for text, _ in with_models]
    ids = _ids(random, count)
    events = {}
    for place, event_id in enumerate(ids):
        crowded = random.random() < 0.4
        events[event_id] = schemas.EventWrite(
            id=event_id,
            type=_skewed(random, TYPES[:-1]),
            title=f"Event {event_id}",
            date=schemas.DateWrite(edtf=random.choice(OF_ONE_DAY) if crowded else texts[place]),
            status=random.choice([*models.STATUSES, None]),
            actors=_actors(random, [actor.id or "" for actor in actors]),
            places=[
                schemas.PlaceReference(id=i)
                for i in _some(random, [place.id or "" for place in places], 2)
            ],
            tags=_some(random, list(TAGS.values()), 3),
            related=_links(random, [i for i in ids if i != event_id]),
            sources=_citations(random, [source.id or "" for source in sources]),
        )
    for event_id, without in zip(ids[:2], WITHOUT_DAYS, strict=True):
        date = schemas.DateWrite(edtf=without)
        events[event_id] = events[event_id].model_copy(update={"date": date})
    start = datetime(2024, 5, 1, tzinfo=UTC)
    updated = {i: start + timedelta(hours=random.randrange(count // 4)) for i in ids}
    asked = {text: (first, last) for text, first, last in drawn(windows(), 60, number + 1)}
    for event in random.sample(list(events.values()), 20):
        bounds = known[event.date.edtf].bounds
        asked |= {text: (first, last) for text, first, last in windows_at(bounds)}
    return Chronology(
        {actor.id or "": actor for actor in actors},
        {place.id or "": place for place in places},
        {source.id or "": source for source in sources},
        events,
        updated,
        known,
        asked,
    )


def _ids(random: Random, count: int) -> list[str]:
    """Ids whose order by bytes is not that of a natural language: `a-1`, `a1`, `aa`."""
    found: set[str] = set()
    while len(found) < count:
        lengths = (random.randint(1, 3) for _ in range(random.randint(1, 3)))
        found.add("-".join("".join(random.choices("ab19z", k=length)) for length in lengths))
    return random.sample(sorted(found), count)


def _skewed(random: Random, values: Sequence[T]) -> T:
    """One of the values, the first the likeliest."""
    return random.choices(values, [1 / (n + 1) ** 1.5 for n in range(len(values))])[0]


def _some(random: Random, values: Sequence[T], most: int) -> list[T]:
    """None to `most` of the values, none twice."""
    return list(dict.fromkeys(_skewed(random, values) for _ in range(random.randint(0, most))))


def _actors(random: Random, ids: Sequence[str]) -> list[schemas.ActorReference]:
    """At times the same actor twice, in two roles; at times in none."""
    chosen = [_skewed(random, ids) for _ in range(random.randint(0, 4))]
    return [schemas.ActorReference(id=i, role=random.choice([*ROLES, None])) for i in chosen]


def _links(random: Random, ids: Sequence[str]) -> list[schemas.Related]:
    chosen = random.sample(ids, random.choice([0, 0, 0, 1, 2]))
    return [schemas.Related(event=i, relation=random.choice(models.RELATIONS)) for i in chosen]


def _citations(random: Random, ids: Sequence[str]) -> list[schemas.SourceReference]:
    chosen = list(dict.fromkeys(_skewed(random, ids) for _ in range(random.randint(1, 3))))
    roles = ["supports", *random.choices(models.CITATION_ROLES, k=len(chosen) - 1)]
    random.shuffle(roles)
    return [schemas.SourceReference(id=i, role=role) for i, role in zip(chosen, roles, strict=True)]


def random_query(random: Random, story: Chronology) -> Query:
    """A filter of one to four parameters; mostly of values that some one event bears."""
    event_id = random.choice(list(story.events))
    names = [*REPEATABLE, "date", "date", "related_to", "updated_since"]
    chosen = set(random.sample(names, random.randint(1, 4)))
    query: Query = {}
    for name in sorted(chosen):
        if name == "date":
            query |= _random_window(random, story, event_id)
        elif name == "related_to":
            query[name] = [random.choice(sorted(story.linked[event_id]) or list(story.events))]
        elif name == "updated_since":
            zone = timezone(timedelta(minutes=random.choice([0, 60, -330])))
            late = timedelta(microseconds=random.choice([0, 1]))
            query[name] = [(story.updated[event_id] + late).astimezone(zone).isoformat()]
        else:
            query[name] = _random_values(random, story, event_id, name)
    return query


def _random_window(random: Random, story: Chronology, event_id: str) -> Query:
    asked = list(story.windows)
    if random.random() < 0.8:
        asked = [t for t, days in story.windows.items() if story.date(event_id).match(*days)]
    match: Query = random.choice([{}, {"match": ["certain"]}, {"match": ["possible"]}])
    return {"date": [random.choice(asked or list(story.windows))], **match}


def _random_values(random: Random, story: Chronology, event_id: str, name: str) -> list[str]:
    everywhere = sorted(set[str]().union(*(borne[name] for borne in story.borne.values())))
    here = sorted(story.borne[event_id][name])
    values = [random.choice(here)] if here and random.random() < 0.8 else []
    values += random.sample(everywhere, random.choice([0, 0, 1, 2]))
    if not values or random.random() < 0.3:
        absent = sorted(set(everywhere).difference(here, values))
        values += [f"!{random.choice(absent)}"] if absent else []
    random.shuffle(values)
    return values or [random.choice(everywhere)]


# -- asking ---------------------------------------------------------------------------------------


def walk(client: TestClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """All pages of a list, following `next` to its end; no page but the last may lack it."""
    pages = []
    answer = client.get(path, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        if pages[-1]["next"] is None:
            break
        answer = client.get(pages[-1]["next"])
        assert len(pages) < 2000, "the walk does not end"
    return pages


def items(pages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items of all pages, in order."""
    return [item for page in pages for item in page["items"]]


def ascending(values: Sequence[Any]) -> bool:
    """Whether each value is greater than the one before it."""
    return all(one < other for one, other in pairwise(values))
