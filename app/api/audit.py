"""`/audit`: findings about the data."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import Unchanged, stretch
from app.api.documentation import paging
from app.api.routes import StrictRoute
from app.filters import AuditQuery

router = APIRouter(tags=["Changes"], route_class=StrictRoute, dependencies=[Reader])


@router.get(
    "/audit",
    summary="Audit events",
    dependencies=[Unchanged],
    response_model=schemas.FindingPage,
    responses=paging("A page of findings, in timeline order."),
)
async def list_findings(request: Request, asked: Annotated[AuditQuery, Query()]) -> Response:
    """Find problems to check in the filtered events.

    An event is later than all of its sources; a source was published after it was accessed, or
    in the future; an event is supported by sources of no known publisher, or of only one; a plan is
    overdue. Every page except the last is full.
    """
    return await stretch(request, "cursor", reads.audit, asked)
