"""`dateline restore`: make a store from a backup; serve it only once it is whole and checked."""

import secrets
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.dialects import FULL, FullError, NoBackupError, StoreError
from app.errors import Problem
from app.store import RESTORING, Database


def restore(database: Database, file: Path, verify: Callable[[Database], None]) -> None:
    """Make a store from a backup once `verify` accepts it; never overwrite a store.

    Bring an older backup up to this version. Give the store a new epoch, so that cursors and tags
    of the original are not mistaken for its own. A restore that was killed can be run again. Raise
    StoreError if the file is not a sound backup.
    """
    try:
        with (
            database.dialect.restoring(file, RESTORING) as url,
            closing(Database(database.settings_at(url))) as store,
        ):
            _finish(store, file, verify)
    except NoBackupError as error:
        raise StoreError(f"{file} is not a backup that can be restored: {error}") from error
    database.schema.require_current()  # as a server will open it


def _finish(store: Database, file: Path, verify: Callable[[Database], None]) -> None:
    """Migrate a restored store, check it, and mark it as ready to serve."""
    try:
        if store.schema.revision() is None:
            raise NoBackupError("it is empty")
        store.schema.migrate(copy_first=False)
        verify(store)
        with store.write() as session:
            values = {"epoch": secrets.token_hex(8)}
            session.execute(text("UPDATE store SET epoch = :epoch"), values)
    except FullError:
        raise
    except (StoreError, Problem, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        line = str(reason).split("\n")[0].replace(str(store), str(file))
        if FULL in line:
            raise FullError("the disk is full; make room, then restore again") from error
        raise NoBackupError(line) from error
