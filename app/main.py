"""The application, built from its settings: no globals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event, Thread

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from sqlalchemy.exc import DBAPIError

from app import errors, reads
from app.api import (
    answers,
    audit,
    changes,
    citations,
    counts,
    documentation,
    events,
    files,
    metrics,
    middleware,
    operations,
    records,
    reference,
    vocabulary,
)
from app.api.prefix import Prefix
from app.db import Database
from app.errors import Problem
from app.settings import Settings
from app.web import assets, embedding, pages

AGAIN_SECONDS = 2.0  # after the store was not there


def create_app(settings: Settings) -> FastAPI:
    """The server's application over the store that `settings` name; StoreError where it is none."""
    database = Database(settings)

    ended = Event()

    def stop() -> None:
        """Have streams end; the server calls it when it begins to stop."""
        app.state.stopping.set()
        database.changed.send()

    def warm() -> None:
        """Read what filters look at, beside the first requests, as soon as the store is there."""
        while not ended.is_set():
            try:
                database.require_known()
                with database.read(patient=True) as connection:
                    reads.warm(connection, lambda: not ended.is_set())
                return
            except (Problem, DBAPIError) as error:
                if isinstance(error, DBAPIError) or not database.dialect.comes_back:
                    return  # whoever asks is told
            ended.wait(AGAIN_SECONDS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        beside = [Thread(target=warm), Thread(target=database.listen, args=(loop, ended))]
        for thread in beside:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in beside:
                await asyncio.to_thread(thread.join)  # it may yet tell the loop something
            database.close()

    app = FastAPIOffline(
        docs_url=None,  # its own: `api/reference`
        redoc_url=None,
        title="Dateline",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.stopping = asyncio.Event()
    app.state.stop = stop
    of_events = (events, counts, vocabulary, records, citations, changes, audit, files)
    for room in (*of_events, operations, metrics, reference, embedding, pages, assets):
        app.router.routes += room.router.routes  # included, each would be looked for twice
    errors.install(app)
    answers.install(app)
    pages.install(app)
    metrics.install(app, database)
    middleware.install(app, private=not settings.public_reads)
    app.add_middleware(Prefix, prefix=settings.prefix)
    documentation.install(app)
    return app
