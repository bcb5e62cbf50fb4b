"""Connections for reading, which stay open between snapshots."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError


class SnapshotPool(Protocol):
    """Gives connections that only read, one snapshot each."""

    def connect(self) -> AbstractContextManager[Connection]:
        """Yield a connection in a snapshot, until the block ends."""

    def dispose(self) -> None:
        """Close the connections."""


class ConnectionPool:
    """Connections that stay open between snapshots, without a transaction meanwhile.

    SQLAlchemy takes several times longer to connect and to begin than an engine to answer. `begin`
    begins a snapshot on a connection of the driver; if that has gone, another connection is used.
    """

    def __init__(self, engine: Engine, begin: Callable[[Any], object]) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # BEGIN is ours
        self._begin = begin
        self._idle: deque[Connection] = deque()

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection in a snapshot. Raise DBAPIError if none can be opened."""
        connection = self._in_snapshot()
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

    def _in_snapshot(self) -> Connection:
        """Return a connection in a snapshot: an idle one, or a new one."""
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
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()
