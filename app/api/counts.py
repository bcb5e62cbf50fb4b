"""`/facets` and `/histogram`: how many events a filter finds, by value and by time."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import Unchanged, counts
from app.api.documentation import reading
from app.api.routes import StrictRoute
from app.filters import FacetQuery, HistogramQuery

router = APIRouter(tags=["Events"], route_class=StrictRoute, dependencies=[Reader, Unchanged])


@router.get(
    "/facets",
    summary="Count events by value",
    response_model=schemas.FacetCounts,
    responses=reading("Counts, the commonest value first."),
)
async def get_facets(request: Request, asked: Annotated[FacetQuery, Query()]) -> Response:
    """How many of the events that the filter finds bear each value of the dimensions in `by`.

    An event that bears several values counts for each of them; `total` counts it once.
    """
    return await counts(request, reads.facets, asked)


@router.get(
    "/histogram",
    summary="Count events by time",
    response_model=schemas.Histogram,
    responses=reading("Calendar spans in order, none left out."),
)
async def get_histogram(request: Request, asked: Annotated[HistogramQuery, Query()]) -> Response:
    """How many of the events that the filter finds fall into each calendar span.

    An event counts in every span that it may overlap: in `possible` wherever it may have taken
    place, in `certain` where it did in any case. With `date`, the spans that hold it; without, from
    the first to the last day that any of the events names. More than 5,000 spans are an error.

    An event whose date names no year (`XXXX`, `-XXXX`, `XXXX-12`, or both ends open) may have taken
    place at any time. It counts in `undated` alone, also with `date`, and stretches no range. So
    the list of one span finds as many events as its `possible` and `undated` together.

    A decade, a century and a millennium begin with a year that can be divided by 10, 100 or 1,000:
    the century from 2000 is 2000 to 2099, as the date `20XX` says it.
    """
    return await counts(request, reads.histogram, asked)
