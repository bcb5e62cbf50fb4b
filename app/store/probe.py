"""A quick answer to the question whether a store can be read."""

import asyncio

import anyio
import anyio.to_thread
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.dialects import Dialect, SnapshotPool, lost, unavailable
from app.errors import Problem
from app.store.schema import Schema

PROBE_SECONDS = 2.0


class Probe:
    """Reads one row over a connection of its own. Concurrent calls share one look."""

    def __init__(
        self, dialect: Dialect, reader: SnapshotPool, schema: Schema, threads: anyio.CapacityLimiter
    ) -> None:
        self._dialect = dialect
        self._reader = reader
        self._schema = schema
        self._threads = threads
        self._task: asyncio.Task[Problem | None] | None = None

    async def __call__(self) -> None:
        """Raise a Problem if the store cannot be read, at once, however many reads are waiting."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(
                anyio.to_thread.run_sync(self._look, limiter=self._threads)
            )
        problem: Problem | None = unavailable("The database does not answer.")
        with anyio.move_on_after(PROBE_SECONDS):
            problem = await asyncio.shield(self._task)
        if problem:
            raise problem

    def _look(self) -> Problem | None:
        """Return what keeps the store from being read, or None."""
        try:
            self._schema.require_ready()
            self._dialect.require_in_place()
            with self._reader.connect() as connection:
                row = connection.execute(text("SELECT epoch FROM store")).first()
            return lost() if row is None else None
        except DBAPIError:
            return unavailable("The database does not answer.")
        except Problem as problem:
            return problem
