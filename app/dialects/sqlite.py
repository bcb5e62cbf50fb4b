"""SQLite: a file, written by one process, read by many."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    Pool,
    QueuePool,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DBAPIError

from app.dialects.addresses import path_of
from app.dialects.connections import MOVED, Connections, Immutable
from app.dialects.deadlines import deadline
from app.dialects.dialect import Dialect, TupleRows
from app.dialects.errors import FULL, FullError, NoBackupError, StoreError, too_costly, unavailable
from app.dialects.locks import StoreLock
from app.dialects.pool import ConnectionPool, SnapshotPool
from app.errors import Problem
from app.files import write_whole_file

if TYPE_CHECKING:
    from limits.storage import MemoryStorage

READ_CACHE_KIB = 64 << 10  # pages cached by a reader
BULK_CACHE_KIB = 512 << 10  # pages cached by a bulk write
MAX_LOG_BYTES = 64 << 20  # of the WAL, once no reader needs more
MAX_LOG_WAIT_MILLISECONDS = 200  # for readers, when the log is shortened


class Sqlite(Dialect):
    """A file. One process writes it; readers never wait for the writer (WAL)."""

    drivers = ("sqlite", "sqlite+pysqlite")
    reads_on_loop = True
    max_quick_seconds = 0.02  # of the event loop
    comes_back = False

    def __init__(self, url: URL, written: str) -> None:
        self.url = url
        self.path = path_of(written, url)
        self.connections = Connections(self.path)

    def before_use(self, *, create: bool = False, write: bool = False) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            raise StoreError(f"the folder of {self.path} does not exist")
        if not self.path.exists():
            if not create:
                raise StoreError(
                    f"there is no database at {self.path}; `dateline migrate` makes an empty one, "
                    "`dateline seed` one with the example chronology"
                )
            self._refuse_leftovers()
        elif not self.path.is_file():
            raise StoreError(f"{self.path} is not a file")
        # SQLite would open such a file and fail at the first write; WAL needs the folder too.
        closed = [part for part in (self.path, folder) if part.exists() and not _allows(part)]
        self.connections.read_only = bool(closed)
        if closed and (create or write):
            raise StoreError(f"{closed[0]} is read-only; Dateline must be able to write to it")
        if closed:
            self._refuse_unreadable()

    def _refuse_leftovers(self) -> None:
        """Raise StoreError if the log of another file would be read into a new one."""
        if logs := self.connections.logs():
            names = " and ".join(log.name for log in logs)
            raise StoreError(
                f"{names} in {self.path.parent} holds changes to a database that was there: put "
                f"{self.path.name} back beside it, or move it away, then try again"
            )

    def _refuse_unreadable(self) -> None:
        """Raise StoreError if a read-only store cannot be read whole either."""
        if not os.access(self.path, os.R_OK, effective_ids=True):
            raise StoreError(f"{self.path} may not be read by this user")
        if self.connections.logs() and not Path(f"{self.path}-shm").exists():
            raise StoreError(
                f"{self.path} is read-only, and {self.connections.logs()[0].name} holds changes "
                "that it does not have: open it once where it may be written, or take a "
                "`dateline backup` in place of copied files"
            )

    @property
    def read_only(self) -> bool:
        return self.connections.read_only

    def require_writable(self) -> None:
        if self.read_only:
            raise unavailable(READ_ONLY)
        self.require_in_place()

    def require_in_place(self) -> None:
        if not self.connections.in_place():
            raise unavailable(MOVED)

    def hindrance(self) -> str | None:
        if self.read_only:
            return READ_ONLY
        try:
            with closing(self.connections.open("rw")) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            problem = _unavailable_sqlite(error)
            return problem.detail if problem and problem.detail != BUSY else None
        return None

    def prepare(self, engine: Engine) -> None:
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute("PRAGMA journal_mode=WAL")

    def sole_writer(self, *, create: bool = False) -> StoreLock:
        return StoreLock(self.path, create=create)

    def reader(self, seconds: float | None, cache: object, *, quick: bool = False) -> SnapshotPool:
        pragmas = ("query_only=ON", *([] if seconds is None else [f"cache_size=-{READ_CACHE_KIB}"]))
        engine = self._engine(self.connections.open_reader, *pragmas, pool=NullPool)
        engine.update_execution_options(seconds=seconds, cache=cache, quick=quick)
        if seconds is not None:
            return ConnectionPool(engine, partial(self._begin_within, seconds, quick))

        @event.listens_for(engine, "checkout")
        def begin(connection: Any, *_: object) -> None:
            connection.execute("BEGIN")

        return engine

    def writer(self, *, create: bool = False, shared: bool = False, pragma: str = "") -> Engine:
        # Up to SQLite 3.51.2, checkpoints of two processes at the wrong moment damage the file.
        checkpoints = "wal_autocheckpoint=0" if shared else f"journal_size_limit={MAX_LOG_BYTES}"
        pragmas = ("synchronous=FULL", pragma, checkpoints)
        mode = "rwc" if create else "rw"
        engine = self._engine(partial(self.connections.open, mode), *pragmas)

        # A deferred transaction that reads first fails at its first write if another has written.
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            self.connections.wait_for_immutable()
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine

    def prepare_bulk_write(self, connection: Connection) -> None:
        # Pages that leave the cache are read back from a WAL that grows to many times its size.
        connection.exec_driver_sql(f"PRAGMA cache_size=-{BULK_CACHE_KIB}")

    def counter(self, connections: int) -> "MemoryCounter":
        return MemoryCounter()

    def migrator(self) -> Engine:
        # With foreign keys on, rebuilding a table empties those that refer to it.
        return self.writer(create=True, pragma="foreign_keys=OFF")

    def _engine(
        self,
        connect: Callable[[], sqlite3.Connection],
        *pragmas: str,
        pool: type[Pool] = QueuePool,
    ) -> Engine:
        def prepared() -> sqlite3.Connection:
            connection = connect()
            for pragma in filter(None, ("foreign_keys=ON", *pragmas)):
                connection.execute(f"PRAGMA {pragma}")
            return connection

        return create_engine("sqlite://", creator=prepared, poolclass=pool)

    def broken(self, connection: Connection) -> Iterator[str]:
        for (finding,) in connection.execute(text("PRAGMA integrity_check")):
            if finding != "ok":
                yield f"the file is damaged: {finding}"
        raw = connection.connection.driver_connection
        mode = connection.execute(text("PRAGMA journal_mode")).scalar()
        if mode != "wal" and not isinstance(raw, Immutable):  # of those SQLite reports "delete"
            yield "the file is not in WAL mode, so that readers wait for the writer"
        objects = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"
        for kind, name in connection.execute(text(objects)):
            yield f"the file has a {kind} {name}, which no migration made"
        yield from self.astray(connection)

    def fill(
        self, connection: Connection, table: str, columns: Sequence[str], rows: TupleRows
    ) -> None:
        if rows:
            marks = ", ".join("?" * len(columns))
            into = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            connection.exec_driver_sql(into, list(rows))

    def astray(self, connection: Connection) -> Iterator[str]:
        for table, _, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
            yield f"a row of {table} points to a {parent} that does not exist"

    def backup(self, file: Path) -> None:
        with write_whole_file(file) as part:
            try:
                _copy_database(self.path, part)
            except sqlite3.DatabaseError as error:
                _raise_if_full(error, file)
                raise StoreError(f"{self.path} cannot be copied to {file}: {error}") from None

    @contextmanager
    def restoring(self, file: Path, mark: str) -> Iterator[str]:
        if self.path.exists():
            raise StoreError(f"there is a database at {self.path}; restore never overwrites one")
        if not file.is_file():
            raise StoreError(f"there is no file {file}")
        with write_whole_file(self.path) as part:
            try:
                _copy_database(file, part)
                with closing(sqlite3.connect(part)) as connection:
                    connection.execute("PRAGMA journal_mode=WAL")
                yield self.url.set(database=str(part)).render_as_string()
            except sqlite3.DatabaseError as error:
                _raise_if_full(error, self.path)
                raise NoBackupError(str(error)) from None
            self._refuse_leftovers()

    def log_is_long(self) -> bool:
        log = Path(f"{self.path}-wal")
        return log.exists() and log.stat().st_size > MAX_LOG_BYTES

    def shorten_log(self) -> None:
        if self.read_only:
            return
        with suppress(sqlite3.OperationalError), closing(self.connections.open("rw")) as connection:
            connection.execute(f"PRAGMA busy_timeout={MAX_LOG_WAIT_MILLISECONDS}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def problem(self, error: DBAPIError) -> Problem | None:
        return _unavailable_sqlite(error.orig)

    def _begin_within(self, seconds: float, quick: bool, connection: sqlite3.Connection) -> None:
        """Begin a snapshot whose queries are interrupted after `seconds`."""
        if self.connections.is_stale(connection):
            raise sqlite3.OperationalError("the file has changed")  # another one is opened
        connection.set_progress_handler(deadline(seconds, quick=quick), 20_000)
        connection.execute("BEGIN")


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database into one file, with the changes that only the WAL has yet."""
    reading = Connections(source.absolute())
    reading.read_only = not (_allows(source) and _allows(source.absolute().parent))
    with closing(reading.open_reader()) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")


