"""The store: one engine that reads, one that writes, and the migrations that build it."""

import asyncio
import logging
import math
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from app.dialects import (
    FULL,
    TOO_COSTLY,
    AwayError,
    FullError,
    Reader,
    StoreError,
    dialect_for,
    lost,
    unavailable,
)
from app.downloads import Downloads
from app.errors import Problem
from app.models import COPYING, RESTORING
from app.settings import Settings
from app.waiting import Limiter, Signal, WorkCounter

logger = logging.getLogger("dateline")

AUTOGENERATE = ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"]
MIGRATIONS = Path(__file__).parent.parent / "migrations"

P = ParamSpec("P")
T = TypeVar("T")


MEMORY = 256 << 20  # bytes that readers keep
FOUND = 4  # of so many parts of them one is for what single filters have found
ENTRY = 1000  # bytes that each thing takes beside its own and its key's
COUNTING = 2  # requests are counted at a time, over connections of their own
MOST_WAITING = 100  # writes may wait for their turn
SLOW_READS = 2  # at a time, in threads: Python would only let more wait for one another
PROBE_SECONDS = 2.0  # that a look at whether the store is there may take


class Database:
    """The store that `settings.database_url` names. Nothing is opened before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.dialect = dialect_for(settings.database_url)
        self.changed = Signal()
        self._known = False  # to be of this version
        self.told = ""  # why it is not, as it was said last
        # Half of the connections to PostgreSQL are for slow reads, so that others find one free.
        slow = SLOW_READS if self.dialect.reads_on_loop else max(1, settings.pool_size // 2)
        self.readers = Limiter("reads", settings.pool_size - slow)
        self.slow_readers = Limiter("slow reads", slow, MOST_WAITING)
        self.writers = Limiter("writes", 1, MOST_WAITING)
        self._threads = anyio.CapacityLimiter(math.inf)  # whose turn it is waits for no thread
        self._probing: asyncio.Task[Problem | None] | None = None
        self._counting = Limiter("requests to be counted", COUNTING)
        self.downloads = Downloads(
            settings.downloads_mib << 20, settings.pool_size, self._shorten_log
        )
        self.reads, self.writes = WorkCounter(), WorkCounter()
        self.memory = memory = Memory(MEMORY)
        self._reader = self.dialect.reader(settings.query_seconds, memory)
        quick = min(self.dialect.max_quick_seconds, settings.query_seconds)
        self._quick = self.dialect.reader(quick, memory, quick=True)
        self._patient = self.dialect.reader(None, memory)
        self._probe = self.dialect.reader(PROBE_SECONDS, memory)
        self._writer = self.dialect.writer()
        self._tally = self.dialect.tally(COUNTING)

    def settings_at(self, url: str) -> Settings:
        """Return the same settings for a store at another URL."""
        return self._settings.model_copy(update={"database_url": url})

    def close(self) -> None:
        """Give every connection back to the engine."""
        readers = (self._reader, self._quick, self._patient, self._probe)
        for engine in (*readers, self._writer, self._tally):
            engine.dispose()

    @contextmanager
    def read(self, *, patient: bool = False) -> Iterator[Connection]:
        """One snapshot of the store; Problem where the engine refuses.

        A query may take `settings.query_seconds`; a `patient` reader, of the command line, waits.
        """
        with self._snapshot(self._patient if patient else self._reader) as connection:
            yield connection

    @contextmanager
    def _snapshot(self, reader: Reader) -> Iterator[Connection]:
        try:
            with reader.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise self._problem(error) from error

    @contextmanager
    def write(self, *, beside: bool = False) -> Iterator[Session]:
        """One transaction, committed and on disk when the block ends, undone when it raises.

        `beside`: from a process that does not hold the store, while another may serve it.
        """
        self.dialect.require_writable()
        engine = self.dialect.writer(beside=True) if beside else self._writer
        try:
            with Session(engine) as session:
                yield session
                session.commit()
            self.dialect.require_in_place()  # else nobody will find what was written
        except DBAPIError as error:
            raise self._problem(error) from error
        finally:
            if beside:
                engine.dispose()

    @contextmanager
    def write_much(self) -> Iterator[Session]:
        """As `write`, of a command that writes very much and then ends."""
        with self.write() as session:
            self.dialect.expect_much(session.connection())
            yield session

    @contextmanager
    def alone(self, *, create: bool = False) -> Iterator[None]:
        """Hold the store as the one process that may write it. Raise StoreError while another does.

        `create` makes an empty one if there is none. Connections are closed at the end.
        """
        self.dialect.before_use(create=True)
        with self.dialect.sole_writer(create=create):
            try:
                yield
            finally:
                self.close()

    async def reading(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `work` makes of one snapshot, without keeping other reads waiting.

        On SQLite it begins on the event loop, which is quicker than the way to a thread. If it
        turns out to be slow, it begins again among the slow reads.
        """
        try:
            if self.dialect.reads_on_loop:
                return self._read_in(self._quick, work, *args, **kwargs)
            async with self.readers.slot():
                return await self._in_thread(self._quick, work, *args, **kwargs)
        except Problem as problem:
            if problem.code != TOO_COSTLY:
                raise
        return await self.reading_slowly(work, *args, **kwargs)

    async def reading_slowly(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `work` makes of one snapshot, in a thread, in a queue of the slow reads.

        Problem `store-unavailable` if too many wait, or this one waited too long.
        """
        async with self.slow_readers.slot():
            return await self._in_thread(self._reader, work, *args, **kwargs)

    async def _in_thread(
        self,
        reader: Reader,
        work: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def run() -> T:
            return self._read_in(reader, work, *args, **kwargs)

        return await anyio.to_thread.run_sync(run, limiter=self._threads)

    def _read_in(
        self,
        reader: Reader,
        work: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what `work` makes of a snapshot of this reader, and count it."""
        self.require_known()
        started = time.perf_counter()
        try:
            with self._snapshot(reader) as connection:
                result = work(connection, *args, **kwargs)
        except Problem as problem:
            refused = problem.code == TOO_COSTLY
            if not (refused and reader is self._quick):
                self.reads.add(time.perf_counter() - started, refused=refused)
            raise
        self.reads.add(time.perf_counter() - started)
        return result

    async def probe(self) -> None:
        """Problem where the store cannot be read: at once, however many wait to read it."""

        def run() -> Problem | None:
            try:
                self.require_known()
                self.dialect.require_in_place()
                with self._probe.connect() as connection:
                    found = connection.execute(text("SELECT epoch FROM store")).first()
                return lost() if found is None else None
            except DBAPIError:
                return unavailable("The database does not answer.")
            except Problem as problem:
                return problem

        # Whoever asks meanwhile is told what this one finds.
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(
                anyio.to_thread.run_sync(run, limiter=self._threads)
            )
        found: Problem | None = unavailable("The database does not answer.")
        with anyio.move_on_after(PROBE_SECONDS):
            found = await asyncio.shield(self._probing)
        if found:
            raise found

    async def count(self, name: str, seconds: int) -> tuple[int, float]:
        """How many of a name came within some seconds, to any server, and how many are left."""

        def run() -> tuple[int, float]:
            try:
                return self._tally.count(name, seconds)
            except DBAPIError as error:
                raise self._problem(error) from error

        if self.dialect.reads_on_loop:
            return run()
        async with self._counting.slot():
            return await anyio.to_thread.run_sync(run, limiter=self._threads)

    async def writing(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `work` gives once its transaction is on disk; writes take turns as they came.

        Problem `store-unavailable` where too many wait, or this one waited too long.
        """

        def run() -> T:
            self.require_known()
            with self.writes.measure(), self.write() as session:
                return work(session, *args, **kwargs)

        async with self.writers.slot():
            done = await anyio.to_thread.run_sync(run, limiter=self._threads)
        self.changed.send()
        return done

    async def _shorten_log(self) -> None:
        """Give back the disk that a log of changes took while a long snapshot kept it.

        If somebody is writing, it is left to a later write.
        """
        if not self.dialect.log_is_long():
            return
        with suppress(Problem):
            async with self.writers.slot():
                await anyio.to_thread.run_sync(self.dialect.shorten_log, limiter=self._threads)

    def listen(self, loop: asyncio.AbstractEventLoop, ended: threading.Event) -> None:
        """Send `changed` in a loop after what other processes write, until it has `ended`."""
        self.dialect.listen(lambda: loop.call_soon_threadsafe(self.changed.send), ended)

    def _problem(self, error: DBAPIError) -> Exception:
        return self.dialect.problem(error) or error

    def altered(self, connection: Connection) -> Iterator[str]:
        """Where the store's tables differ from those that the migrations make."""
        options = {"compare_type": True, "autogenerate_plugins": AUTOGENERATE}
        context = MigrationContext.configure(connection, opts=options)
        for change in compare_metadata(context, SQLModel.metadata):
            what = change[0] if isinstance(change, tuple) else change[0][0]
            of = getattr(change[-1], "name", change[-1]) if isinstance(change, tuple) else change
            yield f"the tables are not as the migrations made them: {what} {of} would mend it"

    # -- the schema's version -------------------------------------------------------------------

    def require_current(self, *, write: bool = False) -> None:
        """Raise StoreError, in one line, unless the store is there and of this version.

        `write`: it has to be one that may be written.
        """
        self.dialect.before_use(write=write)
        found = self.revision()  # who writes would wait for others
        if found is None:
            raise StoreError(f"{self} is empty; `dateline migrate` or `dateline seed` fills it")
        if found != head():
            raise self._older(found)
        with self.read(patient=True) as connection:
            epoch = connection.execute(text("SELECT epoch FROM store")).scalar()
        if epoch and epoch.startswith(COPYING):
            way = "restore` begins" if epoch == RESTORING else "copy` goes on with"
            raise StoreError(f"{self} is not whole yet; the same `dateline {way} it")
        self._known = True

    def require_known(self) -> None:
        """As `require_current`, once, of a server; Problem `store-unavailable` without a path."""
        if self._known:
            return
        try:
            self.require_current()
        except StoreError as error:
            if str(error) != self.told:
                logger.warning("%s", error)
            self.told = str(error)
            raise unavailable(
                "The database is not ready to be served; the server's log tells why."
            ) from error
        if self.told:
            logger.warning("%s is there", self)

    def _older(self, found: str) -> StoreError:
        return StoreError(f"{self} has an older form ({found}); `dateline migrate` brings it up")

    def migrate(self, *, copy_first: bool = True, older: bool = True) -> None:
        """Bring an empty or `older` store to this version; StoreError for anything else.

        An older one is copied to a file beside it first.
        """
        self.dialect.before_use(create=True)
        with self._said_in_one_line(), self.dialect.migrating():
            self._migrate(copy_first, older)

    def _migrate(self, copy_first: bool, older: bool) -> None:
        engine = self.dialect.migrator()
        try:
            found = self._revision(engine.connect)
            if found is None:
                self.dialect.prepare(engine)
            elif found != head() and not older:
                raise self._older(found)
            elif found != head() and copy_first:
                self.dialect.backup(self._place_of_copy())
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["engine"] = engine
            config.attributes["astray"] = self.dialect.astray
            command.upgrade(config, "head")
        finally:
            engine.dispose()

    def _place_of_copy(self) -> Path:
        """A file beside the store that is not there; an attempt that failed has left its own."""
        places = (
            Path(f"{self.name}.before-{head()}{more}")
            for more in ("", *(f"-{n}" for n in range(2, 1000)))
        )
        return next(place for place in places if not place.exists())

    def revision(self) -> str | None:
        """Return the store's revision, None if it is empty. Raise StoreError if it is not ours."""
        return self._revision(self._patient.connect)

    def _revision(self, connect: Callable[[], AbstractContextManager[Connection]]) -> str | None:
        """The store's revision, None where it is empty; StoreError where it is not Dateline's."""
        with self._said_in_one_line(), connect() as connection:
            if unfit := self.dialect.unfit(connection):
                raise StoreError(f"{self} cannot hold a chronology: {unfit}")
            found = MigrationContext.configure(connection).get_current_heads()
            tables = inspect(connection).get_table_names()
        if not found:
            if tables:
                raise StoreError(f"{self} holds other tables; it is not a Dateline database")
            return None
        known = {script.revision for script in _scripts().walk_revisions()}
        if found[0] not in known:
            raise StoreError(
                f"{self} has a form that this Dateline does not know ({found[0]}); "
                "it was made by a newer version or is not a Dateline database"
            )
        return found[0]

    @contextmanager
    def _said_in_one_line(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            problem = self.dialect.problem(error)
            if problem is not None and problem.detail == FULL:
                raise FullError(f"{self}: the disk is full; make room, then try again") from error
            away = problem is not None and self.dialect.comes_back
            said = str(error.orig).split("\n")[0] if away or problem is None else problem.detail
            raise (AwayError if away else StoreError)(f"{self}: {said}") from error

    @property
    def name(self) -> str:
        """The store's file, or the name of its database."""
        return self.dialect.url.database or ""

    def __str__(self) -> str:
        url = self.dialect.url
        host = f"{url.host}:{url.port}" if url.port else url.host
        return url.database or "" if host is None else f"{host}/{url.database}"


class Memory:
    """What readers keep between requests, at most so many bytes: the longest unused goes first.

    What one filter has found goes before what all of them look at, but for a part that is its own.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._shelves = {True: Shelf(), False: Shelf()}  # whether it is what one filter has found
        self._lock = Lock()

    @property
    def size(self) -> int:
        """How many bytes it keeps."""
        return sum(shelf.size for shelf in self._shelves.values())

    def get(self, key: Hashable) -> Any:
        """What is kept under a key, None where nothing is."""
        with self._lock:
            return next((s.held[key][0] for s in self._shelves.values() if s.use(key)), None)

    def put(self, key: Hashable, value: Any, size: int, *, found: bool = False) -> None:
        """Keep a value of so many bytes, in the place of what the key stood for."""
        with self._lock:
            shelf = self._shelves[found]
            shelf.take(key)
            shelf.held[key] = value, size + ENTRY + weight(key)
            shelf.size += shelf.held[key][1]
            while self.size > self.limit:
                own = self._shelves[True].size <= self.limit // FOUND and self._shelves[False].held
                shelf = self._shelves[not own]
                shelf.take(next(iter(shelf.held)))


class Shelf:
    """Values with their sizes, the longest unused first."""

    def __init__(self) -> None:
        self.held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.size = 0

    def use(self, key: Hashable) -> bool:
        """Whether a value is here; it is the last used then."""
        if key not in self.held:
            return False
        self.held.move_to_end(key)
        return True

    def take(self, key: Hashable) -> None:
        """Take a value away, where it is here."""
        self.size -= self.held.pop(key, (None, 0))[1]


def weight(key: Hashable) -> int:
    """About how many bytes a key takes, with the parts of a tuple."""
    parts = key if isinstance(key, tuple) else ()
    return sys.getsizeof(key) + sum(map(weight, parts))


def head() -> str:
    """The newest revision this Dateline knows."""
    revision = _scripts().get_current_head()
    assert revision is not None
    return revision


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)
