"""The timeline on other sites: the code to paste, and oEmbed, which pastes it for them."""

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
from app.api.routes import StrictRoute, read_query
from app.errors import Fault, Problem, wrong
from app.filters import find
from app.filters.query import required
from app.web.asked import EmbedQuery, Pairs, cleaned
from app.web.links import EMBEDDED, address

router = APIRouter(tags=["Files"], route_class=StrictRoute, dependencies=[Reader])
WIDTH, HEIGHT, LEAST = 640, 480, 120  # pixels
OURS, WEB = ("", "/", "/embed"), ("http", "https", "")
PORTS = {"http": 80, "https": 443}


DoNotTrack = TypeAliasType("DoNotTrack", Annotated[str, schemas.OneOf(("1", "0", "true", "false"))])
FORMATS = {"type": "string", "pattern": "^(json|xml)$", "examples": ["json"]}


def _json(value: str) -> str:
    """Return `json` or `xml`. Raise an error for any other format, of which oEmbed knows none."""
    if value not in ("json", "xml"):
        raise wrong("is no format of oEmbed; give json", "json")
    return value


class OembedQuery(BaseModel):
    """What consumers of oEmbed send (oEmbed 1.0 section 2.2)."""

    url: Annotated[str, Field(min_length=1, max_length=4000)] = Field(
        description="The address of a timeline here: of `/` or `/embed`, with any filter. With "
        "`event`, that event alone is shown.",
        examples=["/?type=contract"],
    )
    maxwidth: int | None = Field(
        None, ge=LEAST, le=10_000, description="The widest that fits, in pixels.", examples=[600]
    )
    maxheight: int | None = Field(
        None, ge=LEAST, le=10_000, description="The highest that fits, in pixels.", examples=[400]
    )
    format: Annotated[str, AfterValidator(_json), WithJsonSchema(FORMATS)] = Field(
        "json", description="`json`. The other of the specification, `xml`, is answered 501."
    )
    dnt: DoNotTrack | None = Field(
        None, description="Do not track, as some consumers ask; nobody is.", examples=["1"]
    )

    @model_validator(mode="before")
    @classmethod
    def _url_is_given(cls, given: Any) -> Any:
        return required(given, "url", ("an address of / or /embed here",))


@router.get(
    "/oembed",
    summary="Embed a timeline",
    response_model=schemas.Oembed,
    responses=errors("not-found", "not-implemented", *OF_READS),
)
async def get_oembed(request: Request, asked: Annotated[OembedQuery, Query()]) -> dict[str, Any]:
    """What oEmbed consumers show for the address of a timeline: an `<iframe>` with its filter."""
    if asked.format == "xml":
        raise Problem("not-implemented", "oEmbed is given as JSON; ask with format=json.")
    shown = _timeline(request, asked.url)
    await database(request).reading(_require_shown, shown)
    width = min(WIDTH, asked.maxwidth or WIDTH)
    height = min(HEIGHT, asked.maxheight or HEIGHT)
    title = request.app.state.settings.title
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
            absolute(request, f"/{address(EMBEDDED, shown.pairs)}"), title, width, height
        ),
    }


def _require_shown(connection: Connection, shown: EmbedQuery) -> None:
    """Raise a Problem for an event that is not there, or a filter that no event could pass."""
    find(connection, shown)
    if shown.event:
        reads.event(connection, shown.event)


def frame(url: str, title: str, width: int | str = "100%", height: int = HEIGHT) -> str:
    """The code that shows an embedded timeline on any site."""
    return (
        f'<iframe src="{escape(url)}" title="{escape(title)}" width="{width}" height="{height}"'
        ' loading="lazy" style="border:0"></iframe>'
    )


def component(script: str, url: str, title: str) -> str:
    """The code that shows it as high as it is: the component, and a link where no script runs."""
    return (
        f'<script type="module" src="{escape(script)}"></script>\n'
        f'<date-line src="{escape(url)}"><a href="{escape(url)}">{escape(title)}</a></date-line>'
    )


def discovery(request: Request, pairs: Pairs) -> str:
    """Where the oEmbed of a timeline is found (oEmbed 1.0 section 4)."""
    page = absolute(request, f"/{address('', pairs)}")
    return absolute(request, f"/oembed?{urlencode({'url': page})}")


def _timeline(request: Request, url: str) -> EmbedQuery:
    """What a timeline's address asks for; Problem `not-found` where it is none of ours."""
    own = urlsplit(absolute(request, ""))
    try:
        given = urlsplit(url)
        same = not given.netloc or _host(given) == _host(own)
    except ValueError:  # half an IPv6 address, or no port
        given, same = own, False
    path = given.path if given.path.startswith(own.path) else "elsewhere"
    if not same or given.scheme not in WEB or path.removeprefix(own.path) not in OURS:
        fault = Fault("query", "url", "is no timeline of this server", absolute(request, "/"))
        raise Problem("not-found", "Only the addresses of / and /embed here are known.", (fault,))
    pairs = cleaned(parse_qsl(given.query, keep_blank_values=True))
    return read_query(EmbedQuery, [pair for pair in pairs if pair[0] != "cursor"])


def _host(url: SplitResult) -> tuple[str | None, str | None, int | None]:
    """Where an address leads, however it is written (RFC 3986 section 6.2.3)."""
    return url.username, url.hostname, url.port or PORTS.get(url.scheme)