def _allows(path: Path) -> bool:
    """Return whether this user may write there."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _raise_if_full(error: sqlite3.Error, file: Path) -> None:
    """Raise FullError if there was no room for a file."""
    if _code(error) == sqlite3.SQLITE_FULL:
        raise FullError(f"the disk is full: {file} cannot be written; make room, then try again")


def _code(error: BaseException | None) -> int:
    """Return SQLite's primary result code; that of a full disk if a file could not grow."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return sqlite3.SQLITE_FULL
    # An emptied file has no tables, a damaged one invalid texts.
    if str(error).startswith(("no such table", "Could not decode")):
        return sqlite3.SQLITE_CORRUPT
    return int(code) & 0xFF


BUSY = "Another process is writing to the database."
READ_ONLY = "The database is read-only: it can be read, and every write is refused."
SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: "The disk does not answer.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged.",
    sqlite3.SQLITE_NOTADB: "The database file is not a database.",
}


def _unavailable_sqlite(error: BaseException | None) -> Problem | None:
    code = _code(error)
    if code == sqlite3.SQLITE_INTERRUPT:
        return too_costly()
    if str(error) == MOVED:
        return unavailable(MOVED)
    return unavailable(SQLITE_UNAVAILABLE[code]) if code in SQLITE_UNAVAILABLE else None


class MemoryCounter:
    """Counts in the memory of the only server."""

    @cached_property
    def _storage(self) -> "MemoryStorage":
        from limits.storage import MemoryStorage  # only servers count

        return MemoryStorage()

    def count(self, name: str, seconds: int) -> tuple[int, float]:
        number = self._storage.incr(name, seconds)
        return number, self._storage.get_expiry(name) - time.time()

    def dispose(self) -> None:
        vars(self).pop("_storage", None)
