"""What a parameter means: its values looked up, then conditions on postings and timeline."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from app import dates, models, quantities, schemas, words
from app.candidates import Candidates, Column
from app.dialects import Prepared
from app.errors import Fault
from app.suggestions import nearest

if TYPE_CHECKING:
    from app.filters.query import EventFilter

Term = tuple[str, str]  # a kind and a value
SHOWN = 20  # so many known values are listed where one is not known
SYMBOLS = [symbol for sizes in quantities.UNITS.values() for symbol in sizes]
SPELT = Prepared("SELECT id FROM term WHERE kind = 'word' AND value >= :prefix AND value < :beyond")
INSIDE = Prepared(
    "SELECT id FROM place WHERE latitude BETWEEN :south AND :north AND ("
    " longitude BETWEEN :west AND :east OR longitude + 360 BETWEEN :west AND :east"
    " OR longitude - 360 BETWEEN :west AND :east) ORDER BY id"
)
UNITS_ALIKE = 0.75  # short words of no sense: `toe` is no slip of `tonnes`


class Hold(NamedTuple):
    """A bound that a column of the timeline keeps to."""

    column: str
    at_least: bool  # else at most
    value: Any


class Quantity(NamedTuple):
    """What one and the same quantity may be: `least` and `most` in base units, as texts that sort.

    None asks for nothing.
    """

    measure: str | None
    kind: str | None
    least: str | None
    most: str | None


class Part(NamedTuple):
    """Actors that an event must have (any where none is named), and roles that they must bear."""

    actors: frozenset[str]
    roles: frozenset[str]
    unwanted: frozenset[str]

    def admits(self, actor: str, roles: Set[str]) -> bool:
        """Whether an actor with these roles is one of them."""
        named = not self.actors or actor in self.actors
        wanted = not self.roles or bool(self.roles & roles)
        return named and wanted and not self.unwanted & roles


@dataclass
class Plan:
    """A filter with every value looked up. All of it must hold of an event."""

    candidates: Candidates
    # Of each list the event bears one term, and beside it none of some others.
    any_of: list[list[tuple[Term, tuple[Term, ...]]]] = field(default_factory=list)
    looked_up: list[list[int]] = field(default_factory=list)  # the same, as ids
    none_of: list[Term] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    phrases: list[tuple[str, ...]] = field(default_factory=list)
    quantity: Quantity | None = None
    part: "Part | None" = None  # what an actor must have been
    faults: list[Fault] = field(default_factory=list)  # what does not exist

    def look_up(self, connection: Connection, values: "Values", name: str, value: str) -> list[str]:
        """Return what `value` stands for; if it does not exist, nothing, and keep the fault."""
        found = values.find(connection, value)
        if not found:
            self.faults.append(values.fault(self.candidates, name, value))
        return found

    def bears(self, terms: Iterable[Term]) -> None:
        """The event bears one of some terms."""
        self.any_of.append([(term, ()) for term in terms])


@dataclass(frozen=True)
class Meaning:
    """What one parameter, or some that belong together, add to a plan."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        """Look up what `asked` names; the plan keeps the faults of what does not exist."""
        raise NotImplementedError


def signed(values: Iterable[str]) -> tuple[list[str], list[str]]:
    """The values that are wanted, and those behind a `!`."""
    given = list(values)
    return (
        [value for value in given if not value.startswith("!")],
        [value[1:] for value in given if value.startswith("!")],
    )


# -- values that events bear ----------------------------------------------------------------------


class Values:
    """The values that a parameter may have: finds them, and says what is wrong with others."""

    def find(self, connection: Connection, value: str) -> list[str]:
        """Return the ids or words that `value` stands for, none if it does not exist."""
        raise NotImplementedError

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        """Return the fault of a value that does not exist, with the nearest that does."""
        raise NotImplementedError


class Stored(Values):
    """Values of a column."""

    def __init__(self, column: Column) -> None:
        self.column = column
        either = (
            "{0} = :value"
            if column.label is None
            else f"({{0}} = :value OR {column.label} = :value)"
        )
        self._query = column.query(either)

    def find(self, connection: Connection, value: str) -> list[str]:
        return [row[0] for row in self._query.rows(connection, value=value)]

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        known = candidates.known(self.column)
        shown = f"; known: {', '.join(dict.fromkeys(known))}" if len(known) <= SHOWN else ""
        what = "event" if name == "related_to" else name
        message = f"there is no {what} '{value[:100]}'{shown}"
        return _no_such(name, value, message, candidates.nearest(self.column, value))


class Statuses(Values):
    """The statuses of events."""

    def find(self, connection: Connection, value: str) -> list[str]:
        return [value] if value in models.STATUSES else []

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        message = f"there is no status '{value[:100]}'; allowed: {', '.join(models.STATUSES)}"
        return _no_such(name, value, message, nearest(value, models.STATUSES))


class Countries(Values):
    """Codes of countries; a name or a longer code suggests one."""

    def find(self, connection: Connection, value: str) -> list[str]:
        return [value] if value in schemas.countries() else []

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        message = f"there is no country '{value[:100]}'; give an ISO 3166-1 alpha-2 code such as RS"
        near = nearest(value, schemas.countries()) if len(value) == 2 else None
        return _no_such(name, value, message, schemas.country_code(value) or near)


def ids_of(table: str) -> Stored:
    """Return the values that are ids of rows of `table`."""
    return Stored(Column(table))


def ids_or_names_of(table: str) -> Stored:
    """Return the values that are ids or exact names of rows of `table`."""
    return Stored(Column(table, label="name"))


def words_of(kind: str) -> Stored:
    """Return the words that an event has as its `kind`."""
    return Stored(Column("term", "value", f"kind = '{kind}' AND events > 0"))


UNITS = Stored(Column("(SELECT DISTINCT unit FROM quantity WHERE unit IS NOT NULL) AS u", "unit"))
EVENTS, ROLES, MEASURES = ids_of("event"), words_of("role"), words_of("measure")


@dataclass(frozen=True)
class Terms(Meaning):
    """Values of a repeatable parameter, each of which an event has or, after `!`, has not."""

    parameter: str
    values: Values

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        wanted, unwanted = signed(getattr(asked, self.parameter))
        for values in _groups(asked, self.parameter, wanted):
            plan.bears(self.terms(connection, values, plan))
        plan.none_of += self.terms(connection, unwanted, plan)

    def terms(self, connection: Connection, values: Iterable[str], plan: Plan) -> list[Term]:
        """Return the terms that the values stand for; the plan keeps the faults of unknown ones."""
        return [
            (self.parameter, word)
            for value in dict.fromkeys(values)
            for word in plan.look_up(connection, self.values, self.parameter, value)
        ]


def _groups(asked: "EventFilter", name: str, wanted: list[str]) -> list[list[str]]:
    """Return lists of values of a parameter: an event must have one of each list."""
    if name in asked.all_of:
        return [[value] for value in dict.fromkeys(wanted)]
    return [wanted] if wanted else []


def _no_such(name: str, value: str, message: str, near: str | None) -> Fault:
    """Return the fault of a value that does not exist; one with commas says how to repeat."""
    if "," in value and name != "related_to" and "," not in (near or ""):
        return Fault("query", name, f"{message}; {repeated(name, value)}")
    return Fault("query", name, message, near)


def repeated(name: str, value: str) -> str:
    """Return how the values of a list between commas are to be given."""
    values = [part.strip() for part in value.split(",")][:SHOWN]
    return f"to give several values repeat the parameter: {'&'.join(f'{name}={v}' for v in values)}"


ACTOR_TERMS, ROLE_TERMS = Terms("actor", ids_of("actor")), Terms("role", ROLES)


@dataclass(frozen=True)
class TakingPart(Meaning):
    """`actor` and `role`: with both, one and the same actor has a wanted role and no unwanted.

    Under `all_of` that holds for each of the actors, for each of the roles, or for each pair.
    """

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        (actors, _), (roles, unwanted) = signed(asked.actor), signed(asked.role)
        ACTOR_TERMS.plan(connection, asked, plan)
        if asked.role or actors:
            plan.part = Part(frozenset(actors), frozenset(roles), frozenset(unwanted))
        if not actors:
            ROLE_TERMS.plan(connection, asked, plan)
            return
        ROLE_TERMS.terms(connection, [*roles, *unwanted], plan)  # each must exist
        if not asked.role:
            return
        of_actors, of_roles = (
            _groups(asked, name, wanted) for name, wanted in (("actor", actors), ("role", roles))
        )
        for some, as_some in product(of_actors, of_roles or [[]]):
            plan.any_of.append(
                [
                    (term, tuple(_pairs([actor], unwanted)))
                    for actor in dict.fromkeys(some)
                    for term in (_pairs([actor], as_some) if as_some else [("actor", actor)])
                ]
            )


def _pairs(actors: Iterable[str], roles: Iterable[str]) -> list[Term]:
    return [("actor-role", f"{actor}:{role}") for actor, role in product(actors, roles)]


@dataclass(frozen=True)
class RelatedTo(Meaning):
    """`related_to`: events linked to one event, in either direction."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        found = plan.look_up(connection, EVENTS, "related_to", str(asked.related_to))
        plan.bears(("related", event_id) for event_id in found)


