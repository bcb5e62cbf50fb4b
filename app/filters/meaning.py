"""What a parameter means: its values looked up, then conditions on postings and timeline."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from app import dates, models, quantities, schemas, words
from app.errors import Fault, Problem, nearest, refuse

if TYPE_CHECKING:
    from app.filters.query import EventFilter

Term = tuple[str, str]  # a kind and a value
SHOWN = 20  # so many known values are listed where one is not known
NEAREST_AMONG = 2000  # a suggestion is worth no more than a look at so many ids
SYMBOLS = [symbol for sizes in quantities.UNITS.values() for symbol in sizes]
UNITS_ALIKE = 0.75  # short words of no sense: `toe` is no slip of `tonnes`
LOOKED_UP = 10  # so many words of a text by their postings; an engine plans no hundred joins


@dataclass
class Plan:
    """A filter with every value looked up. All of it must hold of an event."""

    any_of: list[list[Term]] = field(default_factory=list)  # of each list the event bears one
    none_of: list[Term] = field(default_factory=list)
    of_timeline: list[str] = field(default_factory=list)  # SQL over {t}, a row of `timeline`
    of_key: list[str] = field(default_factory=list)  # SQL over t.key
    of_value: dict[str, str] = field(default_factory=dict)  # by facet: SQL over t and v, a term
    parameters: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)  # what does not exist

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Keeps the faults of a problem that is raised within: a client mends all at once."""
        try:
            yield
        except Problem as problem:
            if not problem.faults:
                raise
            self.faults += problem.faults

    def named(self, name: str, values: Iterable[str]) -> list[str]:
        """SQL for each of some values, which become parameters `name0`, `name1`, …"""
        numbered = {f"{name}{number}": value for number, value in enumerate(values)}
        self.parameters |= numbered
        return [f":{parameter}" for parameter in numbered]


@dataclass(frozen=True)
class Meaning:
    """What one parameter, or some that belong together, add to a plan."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        """Look up what `asked` names; Problem `invalid-parameters` where it does not exist."""
        raise NotImplementedError


def signed(values: Iterable[str]) -> tuple[list[str], list[str]]:
    """The values that are wanted, and those behind a `!`."""
    given = list(values)
    return (
        [value for value in given if not value.startswith("!")],
        [value[1:] for value in given if value.startswith("!")],
    )


# -- values that events bear ----------------------------------------------------------------------


@dataclass(frozen=True)
class Terms(Meaning):
    """Values of a repeatable parameter, each borne or not; `look_up` gives what one stands for."""

    parameter: str
    look_up: Callable[[Connection, str, str], list[str]]

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        wanted, unwanted = signed(getattr(asked, self.parameter))
        if wanted:
            plan.any_of.append(self.terms(connection, wanted, plan))
        plan.none_of += self.terms(connection, unwanted, plan)

    def terms(self, connection: Connection, values: Iterable[str], plan: Plan) -> list[Term]:
        """The terms that the values stand for; the plan keeps the faults of those unknown."""
        found: list[Term] = []
        for value in dict.fromkeys(values):
            with plan.gathering():
                stands_for = self.look_up(connection, self.parameter, value)
                found += [(self.parameter, each) for each in stands_for]
        return found


def ids_of(table: str) -> Callable[[Connection, str, str], list[str]]:
    """Looks up values that must be ids of rows of `table`."""

    def look_up(connection: Connection, name: str, value: str) -> list[str]:
        query = text(f"SELECT id FROM {table} WHERE id = :value")
        if connection.execute(query, {"value": value}).first() is None:
            raise refuse(_unknown(connection, name, value, f"SELECT id FROM {table}"))
        return [value]

    return look_up


def ids_or_names_of(table: str) -> Callable[[Connection, str, str], list[str]]:
    """Looks up values that are ids or exact names of rows of `table`; nothing bears others."""

    def look_up(connection: Connection, name: str, value: str) -> list[str]:
        query = text(f"SELECT id FROM {table} WHERE id = :value OR name = :value ORDER BY id")
        return list(connection.execute(query, {"value": value}).scalars())

    return look_up


def a_status(connection: Connection, name: str, value: str) -> list[str]:
    """Looks up values that must be a status."""
    if value not in models.STATUSES:
        message = f"there is no status '{value[:100]}'; allowed: {', '.join(models.STATUSES)}"
        raise refuse(_no_such(name, value, message, nearest(value, models.STATUSES)))
    return [value]


def a_country(connection: Connection, name: str, value: str) -> list[str]:
    """Looks up values that must be the code of a country; a name or a longer code suggests it."""
    if value not in schemas.countries():
        message = f"there is no country '{value[:100]}'; give an ISO 3166-1 alpha-2 code such as RS"
        near = nearest(value, schemas.countries()) if len(value) == 2 else None
        raise refuse(_no_such(name, value, message, schemas.country_code(value) or near))
    return [value]


def borne(connection: Connection, name: str, value: str) -> list[str]:
    """Looks up free words; one that no event ever bore is a slip."""
    query = f"SELECT value FROM term WHERE kind = '{name}' AND events > 0"
    if connection.execute(text(f"{query} AND value = :value"), {"value": value}).first() is None:
        raise refuse(_unknown(connection, name, value, query))
    return [value]


def _unknown(connection: Connection, name: str, value: str, query: str) -> Fault:
    known = connection.execute(text(f"{query} ORDER BY 1 LIMIT {NEAREST_AMONG}")).scalars().all()
    shown = f"; known: {', '.join(known)}" if len(known) <= SHOWN else ""
    what = "event" if name == "related_to" else name
    message = f"there is no {what} '{value[:100]}'{shown}"
    return _no_such(name, value, message, nearest(value, known))


def _no_such(name: str, value: str, message: str, near: str | None) -> Fault:
    """The fault of a value that does not exist; a list of several says how they are given."""
    if "," in value and name != "related_to":
        return Fault("query", name, f"{message}; {repeated(name, value)}")
    return Fault("query", name, message, near)


def repeated(name: str, value: str) -> str:
    """How the values of a list between commas are given."""
    values = [part.strip() for part in value.split(",")][:SHOWN]
    return f"to give several values repeat the parameter: {'&'.join(f'{name}={v}' for v in values)}"


ACTORS, ROLES = Terms("actor", ids_of("actor")), Terms("role", borne)


@dataclass(frozen=True)
class TakingPart(Meaning):
    """`actor` and `role`: with both, one and the same actor bears a wanted role and no unwanted."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        (actors, _), (roles, unwanted) = signed(asked.actor), signed(asked.role)
        ACTORS.plan(connection, asked, plan)
        meant = _meant(plan, actors, roles, unwanted)
        if asked.role:
            plan.of_value["actor"] = meant.format(actor="v.value")
        if not actors:
            ROLES.plan(connection, asked, plan)
            return
        ROLES.terms(connection, [*roles, *unwanted], plan)  # each must exist
        one = meant.format(actor="a.value")
        plan.of_value["role"] = _takes_part(one, _bears("a.value", ["v.value"]))
        if roles:
            plan.any_of.append(_pairs(actors, roles))
        if len(actors) == 1:
            plan.none_of += _pairs(actors, unwanted)
        elif unwanted:
            plan.of_key.append(_takes_part(one))


