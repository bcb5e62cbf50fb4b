"""`/openapi.json`, `/.well-known/api-catalog` and `/robots.txt`: how programs find the API."""

import json
from hashlib import blake2b

import anyio
import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request, Response

from app.api.answers import absolute, weak_match
from app.api.problems import root_path
from app.api.routes import StrictRoute

router = APIRouter(include_in_schema=False, route_class=StrictRoute)

CATALOG_PATH = "/.well-known/api-catalog"
CATALOG_TYPE = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
# The relation of RFC 8631 or 9727, the path, and the media type of each description of the API.
DESCRIPTIONS = (
    ("service-desc", "/openapi.json", "application/json"),
    ("service-doc", "/docs", "text/html"),
    ("status", "/readyz", "application/json"),
)
ROBOTS = """User-agent: *
Allow: {root}/?event=
Disallow: {root}/*?
Disallow: {root}/events.
"""  # any number of filters would make any number of pages
PRIVATE_ROBOTS = """User-agent: *
Disallow: {root}/
"""


class OpenApiFile:
    """The bytes of the OpenAPI document, built once, in a thread, since that takes a second."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._lock = anyio.Lock()
        self._files: dict[str, tuple[bytes, str]] = {}

    async def read(self, root: str) -> tuple[bytes, str]:
        """Return the document and its tag, for a server that is mounted at `root`."""
        async with self._lock:
            if root not in self._files:
                file = await anyio.to_thread.run_sync(self._build, root)
                # The root of a proxy may change; only the last one is kept.
                self._files = {root: file}
            return self._files[root]

    def _build(self, root: str) -> tuple[bytes, str]:
        document = self._app.openapi()
        if root and root != document["servers"][0]["url"]:
            document = {**document, "servers": [{"url": root}, *document["servers"]]}
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        return body, blake2b(body, digest_size=12).hexdigest()


def install(app: FastAPI) -> None:
    """Replace FastAPI's route of the OpenAPI document, which builds it on the event loop."""
    routes = app.router.routes
    routes[:] = [route for route in routes if getattr(route, "path", None) != app.openapi_url]
    app.router.routes += router.routes
    app.state.openapi_file = OpenApiFile(app)


def description_links(root: str) -> str:
    """Return the value of a Link header with the descriptions of the API (RFC 8631)."""
    links = [f'<{root}{path}>; rel="{rel}"; type="{kind}"' for rel, path, kind in DESCRIPTIONS]
    return ", ".join([*links, f'<{root}{CATALOG_PATH}>; rel="api-catalog"'])


@router.get("/openapi.json")
async def get_openapi(request: Request) -> Response:
    """Return the OpenAPI document, or 304 if the client has it."""
    body, tag = await request.app.state.openapi_file.read(root_path(request))
    headers = {"ETag": f'W/"{tag}"', "Cache-Control": "no-cache"}
    if weak_match(request, tag):
        return Response(status_code=304, headers={**headers, "Vary": "Accept-Encoding"})
    return Response(body, 200, headers, "application/json")


@router.get(CATALOG_PATH)
async def get_catalog(request: Request) -> Response:
    """Return the descriptions of the API as a linkset (RFC 9727)."""
    links = {
        relation: [{"href": absolute(request, path), "type": media_type}]
        for relation, path, media_type in DESCRIPTIONS
    }
    linkset = {"linkset": [{"anchor": absolute(request, "/"), **links}]}
    headers = {"Link": description_links(root_path(request))}
    return Response(json.dumps(linkset), 200, headers, CATALOG_TYPE)


@router.get("/robots.txt")
async def get_robots(request: Request) -> Response:
    """Return the paths that crawlers may read: the page and its events, but no filters."""
    text = ROBOTS if request.app.state.settings.public_reads else PRIVATE_ROBOTS
    return Response(
        text.format(root=root_path(request)), 200, media_type="text/plain; charset=utf-8"
    )
