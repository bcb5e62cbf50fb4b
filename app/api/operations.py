"""`/healthz`, `/readyz` and `/problems`."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from app import schemas
from app.api.answers import database
from app.api.documentation import errors
from app.api.routes import StrictRoute
from app.errors import PROBLEM_TYPES, Problem
from app.suggestions import nearest

router = APIRouter(tags=["Operations"], route_class=StrictRoute)


@router.get("/healthz", summary="Is the process alive?", responses=errors())
async def healthz() -> schemas.Health:
    """Answer 200 as long as the process runs; touch nothing else."""
    return schemas.Health(status="ok")


@router.get("/readyz", summary="Can it serve?", responses=errors("store-unavailable"))
async def readyz(request: Request) -> schemas.Health:
    """Answer 200 if the store can be read, otherwise 503: for load balancers."""
    await database(request).probe()
    return schemas.Health(status="ready")


@router.get("/problems", summary="List kinds of problem", responses=errors())
async def list_problems() -> list[schemas.ProblemKind]:
    """List every kind of error of this API; the `type` of an error ends in its `code`."""
    return [schemas.ProblemKind(code=code, **vars(kind)) for code, kind in PROBLEM_TYPES.items()]


@router.get(
    "/problems/{code}",
    summary="Explain a kind of problem",
    responses=errors("not-found"),
)
async def get_problem(
    code: Annotated[
        str,
        Path(
            description="Code of a problem.",
            examples=["invalid-parameters"],
            json_schema_extra={"enum": list(PROBLEM_TYPES)},
        ),
    ],
) -> schemas.ProblemKind:
    """Explain an error and what a client can do about it."""
    if code not in PROBLEM_TYPES:
        hint = nearest(code, PROBLEM_TYPES)
        raise Problem("not-found", f"There is no such problem{f'; {hint}?' if hint else ''}.")
    return schemas.ProblemKind(code=code, **vars(PROBLEM_TYPES[code]))
