"""`/facets` and `/histogram`: count the events of a filter, by value and by time."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import Unchanged, counts
from app.api.documentation import reading
from app.api.routes import StrictRoute
from app.filters import FacetQuery, HistogramQuery

router = APIRouter(tags=["Counts"], route_class=StrictRoute, dependencies=[Reader, Unchanged])


@router.get(
    "/facets",
    summary="Count events by value",
    response_model=schemas.FacetCounts,
    responses=reading("Counts, the most frequent value first."),
)
async def get_facets(request: Request, asked: Annotated[FacetQuery, Query()]) -> Response:
    """Count the filtered events for each value of the dimensions in `by`.

    An event with several values counts for each of them; `total` counts it once.
    """
    return await counts(request, reads.facets, asked)


@router.get(
    "/histogram",
    summary="Count events by time",
    response_model=schemas.Histogram,
    responses=reading("Calendar spans in order, without gaps."),
)
async def get_histogram(request: Request, asked: Annotated[HistogramQuery, Query()]) -> Response:
    """Count the filtered events in each calendar span.

    An event counts in every span that it may overlap: in `possible` if it may have taken place
    then, in `certain` if it did in any case. With `date`, the spans cover that date; without it,
    they run from the first to the last day of all events. More than 5,000 spans are an error.

    If the date of an event has no year (`XXXX`, `-XXXX`, `XXXX-12`, or both ends open), the event
    may have taken place at any time. It counts only in `undated`, also with `date`, and does not
    extend the range. So the list for one span has as many events as `possible` plus `undated`.

    A decade, a century and a millennium begin with a year divisible by 10, 100 or 1,000: the
    century from 2000 is 2000 to 2099, like the date `20XX`.
    """
    return await counts(request, reads.histogram, asked)
