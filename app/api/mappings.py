"""`/mappings`: the mappings of tables that an import has stored."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app import reads, schemas, writes
from app.api.access import Reader, Writer
from app.api.answers import database, document
from app.api.documentation import reading, writing
from app.api.routes import StrictRoute

router = APIRouter(prefix="/mappings", tags=["Files"], route_class=StrictRoute)
MappingName = Annotated[
    str,
    Path(
        description="Name of a mapping, as `save_mapping` gave it.",
        examples=["incidents"],
        json_schema_extra={"pattern": schemas.SLUG, "maxLength": schemas.MAX_ID_CHARACTERS},
    ),
]


@router.get(
    "",
    summary="List stored mappings",
    dependencies=[Reader],
    response_model=schemas.MappingPage,
    responses=reading("All mappings, by name."),
)
async def list_mappings(request: Request) -> Response:
    """List the mappings that imports have stored with `save_mapping`: who stored them, and when."""
    return await document(request, reads.mappings)


@router.get(
    "/{name}",
    summary="Get a stored mapping",
    dependencies=[Reader],
    response_model=schemas.StoredMapping,
    responses=reading("The mapping.", "not-found"),
)
async def get_mapping(request: Request, name: MappingName) -> Response:
    """Return a mapping, to use, or to edit and send as `mapping` of an import."""
    return await document(request, reads.mapping, name)


@router.delete(
    "/{name}",
    summary="Delete a stored mapping",
    status_code=204,
    responses=writing(204, "Deleted.", "not-found"),
)
async def delete_mapping(request: Request, by: Writer, name: MappingName) -> Response:
    """Delete a mapping. What was imported with it stays."""
    await database(request).run_write(writes.delete_mapping, name)
    return Response(status_code=204)
