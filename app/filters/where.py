"""A filter as SQL: one WHERE over postings and timeline, the rarest term first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from app.dialects import listed
from app.errors import refuse
from app.filters.meaning import Plan, Term
from app.filters.query import EventFilter

TERMS = text(
    "SELECT kind, value, id, events FROM term WHERE kind IN :kinds AND value IN :values"
).bindparams(listed("kinds"), listed("values"))

# Whether `t` bears any of some terms: asked of each row, or read once for all rows.
PROBED = "EXISTS (SELECT 1 FROM posting p WHERE p.term IN ({}) AND p.key = t.key)"
READ = "t.key IN (SELECT p.key FROM posting p WHERE p.term IN ({}))"


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


@dataclass(frozen=True)
class Found:
    """A filter with every value looked up."""

    plan: Plan
    clauses: Sequence[Sequence[tuple[int, int]]]  # ids of terms with their events, rarest first
    none_of: Sequence[int]

    @property
    def known(self) -> int | None:
        """How many events it finds, where one term is all that is asked for."""
        more = self.none_of or self.plan.of_timeline or self.plan.of_key
        one = len(self.clauses) == 1 and len(self.clauses[0]) == 1
        return self.clauses[0][0][1] if one and not more else None

    def first(self, *, by_date: bool) -> Where:
        """For the first rows of an order: each row is probed for the terms.

        `by_date` lets the rarest term drive, whose postings lie in date order.
        """
        return self._where(PROBED, by_date)

    def all(self) -> Where:
        """For all rows: the postings of several terms are read once instead of being probed."""
        return self._where(READ, True)

    def _where(self, bears: str, by_date: bool) -> Where:
        made = Where(parameters=dict(self.plan.parameters))
        for number, clause in enumerate(self.clauses):
            terms = [term for term, _ in clause]
            if number == 0 and by_date and len(terms) == 1:
                made.table = "posting"
                made.conditions.append("t.term = :driver")
                made.parameters["driver"] = terms[0]
            else:
                made.conditions.append(_bears(made, bears, f"any{number}", terms))
        if self.none_of:
            made.conditions.append(f"NOT {_bears(made, bears, 'none', self.none_of)}")
        if self.plan.of_timeline:
            made.conditions.append(_of_timeline(made, self.plan.of_timeline))
        made.conditions += self.plan.of_key
        return made


def find(connection: Connection, asked: EventFilter) -> Found:
    """Look up a filter; Problem `invalid-parameters` names a value that does not exist."""
    plan = Plan()
    for meaning in asked.meanings:
        with plan.gathering():
            meaning.plan(connection, asked, plan)
    if plan.faults:
        raise refuse(*dict.fromkeys(plan.faults))
    ids = _ids(connection, {*plan.none_of, *(term for clause in plan.any_of for term in clause)})
    clauses = [sorted({ids[term] for term in clause if term in ids}) for clause in plan.any_of]
    clauses.sort(key=lambda clause: sum(events for _, events in clause))
    return Found(plan, clauses, sorted({ids[term][0] for term in plan.none_of if term in ids}))


def _ids(connection: Connection, wanted: set[Term]) -> dict[Term, tuple[int, int]]:
    """Id and number of events of those of the terms that any event ever bore."""
    if not wanted:
        return {}
    parameters = {"kinds": [k for k, _ in wanted], "values": [v for _, v in wanted]}
    found = connection.execute(TERMS, parameters)
    return {(row.kind, row.value): (row.id, row.events) for row in found}


def _bears(made: Where, bears: str, name: str, terms: Iterable[int]) -> str:
    names = {f"{name}_{number}": term for number, term in enumerate(terms)}
    made.parameters |= names
    return bears.format(", ".join(f":{parameter}" for parameter in names)) if names else "1 = 0"


def _of_timeline(made: Where, conditions: Iterable[str]) -> str:
    if made.table == "timeline":
        return " AND ".join(condition.format(t="t") for condition in conditions)
    held = " AND ".join(condition.format(t="w") for condition in conditions)
    return f"EXISTS (SELECT 1 FROM timeline w WHERE w.key = t.key AND {held})"
