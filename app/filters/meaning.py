"""The meaning of each parameter: its values looked up, then conditions on terms and columns."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from app import dates, models, quantities, schemas, words
from app.candidates import Candidates, SearchedColumn
from app.dialects import Prepared, prefix_range
from app.errors import Fault, refuse
from app.suggestions import nearest

if TYPE_CHECKING:
    from app.filters.query import EventFilter

FilterTerm = tuple[str, str]  # a kind and a value
MAX_LISTED_VALUES = 20  # listed in the message about an unknown value
SYMBOLS = [symbol for sizes in quantities.UNIT_SIZES.values() for symbol in sizes]
WORDS_WITH_PREFIX = Prepared(
    "SELECT id FROM term WHERE kind = 'word' AND value >= :prefix AND value < :beyond"
)
PLACES_IN_BOX = Prepared(
    "SELECT id FROM place WHERE latitude BETWEEN :south AND :north AND ("
    " longitude BETWEEN :west AND :east OR longitude + 360 BETWEEN :west AND :east"
    " OR longitude - 360 BETWEEN :west AND :east) ORDER BY id"
)
MIN_UNIT_SIMILARITY = 0.75  # units are short: `toe` is no slip of `tonnes`


class ColumnBound(NamedTuple):
    """column >= value, or column <= value."""

    column: str
    at_least: bool  # else at most
    value: Any


class QuantityBound(NamedTuple):
    """Bounds for one quantity: `least` and `most` in base units, as texts that sort.

    None sets no bound.
    """

    measure: str | None
    kind: str | None
    least: str | None
    most: str | None


class Participation(NamedTuple):
    """Actors that must take part (any actor if none is named), and the roles they must have."""

    actors: frozenset[str]
    roles: frozenset[str]
    unwanted: frozenset[str]


@dataclass
class FilterPlan:
    """A filter with every value looked up. An event must meet every condition."""

    candidates: Candidates
    # For each list, an event must have one of the terms, and with it none of the others.
    any_of: list[list[tuple[FilterTerm, tuple[FilterTerm, ...]]]] = field(default_factory=list)
    looked_up: list[list[int]] = field(default_factory=list)  # more such lists, of term ids
    none_of: list[FilterTerm] = field(default_factory=list)
    bounds: list[ColumnBound] = field(default_factory=list)
    phrases: list[tuple[str, ...]] = field(default_factory=list)
    quantity: QuantityBound | None = None
    part: Participation | None = None
    faults: list[Fault] = field(default_factory=list)  # of values that do not exist

    def look_up(
        self, connection: Connection, values: "AllowedValues", name: str, value: str
    ) -> list[str]:
        """Return the ids or words for `value`; if there are none, add the fault and return []."""
        matches = values.find(connection, value)
        if not matches:
            self.faults.append(values.fault(self.candidates, name, value))
        return matches

    def require_any(self, terms: Iterable[FilterTerm]) -> None:
        """Require that an event has one of these terms."""
        self.any_of.append([(term, ()) for term in terms])


@dataclass(frozen=True)
class ParameterMeaning:
    """The meaning of a parameter, or of some that belong together."""

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        """Add the conditions of `query` to the plan, and faults for values that do not exist."""
        raise NotImplementedError


def split_signs(values: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the values that are wanted, and those that a `!` excludes."""
    listed = list(values)
    return (
        [value for value in listed if not value.startswith("!")],
        [value[1:] for value in listed if value.startswith("!")],
    )


# -- values of facets -----------------------------------------------------------------------------


class AllowedValues:
    """The values that a parameter may have, and what is wrong with any other."""

    def find(self, connection: Connection, value: str) -> list[str]:
        """Return the ids or words for `value`, or none if it does not exist."""
        raise NotImplementedError

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        """Return the fault of a value that does not exist, with the nearest that does."""
        raise NotImplementedError


