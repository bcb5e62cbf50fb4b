"""What users of other interfaces write, and what it is called here."""

import re
from collections.abc import Collection, Mapping
from urllib.parse import quote

from fastapi import Request
from starlette.routing import Match

from app.errors import root_path
from app.formats import nearest_format
from app.suggestions import nearest

# Names of parameters. An OData `$` in front and JSON:API's brackets do not count.
PARAMETERS: Mapping[str, str] = {
    **dict.fromkeys(("page", "offset", "start", "next", "skip", "skiptoken"), "cursor"),
    **dict.fromkeys(("continuation", "continuation_token", "next_page", "pagetoken"), "cursor"),
    **dict.fromkeys(("page_token", "page[number]", "page[offset]", "page[cursor]"), "cursor"),
    **dict.fromkeys(("page[after]", "starting_after", "pageno", "page_number"), "cursor"),
    **dict.fromkeys(("search", "query", "text", "keyword", "keywords", "fulltext"), "q"),
    **dict.fromkeys(("term", "terms", "s", "filter[q]", "filter[search]"), "q"),
    **dict.fromkeys(("from", "to", "since", "until", "after", "before", "year"), "date"),
    **dict.fromkeys(("month", "day", "start_date", "end_date", "date_from", "date_to"), "date"),
    **dict.fromkeys(("startdate", "enddate", "datefrom", "dateto", "from_date"), "date"),
    **dict.fromkeys(("to_date", "period", "when", "time", "datetime", "timespan"), "date"),
    **dict.fromkeys(("order", "order_by", "orderby", "sort_by", "sortby", "ordering"), "sort"),
    **dict.fromkeys(("sort_order", "sortorder", "order[date]", "direction"), "sort"),
    **dict.fromkeys(("per_page", "perpage", "page_size", "pagesize", "size", "count"), "limit"),
    **dict.fromkeys(("page[size]", "page[limit]", "rows", "top", "first", "take"), "limit"),
    **dict.fromkeys(("hitsperpage", "max_results", "maxresults", "max", "num", "n"), "limit"),
    **dict.fromkeys(("results_per_page", "items_per_page", "itemsperpage"), "limit"),
    **dict.fromkeys(("select", "_source", "attributestoretrieve", "fl"), "fields"),
    **dict.fromkeys(("fields[events]", "fields[event]", "columns", "only"), "fields"),
    **dict.fromkeys(("facet", "facets", "facet.field", "group_by", "groupby", "group"), "by"),
    **dict.fromkeys(("granularity", "resolution", "calendar_interval", "bin"), "interval"),
    **dict.fromkeys(("bounds", "box", "boundingbox", "bounding_box", "viewbox"), "bbox"),
    **dict.fromkeys(("category", "kind", "event_type", "eventtype", "types"), "type"),
    **dict.fromkeys(("person", "people", "organisation", "actors", "participant"), "actor"),
    **dict.fromkeys(("location", "city", "places"), "place"),
    **dict.fromkeys(("label", "topic", "tags"), "tag"),
    **dict.fromkeys(("outlet", "newspaper", "publishers"), "publisher"),
    **dict.fromkeys(("reference", "sources"), "source"),
    **dict.fromkeys(("country_code", "countries", "nation"), "country"),
    **dict.fromkeys(("modified_since", "updated_after", "changed_since"), "updated_since"),
    **dict.fromkeys(("with_total", "include_total", "total_count"), "total"),
    "$count": "total",
    "state": "status",
    "currency": "unit",
    "reason": "note",
    "message": "note",
    "comment": "note",
}
# `filter[type]`, `type[]`, `type__in` …
FILTER = re.compile(
    r"(?:filters?\[(?P<within>\w+)\]|(?P<alone>\w+?))"
    r"(?:\[(?:eq|in|any|\$eq|\$in|)\]|__(?:in|exact|eq))?"
)
FORMAT = ("format", "output", "_format", "fmt", "f", "outputformat", "alt")
PERIOD = (
    "`date` takes both ends in one: `date=2023-01/2023-06`, and `..` for an open one: "
    "`2023/..`, `../2023`"
)
# What has no parameter of its own, or is asked in other words: a hint behind the message.
HINTS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("from", "to", "since", "until", "after", "before", "start_date", "end_date"),
            *("date_from", "date_to", "startdate", "enddate", "datefrom", "dateto"),
            *("from_date", "to_date"),
        ),
        PERIOD,
    ),
    **dict.fromkeys(
        ("page", "offset", "start", "skip", "page[number]", "page[offset]", "pageno"),
        "pages are not numbered: follow `next` until it is null",
    ),
    **dict.fromkeys(
        ("filter", "filters", "where"),
        "each filter is a parameter of its own: `type=contract&actor=serbia`",
    ),
    **dict.fromkeys(
        ("lang", "language", "locale", "hl"), "texts come in the language they were written in"
    ),
    **dict.fromkeys(
        ("api_key", "apikey", "key", "token", "access_token"),
        "a key is sent in the header `Authorization: Bearer <key>`, never in a URL",
    ),
    **dict.fromkeys(("pretty", "indent"), "format the JSON with a tool such as `jq`"),
    **dict.fromkeys(("callback", "jsonp"), "any web page may read this API without JSONP (CORS)"),
    **dict.fromkeys(
        ("id", "ids"), "one record has an address of its own: its list's path + `/` + its id"
    ),
}


