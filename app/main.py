"""The application, built from its settings: no globals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Event, Thread

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from sqlalchemy.exc import DBAPIError

from app import errors, reads
from app.api import (
    answers,
    audit,
    changes,
    counts,
    documentation,
    events,
    files,
    middleware,
    operations,
    records,
    vocabulary,
)
from app.api.access import Limiter
from app.db import Database
from app.errors import Problem
from app.settings import Settings
from app.web import assets, embedding, pages


def create_app(settings: Settings) -> FastAPI:
    """The server's application over the store that `settings` name; StoreError where it is none."""
    database = Database(settings)

    ended = Event()

    def warm() -> None:
        """Read what filters look at, beside the first requests; these tell where that fails."""
        with suppress(Problem, DBAPIError), database.read(patient=True) as connection:
            reads.warm(connection, lambda: not ended.is_set())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = Thread(target=warm)
        warming.start()
        yield
        ended.set()
        warming.join()
        database.close()

    app = FastAPIOffline(
        redoc_url=None,
        title="Dateline",
        lifespan=lifespan,
        redirect_slashes=False,
        swagger_ui_parameters={"tryItOutEnabled": True, "docExpansion": "list"},
    )
    app.state.settings = settings
    app.state.database = database
    app.state.limiter = Limiter()
    app.state.stopping = asyncio.Event()  # set by the server when it begins to end
    of_the_api = (events, counts, vocabulary, records, changes, audit, files, operations)
    for room in (*of_the_api, embedding, pages, assets):
        app.router.routes += room.router.routes  # included, each would be looked for twice
    errors.install(app)
    answers.install(app)
    pages.install(app)
    middleware.install(app)
    documentation.install(app)
    return app
