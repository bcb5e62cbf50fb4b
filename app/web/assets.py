"""`/assets/…` and `/embed.js`: the style sheet, the scripts and the icon of the pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from app.api.routes import StrictRoute
from app.errors import Problem

router = APIRouter(route_class=StrictRoute, include_in_schema=False)
ASSETS_FOLDER = Path(__file__).parent / "assets"
ASSET_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"


@dataclass(frozen=True)
class Asset:
    """A file with a name that changes with its bytes."""

    body: bytes
    media_type: str
    name: str
    tag: str


def _load(path: Path) -> Asset:
    body = path.read_bytes()
    digest = blake2b(body, digest_size=6).hexdigest()
    return Asset(body, ASSET_TYPES[path.suffix], f"{path.stem}-{digest}{path.suffix}", digest)


ASSETS: Mapping[str, Asset] = {path.name: _load(path) for path in sorted(ASSETS_FOLDER.iterdir())}
BY_NAME: Mapping[str, Asset] = {asset.name: asset for asset in ASSETS.values()}


@router.get("/assets/{name}")
async def get_asset(request: Request, name: Annotated[str, InPath()]) -> Response:
    """Return a style sheet, a script or an icon. Raise `not-found` for any other name."""
    if name not in BY_NAME:
        raise Problem("not-found", "There is no such file; load the page again.")
    return _respond(request, BY_NAME[name], FOR_EVER)


@router.get("/embed.js")
async def get_component(
    request: Request, v: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    """Return the `<date-line>` web component, under a name that other sites can rely on.

    `v` is ignored: sites add it to every script that they load.
    """
    return _respond(request, ASSETS["embed.js"], FOR_AN_HOUR)


@router.get("/favicon.ico")
async def get_icon(request: Request) -> Response:
    """Return the icon that browsers ask for beside JSON."""
    return _respond(request, ASSETS["icon.svg"], FOR_AN_HOUR)


def _respond(request: Request, asset: Asset, caching: str) -> Response:
    headers = {
        "ETag": f'W/"{asset.tag}"',
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if asset.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(asset.body, 200, headers, f"{asset.media_type}; charset=utf-8")