@dataclass(frozen=True)
class Box(Meaning):
    """`bbox`: events with a place in it; west of east it crosses the antimeridian."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        west, south, east, north = map(Fraction, str(asked.bbox).split(","))
        if east - west >= 360:
            west, east = Fraction(-180), Fraction(180)
        else:  # exactly, so that an edge keeps to the place that it goes through
            west, east = ((side + 180) % 360 - 180 for side in (west, east))
        sides = {"west": west, "south": south, "east": east, "north": north}
        bounds = {name: float(degrees) for name, degrees in sides.items()}
        if east < west:
            bounds["east"] += 360
        found = INSIDE.rows(connection, **bounds)
        plan.bears(("place", place_id) for (place_id,) in found)


# -- dates ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overlap(Meaning):
    """`date` and `match`: the event overlaps the window, possibly or for certain."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        window = dates.parse_window(str(asked.date))
        starts, ends = "start_earliest", "end_latest"
        if asked.match == "certain":
            starts, ends = "start_latest", "end_earliest"
            plan.holds.append(Hold("sure", True, True))
        plan.holds += [Hold(starts, False, window.last), Hold(ends, True, window.first)]


@dataclass(frozen=True)
class KnownBy(Meaning):
    """`known_by`: a source had reported it by the last day of this date."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        last = dates.parse_window(str(asked.known_by)).last
        plan.holds.append(Hold("known", False, last))


@dataclass(frozen=True)
class AtLeast(Meaning):
    """A parameter that a column of the timeline must reach."""

    parameter: str
    column: str

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        plan.holds.append(Hold(self.column, True, getattr(asked, self.parameter)))


# -- text and quantities --------------------------------------------------------------------------


@dataclass(frozen=True)
class FullText(Meaning):
    """`q`: all words, prefixes and phrases are found in the event's wording."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        found = words.search(str(asked.q))
        if not found:
            plan.bears([])
        for word in found.every_word:
            plan.bears([("word", word)])
        for prefix in found.prefixes:
            ends = {"prefix": prefix, "beyond": prefix + "\U0010ffff"}
            plan.looked_up.append([term for (term,) in SPELT.rows(connection, **ends)])
        plan.phrases += found.phrases


