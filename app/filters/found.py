"""A filter with every value looked up: what must hold of an event, in ids of terms and in days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from app.dialects import Prepared
from app.errors import refuse
from app.filters.meaning import Plan, Term
from app.filters.query import EventFilter

TERMS = Prepared(
    "SELECT kind, value, id, events FROM term WHERE kind IN :kinds AND value IN :values"
)


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
    def _more(self) -> bool:
        """Whether there is more to it than terms that are borne."""
        plan = self.plan
        return bool(self.none_of or plan.holds or plan.checks or plan.quantity)

    @property
    def everything(self) -> bool:
        """Whether it finds all events."""
        return not self.clauses and not self._more

    @property
    def known(self) -> int | None:
        """How many events it finds, where one term is all that is asked for."""
        if self._more or len(self.clauses) != 1:
            return None
        if not self.clauses[0]:
            return 0
        one = len(self.clauses[0]) == 1 and not self.clauses[0][0].none_of
        return self.clauses[0][0].events if one else None

    @property
    def terms(self) -> list[int]:
        """All that have a part in it."""
        chosen = (choice for clause in self.clauses for choice in clause)
        terms = (t for choice in chosen for t in (choice.term, *choice.none_of))
        return list({*self.none_of, *terms})


def find(connection: Connection, asked: EventFilter) -> Found:
    """Look up a filter; Problem `invalid-parameters` names a value that does not exist."""
    plan = Plan()
    for meaning in asked.meanings:
        with plan.gathering():
            meaning.plan(connection, asked, plan)
    if plan.faults:
        raise refuse(*dict.fromkeys(plan.faults))
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
    kinds, values = sorted({kind for kind, _ in terms}), sorted({value for _, value in terms})
    found = TERMS.rows(connection, kinds=kinds, values=values)
    return {(kind, value): (term, events) for kind, value, term, events in found}
