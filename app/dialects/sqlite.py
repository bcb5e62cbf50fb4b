"""SQLite: a file, written by one process, read by many."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout
from limits.storage import MemoryStorage
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

from app.dialects.dialect import (
    BUSY_SECONDS,
    Kept,
    Reader,
    Rows,
    StoreError,
    refuse_file,
    sync_folder,
    too_costly,
    unavailable,
)
from app.errors import Problem

READ_KIB = 64 << 10  # of pages are kept by a reader that stays
MUCH_KIB = 512 << 10  # of pages are kept while very much is written


class Sqlite:
    """A file. One process writes it; readers never wait for the writer (WAL)."""

    drivers = ("sqlite", "sqlite+pysqlite")
    reads_on_loop = True
    comes_back = False

    def __init__(self, url: URL) -> None:
        self.url = url
        if url.host or url.query:
            raise StoreError("a SQLite URL is sqlite:///FILE, without a host or options")
        if not url.database or url.database == ":memory:":
            raise StoreError("Dateline needs a file, behind three slashes: sqlite:///FILE")
        self.path = Path(url.database).absolute()

    def before_use(self, *, create: bool = False) -> None:
        folder = self.path.absolute().parent
        if not folder.is_dir():
            raise StoreError(f"the folder of {self.path} does not exist")
        if not self.path.exists():
            if not create:
                raise StoreError(
                    f"there is no database at {self.path}; `dateline migrate` makes an empty one, "
                    "`dateline seed` one with the example chronology"
                )
        elif not self.path.is_file():
            raise StoreError(f"{self.path} is not a file")
        # SQLite would open such a file and fail at the first write; WAL needs the folder too.
        for part in (self.path, folder):
            if part.exists() and not os.access(part, os.W_OK, effective_ids=True):
                raise StoreError(f"{part} is read-only; Dateline must be able to write to it")

    def prepare(self, engine: Engine) -> None:
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute("PRAGMA journal_mode=WAL")

    def sole_writer(self) -> "FileOfOneProcess":
        return FileOfOneProcess(self.path)

    def reader(self, seconds: float | None, memory: object) -> Reader:
        pragmas = ("query_only=ON", *([] if seconds is None else [f"cache_size=-{READ_KIB}"]))
        engine = self._engine("rw", *pragmas, pool=NullPool)
        engine.update_execution_options(seconds=seconds, memory=memory)
        if seconds is not None:
            return Kept(engine, partial(_begin_within, seconds))

        @event.listens_for(engine, "checkout")
        def begin(connection: Any, *_: object) -> None:
            connection.execute("BEGIN")

        return engine

    def writer(self, *, create: bool = False, beside: bool = False, pragma: str = "") -> Engine:
        # Up to SQLite 3.51.2, checkpoints of two processes at the wrong moment damage the file.
        pragmas = ("synchronous=FULL", pragma, *(("wal_autocheckpoint=0",) if beside else ()))
        engine = self._engine("rwc" if create else "rw", *pragmas)

        # A deferred transaction that reads first fails at its first write when another has written.
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine

    def expect_much(self, connection: Connection) -> None:
        # What leaves the cache is looked for in a WAL that grows to many times its size.
        connection.exec_driver_sql(f"PRAGMA cache_size=-{MUCH_KIB}")

    def tally(self, number: int) -> "InMemory":
        return InMemory()

    def listen(self, changed: Callable[[], object], ended: Event) -> None:
        return None

    def migrating(self) -> AbstractContextManager[None]:
        return nullcontext()  # whoever writes is alone

    def copying(self) -> AbstractContextManager[None]:
        return nullcontext()  # whoever writes is alone

    def migrator(self) -> Engine:
        # With foreign keys on, a table that is rebuilt empties those that refer to it.
        return self.writer(create=True, pragma="foreign_keys=OFF")

    def _engine(self, mode: str, *pragmas: str, pool: type[Pool] = QueuePool) -> Engine:
        address = f"file:{quote(str(self.path.absolute()))}?mode={mode}"

        def connect() -> sqlite3.Connection:
            # isolation_level None: the driver would open no transaction for SELECT or DDL.
            connection = sqlite3.connect(
                address,
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=512,
            )
            for pragma in filter(None, ("foreign_keys=ON", *pragmas)):
                connection.execute(f"PRAGMA {pragma}")
            return connection

        return create_engine("sqlite://", creator=connect, poolclass=pool)

    def unfit(self, connection: Connection) -> str | None:
        return None

    def broken(self, connection: Connection) -> Iterator[str]:
        for (found,) in connection.execute(text("PRAGMA integrity_check")):
            if found != "ok":
                yield f"the file is damaged: {found}"
        if connection.execute(text("PRAGMA journal_mode")).scalar() != "wal":
            yield "the file is not in WAL mode, so that readers wait for the writer"
        made = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"
        for kind, name in connection.execute(text(made)):
            yield f"the file has a {kind} {name}, which no migration made"
        yield from self.astray(connection)

    def fill(self, connection: Connection, table: str, columns: Sequence[str], rows: Rows) -> None:
        if rows:
            marks = ", ".join("?" * len(columns))
            into = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            connection.exec_driver_sql(into, list(rows))

    def after_copy(self, connection: Connection) -> None:
        return None

    def astray(self, connection: Connection) -> Iterator[str]:
        for table, _, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
            yield f"a row of {table} points to a {parent} that does not exist"

    def backup(self, file: Path) -> None:
        refuse_file(file)
        made = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            _copy_database(self.path, made)
            # Unlike a rename, a link never replaces what another has put there meanwhile.
            os.link(made, file)
            sync_folder(file)
        finally:
            made.unlink(missing_ok=True)

    @contextmanager
    def restoring(self, file: Path) -> Iterator[str]:
        if self.path.exists():
            raise StoreError(f"there is a database at {self.path}; restore never overwrites one")
        if not file.is_file():
            raise StoreError(f"there is no file {file}")
        made = self.path.with_name(f".{self.path.name}.restoring")
        try:
            _copy_database(file, made)
            with closing(sqlite3.connect(made)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            yield self.url.set(database=str(made)).render_as_string()
            os.link(made, self.path)
            sync_folder(self.path)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{file} is not a backup that can be restored: {error}") from None
        finally:
            for suffix in ("", "-wal", "-shm", ".lock"):
                Path(f"{made}{suffix}").unlink(missing_ok=True)

    def problem(self, error: DBAPIError) -> Problem | None:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            return too_costly()
        # An emptied file has no tables, a damaged one texts that are none.
        if str(error.orig).startswith(("no such table", "Could not decode")):
            code = sqlite3.SQLITE_CORRUPT
        return _unavailable_sqlite(code)


def _begin_within(seconds: float, connection: sqlite3.Connection) -> None:
    """Begin a snapshot whose queries are interrupted once its seconds have passed."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
    connection.execute("BEGIN")


