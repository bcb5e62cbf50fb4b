"""Names of paths in other APIs, and their names here."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request
from starlette.routing import Match

from app.api.problems import root_path
from app.formats import nearest_format
from app.suggestions import nearest

API_PREFIX = re.compile("api|rest|json|v[0-9]+")
PATH_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("swagger", "redoc", "documentation", "api-docs", "help"), "docs"),
    **dict.fromkeys(("openapi", "openapi.yaml", "swagger.json"), "openapi.json"),
    **dict.fromkeys(("health", "status", "ping", "livez"), "healthz"),
    **dict.fromkeys(("ready", "readiness"), "readyz"),
    **dict.fromkeys(("feed", "rss", "atom", "feed.xml", "rss.xml", "atom.xml"), "events.atom"),
    **dict.fromkeys(("calendar", "calendar.ics", "ical"), "events.ics"),
    **dict.fromkeys(("search", "items", "entries", "records"), "events"),
    **dict.fromkeys(("people", "persons", "organisations", "countries"), "actors"),
    "locations": "places",
    "aggregations": "facets",
}
MAX_PATH_CHARACTERS = 200  # no suggestions for longer ones


def nearest_path(request: Request) -> str | None:
    """Return the path that was most likely meant by an unknown one, or None."""
    prefix = root_path(request)
    wanted = request.url.path.removeprefix(prefix)
    parts = [part for part in wanted.split("/") if part]
    while len(parts) > 1 and API_PREFIX.fullmatch(parts[0].casefold()):
        del parts[0]
    if not parts or len(wanted) > MAX_PATH_CHARACTERS:
        return None
    first = _nearest_first_part(parts[0], request)
    path = "/" + "/".join([first, *parts[1:]]) if first else None
    scope = {**request.scope, "path": f"{prefix}{path}", "method": "GET"}
    exists = any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    return quote(path) if path and path != wanted and exists else None


def _nearest_first_part(part: str, request: Request) -> str | None:
    """Return the first part of a path that was most likely meant, or None."""
    names = {route.path.split("/")[1] for route in request.app.routes if hasattr(route, "path")}
    name, dot, suffix = part.partition(".")
    if part.casefold() in PATH_NAMES:
        return PATH_NAMES[part.casefold()]
    if not dot or part in names:
        return nearest(part, (word for word in names if word and "{" not in word))
    if nearest(name, ("events",)) is None:
        return None
    format_name = None if suffix.casefold() == "json" else nearest_format(suffix)
    return f"events.{format_name}" if format_name else "events"
