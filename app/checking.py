"""`dateline check`: find damage in a store, which may be in use."""

from collections.abc import Callable, Iterator

from app import index, writes
from app.store import Database


def count_events(database: Database) -> int:
    """Return how many events a check will look at."""
    with database.read(patient=True) as connection:
        return index.count_indexed_events(connection)


def find_damage(
    database: Database, report: Callable[[int], None] = lambda number: None
) -> Iterator[str]:
    """Yield a line for each fault of the store: tables, journal, sources, and the read model.

    Report the number of checked events to `report`.
    """
    with database.read(patient=True) as connection:
        yield from database.dialect.broken(connection)
        if altered := list(database.schema.differences(connection)):
            yield from altered
            return  # the other checks need these tables
        yield from writes.find_contradictions(connection)
        yield from index.find_faults(connection, report)
