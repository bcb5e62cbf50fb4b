"""`/changes`: the feed of all changes, by the page or as Server-Sent Events."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from app import reads, schemas
from app.api.access import STANDING_SECONDS, TRANSIENT, Reader, Standing
from app.api.answers import database, stretch, unchanged
from app.api.documentation import paging
from app.api.routes import StrictRoute
from app.errors import Problem
from app.filters import ChangesQuery

router = APIRouter(tags=["Events"], route_class=StrictRoute, dependencies=[Reader])

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 15.0
ANSWERS = paging("A stretch of the feed, the oldest change first.")
STREAM = {
    "schema": {"type": "string"},
    "example": 'id: WyJhYmMi\nevent: change\ndata: {"op": "update", "id": "…"}\n\n',
}


@router.get(
    "/changes",
    summary="Follow changes",
    response_model=schemas.ChangePage,
    responses={**ANSWERS, 200: {**ANSWERS[200], "content": {EVENT_STREAM: STREAM}}},
)
async def list_changes(
    request: Request,
    asked: Annotated[ChangesQuery, Query()],
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="As `after`; browsers send it when they connect to a stream again.",
        ),
    ] = None,
) -> Response:
    """Every creation, change and deletion of an event in the order of commits, none left out.

    Ask `after` the `cursor` of the last change that you have seen. With `Accept:
    text/event-stream`, changes come as they happen, each with its cursor as `id`.
    """
    if last_event_id:
        asked = asked.model_copy(update={"after": last_event_id})
    if EVENT_STREAM not in request.headers.get("accept", ""):
        await unchanged(request)  # not before: a stream has no tag
        return await stretch(request, "after", reads.changes, asked)
    changed = database(request).changed.next
    after, items = await database(request).run_read(reads.changes_after, asked)
    asked = asked.model_copy(update={"after": after})
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    following = _follow(request, asked, items, changed)
    return StreamingResponse(following, 200, headers, EVENT_STREAM)


async def _follow(
    request: Request, asked: ChangesQuery, items: Sequence[bytes], changed: anyio.Event
) -> AsyncIterator[bytes]:
    """Give changes as they happen, and a heartbeat if none do, until the server stops.

    It ends too when the key of its client ends, or the store has become another.
    """
    store, standing = database(request), Standing(request)
    yield b"retry: 2000\n\n"
    while not request.app.state.stopping.is_set():
        if items:
            yield b"".join(map(_event, items))
        quiet = False
        try:
            quiet = not items and await _is_quiet(changed, standing)
            changed = store.changed.next
            await standing.check()
            after, items = await store.run_read(reads.changes_after, asked)
            asked = asked.model_copy(update={"after": after})
        except Problem as problem:
            # A browser comes back when a stream ends, but not after an answer that is no 200.
            if problem.code not in TRANSIENT:
                return
            items = ()
        if quiet:
            yield b": still here\n\n"


async def _is_quiet(changed: anyio.Event, standing: Standing) -> bool:
    """Wait for a change; return whether none came for HEARTBEAT_SECONDS.

    Raise Problem `unauthorized` as soon as the client's key ends.
    """
    with anyio.move_on_after(HEARTBEAT_SECONDS) as waiting:
        while not changed.is_set():
            with anyio.move_on_after(STANDING_SECONDS):
                await changed.wait()
            await standing.check()
    return waiting.cancelled_caught


def _event(item: bytes) -> bytes:
    cursor: str = json.loads(item)["cursor"]
    return b"id: %b\nevent: change\ndata: %b\n\n" % (cursor.encode(), item)
