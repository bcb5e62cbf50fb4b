"""PostgreSQL: a server, written and read by many processes on many machines."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    QueuePool,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.exc import DBAPIError

from app.dialects.dialect import (
    BUSY_SECONDS,
    StoreError,
    refuse_file,
    sync_folder,
    too_costly,
    unavailable,
)
from app.errors import Problem

WRITE_LOCK = 0x64617465  # "date": the advisory lock that serialises writers


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

    def reader(self, seconds: float | None, memory: object) -> Engine:
        milliseconds = 0 if seconds is None else max(1, int(seconds * 1000))  # 0 is no limit
        options = (
            f"-c statement_timeout={milliseconds} -c default_transaction_read_only=on "
            "-c default_transaction_isolation=repeatable\\ read"
        )
        return create_engine(
            self.url,
            connect_args={"options": options, "connect_timeout": 5},
            execution_options={"seconds": seconds, "memory": memory},
            # However many downloads there are, each has a connection for as long as it takes.
            poolclass=NullPool if seconds is None else QueuePool,
        )

    def migrator(self) -> Engine:
        return self.writer()

    def expect_much(self, connection: Connection) -> None:
        return None

    def writer(self, *, create: bool = False, beside: bool = False) -> Engine:
        # A snapshot taken while waiting for the lock would not see what the one before has written.
        options = (
            f"-c lock_timeout={BUSY_SECONDS}s -c default_transaction_isolation=read\\ committed"
        )
        engine = create_engine(self.url, connect_args={"options": options, "connect_timeout": 5})

        # A sequence follows inserts, not commits: writers take turns before they number anything.
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")

        return engine

    def astray(self, connection: Connection) -> Iterator[str]:
        return iter(())  # the engine let none in

    def backup(self, file: Path) -> None:
        refuse_file(file)
        made = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            self._run("pg_dump", "--format=custom", f"--file={made}", "--dbname")
            os.link(made, file)
            sync_folder(file)
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
