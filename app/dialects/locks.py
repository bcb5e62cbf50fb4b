"""The lock of the one process that writes a SQLite file."""

import errno
import os
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from app.dialects.errors import StoreError
from app.files import lock_file, remove_abandoned


class StoreLock:
    """Two locks, which the system releases when their holder dies.

    The one beside the file guards its name: SQLite finds the log by it, even the log of another
    file that has taken the place. The one on the file guards its content, by whatever name it is
    opened, and even if the lock beside it is deleted.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        self.create = create
        self._stack = ExitStack()

    def __enter__(self) -> None:
        with ExitStack() as stack:
            self._lock_name(stack)
            self._lock_file(stack)
            self._stack = stack.pop_all()

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _lock_name(self, stack: ExitStack) -> None:
        beside = FileLock(f"{self.path.resolve()}.lock")
        try:
            beside.acquire(blocking=False)
        except Timeout:
            raise self._busy() from None
        except OSError as error:
            if error.errno != errno.ENOSPC:  # on a full disk the other lock must be enough
                raise
        stack.callback(beside.release)
        remove_abandoned(self.path)  # by a restore, which cannot be running now

    def _lock_file(self, stack: ExitStack) -> None:
        # Closing it drops SQLite's own locks on the file, so connections are closed before.
        try:
            descriptor = os.open(self.path, os.O_RDWR | (os.O_CREAT if self.create else 0), 0o666)
        except FileNotFoundError:
            return  # a restore makes it
        stack.callback(os.close, descriptor)
        if not lock_file(descriptor):
            raise self._busy()

    def _busy(self) -> StoreError:
        return StoreError(
            f"another process is writing {self.path}, a server or a command, and on SQLite one "
            "at a time may: stop it first, or send a server your file of events over HTTP, "
            "POST /import"
        )
