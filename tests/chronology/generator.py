"""Random chronologies, the same for the same seed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from app import dates as edtf
from app import models, schemas
from chronology.amounts import UNCONVERTIBLE, UNITS
from chronology.model import COUNTRIES, PUBLISHERS, TAGS, TYPES, Chronology, Known
from dates.model import FIRST, LAST, LAST_DAY, NEW_MONTHS, dates, number, windows

T = TypeVar("T")

ROLES = ("party", "host", "visitor", "seller", "buyer")
# All of these begin on 1 November 2023, or end there and have no beginning.
OF_ONE_DAY = (
    *("2023-11", "2023-11-01", "2023-11-01~", "2023-11?", "2023-11-0X", "2023-11/2024-12"),
    *("2023-11-01/..", "2023-11/", "[2023-11..2024-02]", "{2023-11-01,2023-12}"),
    *("[..2023-11-01]", "../2023-11-01", "/2023-11-01"),
    *("2023-11-01T00:00", "2023-11-01T09:30:15Z", "2023-11-01T09:30+05:30", "2023-11-01T23:59"),
    *("2023-11-01T09:30/2023-11-02", "../2023-11-01T12:00Z", "2023-11-01/2023-11-01T08:00"),
)
# Neither a first nor a last day: these stand behind all others.
WITHOUT_DAYS = ("[..1983,1985..]", "{..1990-05,1990-07..}")
# The year is unknown, at one end or at both; a histogram shows none of these years.
WITHOUT_YEARS = ("XXXX", "-XXXX", "XXXX-12", "XXXX/..", "../XXXX", "1984/XXXX", "XXXX/2020")
DATES = 250  # different ones in a chronology, at most
# The first are the commonest.
WORDS = (
    *("gas", "Vučić", "contract", "gas-pipeline", "Đoković", "Əliyev", "VISIT", "energy", "B-52"),
    *("İstanbul", "Straße", "strasse", "Łódź", "Øresund", "Æther", "naïve", "Bakı", "15.4", "o2"),
    *("Gas", "co", "a", "energetika", "新华社", "新社", "Вучић", "visited", "d'oh", "x_y", "№7"),
)
# Windows that a histogram can show.
SPELLS = {
    "1890/2030": (number(1890, 1, 1), number(2030, 12, 31)),
    "2015/2026": (number(2015, 1, 1), number(2026, 12, 31)),
    "2023-10/2024-03-15": (number(2023, 10, 1), number(2024, 3, 15)),
}
# When a source came out, with the last day on which it may have.
PUBLISHED = {
    "2023-11-15": number(2023, 11, 15),
    "2023-11": number(2023, 11, 30),
    "2023-11~": number(2023, 11, 30),
    "2022": number(2022, 12, 31),
    "2021-10/2023-12-11": number(2023, 12, 11),
    "[..2021-10-11]": number(2021, 10, 11),
    "[2024-02-28..]": LAST,
    "2023/..": LAST,
    "2023/": LAST,
}
ACCESSED = {"2021-02-28": number(2021, 2, 28), "2024-02-28": number(2024, 2, 28)}
OWN_FIELDS: dict[str, Sequence[Any]] = {
    "importance": (8, 8.0, 7, 8.5, -1, "8", "high"),
    "region": ("Vojvodina", "vojvodina", "Šumadija i Pomoravlje", "a:b", "!x", "true"),
    "confirmed": (True, False),
    "import": ("gas", "energy"),
}
MEASURES = ("gas volume", "Gas  Volume", "Dužina", "contract value", "DUZINA")
VALUES = (
    *("400", "0.4", "400000000", "360", "0.44", "0", "-0.0", "-5", "-4.5", "1.60", "1609.344"),
    *("100000000", "0.000000001", "33", "15.4"),
)
# Both sides of the antimeridian, the meridian itself, the poles, and nowhere.
COORDINATES = (
    *((44.8, 20.46), (40.37, 49.89), (-17.8, 177.98), (-16.5, -179.9), (10.0, 180.0)),
    *((-10.0, -180.0), (90.0, 0.0), (-90.0, 179.9), (None, None)),
)


def drawn(strategy: st.SearchStrategy[T], count: int, number: int) -> list[T]:
    """`count` values of a strategy, the same for the same seed `number`."""
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
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


@cache
def chronology(number: int, count: int = 200) -> Chronology:
    """A chronology of `count` events, the same for the same seed `number`."""
    random = Random(number)
    actors, places, sources = _actors(random), _places(random), _sources(random)
    with_models = drawn(dates(), min(count, DATES), number)
    known = {text: Known.of(text, model) for text, model in with_models}
    known |= {text: Known.of(text) for text in (*OF_ONE_DAY, *WITHOUT_DAYS, *WITHOUT_YEARS)}
    texts = [text for text, _ in with_models]
    ids = _ids(random, count)
    events = {}
    for place, event_id in enumerate(ids):
        crowded = random.random() < 0.4
        date = random.choice(OF_ONE_DAY) if crowded else texts[place % len(texts)]
        events[event_id] = schemas.EventWrite(
            id=event_id,
            type=_skewed(random, TYPES[:-1]),
            title=_text(random, 4),
            summary=_text(random, 9) if random.random() < 0.5 else None,
            date=schemas.DateWrite(edtf=date),
            status=random.choice([*models.STATUSES, None]),
            actors=_parts(random, list(actors)),
            places=[schemas.PlaceReference(id=i) for i in _some(random, list(places), 2)],
            quantities=[_quantity(random) for _ in range(random.choice([0, 1, 1, 2, 3]))],
            tags=_some(random, list(TAGS.values()), 3),
            related=_links(random, ids, event_id),
            sources=_citations(random, list(sources)),
            extra=_own_fields(Random(f"{number} {event_id}")),
        )
    for event_id, without in zip(ids, (*WITHOUT_DAYS, *WITHOUT_YEARS), strict=False):
        date_write = schemas.DateWrite(edtf=without)
        events[event_id] = events[event_id].model_copy(update={"date": date_write})
    start = datetime(2024, 5, 1, tzinfo=UTC)
    updated = {i: start + timedelta(hours=random.randrange(count // 4)) for i in ids}
    last_day = PUBLISHED | ACCESSED
    asked = {text: (first, last) for text, first, last in drawn(windows(), 60, number + 1)}
    asked |= SPELLS
    bounds = [known[event.date.edtf].bounds for event in random.sample(list(events.values()), 20)]
    for days in (*bounds, sorted(set(last_day.values()))):
        asked |= {text: (first, last) for text, first, last in windows_at(days)}
    return Chronology(actors, places, sources, events, updated, known, asked, last_day)


def _text(random: Random, most: int) -> str:
    """Some words of WORDS, the first ones the likeliest, with this or that between them."""
    chosen = [_skewed(random, WORDS) for _ in range(random.randint(1, most))]
    return "".join(word + random.choice([" ", " ", ", ", "-", "…"]) for word in chosen) + "end"


def _actors(random: Random) -> dict[str, schemas.ActorWrite]:
    return {
        f"actor-{n}": schemas.ActorWrite(
            id=f"actor-{n}",
            name=f"Actor {n} {random.choice(WORDS)}",
            country=random.choice([*COUNTRIES, None]),
            aliases=[_text(random, 2) for _ in range(random.choice([0, 0, 1, 2]))],
        )
        for n in range(12)
    }


def _places(random: Random) -> dict[str, schemas.PlaceWrite]:
    return {
        f"place-{n}": schemas.PlaceWrite(
            id=f"place-{n}",
            name=f"Place {n} {random.choice(WORDS)}",
            country=random.choice([*COUNTRIES, None]),
            latitude=latitude,
            longitude=longitude,
        )
        for n, (latitude, longitude) in enumerate(random.sample(COORDINATES, len(COORDINATES)))
    }


def _sources(random: Random) -> dict[str, schemas.SourceWrite]:
    """The first name each publisher as it is first spelt, later ones now and then otherwise."""
    spelt = list(PUBLISHERS.values())
    otherwise = [name.upper().replace("Š", "S") for name in spelt]
    found = {}
    for n in range(20):
        publisher = spelt[n] if n < len(spelt) else random.choice([*spelt, *otherwise, *[None] * 4])
        published, accessed = random.choice([(1, 1), (1, 0), (1, 0), (0, 1), (0, 0)])
        found[f"source-{n}"] = schemas.SourceWrite(
            id=f"source-{n}",
            publisher=publisher,
            title=_text(random, 3) if publisher is None or n % 2 else None,
            author=random.choice([None, None, random.choice(WORDS)]),
            published=random.choice(list(PUBLISHED)) if published else None,
            accessed=random.choice(list(ACCESSED)) if accessed else None,
        )
    return found


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


def _parts(random: Random, ids: Sequence[str]) -> list[schemas.ActorReference]:
    """At times the same actor twice, in two roles; at times in none."""
    chosen = [_skewed(random, ids) for _ in range(random.randint(0, 4))]
    return [schemas.ActorReference(id=i, role=random.choice([*ROLES, None])) for i in chosen]


def _quantity(random: Random) -> schemas.Quantity:
    qualifier = random.choice(models.QUALIFIERS)
    value, more = sorted(random.sample(VALUES, 2), key=float)
    return schemas.Quantity(
        measure=random.choice(MEASURES),
        value=value,
        max_value=more if qualifier == "between" else None,
        qualifier=qualifier,
        unit=random.choice([*UNITS, *UNCONVERTIBLE, None]),
    )


def _own_fields(random: Random) -> dict[str, Any]:
    """None to three fields, now and then the same number in another form."""
    return {name: _skewed(random, OWN_FIELDS[name]) for name in _some(random, [*OWN_FIELDS], 3)}


def _links(random: Random, ids: Sequence[str], event_id: str) -> list[schemas.Related]:
    chosen = [i for i in random.sample(ids, random.choice([0, 0, 0, 1, 2])) if i != event_id]
    return [schemas.Related(event=i, relation=random.choice(models.RELATIONS)) for i in chosen]


def _citations(random: Random, ids: Sequence[str]) -> list[schemas.SourceReference]:
    """Some sources; now and then one is cited twice."""
    chosen = [_skewed(random, ids) for _ in range(random.randint(1, 4))]
    if random.random() < 0.8:
        chosen = list(dict.fromkeys(chosen))
    roles = ["supports", *random.choices(models.CITATION_ROLES, k=len(chosen) - 1)]
    random.shuffle(roles)
    return [
        schemas.SourceReference(
            id=i, role=role, quote=_text(random, 5) if random.random() < 0.2 else None
        )
        for i, role in zip(chosen, roles, strict=True)
    ]