def _meant(plan: Plan, actors: Iterable[str], roles: Iterable[str], unwanted: Iterable[str]) -> str:
    """SQL over t and {actor}: one of the actors, in one of the roles, in none of the unwanted."""
    conditions = []
    if actors:
        conditions.append(f"{{actor}} IN ({', '.join(plan.named('actor', actors))})")
    if roles:
        conditions.append(_bears("{actor}", plan.named("role", roles)))
    if unwanted:
        conditions.append(f"NOT {_bears('{actor}', plan.named('unwanted', unwanted))}")
    return " AND ".join(conditions)


def _takes_part(*conditions: str) -> str:
    """SQL over t: an actor `a` of whom all this holds takes part."""
    return (
        "EXISTS (SELECT 1 FROM posting p JOIN term a ON a.id = p.term"
        f" WHERE p.key = t.key AND a.kind = 'actor' AND {' AND '.join(conditions)})"
    )


def _bears(actor: str, roles: Iterable[str]) -> str:
    """SQL over t: the actor bears one of the roles."""
    borne = ", ".join(f"{actor} || ':' || {role}" for role in roles)
    return (
        "EXISTS (SELECT 1 FROM posting q JOIN term r ON r.id = q.term"
        f" WHERE q.key = t.key AND r.kind = 'actor-role' AND r.value IN ({borne}))"
    )


def _pairs(actors: Iterable[str], roles: Iterable[str]) -> list[Term]:
    return [("actor-role", f"{actor}:{role}") for actor, role in product(actors, roles)]


@dataclass(frozen=True)
class RelatedTo(Meaning):
    """`related_to`: events linked to one event, in either direction."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        found = ids_of("event")(connection, "related_to", str(asked.related_to))
        plan.any_of.append([("related", event_id) for event_id in found])


@dataclass(frozen=True)
class Box(Meaning):
    """`bbox`: events with a place in it; west of east it crosses the antimeridian."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        west, south, east, north = map(float, str(asked.bbox).split(","))
        query = text(
            "SELECT id FROM place WHERE latitude BETWEEN :south AND :north AND ("
            " longitude BETWEEN :west AND :east OR longitude + 360 BETWEEN :west AND :east"
            " OR longitude - 360 BETWEEN :west AND :east) ORDER BY id"
        )
        bounds = {"west": west, "south": south, "north": north}
        bounds["east"] = east if east >= west else east + 360
        found = connection.execute(query, bounds).scalars()
        plan.any_of.append([("place", place_id) for place_id in found])


