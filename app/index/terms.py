"""Terms: values that events can be found by. Their ids lie together by kind."""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count

from sqlalchemy import Connection, text

from app import rows

Term = tuple[str, str]  # a kind ("actor") and a value ("serbia")
Values = Mapping[str, set[str]]  # those of several terms, by kind
KINDS = (
    *("every", "type", "status", "actor", "role", "actor-role", "place", "country", "tag"),
    *("source", "publisher", "related", "word", "measure", "unit"),
)
EVERY: Term = ("every", "event")  # what all events bear
ROOM = 1 << 27  # ids a kind
MOST_KNOWN = 1 << 16  # terms of a kind
KNOWN = (
    "WITH wanted (kind, value) AS (VALUES {}) SELECT kind, value,"
    " (SELECT id FROM term t WHERE t.kind = w.kind AND t.value = w.value) FROM wanted w"
)
LAST = text("SELECT max(id) FROM term WHERE id BETWEEN :first AND :last")


def ids_of_kind(kind: str) -> range:
    """The ids that terms of a kind may have."""
    first = KINDS.index(kind) * ROOM
    return range(first, first + ROOM)


WORDS = ids_of_kind("word")


class Terms:
    """The ids of terms while they are written down: what was asked for is known for a while."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._known: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}

    def ids(self, events: Sequence[Values]) -> list[list[int]]:
        """Of each event the ids of its terms; those never seen are added."""
        new: dict[str, set[str]] = {}
        for kind, known in self._known.items():
            if len(known) > MOST_KNOWN:
                known.clear()
            new[kind] = set().union(*(of[kind].difference(known) for of in events if kind in of))
        self._learn(new)
        return [
            [
                id_of
                for kind, values in of.items()
                for id_of in map(self._known[kind].__getitem__, values)
            ]
            for of in events
        ]

    def _learn(self, wanted: Values) -> None:
        pairs = [(kind, value) for kind, values in wanted.items() for value in values]
        new: dict[str, list[str]] = {}
        for kind, value, term in rows.matching(self.connection, KNOWN, pairs):
            if term is None:
                new.setdefault(kind, []).append(value)
            else:
                self._known[kind][value] = term
        for kind, values in new.items():
            self._add(kind, sorted(values))

    def _add(self, kind: str, values: Sequence[str]) -> None:
        ids = ids_of_kind(kind)
        last = self.connection.execute(LAST, {"first": ids[0], "last": ids[-1]}).scalar()
        made = dict(zip(values, count(ids[0] if last is None else last + 1), strict=False))
        rows.insert(self.connection, "term", [(i, kind, v, 0) for v, i in made.items()])
        self._known[kind] |= made


def add_up(connection: Connection, borne: Iterable[tuple[int, int]]) -> None:
    """So many events more, or fewer, bear each of some terms.

    Words are not counted: nobody is told how many events bear one, and each event has many.
    """
    changes = [(more, term) for term, more in borne if more and term not in WORDS]
    rows.run(connection, "UPDATE term SET events = events + {} WHERE id = {}", changes)


def written(terms: Collection[int]) -> bytes:
    """Ids of terms as a document keeps them: sorted, in 32 bits each."""
    return array("I", sorted(terms)).tobytes()


def read(kept: bytes | None) -> set[int]:
    """The ids of terms that a document keeps."""
    return set(array("I", kept or b""))