class Stored(AllowedValues):
    """Values of a stored column."""

    def __init__(self, column: SearchedColumn) -> None:
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
        stored = candidates.first_values(self.column)
        listing = (
            f"; known: {', '.join(dict.fromkeys(stored))}"
            if len(stored) <= MAX_LISTED_VALUES
            else ""
        )
        kind = "event" if name == "related_to" else name
        message = f"there is no {kind} '{value[:100]}'{listing}"
        return _no_such(name, value, message, candidates.nearest(self.column, value))


class Statuses(AllowedValues):
    """The statuses of events."""

    def find(self, connection: Connection, value: str) -> list[str]:
        return [value] if value in models.STATUSES else []

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        message = f"there is no status '{value[:100]}'; allowed: {', '.join(models.STATUSES)}"
        return _no_such(name, value, message, nearest(value, models.STATUSES))


class Countries(AllowedValues):
    """Country codes; a name or a longer code suggests one."""

    def find(self, connection: Connection, value: str) -> list[str]:
        return [value] if value in schemas.country_codes() else []

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        message = f"there is no country '{value[:100]}'; give an ISO 3166-1 alpha-2 code such as RS"
        near = nearest(value, schemas.country_codes()) if len(value) == 2 else None
        return _no_such(name, value, message, schemas.find_country_code(value) or near)


def ids_of(table: str) -> Stored:
    """Return the values that are ids of rows of `table`."""
    return Stored(SearchedColumn(table))


def ids_or_names_of(table: str) -> Stored:
    """Return the values that are ids or exact names of rows of `table`."""
    return Stored(SearchedColumn(table, label="name"))


def words_of(kind: str) -> Stored:
    """Return the words that events have as their `kind`."""
    return Stored(SearchedColumn("term", "value", f"kind = '{kind}' AND events > 0"))


UNITS = Stored(
    SearchedColumn("(SELECT DISTINCT unit FROM quantity WHERE unit IS NOT NULL) AS u", "unit")
)
EVENTS, ROLES, MEASURES = ids_of("event"), words_of("role"), words_of("measure")


@dataclass(frozen=True)
class TermFilter(ParameterMeaning):
    """A repeatable parameter whose values an event must have or, after `!`, must not have."""

    parameter: str
    values: AllowedValues

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        wanted, unwanted = split_signs(getattr(query, self.parameter))
        for values in _groups(query, self.parameter, wanted):
            plan.require_any(self.terms(connection, values, plan))
        plan.none_of += self.terms(connection, unwanted, plan)

    def terms(
        self, connection: Connection, values: Iterable[str], plan: FilterPlan
    ) -> list[FilterTerm]:
        """Return the terms for the values; the plan keeps the faults of unknown ones."""
        return [
            (self.parameter, word)
            for value in dict.fromkeys(values)
            for word in plan.look_up(connection, self.values, self.parameter, value)
        ]


NAMES_FIRST = ":"  # in the term of an own field whatever its value: `:importance`
FIELD_NAMES, FIELD_VALUES = (
    Stored(SearchedColumn("term", "value", f"kind = 'extra' AND events > 0 AND {which}"))
    for which in ("value >= ':' AND value < ';'", "(value < ':' OR value >= ';')")
)


class OwnFieldValues(AllowedValues):
    """Own fields, by name and value or by name alone."""

    def find(self, connection: Connection, value: str) -> list[str]:
        name, colon, text = value.partition(":")
        if not colon:
            return FIELD_NAMES.find(connection, NAMES_FIRST + name)
        number = schemas.comparable_form(schemas.parse_own_value(text))
        return FIELD_VALUES.find(connection, value) or FIELD_VALUES.find(
            connection, f"{name}:{number}"
        )

    def fault(self, candidates: Candidates, name: str, value: str) -> Fault:
        values, wanted_value = FIELD_VALUES, value
        if ":" not in value:
            values, wanted_value = FIELD_NAMES, NAMES_FIRST + value
        first_names = candidates.first_values(FIELD_NAMES.column)[:MAX_LISTED_VALUES]
        names = [name.removeprefix(NAMES_FIRST) for name in first_names]
        listing = f"own fields: {', '.join(names)}" if names else "no event has any"
        message = f"no event has the own field '{value[:100]}'; {listing}"
        near = candidates.nearest(values.column, wanted_value)
        return Fault("query", name, message, near and near.removeprefix(NAMES_FIRST))


