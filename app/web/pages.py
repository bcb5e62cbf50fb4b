"""`/` and `/embed`: the timeline as a whole page and as one for a frame."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from jinja2 import Environment
from starlette.exceptions import HTTPException

from app import reads
from app.api.access import Reader
from app.api.answers import Unchanged, absolute, of_this_state, vary_by
from app.api.discovery import description_links
from app.api.elsewhere import nearest_path
from app.api.heads import order_by_weight, prefers
from app.api.problems import answer_problem, from_http, root_path
from app.api.routes import StrictRoute, check_encoding
from app.errors import (
    MEDIA_TYPE,
    PROBLEM_TYPES,
    Fault,
    Problem,
    from_validation,
    refuse,
)
from app.filters.query import REPEATED_FACETS
from app.formats import FORMATS
from app.formats.html import load_templates
from app.languages import (
    ENGLISH,
    LANGUAGES,
    MAX_LANGUAGE_RANGES,
    Language,
    choose_language,
    find_language,
    mark,
)
from app.masking import mask_keys, mask_pair
from app.web import embedding
from app.web.assets import ASSETS
from app.web.links import EMBEDDED, WHOLE, Links, relative_url
from app.web.marks import LEGEND, draw_svg
from app.web.overview import Overview
from app.web.present import Presentation, read_presentation
from app.web.preview import draw_preview
from app.web.query import LANES, EmbedQuery, PageQuery, QueryPairs, clean_pairs
from app.web.sources import count_publishers, summarize_sources
from app.web.view import (
    FACET_HEADINGS,
    MAX_FACET_VALUES,
    PARAMETER_NAMES,
    VALUE_WORDS,
    View,
    read_overview,
    read_view,
    several_chosen,
)

HTML = "text/html; charset=utf-8"
ORDER_NAMES = {
    "date": mark("Oldest first"),
    "-date": mark("Newest first"),
    "updated": mark("First edited first"),
    "-updated": mark("Last edited first"),
    "relevance": mark("Most relevant first"),
}
REVISION_WORDS = {
    "create": mark("created by {author}, {date}"),
    "update": mark("updated by {author}, {date}"),
    "delete": mark("deleted by {author}, {date}"),
    "restore": mark("restored by {author}, {date}"),
}
TEMPLATE_GLOBALS = {
    "assets": ASSETS,
    "facet_names": FACET_HEADINGS,
    "formats": FORMATS,
    "languages": LANGUAGES,
    "max_facet_values": MAX_FACET_VALUES,
    "order_names": ORDER_NAMES,
    "parameter_names": PARAMETER_NAMES,
    "revision_words": REVISION_WORDS,
    "value_words": VALUE_WORDS,
    "repeated_facets": REPEATED_FACETS,
    "several_chosen": several_chosen,
    "summarize_sources": summarize_sources,
    "draw_svg": draw_svg,
    "lane_names": {name: FACET_HEADINGS[name] for name in LANES},
    "legend": LEGEND,
    "up": "",  # the way to the page's folder, if an error is shown in another
}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {};"
    " connect-src 'self'; frame-src 'self'; form-action 'self';"
    " base-uri 'none'"
)


@cache
def load_pages(language: Language) -> Environment:
    """Return the templates of the pages in a language."""
    pages = load_templates(language, Path(__file__).parent / "templates")
    pages.filters["publisher_count"] = count_publishers
    pages.globals |= TEMPLATE_GLOBALS
    return pages


def _asked_language(request: Request) -> Language | None:
    """Return the language that the address asks for, else that of the setting, if any."""
    tag = request.query_params.get("lang") or request.app.state.settings.language
    return find_language(tag) if tag else None


def _browser_language(request: Request) -> Language | None:
    """Return the language that the browser prefers among those that pages have."""
    header = ",".join(request.headers.getlist("accept-language"))
    return choose_language(order_by_weight(header, MAX_LANGUAGE_RANGES))


def _policy(ancestors: str, image_hosts: Sequence[str]) -> str:
    """Return the policy of a page that these may frame; without a word on it, files may, too."""
    policy = PAGE_POLICY.format(" ".join(("'self'", "data:", *image_hosts)))
    return policy if ancestors == "*" else f"{policy}; frame-ancestors {ancestors}"


class PageRoute(StrictRoute):
    """A route for people: forgives empty fields and tracking, and shows errors as pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            pairs = request.query_params.multi_items()
            clean = clean_pairs(pairs)
            try:
                check_encoding(request)
                if clean != pairs:
                    page = EMBEDDED if self.path == "/embed" else WHOLE
                    return RedirectResponse(
                        relative_url(page, [mask_pair(*pair) for pair in clean]),
                        303,
                        {"Cache-Control": "no-store"},
                    )
                return await handle(request)
            except RequestValidationError as error:
                return _render_problem(request, refuse(*from_validation(error.errors())))
            except Problem as problem:
                return _render_problem(request, problem)

        return handle_page


async def negotiate_language(request: Request) -> None:
    """Have the answer vary by the languages of the browser, unless another is asked for."""
    if _asked_language(request) is None:
        language = _browser_language(request)
        vary_by(request, "Accept-Language", language.tag if language else "")


router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Reader])
IN_A_LANGUAGE = [Depends(negotiate_language), Unchanged]


