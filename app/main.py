"""The application, built from its settings: no globals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event, Thread

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from sqlalchemy.exc import DBAPIError

from app import reads
from app.api import (
    answers,
    audit,
    changes,
    chronology,
    citations,
    counts,
    discovery,
    documentation,
    events,
    files,
    guides,
    mappings,
    metrics,
    middleware,
    operations,
    problems,
    records,
    reference,
    vocabulary,
)
from app.api.prefix import Prefix
from app.api.telemetry import configure_telemetry
from app.api.tracing import TraceRequests
from app.errors import Problem
from app.settings import Settings
from app.store import Database
from app.waiting import Limiter
from app.web import assets, embedding, pages

RETRY_SECONDS = 2.0  # while the store is not available
MAX_WAITING_BODIES = 100


def create_app(settings: Settings) -> FastAPI:
    """Return the application over the store that `settings` name.

    Raise StoreError if its address is not one of a store, and OperatorError if OpenTelemetry is
    wanted but not installed.
    """
    database = Database(settings)

    ended = Event()

    def stop() -> None:
        """End all streams; the server calls this when it begins to stop."""
        app.state.stopping.set()
        database.changed.send()

    def warm() -> None:
        """Fill the caches of filters as soon as the store is available."""
        while not ended.is_set():
            try:
                database.schema.require_ready()
                with database.read(patient=True) as connection:
                    reads.warm(connection, lambda: not ended.is_set())
                return
            except (Problem, DBAPIError) as error:
                if isinstance(error, DBAPIError) or not database.dialect.comes_back:
                    return  # requests will report it
            ended.wait(RETRY_SECONDS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        threads = [Thread(target=warm), Thread(target=database.listen, args=(loop, ended))]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                await asyncio.to_thread(thread.join)  # it may still call the loop
            database.close()

    app = FastAPIOffline(
        docs_url=None,  # `api/reference` has its own
        redoc_url=None,
        title="Dateline",
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=configure_telemetry(),
    )
    app.state.settings = settings
    app.state.database = database
    app.state.stopping = asyncio.Event()
    app.state.stop = stop
    rooms = (
        chronology,
        events,
        counts,
        vocabulary,
        records,
        citations,
        changes,
        audit,
        files,
        mappings,
    )
    for room in (*rooms, operations, metrics, reference, guides, embedding, pages, assets):
        app.router.routes += room.router.routes  # include_router would match each path twice
    app.state.parsing = Limiter("large bodies", 1, MAX_WAITING_BODIES)
    problems.install(app)
    answers.install(app)
    pages.install(app)
    metrics.install(app, database)
    middleware.install(app, private=not settings.public_reads)
    app.add_middleware(Prefix, prefix=settings.prefix)
    app.add_middleware(TraceRequests, access_log=settings.log_format == "json")
    documentation.install(app)
    discovery.install(app)
    return app