def require_own_field(connection: Connection, parameter: str, field_name: str) -> None:
    """Raise Problem `invalid-parameters` if no event has the own field `extra.NAME`.

    `parameter` is the one that names it.
    """
    values, name = OwnFieldValues(), field_name.removeprefix(schemas.OWN_FIELD_PREFIX)
    if not values.find(connection, name):
        fault = values.fault(Candidates(connection), parameter, name)
        near = fault.suggestion and schemas.OWN_FIELD_PREFIX + fault.suggestion
        raise refuse(replace(fault, suggestion=near))


def find_facet_kind(connection: Connection, facet: str) -> tuple[str, str | None]:
    """Return the kind of term of a facet, and of own fields the prefix of the terms.

    Raise Problem `invalid-parameters` if no event has an own field of this name.
    """
    name = schemas.name_own_field(facet)
    if name is None:
        return facet, NAMES_FIRST if facet == "extra" else None
    require_own_field(connection, "by", facet)
    return "extra", f"{name}:"


def _groups(query: "EventFilter", name: str, wanted: list[str]) -> list[list[str]]:
    """Return lists of values of a parameter; an event must have one value of each list."""
    if name in query.all_of:
        return [[value] for value in dict.fromkeys(wanted)]
    return [wanted] if wanted else []


def _no_such(name: str, value: str, message: str, near: str | None) -> Fault:
    """Return the fault of a value that does not exist; one with commas says how to repeat."""
    if "," in value and name != "related_to" and "," not in (near or ""):
        return Fault("query", name, f"{message}; {repeated(name, value)}")
    return Fault("query", name, message, near)


def repeated(name: str, value: str) -> str:
    """Return how to write the values of a list between commas."""
    values = [part.strip() for part in value.split(",")][:MAX_LISTED_VALUES]
    return f"to give several values repeat the parameter: {'&'.join(f'{name}={v}' for v in values)}"


ACTOR_TERMS, ROLE_TERMS = TermFilter("actor", ids_of("actor")), TermFilter("role", ROLES)


@dataclass(frozen=True)
class TakingPart(ParameterMeaning):
    """`actor` and `role`: if both are given, one actor has a wanted role and no unwanted one.

    With `all_of`, that is so for each actor, for each role, or for each pair of them.
    """

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        (actors, _), (roles, unwanted) = split_signs(query.actor), split_signs(query.role)
        ACTOR_TERMS.plan(connection, query, plan)
        if query.role or actors:
            plan.part = Participation(frozenset(actors), frozenset(roles), frozenset(unwanted))
        if not actors:
            ROLE_TERMS.plan(connection, query, plan)
            return
        ROLE_TERMS.terms(connection, [*roles, *unwanted], plan)  # each must exist
        if not query.role:
            return
        of_actors, of_roles = (
            _groups(query, name, wanted) for name, wanted in (("actor", actors), ("role", roles))
        )
        for actor_group, role_group in product(of_actors, of_roles or [[]]):
            plan.any_of.append(
                [
                    (term, tuple(_pairs([actor], unwanted)))
                    for actor in dict.fromkeys(actor_group)
                    for term in (_pairs([actor], role_group) if role_group else [("actor", actor)])
                ]
            )


def _pairs(actors: Iterable[str], roles: Iterable[str]) -> list[FilterTerm]:
    return [("actor-role", f"{actor}:{role}") for actor, role in product(actors, roles)]


@dataclass(frozen=True)
class RelatedTo(ParameterMeaning):
    """`related_to`: events linked to one event, in either direction."""

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        event_ids = plan.look_up(connection, EVENTS, "related_to", str(query.related_to))
        plan.require_any(("related", event_id) for event_id in event_ids)


