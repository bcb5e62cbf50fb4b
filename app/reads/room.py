"""How much a page holds: a few MiB at most, whatever the size of its items."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection

from app.dialects import Prepared

MAX_PAGE_BYTES = 4 << 20
MAX_DOCUMENTS_PER_QUERY = 100
# A document that fits into its share of a page is read with the others, a larger one on its own.
SMALL_DOCUMENTS = Prepared(
    "SELECT key, CASE WHEN length(body) <= :share THEN body END FROM document WHERE key IN :keys"
)
LARGE_DOCUMENT = Prepared("SELECT body FROM document WHERE key = :key")


def share(number: int) -> int:
    """Return the bytes that each of `number` items may take on a page."""
    return MAX_PAGE_BYTES // max(number, 1)


def documents(connection: Connection, keys: Sequence[int]) -> Iterator[bytes]:
    """Yield the documents with these keys, in order; large ones are read one by one."""
    for start in range(0, len(keys), MAX_DOCUMENTS_PER_QUERY):
        batch = keys[start : start + MAX_DOCUMENTS_PER_QUERY]
        small = dict(SMALL_DOCUMENTS.rows(connection, keys=batch, share=share(len(batch))))
        for key in batch:
            body = small[key]
            yield bytes(LARGE_DOCUMENT.row(connection, key=key)[0] if body is None else body)


def within_room(items: Iterable[bytes], room: int = MAX_PAGE_BYTES) -> list[bytes]:
    """Return the first items that fit in `room` bytes, and at least one."""
    fitting: list[bytes] = []
    for item in items:
        room -= len(item)
        if fitting and room < 0:
            break
        fitting.append(item)
    return fitting