def plain(name: str) -> str:
    """Return the name without what marks it as a parameter in OData, Socrata or JSON:API."""
    return name.casefold().removeprefix("$").replace("-", "_")


def nearest_parameter(name: str, known: Collection[str]) -> str | None:
    """Return the parameter that is likeliest meant; a name from elsewhere is no slip of a key."""
    bare = plain(name)
    for spelling in (name.casefold(), bare):
        if spelling in known:
            return spelling
        if spelling in PARAMETERS or spelling in HINTS or spelling in FORMAT:
            meant = PARAMETERS.get(spelling)
            return meant if meant in known else None
    parts = FILTER.fullmatch(bare)
    inner = (parts["within"] or parts["alone"]) if parts else bare
    return nearest_parameter(inner, known) if inner != bare else nearest(bare, known)


def hint(name: str, value: str) -> str | None:
    """Return what to do instead of giving the parameter, if there is more to say than its name."""
    bare = plain(name)
    if bare not in FORMAT:
        return HINTS.get(name.casefold()) or HINTS.get(bare)
    if value.casefold() in ("json", "application/json", ""):
        return "JSON is what comes without it"
    near = nearest_format(value)
    return f"files have addresses of their own: /events.{near or 'csv'}"


# -- paths ----------------------------------------------------------------------------------------

PREFIX = re.compile("api|rest|json|v[0-9]+")
PATHS: Mapping[str, str] = {
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
MAX_PATH = 200  # letters; a longer one is no slip


def nearest_path(request: Request) -> str | None:
    """Return the path that is likeliest meant by one that nothing answers at."""
    top = root_path(request)
    asked = request.url.path.removeprefix(top)
    parts = [part for part in asked.split("/") if part]
    while len(parts) > 1 and PREFIX.fullmatch(parts[0].casefold()):
        del parts[0]
    if not parts or len(asked) > MAX_PATH:
        return None
    first = _first(parts[0], request)
    path = "/" + "/".join([first, *parts[1:]]) if first else None
    scope = {**request.scope, "path": f"{top}{path}", "method": "GET"}
    there = any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    return quote(path) if path and path != asked and there else None


def _first(part: str, request: Request) -> str | None:
    """Return the first part of a path that is likeliest meant."""
    known = {route.path.split("/")[1] for route in request.app.routes if hasattr(route, "path")}
    name, dot, suffix = part.partition(".")
    if part.casefold() in PATHS:
        return PATHS[part.casefold()]
    if not dot or part in known:
        return nearest(part, (word for word in known if word and "{" not in word))
    if nearest(name, ("events",)) is None:
        return None
    made = None if suffix.casefold() == "json" else nearest_format(suffix)
    return f"events.{made}" if made else "events"
