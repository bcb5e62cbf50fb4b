"""Connections to a SQLite file: for writing, for reading, and for reading a read-only file."""

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote
from weakref import WeakSet

from app.dialects.dialect import BUSY_SECONDS
from app.dialects.errors import unavailable

MOVED = (
    "The database file was moved, removed or replaced while the server has it: nothing is written "
    "until it is back in its place, or the server is started again."
)
# SQLite's errors if there is no room for the memory that readers share, a file beside the database.
NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_CANTOPEN)
State = tuple[int, int, int]


class Immutable(sqlite3.Connection):
    """Reads a file that nobody writes, without a file beside it; stale as soon as it changes."""

    state: State


class Connections:
    """Opens the file at a path, and makes sure that it stays the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_only = False
        self.identity: tuple[int, int] | None = None  # device and inode, once it is open
        self._immutable: WeakSet[Immutable] = WeakSet()

    def open(self, mode: str) -> sqlite3.Connection:
        """Return a connection in a mode: ro, rw or rwc. Raise OperationalError if it moved."""
        connection = self._connect(f"mode={mode}", sqlite3.Connection)
        if self.identity is None:
            self.identity = self._at_path()
        elif not self.in_place():
            connection.close()
            raise sqlite3.OperationalError(MOVED)
        return connection

    def open_reader(self) -> sqlite3.Connection:
        """Return a connection for reading, even without the right or the room to write.

        In WAL mode SQLite reads through a file beside the database. If that cannot be made, and no
        log is waiting, the database file itself is complete.
        """
        if self.read_only and not self._beside("-shm").exists():
            return self._open_immutable()
        try:
            connection = self.open("ro" if self.read_only else "rw")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code not in NO_ROOM or self.logs() or not self.path.is_file():
                raise
            return self._open_immutable()
        return connection

    def in_place(self) -> bool:
        """Return whether the open file is still the one at its path."""
        return self.identity is None or self.identity == self._at_path()

    def logs(self) -> list[Path]:
        """Return the files beside the database with changes that it does not have yet."""
        beside = (self._beside(suffix) for suffix in ("-wal", "-journal"))
        return [file for file in beside if file.exists() and file.stat().st_size]

    def is_stale(self, connection: sqlite3.Connection) -> bool:
        """Return whether a connection reads, as immutable, a file that has changed."""
        if not isinstance(connection, Immutable):
            return False
        return bool(self.logs()) or connection.state != self._state()

    def wait_for_immutable(self) -> None:
        """Wait until no snapshot reads the file as immutable. Raise a Problem if one stays."""
        deadline = time.monotonic() + BUSY_SECONDS
        while any(connection.in_transaction for connection in self._immutable):
            if time.monotonic() > deadline:
                raise unavailable("The database is still being read as it was on a full disk.")
            time.sleep(0.01)

    def _open_immutable(self) -> Immutable:
        state = self._state()
        connection = self._connect("mode=ro&immutable=1", Immutable)
        assert isinstance(connection, Immutable)
        connection.state = state
        self._immutable.add(connection)
        return connection

    def _connect(self, options: str, factory: type[sqlite3.Connection]) -> sqlite3.Connection:
        # isolation_level None: the driver would open no transaction for SELECT or DDL.
        return sqlite3.connect(
            f"file:{quote(str(self.path))}?{options}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
            factory=factory,
        )

    def _beside(self, suffix: str) -> Path:
        return Path(f"{self.path}{suffix}")

    def _at_path(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _state(self) -> State:
        status = self.path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns
