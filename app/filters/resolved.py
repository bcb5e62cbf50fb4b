"""A filter with every value looked up: term ids and days instead of names and dates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from app import words
from app.candidates import Candidates
from app.dialects import Prepared
from app.errors import refuse
from app.filters.meaning import FilterPlan, FilterTerm
from app.filters.query import EventFilter

TERMS = Prepared("SELECT kind, value, id FROM term WHERE kind IN :kinds AND value IN :values")


class Choice(NamedTuple):
    """A term that an event may have, if it has none of the others with it."""

    term: int
    none_of: tuple[int, ...] = ()


Clause = tuple[Choice, ...]  # an event fits at least one


class Phrase(NamedTuple):
    """Adjoining words: the LIKE pattern of a wording with them, and a clause for each word."""

    pattern: str
    words: tuple[Clause, ...]


@dataclass(frozen=True)
class ResolvedFilter:
    """A filter with every value looked up: an event fits every clause, and none of `none_of`."""

    plan: FilterPlan
    clauses: Sequence[Clause]
    none_of: Clause
    phrases: Sequence[Phrase]

    @property
    def everything(self) -> bool:
        """Return whether every event is a hit."""
        plan = self.plan
        unbound = not (plan.bounds or plan.quantity)
        return unbound and not (self.clauses or self.none_of or self.phrases)


def resolve(connection: Connection, query: EventFilter) -> ResolvedFilter:
    """Look up the values of a filter and return it. Raise Problem `invalid-parameters`."""
    plan = FilterPlan(Candidates(connection))
    for meaning in query.meanings:
        meaning.plan(connection, query, plan)
    if plan.faults:
        raise refuse(*dict.fromkeys(plan.faults))
    terms = (term for clause in plan.any_of for one, others in clause for term in (one, *others))
    ids = _ids(connection, {*plan.none_of, *terms})
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
        Phrase(words.phrase_pattern(phrase), tuple((Choice(ids["word", word]),) for word in phrase))
        for phrase in plan.phrases
        # If no event ever had a word, its clause has no hits anyway.
        if all(("word", word) in ids for word in phrase)
    ]
    return ResolvedFilter(plan, clauses, none_of, phrases)


def _ids(connection: Connection, wanted: Iterable[FilterTerm]) -> dict[FilterTerm, int]:
    """Return the ids of these terms; terms that no event ever had are left out."""
    terms = set(wanted)
    if not terms:
        return {}
    kinds, values = sorted({kind for kind, _ in terms}), sorted({value for _, value in terms})
    rows = TERMS.rows(connection, kinds=kinds, values=values)
    return {(kind, value): term for kind, value, term in rows}
