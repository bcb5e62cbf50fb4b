"""The version of a store's tables: which one it has, and migrations to the newest."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from app.dialects import FULL, AwayError, Dialect, FullError, SnapshotPool, StoreError, unavailable

logger = logging.getLogger("dateline")

COPYING = "copying"  # the beginning of the epoch of a store that is not whole yet
RESTORING = f"{COPYING} from a backup"
AUTOGENERATE = ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"]
MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"


class Schema:
    """The tables of one store."""

    def __init__(self, dialect: Dialect, reader: SnapshotPool) -> None:
        self._dialect = dialect
        self._reader = reader
        self._is_current = False
        self.logged = ""  # the last reason why it is not current

    def require_current(self, *, write: bool = False) -> None:
        """Raise StoreError, in one line, unless the store is there and of this version.

        With `write`, also if it cannot be written.
        """
        self._dialect.before_use(write=write)
        revision = self.revision()  # in a read: a write would wait for others
        if revision is None:
            raise StoreError(f"{self} is empty; `dateline migrate` or `dateline seed` fills it")
        if revision != head():
            raise self._outdated(revision)
        try:
            with self._reader.connect() as connection:
                epoch = connection.execute(text("SELECT epoch FROM store")).scalar()
        except DBAPIError as error:
            raise (self._dialect.problem(error) or error) from error
        if epoch and epoch.startswith(COPYING):
            way = "restore` begins" if epoch == RESTORING else "copy` goes on with"
            raise StoreError(f"{self} is not whole yet; the same `dateline {way} it")
        self._is_current = True

    def require_ready(self) -> None:
        """Check once that the store is current. Raise Problem `store-unavailable` if it is not.

        For servers: the problem names no path, and the log has the reason.
        """
        if self._is_current:
            return
        try:
            self.require_current()
        except StoreError as error:
            if str(error) != self.logged:
                logger.warning("%s", error)
            self.logged = str(error)
            raise unavailable(
                "The database is not ready to be served; the server's log tells why."
            ) from error
        if self.logged:
            logger.warning("%s is there", self)

    def migrate(self, *, copy_first: bool = True, older: bool = True) -> None:
        """Bring an empty or `older` store to this version. Raise StoreError for any other.

        An older store is first copied to a file beside it.
        """
        self._dialect.before_use(create=True)
        with self._errors_in_one_line(), self._dialect.migrating():
            self._migrate(copy_first, older)

    def _migrate(self, copy_first: bool, older: bool) -> None:
        engine = self._dialect.migrator()
        try:
            revision = self._revision(engine.connect)
            if revision is None:
                self._dialect.prepare(engine)
            elif revision != head() and not older:
                raise self._outdated(revision)
            elif revision != head() and copy_first:
                self._dialect.backup(self._backup_path())
            from alembic import command  # takes a tenth of a server's start
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["engine"] = engine
            config.attributes["astray"] = self._dialect.astray
            command.upgrade(config, "head")
        finally:
            engine.dispose()

    def _backup_path(self) -> Path:
        """Return a path beside the store that is free; a failed attempt has left its own file."""
        paths = (
            Path(f"{self._dialect.url.database or ''}.before-{head()}{suffix}")
            for suffix in ("", *(f"-{n}" for n in range(2, 1000)))
        )
        return next(path for path in paths if not path.exists())

    def revision(self) -> str | None:
        """Return the store's revision, None if it is empty. Raise StoreError if it is not ours."""
        return self._revision(self._reader.connect)

    def _revision(self, connect: Callable[[], AbstractContextManager[Connection]]) -> str | None:
        with self._errors_in_one_line(), connect() as connection:
            if reason := self._dialect.unfit(connection):
                raise StoreError(f"{self} cannot hold a chronology: {reason}")
            tables = inspect(connection).get_table_names()
            query = text("SELECT version_num FROM alembic_version")
            rows = connection.scalars(query) if "alembic_version" in tables else ()
            revisions = [str(row) for row in rows]
        if not revisions:
            if tables:
                raise StoreError(f"{self} holds other tables; it is not a Dateline database")
            return None
        if revisions[0] not in _revisions():
            raise StoreError(
                f"{self} has a form that this Dateline does not know ({revisions[0]}); "
                "it was made by a newer version or is not a Dateline database"
            )
        return revisions[0]

    def differences(self, connection: Connection) -> Iterator[str]:
        """Yield where the store's tables differ from those of the migrations."""
        from alembic.autogenerate import compare_metadata
        from alembic.runtime.migration import MigrationContext

        from app.models import TABLES  # takes a third of the start of a command

        options = {"compare_type": True, "autogenerate_plugins": AUTOGENERATE}
        context = MigrationContext.configure(connection, opts=options)
        for change in compare_metadata(context, TABLES["store"].metadata):
            if isinstance(change, tuple):
                operation, name = change[0], getattr(change[-1], "name", change[-1])
            else:
                operation, name = change[0][0], change
            yield f"the tables are not those of the migrations: {operation} {name} would mend it"

    def _outdated(self, revision: str) -> StoreError:
        return StoreError(f"{self} has an older form ({revision}); `dateline migrate` brings it up")

    @contextmanager
    def _errors_in_one_line(self) -> Iterator[None]:
        """Raise an error of the engine as a StoreError of one line."""
        try:
            yield
        except DBAPIError as error:
            problem = self._dialect.problem(error)
            if problem is not None and problem.detail == FULL:
                raise FullError(f"{self}: the disk is full; make room, then try again") from error
            away = problem is not None and self._dialect.comes_back
            reason = str(error.orig).split("\n")[0] if away or problem is None else problem.detail
            raise (AwayError if away else StoreError)(f"{self}: {reason}") from error

    def __str__(self) -> str:
        return describe_address(self._dialect)


def describe_address(dialect: Dialect) -> str:
    """Return the store's address for people: a file, or host, port and name."""
    url = dialect.url
    host = f"{url.host}:{url.port}" if url.port else url.host
    return url.database or "" if host is None else f"{host}/{url.database}"


def head() -> str:
    """Return the newest revision."""
    return _revisions()[-1]


def _revisions() -> list[str]:
    """Return the revisions in order: the number before each migration's name."""
    files = (MIGRATIONS / "versions").glob("[0-9]*.py")
    return sorted(file.name.partition("_")[0] for file in files)