@dataclass(frozen=True)
class Box(ParameterMeaning):
    """`bbox`: events with a place in it. If west > east, it crosses the antimeridian."""

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        west, south, east, north = map(Fraction, str(query.bbox).split(","))
        if east - west >= 360:
            west, east = Fraction(-180), Fraction(180)
        else:  # in fractions, so that a place on an edge stays inside
            west, east = ((side + 180) % 360 - 180 for side in (west, east))
        sides = {"west": west, "south": south, "east": east, "north": north}
        bounds = {name: float(degrees) for name, degrees in sides.items()}
        if east < west:
            bounds["east"] += 360
        rows = PLACES_IN_BOX.rows(connection, **bounds)
        plan.require_any(("place", place_id) for (place_id,) in rows)


# -- dates ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overlap(ParameterMeaning):
    """`date` and `match`: the event overlaps the window, possibly or for certain."""

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        window = dates.parse_window(str(query.date))
        starts, ends = "start_earliest", "end_latest"
        if query.match == "certain":
            starts, ends = "start_latest", "end_earliest"
            plan.bounds.append(ColumnBound("sure", True, True))
        plan.bounds += [
            ColumnBound(starts, False, window.last),
            ColumnBound(ends, True, window.first),
        ]


@dataclass(frozen=True)
class KnownBy(ParameterMeaning):
    """`known_by`: a source had reported the event by the last day of this date."""

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        last = dates.parse_window(str(query.known_by)).last
        plan.bounds.append(ColumnBound("known", False, last))


@dataclass(frozen=True)
class AtLeast(ParameterMeaning):
    """A parameter that is the lower bound of a column of the timeline."""

    parameter: str
    column: str

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        plan.bounds.append(ColumnBound(self.column, True, getattr(query, self.parameter)))


# -- text and quantities --------------------------------------------------------------------------


@dataclass(frozen=True)
class FullText(ParameterMeaning):
    """`q`: the event's wording has all words, prefixes and phrases."""

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        search = words.parse_search(str(query.q))
        if not search:
            plan.require_any([])
        for word in search.every_word:
            plan.require_any([("word", word)])
        for prefix in search.prefixes:
            rows = WORDS_WITH_PREFIX.rows(connection, **prefix_range(prefix))
            plan.looked_up.append([term for (term,) in rows])
        plan.phrases += search.phrases


@dataclass(frozen=True)
class Amount(ParameterMeaning):
    """`measure`, `unit`, `min_value`, `max_value`: one and the same quantity may fit them all."""

    def plan(self, connection: Connection, query: "EventFilter", plan: FilterPlan) -> None:
        measure = kind = None
        if query.measure is not None:
            measure = words.fold(query.measure)
            plan.look_up(connection, MEASURES, "measure", measure)
            plan.require_any([("measure", measure)])
        if query.unit is not None:
            kind = self._kind(connection, query.unit, plan)
            plan.require_any([("unit", kind)])
        ends = [
            None
            if value is None
            else quantities.encode_sortable(quantities.convert_to_base(Decimal(value), query.unit))
            for value in (query.min_value, query.max_value)
        ]
        wanted = QuantityBound(measure, kind, *ends)
        if len(wanted) - wanted.count(None) > 1:  # one alone is covered by its term
            plan.quantity = wanted

    def _kind(self, connection: Connection, unit: str, plan: FilterPlan) -> str:
        """Return the kind of a unit; add a fault if the unit is neither known nor stored."""
        if unit not in quantities.load_units() and not UNITS.find(connection, unit):
            stored = plan.candidates.first_values(UNITS.column)
            near = quantities.find_unit_symbol(unit) or nearest(
                unit, [*stored, *quantities.load_units()], MIN_UNIT_SIMILARITY
            )
            message = f"there is no unit '{unit[:100]}'; known are ISO 4217 codes and"
            units = dict.fromkeys([*SYMBOLS, *stored[:MAX_LISTED_VALUES]])
            plan.faults.append(Fault("query", "unit", f"{message} {', '.join(units)}", near))
        return quantities.find_unit_kind(unit)
