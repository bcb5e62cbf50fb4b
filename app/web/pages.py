"""`/` and `/embed`: the timeline as a page of its own, and as one for a frame."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from app.api.access import Reader
from app.api.answers import Unchanged, absolute, of_this_state
from app.api.elsewhere import nearest_path
from app.api.heads import prefers
from app.api.routes import StrictRoute, check_encoding
from app.errors import (
    KINDS,
    MEDIA_TYPE,
    Fault,
    Problem,
    from_http,
    from_validation,
    mask_keys,
    refuse,
    root,
)
from app.formats import FORMATS
from app.formats.html import templates
from app.web import embedding
from app.web.asked import EmbedQuery, PageQuery, Pairs, cleaned
from app.web.assets import ASSETS
from app.web.links import EMBEDDED, WHOLE, Links, address
from app.web.view import FACETS, MOST_VALUES, View, look

HTML = "text/html; charset=utf-8"
NAMES = {
    "csv": "Spreadsheet (CSV)",
    "ics": "Calendar",
    "atom": "Feed (Atom)",
    "jsonfeed": "JSON Feed",
    "geojson": "Map (GeoJSON)",
    "ndjson": "Everything (NDJSON)",
    "timelinejs": "TimelineJS",
    "jsonld": "Linked data (JSON-LD)",
    "html": "Document (HTML)",
}
ORDERS = {
    "date": "Oldest first",
    "-date": "Newest first",
    "updated": "First edited first",
    "-updated": "Last edited first",
    "relevance": "Most relevant first",
}
PAGES = templates(Path(__file__).parent / "templates")
PAGES.globals |= {
    "assets": ASSETS,
    "facet_names": FACETS,
    "formats": FORMATS,
    "most_values": MOST_VALUES,
    "names": NAMES,
    "orders": ORDERS,
    "up": "",  # to the folder of the page, where an error stands in another
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {}"
)


class PageRoute(StrictRoute):
    """A route for people: forgives what forms and mailings add, and shows errors as pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def forgiving(request: Request) -> Response:
            given = request.query_params.multi_items()
            kept = cleaned(given)
            try:
                check_encoding(request)
                if kept != given:
                    page = EMBEDDED if self.path == "/embed" else WHOLE
                    return RedirectResponse(address(page, kept), 303, {"Cache-Control": "no-store"})
                return await handle(request)
            except RequestValidationError as error:
                return _refused(request, refuse(*from_validation(error.errors())))
            except Problem as problem:
                return _refused(request, problem)

        return forgiving


router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Reader, Unchanged])


@router.get("/")
async def timeline(request: Request, asked: Annotated[PageQuery, Query()]) -> Response:
    """The timeline with its filters, and the event that is open."""
    return await _page(request, "timeline.html", WHOLE, asked)


@router.get("/embed")
async def embedded(request: Request, asked: Annotated[EmbedQuery, Query()]) -> Response:
    """The bare timeline, to be shown in a frame."""
    return await _page(request, "embed.html", EMBEDDED, asked)


async def _page(request: Request, template: str, page: str, asked: PageQuery) -> Response:
    def render(view: View, headers: dict[str, str]) -> bytes:
        headers |= policy(request, page)
        links = Links(page, asked, view.label)
        told = {"asked": asked, "view": view, "links": links, **_about(request)}
        return PAGES.get_template(template).render(told, **_elsewhere(request, links)).encode()

    return await of_this_state(request, render, HTML, look, asked, form=page == WHOLE)


def _about(request: Request) -> dict[str, Any]:
    """What every page says of the chronology."""
    return {"title": request.app.state.settings.title}


def _elsewhere(request: Request, links: Links) -> dict[str, str]:
    """How a page is shown on other sites, and the events in a calendar."""
    script = absolute(request, "/embed.js")
    address = absolute(request, f"/{links.embedded()}")
    code = embedding.component(script, address, request.app.state.settings.title)
    return {
        "embed_code": code,
        "oembed": embedding.discovery(request, links.state),
        "calendar": absolute(request, f"/{links.export('ics')}"),
    }


def policy(request: Request, page: str) -> dict[str, str]:
    """The headers that keep a page to itself: nothing inline, nothing from elsewhere."""
    embedding = request.app.state.settings.frame_ancestors if page == EMBEDDED else "'self'"
    return {
        "Content-Security-Policy": POLICY.format(embedding),
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }


def _refused(request: Request, problem: Problem) -> Response:
    """An error as a page for people, and as problem+json for whoever does not ask for HTML."""
    if not prefers(",".join(request.headers.getlist("accept")), "text/html", MEDIA_TYPE):
        problem.headers = {**problem.headers, "Vary": "Accept"}
        raise problem
    page = EMBEDDED if request.url.path.endswith("/embed") else WHOLE
    up = "../" * (request.url.path.removeprefix(root(request)).count("/") - 1)
    given = request.query_params.multi_items()
    remedies = [(fault, address(page, _mended(given, fault))) for fault in problem.faults]
    told = {
        "problem": problem,
        "kind": KINDS[problem.code],
        "remedies": remedies,
        "page": up + page,
    }
    body = PAGES.get_template("problem.html").render({**told, **_about(request), "up": up})
    headers = {"Cache-Control": "no-store", "Vary": "Accept", **policy(request, page)}
    return Response(
        mask_keys(body), KINDS[problem.code].status, {**headers, **problem.headers}, media_type=HTML
    )


def install(app: FastAPI) -> None:
    """Show an error as a page, too, where there is none of that name."""

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        missing = from_http(request, error)
        if near := nearest_path(request):
            missing.detail += f" Did you mean {near}?"
        try:
            return _refused(request, missing)
        except Problem as problem:
            return problem.response(root(request))

    app.add_exception_handler(404, nowhere)


def _mended(given: Pairs, fault: Fault) -> Pairs:
    """The query with what was meant: the parameter or the value that is suggested, else without."""
    # An event that is not there is told as one of its own path.
    name, meant = "event" if fault.where == "path" else fault.name, fault.suggestion
    if meant is None:
        return [pair for pair in given if pair[0] != name]
    if name not in EmbedQuery.model_fields:
        return [(meant if pair[0] == name else pair[0], pair[1]) for pair in given]
    return [*(pair for pair in given if pair[0] != name), (name, meant)]
