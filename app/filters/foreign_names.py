"""Names of parameters in other APIs, and their names here."""

import re
from collections.abc import Collection, Mapping

from app.formats import nearest_format
from app.suggestions import nearest

# Names of parameters, without the `$` of OData and the brackets of JSON:API.
FOREIGN_PARAMETERS: Mapping[str, str] = {
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
FILTER_NAME = re.compile(
    r"(?:filters?\[(?P<within>\w+)\]|(?P<alone>\w+?))"
    r"(?:\[(?:eq|in|any|\$eq|\$in|)\]|__(?:in|exact|eq))?"
)
FOREIGN_FORMAT_PARAMETERS = ("format", "output", "_format", "fmt", "f", "outputformat", "alt")
PERIOD_HINT = (
    "`date` takes both ends in one: `date=2023-01/2023-06`, and `..` for an open one: "
    "`2023/..`, `../2023`"
)
# Hints for names without a parameter here, or with a different form.
HINTS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("from", "to", "since", "until", "after", "before", "start_date", "end_date"),
            *("date_from", "date_to", "startdate", "enddate", "datefrom", "dateto"),
            *("from_date", "to_date"),
        ),
        PERIOD_HINT,
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


def strip_marks(name: str) -> str:
    """Return the name without the marks of OData, Socrata and JSON:API."""
    return name.casefold().removeprefix("$").replace("-", "_")


def nearest_parameter(name: str, known: Collection[str]) -> str | None:
    """Return the parameter that was most likely meant, or None."""
    bare = strip_marks(name)
    for spelling in (name.casefold(), bare):
        if spelling in known:
            return spelling
        if (
            spelling in FOREIGN_PARAMETERS
            or spelling in HINTS
            or spelling in FOREIGN_FORMAT_PARAMETERS
        ):
            meant = FOREIGN_PARAMETERS.get(spelling)
            return meant if meant in known else None
    parts = FILTER_NAME.fullmatch(bare)
    inner = (parts["within"] or parts["alone"]) if parts else bare
    return nearest_parameter(inner, known) if inner != bare else nearest(bare, known)


def hint(name: str, value: str) -> str | None:
    """Return advice for a parameter of another API, or None."""
    bare = strip_marks(name)
    if bare not in FOREIGN_FORMAT_PARAMETERS:
        return HINTS.get(name.casefold()) or HINTS.get(bare)
    if value.casefold() in ("json", "application/json", ""):
        return "without it the answer is JSON"
    near = nearest_format(value)
    return f"files have addresses of their own: /events.{near or 'csv'}"
