"""`/events/{id}/sources`: add one source to an event, or remove one."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlmodel import Session

from app import schemas, writes
from app.api.access import Author
from app.api.answers import database
from app.api.bodies import read_document
from app.api.documentation import ID, OF_BODIES, sending, writing
from app.api.records import (
    CONDITIONAL,
    MAX_VERSION,
    NOUNS,
    IdempotencyKey,
    IfMatch,
    answer_post,
    answer_write,
    condition_of,
)
from app.api.routes import StrictRoute

router = APIRouter(prefix="/events/{id}/sources", tags=["Events"], route_class=StrictRoute)
EventId = Annotated[
    str,
    Path(
        alias="id",
        description="Id of an event.",
        examples=[NOUNS[0].example],
        json_schema_extra=ID,
    ),
]
CITED_EVENT = "The event as it is now, with all its sources."


@router.post(
    "",
    name="add_source",
    summary="Add a source to an event",
    response_model=schemas.Event,
    responses=writing(
        200, CITED_EVENT, "not-found", "gone", "key-reused", *CONDITIONAL, *OF_BODIES
    ),
    openapi_extra=sending(schemas.SourceReference),
)
async def add_source(
    request: Request,
    by: Author,
    event_id: EventId,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
) -> Response:
    """Cite one more source, after the others, which stay as they are.

    The body is one entry of `sources`: the source's `id` or its own fields, with `role`, `claims`,
    `quote`, `locator` and `note`. A source may be cited several times, but not with the same text.
    `If-Match` must be the ETag of the event that you have read.
    """
    condition = condition_of(if_match)
    body, entry = await read_document(request)

    def work(session: Session) -> writes.WriteAnswer:
        return writes.add_source(session, by, event_id, entry, condition).answer

    return await answer_post(request, by, key, body, work)


@router.delete(
    "/{n}",
    name="remove_source",
    summary="Remove a source from an event",
    response_model=schemas.Event,
    responses=writing(200, CITED_EVENT, "not-found", "gone", *CONDITIONAL),
)
async def remove_source(
    request: Request,
    by: Author,
    event_id: EventId,
    number: Annotated[
        int,
        Path(
            alias="n",
            description="Index of the source in the event's `sources`, from 0.",
            ge=0,
            le=MAX_VERSION,
            examples=[1],
        ),
    ],
    if_match: IfMatch = None,
) -> Response:
    """Remove one citation; the later ones move up. The source itself stays in `/sources`.

    The last source that supports the event cannot be removed. `If-Match` must be the ETag of the
    event that you have read, so that `n` means the source you have seen.
    """
    condition = condition_of(if_match)
    work = writes.remove_source
    result = await database(request).run_write(work, by, event_id, number, condition)
    return answer_write(request, result.answer)
