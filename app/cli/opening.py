"""Open the store of the settings for a command."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.store import Database


@contextmanager
def open_store(*, write: bool = False) -> Iterator["Database"]:
    """Yield the store and close it at the end. Raise StoreError if it is not of this version."""
    with open_any_version() as database:
        database.schema.require_current(write=write)
        yield database


@contextmanager
def open_any_version() -> Iterator["Database"]:
    """Yield the store, which may not exist yet or be of an older version; close it at the end."""
    from app.settings import Settings
    from app.store import Database

    with closing(Database(Settings())) as database:
        yield database