# -- dates ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overlap(Meaning):
    """`date` and `match`: the event overlaps the window, possibly or for certain."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        window = dates.parse_window(str(asked.date))
        starts, ends = "start_earliest", "end_latest"
        if asked.match == "certain":
            starts, ends = "start_latest", "end_earliest"
            plan.of_timeline.append("{t}.sure")
        plan.of_timeline += [f"{{t}}.{starts} <= :last", f"{{t}}.{ends} >= :first"]
        plan.parameters |= window._asdict()


@dataclass(frozen=True)
class KnownBy(Meaning):
    """`known_by`: a source had reported it by the last day of this date."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        plan.of_timeline.append("{t}.known <= :known_by")
        plan.parameters["known_by"] = dates.parse_window(str(asked.known_by)).last


@dataclass(frozen=True)
class AtLeast(Meaning):
    """A parameter that a column of the timeline must reach."""

    parameter: str
    column: str

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        plan.of_timeline.append(f"{{t}}.{self.column} >= :{self.parameter}")
        plan.parameters[self.parameter] = getattr(asked, self.parameter)


# -- text and quantities --------------------------------------------------------------------------


@dataclass(frozen=True)
class FullText(Meaning):
    """`q`: all words, prefixes and phrases are found in the event's wording."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        found = words.search(str(asked.q))
        if not found:
            plan.any_of.append([])
        plan.any_of += [[("word", word)] for word in found.every_word[:LOOKED_UP]]
        for number, prefix in enumerate(found.prefixes[:LOOKED_UP]):
            plan.of_key.append(
                "EXISTS (SELECT 1 FROM posting p WHERE p.key = t.key AND p.term IN ("
                "SELECT id FROM term WHERE kind = 'word'"
                f" AND value >= :prefix{number} AND value < :beyond{number}))"
            )
            plan.parameters |= {f"prefix{number}": prefix, f"beyond{number}": prefix + "\U0010ffff"}
        rest = words.Search(found.words[LOOKED_UP:], found.prefixes[LOOKED_UP:], found.phrases)
        patterns = {f"pattern{n}": pattern for n, pattern in enumerate(words.patterns(rest))}
        if patterns:
            held = " AND ".join(f"g.words LIKE :{name}" for name in patterns)
            plan.of_key.append(f"EXISTS (SELECT 1 FROM wording g WHERE g.key = t.key AND {held})")
            plan.parameters |= patterns


@dataclass(frozen=True)
class Amount(Meaning):
    """`measure`, `unit`, `min_value`, `max_value`: one and the same quantity may be all that."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        conditions = []
        if asked.measure is not None:
            borne(connection, "measure", measure := words.fold(asked.measure))
            plan.any_of.append([("measure", measure)])
            conditions.append("m.measure = :measure")
            plan.parameters["measure"] = measure
        if asked.unit is not None:
            kind = self._kind(connection, asked.unit)
            plan.any_of.append([("unit", kind)])
            conditions.append("m.kind = :kind")
            plan.parameters["kind"] = kind
        for name, reached in (("min_value", "m.high >="), ("max_value", "m.low <=")):
            if (value := getattr(asked, name)) is not None:
                conditions.append(f"{reached} :{name}")
                amount = quantities.in_base_units(Decimal(value), asked.unit)
                plan.parameters[name] = quantities.sortable(amount)
        if len(conditions) > 1:  # one alone is what the term says
            held = " AND ".join(conditions)
            plan.of_key.append(
                f"EXISTS (SELECT 1 FROM measurement m WHERE m.key = t.key AND {held})"
            )

    def _kind(self, connection: Connection, unit: str) -> str:
        """What a unit measures; one that is neither known nor ever borne is a slip."""
        kind = quantities.kind_of(unit)
        if unit not in quantities.units():
            query = "SELECT DISTINCT unit FROM quantity WHERE unit IS NOT NULL"
            borne_units = connection.execute(text(f"{query} AND unit = :unit"), {"unit": unit})
            if borne_units.first() is None:
                others = connection.execute(text(f"{query} ORDER BY unit LIMIT {NEAREST_AMONG}"))
                borne = list(others.scalars())
                near = quantities.spoken(unit) or nearest(
                    unit, [*borne, *quantities.units()], UNITS_ALIKE
                )
                message = f"there is no unit '{unit[:100]}'; known are ISO 4217 codes and"
                known = dict.fromkeys([*SYMBOLS, *borne[:SHOWN]])
                raise refuse(Fault("query", "unit", f"{message} {', '.join(known)}", near))
        return kind
