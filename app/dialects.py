"""The only room that knows the engine: SQLite and PostgreSQL, told apart nowhere else."""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from filelock import FileLock, Timeout
from sqlalchemy import (
    URL,
    BigInteger,
    BindParameter,
    Connection,
    Engine,
    Integer,
    QueuePool,
    String,
    bindparam,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.errors import Problem

# Ids and timestamps are ordered byte by byte on both engines, whatever the server's locale.
Ordered = String().with_variant(String(collation="C"), "postgresql")

# A 64-bit key; SQLite's rowid, which needs no index of its own, must be declared INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")

# Rows of these tables lie in the order of their primary key.
CLUSTERED = {"sqlite_with_rowid": False}


def only_where(condition: str) -> dict[str, Any]:
    """Options of an index that holds only the rows that meet a condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def listed(name: str) -> BindParameter[Any]:
    """The parameter of `IN :name`: a list of texts, which may be empty."""
    return bindparam(name, expanding=True, type_=String())


BUSY_SECONDS = 5
WRITE_LOCK = 0x64617465  # "date": the advisory lock that serialises writers


class StoreError(Exception):
    """The store cannot be used; the message is one line for the person at the command line."""


class Dialect(Protocol):
    """What Dateline needs to know of an engine."""

    url: URL
    reads_on_loop: bool  # a read is quicker than the way to a thread

    def reader(self, seconds: float | None) -> Engine:
        """An engine whose transactions only read, one snapshot each; None sets them no limit."""

    def writer(self, *, create: bool = False, beside: bool = False) -> Engine:
        """An engine whose transactions write, one at a time, durably; `create` makes the file.

        `beside`: another process may be serving the store.
        """

    def before_use(self, *, create: bool = False) -> None:
        """StoreError where the store is missing or cannot be written."""

    def prepare(self, engine: Engine) -> None:
        """Set what a new store needs once, before its first table."""

    def sole_writer(self) -> AbstractContextManager[None]:
        """Held by the one process that may write; StoreError at its start while another does."""

    def migrator(self) -> Engine:
        """An engine whose transactions may rebuild tables that others refer to."""

    def astray(self, connection: Connection) -> Iterator[str]:
        """Rows that refer to what is not there."""

    def broken(self, connection: Connection) -> Iterator[str]:
        """What the engine's own integrity checks find."""

    def backup(self, file: Path) -> None:
        """Write the store as of now to a file that must not exist, while others use the store."""

    def restoring(self, file: Path) -> AbstractContextManager[str]:
        """The URL of a store made from a backup, to be looked at.

        It takes its place when the block ends, and is taken away when it raises. StoreError where
        something has that place already.
        """

    def problem(self, error: DBAPIError) -> Problem | None:
        """The answer for an error of this engine, None where it is nobody's fault but ours."""


def dialect_for(database_url: str) -> Dialect:
    """The dialect of a database URL; StoreError names what would be right."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # ValueError: of a port that is no number
        raise StoreError(
            "DATELINE_DATABASE_URL is not a database URL; give sqlite:///FILE "
            "or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        ) from None
    for dialect in (Sqlite, Postgresql):
        if url.drivername in dialect.drivers:
            return dialect(url)
    raise StoreError(
        f"Dateline does not run on {url.drivername}; give sqlite:///FILE "
        "or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    )


def too_costly() -> Problem:
    """The answer to a read query that ran out of time."""
    return Problem(
        "query-too-costly",
        "The query took longer than a query may. Narrow it with `date` or one more filter, "
        "or ask for `total=none`.",
    )


def unavailable(detail: str) -> Problem:
    """The answer while the store cannot be used; the client may try again."""
    return Problem("store-unavailable", detail, headers={"Retry-After": "5"})


class Sqlite:
    """A file. One process writes it; readers never wait for the writer (WAL)."""

    drivers = ("sqlite", "sqlite+pysqlite")
    reads_on_loop = True

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

    def reader(self, seconds: float | None) -> Engine:
        engine = self._engine("rw", "query_only=ON")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")
            if seconds is not None:
                _limit(connection, seconds)

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

    def migrator(self) -> Engine:
        # With foreign keys on, a table that is rebuilt empties those that refer to it.
        return self.writer(create=True, pragma="foreign_keys=OFF")

    def _engine(self, mode: str, *pragmas: str) -> Engine:
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

        return create_engine("sqlite://", creator=connect, poolclass=QueuePool)

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

    def astray(self, connection: Connection) -> Iterator[str]:
        for table, _, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
            yield f"a row of {table} points to a {parent} that does not exist"

    def backup(self, file: Path) -> None:
        _refuse_file(file)
        made = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            _copy_database(self.path, made)
            # Unlike a rename, a link never replaces what another has put there meanwhile.
            os.link(made, file)
            _sync_folder(file)
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
            _sync_folder(self.path)
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


def _refuse_file(file: Path) -> None:
    if file.exists():
        raise StoreError(f"{file} exists; nothing is overwritten")
    if not file.absolute().parent.is_dir():
        raise StoreError(f"the folder of {file} does not exist")


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


def _sync_folder(file: Path) -> None:
    descriptor = os.open(file.absolute().parent, os.O_RDONLY)
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


def _limit(connection: Connection, seconds: float) -> None:
    """Interrupt what this transaction runs once `seconds` have passed."""
    deadline = time.monotonic() + seconds
    raw: Any = connection.connection.driver_connection
    raw.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)


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


class Postgresql:
    """A server. Many processes on many machines may read and write."""

    drivers = ("postgresql", "postgresql+psycopg")
    reads_on_loop = False

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise StoreError(
                "PostgreSQL needs the extra: pip install 'dateline[postgresql]'"
            ) from None

    def before_use(self, *, create: bool = False) -> None:
        return None

    def prepare(self, engine: Engine) -> None:
        return None

    def sole_writer(self) -> AbstractContextManager[None]:
        return nullcontext()  # the engine itself makes writers take turns

    def reader(self, seconds: float | None) -> Engine:
        milliseconds = 0 if seconds is None else max(1, int(seconds * 1000))  # 0 is no limit
        options = (
            f"-c statement_timeout={milliseconds} -c default_transaction_read_only=on "
            "-c default_transaction_isolation=repeatable\\ read"
        )
        return create_engine(self.url, connect_args={"options": options, "connect_timeout": 5})

    def migrator(self) -> Engine:
        return self.writer()

    def writer(self, *, create: bool = False, beside: bool = False) -> Engine:
        engine = create_engine(self.url, connect_args={"connect_timeout": 5})

        # A sequence follows inserts, not commits: writers take turns before they number anything.
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")

        return engine

    def astray(self, connection: Connection) -> Iterator[str]:
        return iter(())  # the engine let none in

    def backup(self, file: Path) -> None:
        _refuse_file(file)
        made = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            self._run("pg_dump", "--format=custom", f"--file={made}", "--dbname")
            os.link(made, file)
            _sync_folder(file)
        finally:
            made.unlink(missing_ok=True)

    @contextmanager
    def restoring(self, file: Path) -> Iterator[str]:
        if not file.is_file():
            raise StoreError(f"there is no file {file}")
        engine = create_engine(self.url, connect_args={"connect_timeout": 5})
        try:
            if inspect(engine).get_table_names():
                raise StoreError(f"{self.url.database} is not empty; restore never overwrites")
            # What else a file holds is not ours, and would not be taken away again.
            options = ("--schema=public", "--exit-on-error", "--single-transaction", "--no-owner")
            try:
                self._run("pg_restore", *options, "--dbname", more=(str(file),))
            except StoreError as error:
                raise StoreError(f"{file} is not a backup that can be restored: {error}") from error
            try:
                yield self.url.render_as_string(hide_password=False)
            except BaseException:
                with engine.begin() as connection:
                    connection.execute(text("DROP SCHEMA public CASCADE"))
                    connection.execute(text("CREATE SCHEMA public"))
                    connection.execute(text("GRANT USAGE ON SCHEMA public TO PUBLIC"))
                raise
        finally:
            engine.dispose()

    def _run(self, program: str, *options: str, more: Sequence[str] = ()) -> None:
        """Run a client program of PostgreSQL on the store; the last option takes its address."""
        found = shutil.which(program)
        if found is None:
            raise StoreError(f"{program} is not installed; it comes with PostgreSQL's clients")
        # Everybody sees the arguments of a process; only its owner sees the environment.
        address = self.url.set(drivername="postgresql", password=None)
        address = address.difference_update_query(["password"])
        secret = self.url.password or self.url.query.get("password")
        password = {"PGPASSWORD": str(secret)} if secret else {}
        done = subprocess.run(
            [found, *options, address.render_as_string(), *more],
            env={**os.environ, **password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it does not say why"]
            raise StoreError(f"{program}: {said[0].removeprefix(f'{program}: ')}")

    def broken(self, connection: Connection) -> Iterator[str]:
        unchecked = connection.execute(
            text("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        )
        for (name,) in unchecked:
            yield f"the constraint {name} was never checked against the stored rows"
        made = (
            "SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal"
            " UNION ALL SELECT 'view', viewname FROM pg_views WHERE schemaname = current_schema()"
        )
        for kind, name in connection.execute(text(made)):
            yield f"the database has a {kind} {name}, which no migration made"

    def problem(self, error: DBAPIError) -> Problem | None:
        state = getattr(error.orig, "sqlstate", None)
        if state == "57014":  # query_canceled
            return too_costly()
        # 08: connection, 53: resources, 57: operator intervention, 55P03: lock not available.
        if state is None or state[:2] in ("08", "53", "57") or state in ("55P03", "25006"):
            return unavailable("The database does not take the request now.")
        return None