@router.get("/", dependencies=IN_A_LANGUAGE)
async def get_timeline(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """Return the timeline with its filters and the open event."""
    template = "present.html" if query.presents else "timeline.html"
    return await _render_page(request, template, WHOLE, query)


@router.get("/embed", dependencies=IN_A_LANGUAGE)
async def get_embed(request: Request, query: Annotated[EmbedQuery, Query()]) -> Response:
    """Return the bare timeline for a frame."""
    return await _render_page(request, "embed.html", EMBEDDED, query)


@router.get("/preview.png", dependencies=[Unchanged])
async def get_preview(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """Return the overview as a picture, for sites that show what a link leads to."""

    def render(overview: Overview | None, headers: dict[str, str]) -> bytes:
        headers |= {"Cross-Origin-Resource-Policy": "cross-origin"}
        return draw_preview(overview)

    return await of_this_state(request, render, "image/png", read_overview, query)


async def _render_page(request: Request, template: str, page: str, query: PageQuery) -> Response:
    preferred = _asked_language(request) or _browser_language(request)

    def render(view: View | Presentation, headers: dict[str, str]) -> bytes:
        headers |= security_headers(request, page)
        headers["Link"] = description_links(root_path(request))
        content_language = view.chronology["language"]
        if content_language == view.language.tag:
            content_language = None
        image_hosts = request.app.state.settings.image_hosts
        links = Links(page, query, view.label, image_hosts, content_language)
        context = {
            "query": query,
            "view": view,
            "links": links,
            **_about(view.chronology, view.language),
        }
        shared = _sharing(request, links, context["title"])
        return load_pages(view.language).get_template(template).render(context, **shared).encode()

    if query.presents:
        return await of_this_state(request, render, HTML, read_presentation, query, preferred)
    form = page == WHOLE
    return await of_this_state(request, render, HTML, read_view, query, preferred, form=form)


def _about(chronology: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Return the variables that every page shows of the chronology."""
    title = chronology["title"]
    untitled = title == reads.UNTITLED
    return {"chronology": chronology, "title": language.gettext(title) if untitled else title}


def _sharing(request: Request, links: Links, title: str) -> dict[str, Any]:
    """Return the code and the addresses by which other sites and calendars show the events."""

    def whole(pairs: QueryPairs) -> str:
        return absolute(request, f"/{relative_url('', pairs)}")

    unnamed = [pair for pair in links.state if pair[0] != "lang"]
    script = absolute(request, "/embed.js")
    url = absolute(request, f"/{links.embedded()}")
    code = embedding.component(script, url, title)
    return {
        "embed_code": code,
        "oembed": embedding.discovery(request, links.state),
        "calendar": absolute(request, f"/{links.export('ics')}"),
        "preview": absolute(request, f"/{relative_url('preview.png', links.filtered)}"),
        "event_address": whole([*links.own_language, ("event", event)])
        if (event := links.query.event)
        else "",
        "canonical": whole(links.state),
        # Search engines take only absolute addresses.
        "alternates": {
            "x-default": whole(unnamed),
            **{tag: whole([*unnamed, ("lang", tag)]) for tag in LANGUAGES},
        },
    }


def security_headers(request: Request, page: str) -> dict[str, str]:
    """Return the headers that forbid inline code and anything from other hosts."""
    settings = request.app.state.settings
    ancestors = settings.frame_ancestors if page == EMBEDDED else "'self'"
    return {
        "Content-Security-Policy": _policy(ancestors, settings.image_hosts),
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }


def _render_problem(request: Request, problem: Problem) -> Response:
    """Return an error as a page. Raise it as problem+json if the client prefers that to HTML."""
    if not prefers(",".join(request.headers.getlist("accept")), "text/html", MEDIA_TYPE):
        problem.headers = {**problem.headers, "Vary": "Accept"}  # its words are English
        raise problem
    page = EMBEDDED if request.url.path.endswith("/embed") else WHOLE
    up = "../" * (request.url.path.removeprefix(root_path(request)).count("/") - 1)
    pairs = request.query_params.multi_items()
    remedies = [(fault, relative_url(page, _mend(pairs, fault))) for fault in problem.faults]
    lang = [pair for pair in pairs if pair[0] == "lang" and find_language(pair[1])]
    context = {
        "problem": problem,
        "kind": PROBLEM_TYPES[problem.code],
        "remedies": remedies,
        "page": up + relative_url(page, lang),
    }
    language = _asked_language(request) or _browser_language(request) or ENGLISH
    about = _about({"title": reads.UNTITLED}, language)  # the store may be what fails
    pages = load_pages(language)
    body = pages.get_template("problem.html").render({**context, **about, "up": up})
    vary = {"Vary": "Accept, Accept-Language"}
    headers = {"Cache-Control": "no-store", **vary, **security_headers(request, page)}
    return Response(
        mask_keys(body),
        PROBLEM_TYPES[problem.code].status,
        {**headers, **problem.headers},
        media_type=HTML,
    )


def install(app: FastAPI) -> None:
    """Answer unknown paths with a page, too."""

    async def path_not_found(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        missing = from_http(request, error)
        if near := nearest_path(request):
            missing.detail += f" Did you mean {near}?"
        try:
            return _render_problem(request, missing)
        except Problem as problem:
            return answer_problem(problem, root_path(request))

    app.add_exception_handler(404, path_not_found)


def _mend(pairs: QueryPairs, fault: Fault) -> QueryPairs:
    """Return the query with the suggested name or value; without the parameter if none is."""
    # A missing event is reported as a fault of its own path.
    name, suggestion = fault.name, fault.suggestion
    if fault.where == "path":
        name = "present" if any(pair[0] == "present" for pair in pairs) else "event"
    if suggestion is None:
        return [pair for pair in pairs if pair[0] != name]
    if name not in EmbedQuery.model_fields:
        return [(suggestion if pair[0] == name else pair[0], pair[1]) for pair in pairs]
    return [*(pair for pair in pairs if pair[0] != name), (name, suggestion)]
