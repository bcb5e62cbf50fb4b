"""What a filter means: ids looked up, then one WHERE over postings and timeline."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any

from sqlalchemy import Connection, text

from app import dates, models, schemas
from app.dialects import listed
from app.errors import Fault, nearest, refuse
from app.filters.query import EventFilter

Term = tuple[str, str]
TERMS = text(
    "SELECT kind, value, id, events FROM term WHERE kind IN :kinds AND value IN :values"
).bindparams(listed("kinds"), listed("values"))
NEAREST_AMONG = 2000  # a suggestion is worth no more than a look at so many ids


@dataclass(frozen=True)
class Plan:
    """A filter with every value looked up: term ids with the number of events that bear them."""

    any_of: tuple[tuple[tuple[int, int], ...], ...] = ()  # (term, events) pairs, one tuple a clause
    none_of: tuple[int, ...] = ()
    window: dates.Window | None = None
    certain: bool = False
    since: str | None = None

    @property
    def only_term(self) -> int | None:
        """How many events there are, where one term is all that is asked for."""
        alone = len(self.any_of) == 1 and len(self.any_of[0]) == 1
        more = self.none_of or self.window or self.since
        return self.any_of[0][0][1] if alone and not more else None


@dataclass
class Where:
    """SQL over `t`, a posting or a timeline row: where it comes from, what holds of it."""

    table: str = "timeline"
    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """`FROM … WHERE …`"""
        return f"FROM {self.table} t WHERE {' AND '.join(self.conditions) or '1 = 1'}"


# -- values to terms ------------------------------------------------------------------------------

Lookup = Callable[[Connection, str, str], list[str]]


def _id_of(table: str) -> Lookup:
    """Values that must be ids of rows of `table`."""

    def look_up(connection: Connection, name: str, value: str) -> list[str]:
        query = text(f"SELECT id FROM {table} WHERE id = :value")
        if connection.execute(query, {"value": value}).first() is None:
            raise refuse(_unknown(connection, name, value, f"SELECT id FROM {table}"))
        return [value]

    return look_up


def _id_or_name_of(table: str) -> Lookup:
    """Values that are ids or exact names of rows of `table`; nothing bears an unknown one."""

    def look_up(connection: Connection, name: str, value: str) -> list[str]:
        query = text(f"SELECT id FROM {table} WHERE id = :value OR name = :value ORDER BY id")
        return list(connection.execute(query, {"value": value}).scalars())

    return look_up


def _listed(allowed: Callable[[], Iterable[str]]) -> Lookup:
    """Values that must stand in a closed list."""

    def look_up(connection: Connection, name: str, value: str) -> list[str]:
        known = sorted(allowed())
        if value in known:
            return [value]
        shown = f"; allowed: {', '.join(known)}" if len(known) < 20 else ""
        message = f"there is no {name} '{value[:100]}'{shown}"
        raise refuse(Fault("query", name, message, nearest(value, known)))

    return look_up


def _borne_role(connection: Connection, name: str, value: str) -> list[str]:
    """Roles are free words; one that no actor ever had is a slip."""
    query = "SELECT value FROM term WHERE kind = 'role' AND events > 0"
    known = text(f"{query} AND value = :value")
    if connection.execute(known, {"value": value}).first() is None:
        raise refuse(_unknown(connection, name, value, query))
    return [value]


def _unknown(connection: Connection, name: str, value: str, query: str) -> Fault:
    known = connection.execute(text(f"{query} ORDER BY 1 LIMIT {NEAREST_AMONG}")).scalars()
    return Fault("query", name, f"there is no {name} '{value[:100]}'", nearest(value, known))


# One row a parameter that names values; the kind of its terms is the parameter itself.
LOOKUPS: Mapping[str, Lookup] = {
    "type": _id_of("type"),
    "actor": _id_of("actor"),
    "role": _borne_role,
    "place": _id_of("place"),
    "country": _listed(schemas.countries),
    "tag": _id_or_name_of("tag"),
    "publisher": _id_or_name_of("publisher"),
    "source": _id_of("source"),
    "status": _listed(lambda: models.STATUSES),
}


def resolve(connection: Connection, asked: EventFilter) -> Plan:
    """The plan of a filter; Problem `invalid-parameters` names a value that does not exist."""
    any_of: dict[str, list[str]] = {}
    none_of: dict[str, list[str]] = {}
    for name, look_up in LOOKUPS.items():
        for value in getattr(asked, name):
            side = none_of if value.startswith("!") else any_of
            side.setdefault(name, []).extend(look_up(connection, name, value.removeprefix("!")))
    if asked.related_to is not None:
        any_of["related"] = _id_of("event")(connection, "related_to", asked.related_to)
    wanted = {kind: [(kind, value) for value in values] for kind, values in any_of.items()}
    unwanted = [(kind, value) for kind, values in none_of.items() for value in values]
    if "actor" in any_of:  # a role is then said of that same actor
        if "role" in any_of:
            del wanted["actor"], wanted["role"]
            wanted["actor-role"] = _pairs(any_of["actor"], any_of["role"])
        unwanted = [term for term in unwanted if term[0] != "role"]
        unwanted += _pairs(any_of["actor"], none_of.get("role", []))
    known = _terms(connection, {*unwanted, *chain.from_iterable(wanted.values())})
    return Plan(
        tuple(
            tuple(known[term] for term in dict.fromkeys(clause) if term in known)
            for clause in wanted.values()
        ),
        tuple(known[term][0] for term in dict.fromkeys(unwanted) if term in known),
        asked.window,
        asked.match == "certain",
        asked.updated_since,
    )


def _pairs(actors: Iterable[str], roles: Iterable[str]) -> list[Term]:
    return [("actor-role", f"{actor}:{role}") for actor, role in product(actors, roles)]


def _terms(connection: Connection, wanted: set[Term]) -> dict[Term, tuple[int, int]]:
    """Id and number of events of those of the terms that any event ever bore."""
    if not wanted:
        return {}
    parameters = {"kinds": [k for k, _ in wanted], "values": [v for _, v in wanted]}
    found = connection.execute(TERMS, parameters)
    return {(row.kind, row.value): (row.id, row.events) for row in found}


# -- terms to SQL ---------------------------------------------------------------------------------


def where(plan: Plan, *, by_date: bool) -> Where:
    """The SQL of a plan; `by_date` lets the rarest term drive, whose postings lie in date order."""
    made = Where()
    clauses = sorted(plan.any_of, key=lambda clause: sum(events for _, events in clause))
    for number, clause in enumerate(clauses):
        if number == 0 and by_date and len(clause) == 1:
            made.table = "posting"
            made.conditions.append("t.term = :driver")
            made.parameters["driver"] = clause[0][0]
        else:
            terms = [term for term, _ in clause]
            made.conditions.append(_bears(made, f"any{number}", terms) if terms else "1 = 0")
    if plan.none_of:
        made.conditions.append(f"NOT {_bears(made, 'none', plan.none_of)}")
    of_timeline = []
    if plan.window is not None:
        starts, ends = "start_earliest", "end_latest"
        if plan.certain:
            starts, ends = "start_latest", "end_earliest"
            of_timeline.append("{t}.sure")
        of_timeline += [f"{{t}}.{starts} <= :last", f"{{t}}.{ends} >= :first"]
        made.parameters |= plan.window._asdict()
    if plan.since is not None:
        of_timeline.append("{t}.updated_at >= :since")
        made.parameters["since"] = plan.since
    if of_timeline and made.table == "timeline":
        made.conditions += [condition.format(t="t") for condition in of_timeline]
    elif of_timeline:
        held = " AND ".join(condition.format(t="w") for condition in of_timeline)
        made.conditions.append(f"EXISTS (SELECT 1 FROM timeline w WHERE w.key = t.key AND {held})")
    return made


def _bears(made: Where, name: str, terms: Iterable[int]) -> str:
    names = {f"{name}_{number}": term for number, term in enumerate(terms)}
    made.parameters |= names
    listed = ", ".join(f":{parameter}" for parameter in names)
    return f"EXISTS (SELECT 1 FROM posting p WHERE p.term IN ({listed}) AND p.key = t.key)"
