"""Terms: the values that events can be found by. Their ids are numbered per kind."""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count

from sqlalchemy import Connection, text

from app import rows

IndexTerm = tuple[str, str]  # a kind ("actor") and a value ("serbia")
TermValues = Mapping[str, set[str]]  # by kind
TERM_KINDS = (
    *("every", "type", "status", "actor", "role", "actor-role", "place", "country", "tag"),
    *("source", "publisher", "related", "word", "measure", "unit", "extra"),
)
EVERY_TERM: IndexTerm = ("every", "event")  # of every event
IDS_PER_KIND = 1 << 27
MAX_CACHED_TERMS = 1 << 16  # of each kind
TERM_IDS = (
    "WITH wanted (kind, value) AS (VALUES {}) SELECT kind, value,"
    " (SELECT id FROM term t WHERE t.kind = w.kind AND t.value = w.value) FROM wanted w"
)
LAST_ID = text("SELECT max(id) FROM term WHERE id BETWEEN :first AND :last")


def ids_of_kind(kind: str) -> range:
    """Return the range of ids for terms of a kind."""
    first = TERM_KINDS.index(kind) * IDS_PER_KIND
    return range(first, first + IDS_PER_KIND)


WORD_IDS = ids_of_kind("word")


class TermIds:
    """The ids of terms, cached while events are written."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._known: dict[str, dict[str, int]] = {kind: {} for kind in TERM_KINDS}

    def ids(self, events: Sequence[TermValues]) -> list[list[int]]:
        """Return the ids of each event's terms; terms that are new are added to the store."""
        new: dict[str, set[str]] = {}
        for kind, cached_ids in self._known.items():
            if len(cached_ids) > MAX_CACHED_TERMS:
                cached_ids.clear()
            new[kind] = set().union(
                *(of[kind].difference(cached_ids) for of in events if kind in of)
            )
        self._learn(new)
        return [
            [
                id_of
                for kind, values in of.items()
                for id_of in map(self._known[kind].__getitem__, values)
            ]
            for of in events
        ]

    def _learn(self, wanted: TermValues) -> None:
        pairs = [(kind, value) for kind, values in wanted.items() for value in values]
        new: dict[str, list[str]] = {}
        for kind, value, term in rows.matching(self.connection, TERM_IDS, pairs):
            if term is None:
                new.setdefault(kind, []).append(value)
            else:
                self._known[kind][value] = term
        for kind, values in new.items():
            self._add(kind, sorted(values))

    def _add(self, kind: str, values: Sequence[str]) -> None:
        ids = ids_of_kind(kind)
        last = self.connection.execute(LAST_ID, {"first": ids[0], "last": ids[-1]}).scalar()
        new_ids = dict(zip(values, count(ids[0] if last is None else last + 1), strict=False))
        rows.insert(self.connection, "term", [(i, kind, v, 0) for v, i in new_ids.items()])
        self._known[kind] |= new_ids


def adjust_counts(connection: Connection, changes_of_terms: Iterable[tuple[int, int]]) -> None:
    """Add to the number of events of each term; the amount may be negative.

    Words are not counted: no answer shows their counts, and each event has many.
    """
    changes = [(more, term) for term, more in changes_of_terms if more and term not in WORD_IDS]
    rows.execute_many(connection, "UPDATE term SET events = events + {} WHERE id = {}", changes)


def encode_terms(terms: Collection[int]) -> bytes:
    """Return term ids as a document stores them: sorted, in 32 bits each."""
    return array("I", sorted(terms)).tobytes()


def decode_terms(packed: bytes | None) -> set[int]:
    """Return the term ids that a document stores."""
    return set(array("I", packed or b""))
