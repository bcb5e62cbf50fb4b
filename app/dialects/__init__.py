"""The only room that knows the engines, SQLite and PostgreSQL."""

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.dialects.columns import AS_THEY_ARE, CLUSTERED, Key, Ordered, listed, numbers, only_where
from app.dialects.deadlines import time_limit
from app.dialects.dialect import Dialect
from app.dialects.errors import (
    FULL,
    TOO_COSTLY,
    AwayError,
    FullError,
    NoBackupError,
    StoreError,
    lost,
    require_slow,
    too_costly,
    unavailable,
    unfinished,
)
from app.dialects.pool import SnapshotPool
from app.dialects.postgresql import Postgresql
from app.dialects.prepared import LAST_TEXT, Prepared, prefix_range
from app.dialects.sqlite import Sqlite

__all__ = [
    "AS_THEY_ARE",
    "CLUSTERED",
    "FULL",
    "LAST_TEXT",
    "TOO_COSTLY",
    "AwayError",
    "Dialect",
    "FullError",
    "Key",
    "NoBackupError",
    "Ordered",
    "Prepared",
    "SnapshotPool",
    "StoreError",
    "dialect_for",
    "listed",
    "lost",
    "numbers",
    "only_where",
    "prefix_range",
    "require_slow",
    "time_limit",
    "too_costly",
    "unavailable",
    "unfinished",
]


def dialect_for(database_url: str) -> Dialect:
    """Return the dialect of a database URL. Raise StoreError, with an example, if it is none."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # ValueError: of a port that is no number
        raise StoreError(
            "DATELINE_DATABASE_URL is not a database URL; give sqlite:///FILE "
            "or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        ) from None
    if "@" in (url.host or ""):  # part of a password, which must not be shown
        raise StoreError("DATELINE_DATABASE_URL has two @; one in a password is written %40")
    for dialect in (Sqlite, Postgresql):
        if url.drivername in dialect.drivers:
            return dialect(url, database_url)
    raise StoreError(
        f"Dateline does not run on {url.drivername}; give sqlite:///FILE "
        "or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    )
