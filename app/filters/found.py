"""A filter with every value looked up: what must hold of an event, in ids of terms and in days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, text

from app.dialects import listed
from app.errors import refuse
from app.filters.meaning import EVERY, Plan, Term
from app.filters.query import EventFilter

TERMS = text(
    "SELECT kind, value, id, events FROM term WHERE kind IN :kinds AND value IN :values"
).bindparams(listed("kinds"), listed("values"))


class Choice(NamedTuple):
    """A term that an event may bear, none of some others beside it, and how many events do so."""

    term: int
    none_of: tuple[int, ...]
    events: int


@dataclass(frozen=True)
class Found:
    """A filter with every value looked up."""

    plan: Plan
    clauses: Sequence[Sequence[Choice]]  # of each an event fits one choice; the rarest first
    none_of: Sequence[int]

    @property
    def everything(self) -> bool:
        """Whether it finds all events."""
        alone = self.plan.any_of == [[(EVERY, ())]] and not self.plan.looked_up
        return alone and not (self.none_of or self.plan.holds or self.plan.checks)

    @property
    def known(self) -> int | None:
        """How many events it finds, where one term is all that is asked for."""
        more = self.none_of or self.plan.holds or self.plan.checks
        if more or len(self.clauses) > 1:
            return None
        if not self.clauses[0]:
            return 0
        one = len(self.clauses[0]) == 1 and not self.clauses[0][0].none_of
        return self.clauses[0][0].events if one else None

    @property
    def terms(self) -> set[int]:
        """All that have a part in it."""
        chosen = (choice for clause in self.clauses for choice in clause)
        return {*self.none_of, *(t for choice in chosen for t in (choice.term, *choice.none_of))}


def find(connection: Connection, asked: EventFilter) -> Found:
    """Look up a filter; Problem `invalid-parameters` names a value that does not exist."""
    plan = Plan()
    for meaning in asked.meanings:
        with plan.gathering():
            meaning.plan(connection, asked, plan)
    if plan.faults:
        raise refuse(*dict.fromkeys(plan.faults))
    if not plan.any_of and not plan.looked_up:
        plan.any_of.append([(EVERY, ())])
    named = (term for clause in plan.any_of for one, others in clause for term in (one, *others))
    ids = _ids(connection, {*plan.none_of, *named})
    clauses = [
        sorted(
            {
                Choice(*ids[term][:1], tuple(ids[o][0] for o in others if o in ids), ids[term][1])
                for term, others in clause
                if term in ids
            }
        )
        for clause in plan.any_of
    ]
    clauses += [[Choice(term, (), events) for term, events in clause] for clause in plan.looked_up]
    clauses.sort(key=lambda clause: sum(choice.events for choice in clause))
    return Found(plan, clauses, sorted({ids[term][0] for term in plan.none_of if term in ids}))


def _ids(connection: Connection, wanted: Iterable[Term]) -> dict[Term, tuple[int, int]]:
    """Id and number of events of those of the terms that any event ever bore."""
    terms = set(wanted)
    if not terms:
        return {}
    parameters = {"kinds": sorted({k for k, _ in terms}), "values": sorted({v for _, v in terms})}
    found = connection.execute(TERMS, parameters)
    return {(row.kind, row.value): (row.id, row.events) for row in found}
