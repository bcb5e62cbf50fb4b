"""`/audit`: findings about the data."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import Unchanged, stretch
from app.api.documentation import paging
from app.api.routes import StrictRoute
from app.filters import AuditQuery

router = APIRouter(tags=["Events"], route_class=StrictRoute, dependencies=[Reader])


@router.get(
    "/audit",
    summary="Audit events",
    dependencies=[Unchanged],
    response_model=schemas.FindingPage,
    responses=paging("A page of findings, in timeline order."),
)
async def list_findings(request: Request, asked: Annotated[AuditQuery, Query()]) -> Response:
    """What should be looked at again in the events that the filter finds.

    An act that is later than all of its sources; a source that was published after it was read, or
    in the future; no known publisher, or a single one, among the sources that support an event; a
    plan whose time is past. Every page except the last is full.
    """
    return await stretch(request, "cursor", reads.audit, asked)