def _copy_database(source: Path, target: Path) -> None:
    """A copy in one file, on disk; unlike the file's bytes, it holds what only the WAL has yet."""
    target.unlink(missing_ok=True)
    address = f"file:{quote(str(source.absolute()))}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as held,
        closing(sqlite3.connect(target)) as copy,
    ):
        held.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "Another process is writing to the database.",
    sqlite3.SQLITE_LOCKED: "Another process is writing to the database.",
    sqlite3.SQLITE_READONLY: "The database is read-only.",
    sqlite3.SQLITE_FULL: "The disk is full.",
    sqlite3.SQLITE_IOERR: "The disk does not answer.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged.",
    sqlite3.SQLITE_NOTADB: "The database file is not a database.",
}


def _unavailable_sqlite(code: int) -> Problem | None:
    return unavailable(SQLITE_UNAVAILABLE[code]) if code in SQLITE_UNAVAILABLE else None


class InMemory:
    """Counts in the one process that there is."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()

    def count(self, name: str, seconds: int) -> tuple[int, float]:
        number = self._storage.incr(name, seconds)
        return number, self._storage.get_expiry(name) - time.time()

    def dispose(self) -> None:
        self._storage.reset()


class FileOfOneProcess:
    """A lock file beside the database, released by the system when its holder dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = FileLock(f"{path.resolve()}.lock")

    def __enter__(self) -> None:
        try:
            self.lock.acquire(blocking=False)
        except Timeout:
            raise StoreError(
                f"another process is writing {self.path}, a server or a command, and on SQLite one "
                "at a time may: stop it first, or send a server your file of events over HTTP, "
                "POST /import"
            ) from None

    def __exit__(self, *_: object) -> None:
        self.lock.release()
