"""PostgreSQL: a server, which many processes on many machines read and write."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DBAPIError

from app.dialects import programs
from app.dialects.dialect import BUSY_SECONDS, Dialect, TupleRows
from app.dialects.errors import FULL, StoreError, too_costly, unavailable
from app.dialects.pool import ConnectionPool, SnapshotPool
from app.errors import Problem
from app.files import write_whole_file

logger = logging.getLogger("dateline")

WRITE_LOCK = 0x64617465  # "date": the advisory lock of the writers
MIGRATE_LOCK, COPY_LOCK, RESTORE_LOCK = WRITE_LOCK + 1, WRITE_LOCK + 2, WRITE_LOCK + 3
ANY_OBJECT = (
    "SELECT 1 FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass"
    " AND refobjid = 'public'::regnamespace LIMIT 1"
)
# Foreign keys, each with a query that counts rows against it: a superuser can bypass them.
FOREIGN_KEYS = """
SELECT child, parent, format('SELECT count(*) FROM %I c WHERE %s AND NOT EXISTS (SELECT 1 FROM %I p'
  ' WHERE %s)', child, stated, parent, same)
FROM (SELECT c.conname, c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS parent,
  string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') AS stated,
  string_agg(format('p.%I = c.%I', b.attname, a.attname), ' AND ') AS same
  FROM pg_constraint c CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS pair(own, other)
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = own
  JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = other
  WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace
  GROUP BY 1, 2, 3) foreign_key ORDER BY conname
