"""A filter with every value looked up: what must hold of an event, in ids of terms and in days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from app import words
from app.candidates import Candidates
from app.dialects import Prepared
from app.errors import refuse
from app.filters.meaning import Plan, Term
from app.filters.query import EventFilter

TERMS = Prepared("SELECT kind, value, id FROM term WHERE kind IN :kinds AND value IN :values")


class Choice(NamedTuple):
    """A term that an event may bear, and none of some others beside it."""

    term: int
    none_of: tuple[int, ...] = ()


Clause = tuple[Choice, ...]  # of which an event fits one


class Phrase(NamedTuple):
    """Words one behind the other: what a wording with them is like, and a clause for each."""

    pattern: str
    words: tuple[Clause, ...]


@dataclass(frozen=True)
class ResolvedFilter:
    """A filter with every value looked up: an event fits each clause, and not `none_of`."""

    plan: Plan
    clauses: Sequence[Clause]
    none_of: Clause
    phrases: Sequence[Phrase]

    @property
    def everything(self) -> bool:
        """Whether it finds all events."""
        plan = self.plan
        unbound = not (plan.holds or plan.quantity)
        return unbound and not (self.clauses or self.none_of or self.phrases)


def resolve(connection: Connection, asked: EventFilter) -> ResolvedFilter:
    """Look up a filter; Problem `invalid-parameters` names a value that does not exist."""
    plan = Plan(Candidates(connection))
    for meaning in asked.meanings:
        meaning.plan(connection, asked, plan)
    if plan.faults:
        raise refuse(*dict.fromkeys(plan.faults))
    named = (term for clause in plan.any_of for one, others in clause for term in (one, *others))
    ids = _ids(connection, {*plan.none_of, *named})
    clauses = [
        tuple(
            Choice(ids[term], tuple(ids[other] for other in others if other in ids))
            for term, others in dict.fromkeys(clause)
            if term in ids
        )
        for clause in plan.any_of
    ]
    clauses += [tuple(map(Choice, clause)) for clause in plan.looked_up]
    none_of = tuple(Choice(ids[term]) for term in sorted(set(plan.none_of)) if term in ids)
    phrases = [
        Phrase(words.pattern(phrase), tuple((Choice(ids["word", word]),) for word in phrase))
        for phrase in plan.phrases
        # Where a word was never borne, its clause finds nothing already.
        if all(("word", word) in ids for word in phrase)
    ]
    return ResolvedFilter(plan, clauses, none_of, phrases)


def _ids(connection: Connection, wanted: Iterable[Term]) -> dict[Term, int]:
    """The ids of those of the terms that any event ever bore."""
    terms = set(wanted)
    if not terms:
        return {}
    kinds, values = sorted({kind for kind, _ in terms}), sorted({value for _, value in terms})
    found = TERMS.rows(connection, kinds=kinds, values=values)
    return {(kind, value): term for kind, value, term in found}
