"""`/changes`: the feed of all changes, in pages or as Server-Sent Events."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from app import reads, schemas
from app.api.access import RECHECK_SECONDS, TRANSIENT_PROBLEMS, KeyWatch, Reader
from app.api.answers import database, stretch, unchanged
from app.api.documentation import paging
from app.api.routes import StrictRoute
from app.errors import Problem
from app.filters import ChangesQuery

router = APIRouter(tags=["Changes"], route_class=StrictRoute, dependencies=[Reader])

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 15.0
ANSWERS = paging("A page of the feed, the oldest change first.")
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
            description="Like `after`; browsers send it when they reconnect to a stream.",
        ),
    ] = None,
) -> Response:
    """List every creation, change and deletion of an event, in the order of commits.

    None is left out. Pass the `cursor` of the last change you have seen as `after`. With `Accept:
    text/event-stream`, changes arrive as they happen, each with its cursor as `id`.
    """
    if last_event_id:
        asked = asked.model_copy(update={"after": last_event_id})
    if EVENT_STREAM not in request.headers.get("accept", ""):
        await unchanged(request)  # not for a stream, which has no tag
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
    """Yield changes as they happen, and heartbeats, until the server stops.

    End also when the client's key ends, or the store is replaced.
    """
    store, key_watch = database(request), KeyWatch(request)
    yield b"retry: 2000\n\n"
    while not request.app.state.stopping.is_set():
        if items:
            yield b"".join(map(_event, items))
        quiet = False
        try:
            quiet = not items and await _is_quiet(changed, key_watch)
            changed = store.changed.next
            await key_watch.check()
            after, items = await store.run_read(reads.changes_after, asked)
            asked = asked.model_copy(update={"after": after})
        except Problem as problem:
            # A browser reconnects after a stream has ended, but not after an error.
            if problem.code not in TRANSIENT_PROBLEMS:
                return
            items = ()
        if quiet:
            yield b": still here\n\n"


async def _is_quiet(changed: anyio.Event, key_watch: KeyWatch) -> bool:
    """Wait for a change. Return True if there was none for HEARTBEAT_SECONDS.

    Raise Problem `unauthorized` as soon as the client's key ends.
    """
    with anyio.move_on_after(HEARTBEAT_SECONDS) as waiting:
        while not changed.is_set():
            with anyio.move_on_after(RECHECK_SECONDS):
                await changed.wait()
            await key_watch.check()
    return waiting.cancelled_caught


def _event(item: bytes) -> bytes:
    cursor: str = json.loads(item)["cursor"]
    return b"id: %b\nevent: change\ndata: %b\n\n" % (cursor.encode(), item)
