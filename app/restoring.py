"""`restore`: a store made from a backup, which nobody is served before it is whole and checked."""

import secrets
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.db import Database
from app.dialects import FULL, FullError, NoBackupError, StoreError
from app.errors import Problem
from app.models import RESTORING


def restore(database: Database, file: Path, verify: Callable[[Database], None]) -> None:
    """Make a store from a backup, once `verify` lets it pass; never over another store.

    An older one is brought up to this version. Its epoch is new, so that cursors and tags of
    the store that it was taken from are not mistaken for its own. Killed, the same restore begins
    anew.
    """
    try:
        with (
            database.dialect.restoring(file, RESTORING) as url,
            closing(Database(database.settings_at(url))) as made,
        ):
            _finish(made, file, verify)
    except NoBackupError as error:
        raise StoreError(f"{file} is not a backup that can be restored: {error}") from error
    database.require_current()  # as a server will open it


def _finish(made: Database, file: Path, verify: Callable[[Database], None]) -> None:
    """Make a restored store one of this version, check it, and let it be served."""
    try:
        if made.revision() is None:
            raise NoBackupError("it is empty")
        made.migrate(copy_first=False)
        verify(made)
        with made.write() as session:
            values = {"epoch": secrets.token_hex(8)}
            session.execute(text("UPDATE store SET epoch = :epoch"), values)
    except FullError:
        raise
    except (StoreError, Problem, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        line = str(reason).split("\n")[0].replace(str(made), str(file))
        if FULL in line:
            raise FullError("the disk is full; make room, then restore again") from error
        raise NoBackupError(line) from error
