"""`/chronology`: the title of the chronology, and what else it says of itself."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app import reads, schemas, writes
from app.api.access import Author, Reader
from app.api.answers import Unchanged, collection, database, document
from app.api.bodies import PATCH_TYPES, read_document
from app.api.documentation import OF_BODIES, paging, reading, sending, writing
from app.api.records import IfMatch, IfMatchOfPut, VersionInPath, answer_write, condition_of
from app.api.routes import StrictRoute
from app.filters import RevisionsQuery

router = APIRouter(tags=["Chronology"], route_class=StrictRoute)
STALE_STATES = ("precondition-failed", "precondition-required")


@router.get(
    "/chronology",
    summary="Get the chronology itself",
    dependencies=[Reader],
    response_model=schemas.Chronology,
    responses=reading("What it says of itself."),
)
async def get_chronology(request: Request) -> Response:
    """Return its title, subtitle, a few lines about it, its language, licence and contact.

    Pages, feeds, calendars, linked data and embedded timelines show them. Until one is stored,
    its title is "Chronology".
    """
    return await document(request, reads.chronology)


@router.put(
    "/chronology",
    summary="Replace the chronology's description",
    response_model=schemas.Chronology,
    responses=writing(200, "The chronology as it is now.", *STALE_STATES, *OF_BODIES),
    openapi_extra=sending(schemas.ChronologyWrite),
)
async def put_chronology(request: Request, by: Author, if_match: IfMatchOfPut = None) -> Response:
    """Store the whole description; members that you leave out are removed. Events do not change.

    The first time no `If-Match` is needed.
    """
    _, raw = await read_document(request)
    answer = await database(request).run_write(
        writes.put_chronology, by, raw, condition_of(if_match)
    )
    return answer_write(request, answer)


@router.patch(
    "/chronology",
    summary="Change the chronology's description",
    response_model=schemas.Chronology,
    responses=writing(200, "The chronology as it is now.", *STALE_STATES, *OF_BODIES),
    openapi_extra=sending(schemas.ChronologyWrite, patch=True),
)
async def patch_chronology(request: Request, by: Author, if_match: IfMatch = None) -> Response:
    """Change the members that a JSON Merge Patch (RFC 7396) names; null removes one.

    The first time no `If-Match` is needed.
    """
    _, raw = await read_document(request, PATCH_TYPES)
    answer = await database(request).run_write(
        writes.patch_chronology, by, raw, condition_of(if_match)
    )
    return answer_write(request, answer)


@router.get(
    "/chronology/revisions",
    summary="List the revisions of the chronology's description",
    dependencies=[Reader, Unchanged],
    response_model=schemas.RevisionPage,
    responses=paging("A page of revisions."),
)
async def list_chronology_revisions(
    request: Request, query: Annotated[RevisionsQuery, Query()]
) -> Response:
    """Return what was changed, by whom, when and why, the last first."""
    return await collection(request, reads.chronology_revisions, query)


@router.get(
    "/chronology/revisions/{version}",
    summary="Get a revision of the chronology's description",
    dependencies=[Reader],
    response_model=schemas.ChronologyRevision,
    responses=reading("The revision.", "not-found"),
)
async def get_chronology_revision(
    request: Request,
    version: VersionInPath,
) -> Response:
    """Return what was changed, and the whole description as it was then."""
    return await document(request, reads.chronology_revision, version)


@router.post(
    "/chronology/revisions/{version}/restore",
    summary="Restore a revision of the chronology's description",
    response_model=schemas.Chronology,
    responses=writing(
        200, "The chronology as it is now.", "not-found", "invalid-body", *STALE_STATES
    ),
)
async def restore_chronology_revision(
    request: Request, by: Author, version: VersionInPath, if_match: IfMatch = None
) -> Response:
    """Store the description as it was in an earlier version as the next one.

    `If-Match` must be the ETag of the version that you have read.
    """
    answer = await database(request).run_write(
        writes.restore_chronology, by, version, condition_of(if_match)
    )
    return answer_write(request, answer)
