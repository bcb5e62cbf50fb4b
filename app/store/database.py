"""One store: its engines, and transactions and snapshots for commands and servers."""

import asyncio
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from app.dialects import TOO_COSTLY, SnapshotPool, dialect_for
from app.downloads import Downloads
from app.errors import Problem
from app.settings import Settings
from app.store.cache import Cache
from app.store.probe import PROBE_SECONDS, Probe
from app.store.schema import Schema, describe_address
from app.waiting import Limiter, Signal, WorkCounter

if TYPE_CHECKING:
    from sqlmodel import Session

P = ParamSpec("P")
T = TypeVar("T")


MAX_CACHE_BYTES = 256 << 20
COUNTER_CONNECTIONS = 2  # for counting requests
MAX_WAITING_WRITES = 100
MAX_WAITING_SLOW_READS = 100
SLOW_READS = 1  # at a time, in a thread; more would only wait for the interpreter lock


class Database:
    """The store at `settings.database_url`. Nothing is opened before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.dialect = dialect_for(settings.database_url)
        self.changed = Signal()
        # Half of the connections to PostgreSQL are for slow reads, so that others find one free.
        slow = SLOW_READS if self.dialect.reads_on_loop else max(1, settings.pool_size // 2)
        self.readers = Limiter("reads", settings.pool_size - slow)
        self.slow_readers = Limiter("slow reads", slow, MAX_WAITING_SLOW_READS)
        self.writers = Limiter("writes", 1, MAX_WAITING_WRITES)
        self._counters = Limiter("requests to be counted", COUNTER_CONNECTIONS)
        self._threads = anyio.CapacityLimiter(math.inf)  # the limiters above are enough
        self.downloads = Downloads(
            settings.downloads_mib << 20, settings.pool_size, self._shorten_log
        )
        self.reads, self.writes = WorkCounter(), WorkCounter()
        self.cache = cache = Cache(MAX_CACHE_BYTES)
        self._reader = self.dialect.reader(settings.query_seconds, cache)
        quick = min(self.dialect.max_quick_seconds, settings.query_seconds)
        self._quick = self.dialect.reader(quick, cache, quick=True)
        self._patient = self.dialect.reader(None, cache)
        probe_reader = self.dialect.reader(PROBE_SECONDS, cache)
        self._writer = self.dialect.writer()
        self._counter = self.dialect.counter(COUNTER_CONNECTIONS)
        self._engines = (
            *(self._reader, self._quick, self._patient, probe_reader),
            *(self._writer, self._counter),
        )
        self.schema = Schema(self.dialect, self._patient)
        self.probe = Probe(self.dialect, probe_reader, self.schema, self._threads)

    def settings_at(self, url: str) -> Settings:
        """Return the same settings for a store at another URL."""
        return self._settings.model_copy(update={"database_url": url})

    def close(self) -> None:
        """Close every connection."""
        for engine in self._engines:
            engine.dispose()

    @contextmanager
    def read(self, *, patient: bool = False) -> Iterator[Connection]:
        """Yield one snapshot of the store. Raise a Problem if the engine refuses.

        A query may take `settings.query_seconds`, with `patient` as long as it likes.
        """
        with self._snapshot(self._patient if patient else self._reader) as connection:
            yield connection

    @contextmanager
    def _snapshot(self, reader: SnapshotPool) -> Iterator[Connection]:
        try:
            with reader.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise self._problem(error) from error

    @contextmanager
    def write(self, *, shared: bool = False) -> "Iterator[Session]":
        """Yield one transaction, which is on disk when the block ends, and undone if it raises.

        With `shared`, write from a process without the exclusive lock, while another may serve the
        store. Raise a Problem if the engine refuses.
        """
        from sqlmodel import Session  # a third of the start of a command

        with self._writing(shared=shared) as engine, Session(engine) as session:
            yield session
            session.commit()

    @contextmanager
    def write_rows(self) -> Iterator[Connection]:
        """Yield a transaction as `write(shared=True)` does, for SQL without the models."""
        with self._writing(shared=True) as engine, engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self, *, shared: bool) -> Iterator[Engine]:
        self.dialect.require_writable()
        engine = self.dialect.writer(shared=True) if shared else self._writer
        try:
            yield engine
            self.dialect.require_in_place()  # else nobody would find the new data
        except DBAPIError as error:
            raise self._problem(error) from error
        finally:
            if shared:
                engine.dispose()

    @contextmanager
    def bulk_write(self) -> "Iterator[Session]":
        """Yield a transaction as `write` does, for a command that writes much and then ends."""
        with self.write() as session:
            self.dialect.prepare_bulk_write(session.connection())
            yield session

    @contextmanager
    def exclusive(self, *, create: bool = False) -> Iterator[None]:
        """Hold the lock of the one process that may write. Raise StoreError while another does.

        With `create`, make an empty store if there is none. Connections are closed at the end.
        """
        self.dialect.before_use(create=True)
        with self.dialect.sole_writer(create=create):
            try:
                yield
            finally:
                self.close()

    async def run_read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the result of `work` on one snapshot, without blocking the event loop.

        On SQLite it begins on the loop, which is faster than a thread. If it turns out to be slow,
        it begins again as a slow read.
        """
        try:
            if self.dialect.reads_on_loop:
                return self._read_with(self._quick, work, *args, **kwargs)
            async with self.readers.slot():
                return await self._read_in_thread(self._quick, work, *args, **kwargs)
        except Problem as problem:
            if problem.code != TOO_COSTLY:
                raise
        return await self.run_slow_read(work, *args, **kwargs)

    async def run_slow_read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the result of `work` on one snapshot, in a thread, after other slow reads.

        Raise Problem `store-unavailable` if too many wait, or this one has waited too long.
        """
        async with self.slow_readers.slot():
            return await self._read_in_thread(self._reader, work, *args, **kwargs)

    async def _read_in_thread(
        self,
        reader: SnapshotPool,
        work: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def run() -> T:
            return self._read_with(reader, work, *args, **kwargs)

        return await anyio.to_thread.run_sync(run, limiter=self._threads)

    def _read_with(
        self,
        reader: SnapshotPool,
        work: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return the result of `work` on a snapshot of this reader, and count the read."""
        self.schema.require_ready()
        again = reader is self._quick
        with self.reads.measure(begins_again=again), self._snapshot(reader) as connection:
            return work(connection, *args, **kwargs)

    async def run_write(
        self, work: "Callable[Concatenate[Session, P], T]", *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the result of `work` once its transaction is on disk, after earlier writes.

        Raise Problem `store-unavailable` if too many wait, or this one has waited too long.
        """

        def run() -> T:
            self.schema.require_ready()
            with self.writes.measure(), self.write() as session:
                return work(session, *args, **kwargs)

        async with self.writers.slot():
            result = await anyio.to_thread.run_sync(run, limiter=self._threads)
        self.changed.send()
        return result

    async def count_request(self, name: str, seconds: int) -> tuple[int, float]:
        """Count a request under a name, for all servers of the store.

        Return how many there were in the current period of `seconds`, and how many seconds of it
        are left.
        """

        def run() -> tuple[int, float]:
            try:
                return self._counter.count(name, seconds)
            except DBAPIError as error:
                raise self._problem(error) from error

        if self.dialect.reads_on_loop:
            return run()
        async with self._counters.slot():
            return await anyio.to_thread.run_sync(run, limiter=self._threads)

    async def _shorten_log(self) -> None:
        """Free the disk of a log of changes that grew while a long snapshot needed it.

        If another write comes first, a later call does it.
        """
        if not self.dialect.log_is_long():
            return
        with suppress(Problem):
            async with self.writers.slot():
                await anyio.to_thread.run_sync(self.dialect.shorten_log, limiter=self._threads)

    def listen(self, loop: asyncio.AbstractEventLoop, ended: threading.Event) -> None:
        """Send `changed` in a loop after each write of another process, until `ended` is set."""
        self.dialect.listen(lambda: loop.call_soon_threadsafe(self.changed.send), ended)

    def _problem(self, error: DBAPIError) -> Exception:
        return self.dialect.problem(error) or error

    @property
    def name(self) -> str:
        """Return the store's file, or the name of its database."""
        return self.dialect.url.database or ""

    def __str__(self) -> str:
        return describe_address(self.dialect)
