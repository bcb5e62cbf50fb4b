"""What Dateline needs to know of an engine, and what the engines share."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from app.errors import Problem

Rows = Sequence[tuple[Any, ...]]

TOO_COSTLY = "query-too-costly"
FULL = "The disk is full."
BUSY_SECONDS = 5  # a writer waits for another process


class StoreError(Exception):
    """The store cannot be used; the message is one line for the person at the command line."""


class NoBackupError(StoreError):
    """A file is not a backup that can be restored; the message says why."""


class FullError(StoreError):
    """There is no room on a disk."""


class AwayError(StoreError):
    """The store does not answer now, and may come back."""


class Reader(Protocol):
    """Gives connections that only read, one snapshot each."""

    def connect(self) -> AbstractContextManager[Connection]:
        """A snapshot, until the block ends."""

    def dispose(self) -> None:
        """Give the connections back to the engine."""


class Kept:
    """Connections that stay open from one snapshot to the next, none in a transaction meanwhile.

    SQLAlchemy takes several times longer to connect and to begin than an engine to answer. `begin`
    begins a snapshot on a connection of the driver; where that is gone, on another one.
    """

    def __init__(self, engine: Engine, begin: Callable[[Any], object]) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # BEGIN is ours
        self._begin = begin
        self._idle: deque[Connection] = deque()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """One snapshot."""
        connection = self._begun()
        driver: Any = connection.connection.driver_connection
        try:
            yield connection
        finally:
            try:
                driver.rollback()
            except connection.dialect.loaded_dbapi.Error:
                connection.invalidate()
            if connection.invalidated:
                connection.close()
            else:
                self._idle.append(connection)

    def _begun(self) -> Connection:
        """A connection in a snapshot: one that is idle, or a new one."""
        while True:
            try:
                connection, new = self._idle.pop(), False
            except IndexError:
                connection, new = self._engine.connect(), True
            try:
                self._begin(connection.connection.driver_connection)
            except connection.dialect.loaded_dbapi.Error as error:
                connection.invalidate()
                connection.close()
                if new:
                    raise DBAPIError("BEGIN", None, error) from error
            else:
                return connection

    def dispose(self) -> None:
        """Close those that nobody reads from."""
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()


class Tally(Protocol):
    """Counts what comes within some seconds."""

    def count(self, name: str, seconds: int) -> tuple[int, float]:
        """How many of a name came since the first in these seconds, and how many are left."""

    def dispose(self) -> None:
        """Give the connections back to the engine."""


class Dialect(Protocol):
    """What Dateline needs to know of an engine."""

    url: URL
    reads_on_loop: bool  # a read is quicker than the way to a thread
    max_quick_seconds: float  # of a read, before it begins again among the slow ones
    comes_back: bool  # a server may begin while the store is away

    def reader(self, seconds: float | None, memory: object, *, quick: bool = False) -> Reader:
        """Snapshots in which a query may take so long; None sets no limit.

        Connections are kept for those that come next; without a limit each has its own.

        Their connections have `seconds`, `quick` and `memory`, where readers keep things, as
        options.
        """

    def writer(self, *, create: bool = False, beside: bool = False) -> Engine:
        """An engine whose transactions write, one at a time, durably; `create` makes the file.

        `beside`: another process may be serving the store.
        """

    def expect_much(self, connection: Connection) -> None:
        """Make ready for a transaction that writes very much, of a command that then ends."""

    @property
    def read_only(self) -> bool:
        """Return whether the store can be read and not written; known after `before_use`."""

    def before_use(self, *, create: bool = False, write: bool = False) -> None:
        """Raise StoreError if the store is missing, or may not be written though it has to be."""

    def require_writable(self) -> None:
        """Raise a Problem if what is written would not be in the store that others open."""

    def require_in_place(self) -> None:
        """Raise a Problem if the store that is open is not the one at its address any more."""

    def hindrance(self) -> str | None:
        """Return in a sentence why a server could only read now; None if it could write."""

    def prepare(self, engine: Engine) -> None:
        """Set what a new store needs once, before its first table."""

    def sole_writer(self, *, create: bool = False) -> AbstractContextManager[None]:
        """Hold the lock of the one process that may write. Raise StoreError while another does.

        `create` makes an empty store if there is none, so that there is something to lock.
        """

    def tally(self, number: int) -> Tally:
        """Where requests are counted, so many at a time, of all servers of the store together."""

    def listen(self, changed: Callable[[], object], ended: Event) -> None:
        """Call `changed` after each write of another process, until it has `ended`.

        Returns at once where no other process writes.
        """

    def migrating(self) -> AbstractContextManager[None]:
        """Held by the one process that brings the store to a version, while others wait."""

    def copying(self) -> AbstractContextManager[None]:
        """Held by the one command that copies into the store; StoreError while another does."""

    def migrator(self) -> Engine:
        """An engine whose transactions may rebuild tables that others refer to."""

    def fill(self, connection: Connection, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Insert very many rows."""

    def after_copy(self, connection: Connection) -> None:
        """Make ready for use a store whose rows were filled in, with their numbers."""

    def astray(self, connection: Connection) -> Iterator[str]:
        """Rows that refer to what is not there."""

    def unfit(self, connection: Connection) -> str | None:
        """Why a database cannot hold a store, None where it can."""

    def broken(self, connection: Connection) -> Iterator[str]:
        """What the engine's own integrity checks find."""

    def backup(self, file: Path) -> None:
        """Write the store as of now to a file that must not exist, while others use the store."""

    def restoring(self, file: Path, mark: str) -> AbstractContextManager[str]:
        """The URL of a store made from a backup, to be looked at.

        It takes its place when the block ends, and is taken away when it raises. Where others could
        see it before, its epoch is `mark`. Raise StoreError if something has that place already,
        NoBackupError if the file is to blame.
        """

    def log_is_long(self) -> bool:
        """Whether a log of changes, kept for the readers of old snapshots, takes much disk."""

    def shorten_log(self) -> None:
        """Give the disk of such a log back, unless a reader still needs it."""

    def problem(self, error: DBAPIError) -> Problem | None:
        """The answer for an error of this engine, None where it is nobody's fault but ours."""


def too_costly() -> Problem:
    """The answer to a read query that ran out of time."""
    return Problem(
        TOO_COSTLY,
        "The query took longer than a query may. Narrow it with `date` or one more filter, "
        "or ask for `total=none`.",
    )


def require_slow(connection: Connection) -> None:
    """Raise Problem `query-too-costly` among the quick reads: it begins again as a slow one."""
    if connection.get_execution_options().get("quick"):
        raise too_costly()


def unavailable(detail: str) -> Problem:
    """The answer while the store cannot be used; the client may try again."""
    return Problem("store-unavailable", detail, headers={"Retry-After": "5"})


def lost() -> Problem:
    """The answer where the row is gone that says which database this is."""
    return unavailable("The database has lost its epoch or identity; `dateline check` tells more.")


def unfinished() -> Problem:
    """The answer while a store is being copied to this place."""
    return unavailable("The database is not whole yet: a copy is under way.")
