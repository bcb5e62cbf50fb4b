"""What the API reference says beyond the routes themselves, and its last finish."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app import __version__, schemas
from app.errors import KINDS, example

DESCRIPTION = """
Dated events, each with its sources, behind one filter.

**Dates say only what is known.** A date is an EDTF string (ISO 8601-2): `2023-11` is some moment in
November 2023, `2023-11/2024-12` lasts, `[..2024-02-06]` is one act on some day up to that one,
`2020-08~` is about August 2020. Ask with the same language: `date=2023-11`. Every hit says whether
it matches for `certain` or is only `possible`.

**No filter is silently ignored.** A parameter that is unknown, misspelt or repeated without need
is an error that names it and suggests the right one.

**Lists** answer `{"items", "total", "next"}`; follow `next` until it is null. In URLs, encode what
EDTF needs: `curl -g` or `curl -G --data-urlencode 'date=2023-11-01/2023-12-15'`.

**Errors** are `application/problem+json` (RFC 9457); `errors` lists what was wrong and what would
be right. Whatever is asked, malformed HTTP is refused with 400, a head of more than 64 KiB with
431, and a request that takes too long to arrive with 408.

**Caching**: lists carry a weak `ETag` of the store's state, single records a strong one of their
bytes; send it back as `If-None-Match` and an unchanged answer is `304`.
"""

TAGS = [
    {"name": "Events", "description": "The chronology: lists under one filter, and single events."},
    {
        "name": "Vocabulary",
        "description": "What events refer to, with how many events bear each entry. Its ids are "
        "the values of the filter.",
    },
    {"name": "Operations", "description": "For those who run the server."},
]

# What an id in a path looks like; whatever does not is 404 like any other that is not there.
ID: dict[str, Any] = {"pattern": schemas.SLUG, "maxLength": 100}

# What the reference fills in, so that its first click finds something; other examples it shows.
FILLED_IN: Mapping[str, Mapping[str, Any]] = {
    "list_events": {"date": "2023-11", "type": ["contract"]},
    "get_facets": {"by": ["type", "actor"], "date": "2023"},
    "get_histogram": {"interval": "year", "actor": ["srbijagas"]},
    "list_types": {"q": "contract"},
    "list_actors": {"q": "serb*"},
    "list_places": {"q": "belgrade"},
    "list_tags": {"q": "gas"},
    "list_publishers": {"q": "balkan"},
    "list_sources": {"q": '"balkan insight"'},
}


EVERYWHERE = ("uri-too-long", "invalid-parameters")


def errors(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the kinds of problem it can answer with, keys of KINDS.

    Those that every route can answer with need not be named.
    """
    found: dict[int | str, dict[str, Any]] = {}
    for code in (*EVERYWHERE, *codes):
        kind = KINDS[code]
        named = found.setdefault(
            kind.status, {"model": schemas.Problem, "description": kind.title, "examples": {}}
        )
        if kind.title not in named["description"]:
            named["description"] += f" / {kind.title}"
        named["examples"][code] = {"summary": kind.title, "value": example(code)}
    return found


def reading(what: str, *codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that reads the store: 200 with its headers, 304, and problems."""
    tag = {"description": "Tag of this answer, for If-None-Match.", "schema": {"type": "string"}}
    return {
        200: {"description": what, "headers": {"ETag": tag}},
        304: {"description": "Unchanged since the tag in If-None-Match."},
        **errors(*codes, "query-too-costly", "store-unavailable"),
    }


def install(app: FastAPI) -> None:
    """Make `app.openapi()` the finished document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _finished(
                get_openapi(
                    title="Dateline",
                    version=__version__,
                    summary="A server for sourced chronologies.",
                    description=DESCRIPTION,
                    tags=TAGS,
                    routes=app.routes,
                    license_info={"name": "MIT", "identifier": "MIT"},
                    servers=[{"url": "/", "description": "This server."}],
                )
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    # `fields` leaves members out of a list.
    del document["components"]["schemas"]["ListedEvent"]["required"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                _finish_parameter(parameter, FILLED_IN.get(operation["operationId"], {}))
            for status, response in operation["responses"].items():
                if status >= "400" and "application/json" in response.get("content", {}):
                    problem = {
                        **response["content"]["application/json"],
                        "examples": response.pop("examples"),
                    }
                    response["content"] = {"application/problem+json": problem}
    return document


def _finish_parameter(parameter: dict[str, Any], filled_in: Mapping[str, Any]) -> None:
    """Examples where readers look for them; no null, which a query string cannot say."""
    schema = parameter["schema"]
    for choice in schema.pop("anyOf", []):
        if choice.get("type") != "null":
            schema.update(choice)
    schema.pop("title", None)
    schema.pop("description", None)
    if parameter["name"] in filled_in:
        parameter["example"] = filled_in[parameter["name"]]
    elif parameter["in"] == "path":
        parameter["example"] = schema.pop("examples")[0]
