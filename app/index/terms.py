"""Terms: values that events can be found by. Their ids lie together by kind."""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, insert, text

from app.dialects import listed
from app.models import TABLES
from app.rows import batches

Term = tuple[str, str]  # a kind ("actor") and a value ("serbia")
KINDS = (
    *("every", "type", "status", "actor", "role", "actor-role", "place", "country", "tag"),
    *("source", "publisher", "related", "word", "measure", "unit"),
)
EVERY: Term = ("every", "event")  # what all events bear
ROOM = 1 << 27  # ids a kind
KNOWN = text("SELECT id, value FROM term WHERE kind = :kind AND value IN :values").bindparams(
    listed("values")
)


def ids_of_kind(kind: str) -> range:
    """The ids that terms of a kind may have."""
    first = KINDS.index(kind) * ROOM
    return range(first, first + ROOM)


def term_ids(connection: Connection, wanted: Iterable[Term]) -> dict[Term, int]:
    """The ids of terms; those never seen are added."""
    by_kind: dict[str, list[str]] = {}
    for kind, value in sorted(set(wanted)):
        by_kind.setdefault(kind, []).append(value)
    return {
        (kind, value): term
        for kind, values in by_kind.items()
        for batch in batches(values)
        for value, term in _of_kind(connection, kind, batch).items()
    }


def _of_kind(connection: Connection, kind: str, values: Sequence[str]) -> dict[str, int]:
    found = {
        row.value: row.id for row in connection.execute(KNOWN, {"kind": kind, "values": values})
    }
    new = [value for value in values if value not in found]
    if new:
        ids = ids_of_kind(kind)
        query = text("SELECT max(id) FROM term WHERE id BETWEEN :first AND :last")
        last = connection.execute(query, {"first": ids[0], "last": ids[-1]}).scalar()
        start = ids[0] if last is None else last + 1
        made = {value: start + number for number, value in enumerate(new)}
        rows = [{"id": i, "kind": kind, "value": v, "events": 0} for v, i in made.items()]
        connection.execute(insert(TABLES["term"]), rows)
        found |= made
    return found


def count(connection: Connection, borne: Counter[int]) -> None:
    """So many events more, or fewer, bear each of some terms."""
    changes = [{"id": term, "by": number} for term, number in borne.items() if number]
    if changes:
        connection.execute(text("UPDATE term SET events = events + :by WHERE id = :id"), changes)


def written(terms: Collection[int]) -> bytes:
    """Ids of terms as a document keeps them: sorted, in 32 bits each."""
    return array("I", sorted(terms)).tobytes()


def read(kept: bytes | None) -> set[int]:
    """The ids of terms that a document keeps."""
    return set(array("I", kept or b""))
