"""`/events`: the chronology."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import Unchanged, collection, document_or_references
from app.api.documentation import A_LIST, ID, paging, reading_references
from app.api.routes import StrictRoute
from app.filters import EventQuery

router = APIRouter(
    prefix="/events", tags=["Events"], route_class=StrictRoute, dependencies=[Reader]
)


@router.get(
    "",
    summary="List events",
    dependencies=[Unchanged],
    response_model=schemas.EventPage | schemas.SparseEventPage,
    responses=paging("A page of events, in the order of `sort`."),
)
async def list_events(request: Request, asked: Annotated[EventQuery, Query()]) -> Response:
    """List the events that match every parameter, a page at a time.

    Different parameters must all match; a repeated one matches if any of its values does, and a
    value with `!` in front excludes. With `date`, each event also says how it matched: `certain` or
    `possible`. Follow `next` (or the `Link` header) until it is null: no unchanged event is skipped
    or repeated, whatever is written meanwhile.
    """
    return await collection(request, reads.page, asked)


@router.get(
    "/{id}",
    summary="Get an event",
    response_model=schemas.Event,
    responses=reading_references(A_LIST, "The event, with all it names.", "not-found", "gone"),
)
async def get_event(
    request: Request,
    event_id: Annotated[
        str,
        Path(
            alias="id",
            description="Id of an event.",
            examples=["serbia-azerbaijan-gas-contract"],
            json_schema_extra=ID,
        ),
    ],
) -> Response:
    """Return one event with its actors, places, quantities, relations and all sources.

    With `Accept: application/vnd.citationstyles.csl+json`, return its sources as CSL-JSON.
    """
    return await document_or_references(request, reads.event, event_id)
