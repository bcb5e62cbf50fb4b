"""The least that FastAPI can do: the same declared parameters, then a constant answer.

The parameters bear the types that FastAPI reads by itself, without Dateline's own checks, so that
nothing of what Dateline does is taken for unavoidable. Answers are those that Dateline gave once.
"""

import os
import pickle
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path as File
from typing import Annotated, Any, NamedTuple

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, create_model

from app.filters import EventQuery, ExportQuery, FacetQuery, HistogramQuery, VocabularyQuery

LINES = 200  # of an export are sent at a time, as Dateline does


class Answer(NamedTuple):
    """What Dateline answered to one request."""

    status: int
    headers: dict[str, str]
    body: bytes


STORED: dict[str, Answer] = {
    key: Answer(*parts)
    for key, parts in pickle.loads(File(os.environ["FLOOR_ANSWERS"]).read_bytes()).items()
}


def plain(model: type[BaseModel]) -> type[BaseModel]:
    """A model's parameters by name, as lists, numbers and texts."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        repeated = getattr(field.annotation, "__origin__", None) is list
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        own = type(default) if isinstance(default, int) else str | None  # a bool is an int
        fields[name] = (list[str] if repeated else own, [] if repeated else default)
    made: type[BaseModel] = create_model(
        f"Plain{model.__name__}", __config__=ConfigDict(extra="forbid"), **fields
    )
    return made


Events: Any = plain(EventQuery)
Facets: Any = plain(FacetQuery)
Histogram: Any = plain(HistogramQuery)
Vocabulary: Any = plain(VocabularyQuery)
Export: Any = plain(ExportQuery)

app = FastAPI()


def key_of(request: Request) -> str:
    """The key that the answer to a request is stored under."""
    query = request.scope["query_string"].decode()
    return f"GET {request.scope['path']}{'?' if query else ''}{query} "


def constant(request: Request) -> Response:
    """The stored answer to this request; 304 where the client has it."""
    key = key_of(request)
    answer = STORED[key]
    if request.headers.get("if-none-match") == answer.headers.get("etag", ""):
        return Response(None, 304, STORED[f"{key}304"].headers)
    return Response(answer.body, answer.status, answer.headers)


@app.get("/events")
async def events(request: Request, asked: Annotated[Events, Query()]) -> Response:
    """A page."""
    return constant(request)


@app.get("/events.ndjson")
async def export(request: Request, asked: Annotated[Export, Query()]) -> Response:
    """An export, streamed."""
    key = key_of(request)

    async def streamed() -> AsyncIterator[bytes]:
        for chunk in chunks(key):
            yield chunk

    return StreamingResponse(streamed(), headers=STORED[key].headers)


@cache
def chunks(key: str) -> list[bytes]:
    """The stored answer in pieces."""
    lines = STORED[key].body.splitlines(keepends=True)
    return [b"".join(lines[start : start + LINES]) for start in range(0, len(lines), LINES)]


@app.get("/events/{id}")
async def event(request: Request, id: Annotated[str, Path()]) -> Response:
    """One event."""
    return constant(request)


@app.get("/facets")
async def facets(request: Request, asked: Annotated[Facets, Query()]) -> Response:
    """Counts by value."""
    return constant(request)


@app.get("/histogram")
async def histogram(request: Request, asked: Annotated[Histogram, Query()]) -> Response:
    """Counts by time."""
    return constant(request)


@app.get("/sources")
async def sources(request: Request, asked: Annotated[Vocabulary, Query()]) -> Response:
    """A vocabulary."""
    return constant(request)