"""
CHANNEL = "dateline"  # writers notify listeners on it
LISTEN_SECONDS, RETRY_SECONDS = 1.0, 2.0  # between checks of `ended`; after a lost connection
CONNECT_SECONDS = 5
# Connection, resources, operator intervention, rollback, disk. Further states below: lock timeout,
# read-only server, and a statement prepared before tables were changed.
REFUSED_STATES = ("08", "53", "57", "40", "58")

NOW = "extract(epoch FROM clock_timestamp())"
# Expired rows are deleted, except those that another server is counting in.
COUNT_REQUEST = text(
    "WITH gone AS (DELETE FROM counter WHERE name IN (SELECT name FROM counter"
    f" WHERE expires <= {NOW} AND name <> :name LIMIT 100 FOR UPDATE SKIP LOCKED))"
    f" INSERT INTO counter AS held VALUES (:name, 1, {NOW} + :seconds)"
    " ON CONFLICT (name) DO UPDATE SET"
    f" number = CASE WHEN held.expires <= {NOW} THEN 0 ELSE held.number END + 1,"
    f" expires = CASE WHEN held.expires <= {NOW} THEN excluded.expires ELSE held.expires END"
    f" RETURNING number, expires - {NOW}"
)


def connect_options(seconds: int = CONNECT_SECONDS, **settings: str) -> dict[str, Any]:
    """Return the options to connect within `seconds`, with settings of the session.

    Each end notices within half a minute if the other has vanished: a vanished writer would hold
    the lock for hours.
    """
    keepalives = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    server_keepalives = {f"tcp_{name}": str(value) for name, value in keepalives.items()}
    session = {
        "client_encoding": "UTF8",
        "tcp_user_timeout": "25000",
        **server_keepalives,
        **settings,
    }
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    return {
        "connect_timeout": seconds,
        "tcp_user_timeout": 25000,
        **keepalives,
        "options": options,
    }


def pool_options(size: int) -> dict[str, Any]:
    """Return the options of a pool of `size` connections, which replaces dead ones."""
    pool = {"pool_size": size, "max_overflow": 0, "pool_timeout": BUSY_SECONDS}
    return {**pool, "pool_pre_ping": True}


class Postgresql(Dialect):
    """A server. Many processes on many machines may read and write."""

    drivers = ("postgresql", "postgresql+psycopg")
    reads_on_loop = False
    max_quick_seconds = 0.1
    comes_back = True

    def __init__(self, url: URL, written: str) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise StoreError(
                "PostgreSQL needs the extra: pip install 'dateline[postgresql]'"
            ) from None

    def reader(self, seconds: float | None, cache: object, *, quick: bool = False) -> SnapshotPool:
        milliseconds = 0 if seconds is None else max(1, int(seconds * 1000))  # 0 sets no limit
        patience = CONNECT_SECONDS if seconds is None else min(CONNECT_SECONDS, ceil(seconds))
        engine = create_engine(
            self.url,
            connect_args=connect_options(
                patience,
                statement_timeout=str(milliseconds),
                default_transaction_read_only="on",
                default_transaction_isolation="repeatable\\ read",
            ),
            execution_options={"seconds": seconds, "cache": cache, "quick": quick},
            poolclass=NullPool,
        )
        return (
            engine
            if seconds is None
            else ConnectionPool(engine, lambda driver: driver.execute("BEGIN"))
        )

    def counter(self, connections: int) -> "TableCounter":
        engine = create_engine(
            self.url,
            # Counts may be lost with the machine.
            connect_args=connect_options(synchronous_commit="off", lock_timeout=f"{BUSY_SECONDS}s"),
            isolation_level="AUTOCOMMIT",
            **pool_options(connections),
        )
        return TableCounter(engine)

    def listen(self, changed: Callable[[], object], ended: Event) -> None:
        import psycopg  # an extra

        following = False
        while not ended.is_set():
            try:
                with self._autocommit_engine().connect() as connection:
                    driver: Any = connection.connection.driver_connection
                    driver.execute(f"LISTEN {CHANNEL}")
                    following = True
                    changed()  # writes before LISTEN were not notified
                    while not ended.is_set():
                        for _ in driver.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            changed()
            except (psycopg.Error, DBAPIError) as error:
                if following:
                    message = str(getattr(error, "orig", error)).split("\n")[0]
                    logger.warning("the database is away: %s", message)
                following = False
                ended.wait(RETRY_SECONDS)

    @contextmanager
    def migrating(self) -> Iterator[None]:
        with self._autocommit_engine().connect() as connection:  # which holds the lock
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATE_LOCK})")
            yield

    @contextmanager
    def copying(self) -> Iterator[None]:
        with self._autocommit_engine().connect() as connection:
            result = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({COPY_LOCK})")
            if not result.scalar_one():
                raise StoreError(f"another copy into {self.url.database} is under way")
            yield

    def _autocommit_engine(self) -> Engine:
        """Return an engine for one connection, without transactions or time limits."""
        return create_engine(
            self.url,
            connect_args=connect_options(statement_timeout="0", lock_timeout="0"),
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            pool_reset_on_return=None,  # there is nothing to undo
        )

    def migrator(self) -> Engine:
        return self._writer(0)  # waits for another migration without limit

    def writer(self, *, create: bool = False, shared: bool = False) -> Engine:
        return self._writer(BUSY_SECONDS)

    def _writer(self, seconds: int) -> Engine:
        """Return an engine for writers, who wait so long for one another; 0 sets no limit."""
        engine = create_engine(
            self.url,
            connect_args=connect_options(
                lock_timeout=f"{seconds}s",
                # A snapshot from before the lock would not see the previous write.
                default_transaction_isolation="read\\ committed",
            ),
            **pool_options(1),
        )

        # A sequence follows inserts, not commits, so writers take turns before numbering anything.
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}")  # is sent at the commit

        return engine

    def fill(
        self, connection: Connection, table: str, columns: Sequence[str], rows: TupleRows
    ) -> None:
        import psycopg  # an extra

        driver: Any = connection.connection.driver_connection
        into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        try:
            with driver.cursor() as cursor, cursor.copy(into) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise DBAPIError(into, None, error) from error

    def after_copy(self, connection: Connection) -> None:
        query = (
            "SELECT setval(pg_get_serial_sequence('block', 'id'), coalesce(max(id), 1),"
            " max(id) IS NOT NULL) FROM block"
        )
        connection.exec_driver_sql(query)
        connection.exec_driver_sql("ANALYZE")

    def backup(self, file: Path) -> None:
        with write_whole_file(file) as part:
            programs.run_program(
                "pg_dump", "--format=custom", f"--file={part}", store=self._address()
            )

    @contextmanager
    def restoring(self, file: Path, mark: str) -> Iterator[str]:
        if not file.is_file():
            raise StoreError(f"there is no file {file}")
        engine = create_engine(self.url, connect_args=connect_options())
        try:
            with self.copying():
                self._begin_restore(engine, mark)
                lock = f"SELECT pg_advisory_xact_lock({RESTORE_LOCK});"
                programs.restore_dump(
                    file, lock, f"UPDATE public.store SET epoch = '{mark}';", self._address()
                )
                try:
                    yield self.url.render_as_string(hide_password=False)
                except BaseException:
                    self._empty(engine)
                    raise
        finally:
            engine.dispose()

    def _begin_restore(self, engine: Engine, mark: str) -> None:
        """Empty the remains of a killed restore. Raise StoreError if there is anything else."""
        with engine.connect() as connection:
            # The program of a killed restore may still be running.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({RESTORE_LOCK})"))
            # Views, functions and types count too: undoing a restore drops the whole schema.
            if not connection.execute(text(ANY_OBJECT)).first():
                return
            store_table = connection.execute(text("SELECT to_regclass('public.store')")).scalar()
            query = text("SELECT 1 FROM public.store WHERE epoch = :mark")
            if not store_table or not connection.execute(query, {"mark": mark}).first():
                raise StoreError(f"{self.url.database} is not empty; restore never overwrites")
        self._empty(engine)

    def _empty(self, engine: Engine) -> None:
        """Remove everything that a restore has made."""
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public AUTHORIZATION pg_database_owner"))
            connection.execute(text("GRANT USAGE ON SCHEMA public TO PUBLIC"))

    def _address(self) -> dict[str, Any]:
        """Return the options for a client program to connect, by libpq's names."""
        _, address = self._autocommit_engine().dialect.create_connect_args(self.url)
        return {name: value for name, value in address.items() if name != "context"}  # psycopg's

    def unfit(self, connection: Connection) -> str | None:
        query = "SELECT current_setting('server_encoding'), current_schema()"
        encoding, schema = connection.execute(text(query)).one()
        if encoding != "UTF8":
            return f"its encoding is {encoding}; see createdb --encoding UTF8 --template template0"
        if schema != "public":
            return f"its tables would lie in the schema {schema}, not in public; see search_path"
        return None

    def broken(self, connection: Connection) -> Iterator[str]:
        unchecked = connection.execute(
            text(
                "SELECT conname FROM pg_constraint WHERE NOT convalidated"
                " AND connamespace = current_schema()::regnamespace"
            )
        )
        for (name,) in unchecked:
            yield f"the constraint {name} was never checked against the stored rows"
        objects = (
            "SELECT 'trigger', tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
            " WHERE NOT tgisinternal AND c.relnamespace = current_schema()::regnamespace"
            " UNION ALL SELECT 'view', viewname FROM pg_views WHERE schemaname = current_schema()"
        )
        for kind, name in connection.execute(text(objects)):
            yield f"the database has a {kind} {name}, which no migration made"
        for table, parent, query in connection.execute(text(FOREIGN_KEYS)).all():
            if number := connection.execute(text(query)).scalar_one():
                yield f"{number} rows of {table} point to a {parent} that does not exist"

    def problem(self, error: DBAPIError) -> Problem | None:
        state = getattr(error.orig, "sqlstate", None)
        if state == "53100":  # disk_full
            return unavailable(FULL)
        if state == "57014":  # query_canceled
            return too_costly()
        if state is None or state[:2] in REFUSED_STATES or state in ("55P03", "25006", "0A000"):
            return unavailable("The database does not take the request now.")
        if state == "42P01":  # a table is not there
            return unavailable("The database has another form; `dateline migrate` tells more.")
        return None


class TableCounter:
    """Counts in a table that all servers share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self, name: str, seconds: int) -> tuple[int, float]:
        with self._engine.connect() as connection:
            number, left = connection.execute(
                COUNT_REQUEST, {"name": name, "seconds": seconds}
            ).one()
        return number, left

    def dispose(self) -> None:
        self._engine.dispose()
