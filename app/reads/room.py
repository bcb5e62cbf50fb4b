"""How much a page holds: some MiB at most, whatever the size of its items."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection

from app.dialects import Prepared

MAX_PAGE_BYTES = 4 << 20
AT_ONCE = 100  # documents are read
# A document that fits into its share of a page comes at once, a larger one when its turn comes.
SMALL = Prepared(
    "SELECT key, CASE WHEN length(body) <= :share THEN body END FROM document WHERE key IN :keys"
)
LARGE = Prepared("SELECT body FROM document WHERE key = :key")


def share(number: int) -> int:
    """Return how many bytes each of so many items has."""
    return MAX_PAGE_BYTES // max(number, 1)


def documents(connection: Connection, keys: Sequence[int]) -> Iterator[bytes]:
    """Give the documents with these keys, in their order; large ones are read as they are asked."""
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        small = dict(SMALL.rows(connection, keys=some, share=share(len(some))))
        for key in some:
            body = small[key]
            yield bytes(LARGE.row(connection, key=key)[0] if body is None else body)


def within_room(items: Iterable[bytes], room: int = MAX_PAGE_BYTES) -> list[bytes]:
    """Return the first items, as many as have room; the first one in any case."""
    fitting: list[bytes] = []
    for item in items:
        room -= len(item)
        if fitting and room < 0:
            break
        fitting.append(item)
    return fitting