@dataclass(frozen=True)
class Amount(Meaning):
    """`measure`, `unit`, `min_value`, `max_value`: one and the same quantity may be all that."""

    def plan(self, connection: Connection, asked: "EventFilter", plan: Plan) -> None:
        measure = kind = None
        if asked.measure is not None:
            measure = words.fold(asked.measure)
            plan.look_up(connection, MEASURES, "measure", measure)
            plan.bears([("measure", measure)])
        if asked.unit is not None:
            kind = self._kind(connection, asked.unit, plan)
            plan.bears([("unit", kind)])
        ends = [
            None
            if value is None
            else quantities.sortable(quantities.in_base_units(Decimal(value), asked.unit))
            for value in (asked.min_value, asked.max_value)
        ]
        wanted = Quantity(measure, kind, *ends)
        if len(wanted) - wanted.count(None) > 1:  # one alone is what the term says
            plan.quantity = wanted

    def _kind(self, connection: Connection, unit: str, plan: Plan) -> str:
        """Return what a unit measures; one that neither is known nor occurs is a slip."""
        if unit not in quantities.units() and not UNITS.find(connection, unit):
            stored = plan.candidates.known(UNITS.column)
            near = quantities.spoken(unit) or nearest(
                unit, [*stored, *quantities.units()], UNITS_ALIKE
            )
            message = f"there is no unit '{unit[:100]}'; known are ISO 4217 codes and"
            known = dict.fromkeys([*SYMBOLS, *stored[:SHOWN]])
            plan.faults.append(Fault("query", "unit", f"{message} {', '.join(known)}", near))
        return quantities.kind_of(unit)
