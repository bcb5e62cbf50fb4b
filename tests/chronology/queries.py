"""Random filters: mostly of what some one event bears, so that something is found."""

from datetime import timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from random import Random

from app import schemas
from chronology.amounts import UNCONVERTIBLE, UNITS, kind_and_size, range_of, written
from chronology.generator import COORDINATES, WORDS
from chronology.model import FACETS, PUBLISHERS, TAGS, Chronology
from dates.model import LAST

Asked = dict[str, list[str]]
PART = {"actor", "role"}  # mean more together
WEIGHTS = {"amount": 3}  # of several parameters, none of which may be rare
MANIFOLD = ("actor", "role", "place", "country", "tag", "publisher", "source", "extra")


def random_query(random: Random, story: Chronology) -> Asked:
    """A filter of one to four parameters, some of which bring their companions.

    Each parameter draws from a seed of its own, so that a new one leaves the others as they are.
    """
    event_id, number, pair = (
        random.choice(list(story.events)),
        random.randint(1, 4),
        random.random(),
    )
    seed = random.getrandbits(64)
    draws = {name: Random(f"{seed} {name}") for name in (*FACETS, *ONE_BY_ONE)}
    ranks = {name: draw.random() / WEIGHTS.get(name, 1) for name, draw in draws.items()}
    chosen = set(sorted(ranks, key=ranks.__getitem__)[:number])
    if not chosen.isdisjoint(PART) and pair < 0.6:
        chosen |= PART
    query: Asked = {}
    for name in sorted(chosen):
        if name in FACETS:
            query[name] = _values(draws[name], story, event_id, name)
        else:
            query |= ONE_BY_ONE[name](draws[name], story, event_id)
    manifold = [name for name in MANIFOLD if name in query and draws[name].random() < 0.3]
    for name in manifold:  # of what the event has, so that all of it is found now and then
        here = sorted(story.borne[event_id][name])
        query[name] += draws[name].sample(here, min(len(here), 2))
    return {**query, **({"all_of": manifold} if manifold else {})}


def _values(random: Random, story: Chronology, event_id: str, name: str) -> list[str]:
    everywhere = sorted(set[str]().union(*(borne[name] for borne in story.borne.values())))
    here = sorted(story.borne[event_id][name])
    values = [random.choice(here)] if here and random.random() < 0.8 else []
    values += random.sample(everywhere, random.choice([0, 0, 1, 2]))
    if not values or random.random() < 0.3:
        absent = sorted(set(everywhere).difference(here, values))
        values += [f"!{random.choice(absent)}"] if absent else []
    random.shuffle(values)
    names = {"tag": TAGS, "publisher": PUBLISHERS}.get(name, {})
    named = [names.get(value, value) if random.random() < 0.5 else value for value in values]
    return named or [random.choice(everywhere)]


def _window(random: Random, story: Chronology, event_id: str) -> Asked:
    asked = list(story.windows)
    if random.random() < 0.8:
        asked = [t for t, days in story.windows.items() if story.date(event_id).match(*days)]
    match: Asked = random.choice([{}, {"match": ["certain"]}, {"match": ["possible"]}])
    return {"date": [random.choice(asked or list(story.windows))], **match}


def _known_by(random: Random, story: Chronology, event_id: str) -> Asked:
    """At times on the very day on which it was known, or beside it."""
    day = story.reported[event_id]
    ending = {text: last for text, (_, last) in story.windows.items() if last != LAST}
    near = [text for text, last in ending.items() if abs(last - day) <= 1]
    return {"known_by": [random.choice(near or list(ending))]}


def _linked(random: Random, story: Chronology, event_id: str) -> Asked:
    return {"related_to": [random.choice(sorted(story.linked[event_id]) or list(story.events))]}


def _since(random: Random, story: Chronology, event_id: str) -> Asked:
    zone = timezone(timedelta(minutes=random.choice([0, 60, -330])))
    late = timedelta(microseconds=random.choice([0, 1]))
    return {"updated_since": [(story.updated[event_id] + late).astimezone(zone).isoformat()]}


