"""What Dateline needs from an engine: connections, locks and maintenance.

The defaults are right for an engine that needs nothing special.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Event
from typing import Any, ClassVar, Protocol

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from app.dialects.pool import SnapshotPool
from app.errors import Problem

TupleRows = Sequence[tuple[Any, ...]]
BUSY_SECONDS = 5  # that a writer waits for another process


class RequestCounter(Protocol):
    """Counts requests within a period."""

    def count(self, name: str, seconds: int) -> tuple[int, float]:
        """Count one more; return how many there are in the period, and its seconds left."""

    def dispose(self) -> None:
        """Close the connections."""


class Dialect(ABC):
    """An engine that can hold a store."""

    drivers: ClassVar[tuple[str, ...]]
    reads_on_loop: ClassVar[bool]  # a read is faster than the way to a thread
    max_quick_seconds: ClassVar[float]  # of a read, before it begins again as a slow one
    comes_back: ClassVar[bool]  # a server may start while the store is away
    url: URL

    @abstractmethod
    def __init__(self, url: URL, written: str) -> None:
        """Take the URL of a store, also as it was `written`. Raise StoreError if it is wrong."""

    # -- connections ------------------------------------------------------------------------------

    @abstractmethod
    def reader(self, seconds: float | None, cache: object, *, quick: bool = False) -> SnapshotPool:
        """Return a reader whose queries may take `seconds`; None sets no limit.

        With a limit, connections stay open between snapshots. `seconds`, `cache` and `quick` become
        execution options of the connections.
        """

    @abstractmethod
    def writer(self, *, create: bool = False, shared: bool = False) -> Engine:
        """Return an engine whose transactions write durably, one at a time.

        With `create`, make the file. With `shared`, another process may be serving the store.
        """

    @abstractmethod
    def migrator(self) -> Engine:
        """Return an engine whose transactions may rebuild tables that others refer to."""

    @abstractmethod
    def counter(self, connections: int) -> RequestCounter:
        """Return a counter of requests that all servers of the store share."""

    def listen(self, changed: Callable[[], object], ended: Event) -> None:
        """Call `changed` after each write of another process, until `ended` is set.

        Return at once if no other process can write.
        """
        return

    @property
    def read_only(self) -> bool:
        """Return whether the store can only be read; known after `before_use`."""
        return False

    def before_use(self, *, create: bool = False, write: bool = False) -> None:
        """Raise StoreError if the store is missing, or cannot be written although it must be."""
        return

    def require_writable(self) -> None:
        """Raise a Problem if a write would not reach the store that others open."""
        return

    def require_in_place(self) -> None:
        """Raise a Problem if the open store is no longer the one at its address."""
        return

    def hindrance(self) -> str | None:
        """Return, as a sentence, why a server could only read now; None if it could write."""
        return None

    @abstractmethod
    def problem(self, error: DBAPIError) -> Problem | None:
        """Return the Problem for an error of this engine, or None if it is a bug of ours."""

    # -- locks ------------------------------------------------------------------------------------

    def sole_writer(self, *, create: bool = False) -> AbstractContextManager[None]:
        """Hold the lock of the one process that may write. Raise StoreError while another does.

        With `create`, make an empty store if there is none, so that there is something to lock.
        """
        return nullcontext()

    def migrating(self) -> AbstractContextManager[None]:
        """Hold the lock for migrations, after waiting for other holders."""
        return nullcontext()

    def copying(self) -> AbstractContextManager[None]:
        """Hold the lock for copies into the store. Raise StoreError while another command does."""
        return nullcontext()

    # -- maintenance ------------------------------------------------------------------------------

    def prepare(self, engine: Engine) -> None:
        """Prepare a new store before its first table is made."""
        return

    def prepare_bulk_write(self, connection: Connection) -> None:
        """Prepare a transaction of a command that writes very much and then ends."""
        return

    @abstractmethod
    def fill(
        self, connection: Connection, table: str, columns: Sequence[str], rows: TupleRows
    ) -> None:
        """Insert very many rows."""

    def after_copy(self, connection: Connection) -> None:
        """Prepare a store for use after its rows, with their ids, were filled in."""
        return

    def astray(self, connection: Connection) -> Iterator[str]:
        """Yield a line for each row that refers to a missing one."""
        return iter(())

    def unfit(self, connection: Connection) -> str | None:
        """Return why a database cannot hold a store, or None if it can."""
        return None

    @abstractmethod
    def broken(self, connection: Connection) -> Iterator[str]:
        """Yield a line for each fault that the engine's own checks find."""

    @abstractmethod
    def backup(self, file: Path) -> None:
        """Write a copy of the store, as of now and while it is in use, to a new file."""

    @abstractmethod
    def restoring(self, file: Path, mark: str) -> AbstractContextManager[str]:
        """Yield the URL of a store made from a backup, to be checked.

        It takes its place when the block ends, and is removed if it raises. If others could see it
        before, its epoch is `mark`. Raise StoreError if the place is taken, NoBackupError if the
        file is to blame.
        """

    def log_is_long(self) -> bool:
        """Return whether a log of changes, kept for old snapshots, takes much disk."""
        return False

    def shorten_log(self) -> None:
        """Free the disk of that log, unless a reader still needs it."""
        return
