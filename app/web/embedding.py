"""The timeline on other sites: the code to paste, and oEmbed, which hands it out."""

import json
from html import escape
from typing import Annotated, Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, model_validator
from sqlalchemy import Connection
from typing_extensions import TypeAliasType

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import absolute, database
from app.api.documentation import OF_READS, errors
from app.api.routes import StrictRoute
from app.errors import Fault, Problem, wrong
from app.filters import resolve
from app.filters.query import required
from app.filters.strict import read_query
from app.web.links import EMBEDDED, relative_url
from app.web.query import EmbedQuery, QueryPairs, clean_pairs

router = APIRouter(tags=["Files"], route_class=StrictRoute, dependencies=[Reader])
FRAME_WIDTH, FRAME_HEIGHT, MIN_FRAME_PIXELS = 640, 480, 120
TIMELINE_PATHS, WEB_SCHEMES = ("", "/", "/embed"), ("http", "https", "")
DEFAULT_PORTS = {"http": 80, "https": 443}


DoNotTrack = TypeAliasType(
    "DoNotTrack",
    Annotated[
        str,
        schemas.OneOf(
            ("1", "0", "true", "false"),
            words="Accepted and without effect, because nobody is tracked: `1`, `0`, `true` or "
            "`false`.",
        ),
    ],
)
OEMBED_FORMATS = {"type": "string", "pattern": "^(json|xml)$", "examples": ["json"]}


def _json(value: str) -> str:
    """Return `json` or `xml`. Raise an error for any other format, of which oEmbed knows none."""
    if value not in ("json", "xml"):
        raise wrong("is no format of oEmbed; give json", "json")
    return value


class OembedQuery(BaseModel):
    """The query of oEmbed (oEmbed 1.0 section 2.2)."""

    url: Annotated[str, Field(min_length=1, max_length=4000)] = Field(
        description="The address of a timeline here: of `/` or `/embed`, with any filter. With "
        "`event`, that event alone is shown.",
        examples=["/?type=contract"],
    )
    maxwidth: int | None = Field(
        None,
        ge=MIN_FRAME_PIXELS,
        le=10_000,
        description="The widest that fits, in pixels.",
        examples=[600],
    )
    maxheight: int | None = Field(
        None,
        ge=MIN_FRAME_PIXELS,
        le=10_000,
        description="The highest that fits, in pixels.",
        examples=[400],
    )
    format: Annotated[str, AfterValidator(_json), WithJsonSchema(OEMBED_FORMATS)] = Field(
        "json", description="`json`. The other of the specification, `xml`, is answered 501."
    )
    dnt: DoNotTrack | None = Field(
        None, description="Do not track, as some consumers ask; nobody is.", examples=["1"]
    )

    @model_validator(mode="before")
    @classmethod
    def _require_url(cls, values: Any) -> Any:
        return required(values, "url", ("an address of / or /embed here",))


@router.get(
    "/oembed",
    summary="Embed a timeline",
    response_model=schemas.Oembed,
    responses=errors("not-found", "not-implemented", *OF_READS),
)
async def get_oembed(request: Request, query: Annotated[OembedQuery, Query()]) -> dict[str, Any]:
    """Return the `<iframe>` of a timeline, by its address, with the same filter."""
    if query.format == "xml":
        raise Problem("not-implemented", "oEmbed is given as JSON; ask with format=json.")
    timeline = _parse_timeline_url(request, query.url)
    title = await database(request).run_read(_find_title, timeline)
    width = min(FRAME_WIDTH, query.maxwidth or FRAME_WIDTH)
    height = min(FRAME_HEIGHT, query.maxheight or FRAME_HEIGHT)
    return {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": "Dateline",
        "provider_url": absolute(request, "/"),
        "cache_age": 3600,
        "width": width,
        "height": height,
        "html": frame(
            absolute(request, f"/{relative_url(EMBEDDED, timeline.pairs)}"), title, width, height
        ),
    }


def _find_title(connection: Connection, timeline: EmbedQuery) -> str:
    """Return the title of the chronology, or of the event that is open.

    Raise a Problem if the event or a value of the filter does not exist.
    """
    resolve(connection, timeline)
    if timeline.event:
        return str(json.loads(reads.event(connection, timeline.event))["title"])
    return str(reads.fetch_chronology(connection)["title"])


def frame(url: str, title: str, width: int | str = "100%", height: int = FRAME_HEIGHT) -> str:
    """Return the code that shows an embedded timeline on any site."""
    return (
        f'<iframe src="{escape(url)}" title="{escape(title)}" width="{width}" height="{height}"'
        ' loading="lazy" style="border:0"></iframe>'
    )


def component(script: str, url: str, title: str) -> str:
    """Return the code of the component, with a link for readers without scripts."""
    return (
        f'<script type="module" src="{escape(script)}"></script>\n'
        f'<date-line src="{escape(url)}"><a href="{escape(url)}">{escape(title)}</a></date-line>'
    )


def discovery(request: Request, pairs: QueryPairs) -> str:
    """Return the oEmbed address of a timeline (oEmbed 1.0 section 4)."""
    page = absolute(request, f"/{relative_url('', pairs)}")
    return absolute(request, f"/oembed?{urlencode({'url': page})}")


def _parse_timeline_url(request: Request, url: str) -> EmbedQuery:
    """Return the query of a timeline's address. Raise `not-found` if it is not on this server."""
    own = urlsplit(absolute(request, ""))
    try:
        target = urlsplit(url)
        same = not target.netloc or _origin(target) == _origin(own)
    except ValueError:  # half an IPv6 address, or no port
        target, same = own, False
    path = target.path if target.path.startswith(own.path) else "elsewhere"
    if (
        not same
        or target.scheme not in WEB_SCHEMES
        or path.removeprefix(own.path) not in TIMELINE_PATHS
    ):
        fault = Fault("query", "url", "is no timeline of this server", absolute(request, "/"))
        raise Problem("not-found", "Only the addresses of / and /embed here are known.", (fault,))
    pairs = clean_pairs(parse_qsl(target.query, keep_blank_values=True))
    return read_query(EmbedQuery, [pair for pair in pairs if pair[0] != "cursor"])


def _origin(url: SplitResult) -> tuple[str | None, str | None, int | None]:
    """Return user, host and port of an address, normalised (RFC 3986 section 6.2.3)."""
    return url.username, url.hostname, url.port or DEFAULT_PORTS.get(url.scheme)