def _publishers(random: Random, story: Chronology, event_id: str) -> Asked:
    return {"min_publishers": [str(story.supporters[event_id] or random.randint(1, 5))]}


def _box(random: Random, story: Chronology, event_id: str) -> Asked:
    """Edges on coordinates, or a little off; in half of them across the antimeridian or not."""
    places = [place for place in COORDINATES if place[0] is not None]
    south, north = sorted((_near(random, [y for y, _ in places], 90) for _ in "sn"), key=float)
    west, east = (_near(random, [x for _, x in places], 180) for _ in "we")
    if random.random() < 0.3:
        south, north = "-90", "90"
    if random.random() < 0.3:  # as a map that was scrolled around the earth
        west, east = (str(Decimal(side) + 360 * random.randint(-3, 3)) for side in (west, east))
    return {"bbox": [",".join((west, south, east, north))]}


def _near(random: Random, edges: list[float | None], most: int) -> str:
    edge = Fraction(str(random.choice(edges))) + random.choice([0, 0, 1, -1]) * Fraction("0.01")
    return str(written(max(Fraction(-most), min(Fraction(most), edge))))


def _search(random: Random, story: Chronology, event_id: str) -> Asked:
    """One or two of: a word, a prefix, too short a prefix, a phrase, something nobody says."""
    texts = [text for text in story.texts[event_id] if text]
    return {"q": [" ".join(_sought(random, texts) for _ in range(random.randint(1, 2)))]}


def _sought(random: Random, texts: list[str]) -> str:
    said = random.choice(texts).split(" ")
    at = random.randrange(len(said))
    word = random.choice([said[at], said[at].upper(), random.choice(WORDS)])
    if random.random() < 0.25:
        return '"' + " ".join(said[at : at + random.randint(1, 3)]) + random.choice(['"', '"', ""])
    if random.random() < 0.3:
        return word[: random.randint(1, 5)].rstrip("-,.…'") + "*"
    return random.choice([word, word, word, "nobody", "…"])


def _amount(random: Random, story: Chronology, event_id: str) -> Asked:
    """Bounds on the very edge of a quantity, or beside it, in any unit that it converts into."""
    quantities = story.events[event_id].quantities
    if not quantities or random.random() < 0.1:
        return {"unit": [random.choice([*UNITS, *UNCONVERTIBLE])]}
    quantity = random.choice(quantities)
    asked: Asked = {}
    if random.random() < 0.4:
        asked["measure"] = [random.choice([quantity.measure, quantity.measure.upper()])]
    if quantity.unit is None or (asked and random.random() < 0.2):
        return asked or {"measure": [quantity.measure]}
    kind = kind_and_size(quantity.unit)[0]
    units = [u for u in (*UNITS, *UNCONVERTIBLE) if kind_and_size(u)[0] == kind]
    unit = random.choice([quantity.unit, random.choice(units)])
    asked["unit"] = [unit]
    for name, edge in zip(("min_value", "max_value"), _edges(random, quantity, unit), strict=True):
        if random.random() < 0.8:
            asked[name] = [written(edge) or str(written(round(edge, 6)))]
    return asked


def _edges(random: Random, quantity: schemas.Quantity, unit: str) -> list[Fraction]:
    """Two numbers in order, each on an end of what a quantity may be or a little off."""
    ends = [end / kind_and_size(unit)[1] for end in range_of(quantity) if end is not None]
    off = [Fraction(number, 1000) for number in (0, 0, 0, 1, -1)]
    return sorted(random.choice(ends) + random.choice(off) for _ in range(2))


ONE_BY_ONE = {
    "date": _window,
    "known_by": _known_by,
    "related_to": _linked,
    "updated_since": _since,
    "min_publishers": _publishers,
    "bbox": _box,
    "q": _search,
    "amount": _amount,
}
