"""What the API reference says beyond the routes themselves, and its last finish."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app import __version__, schemas
from app.errors import KINDS, example
from app.formats import FORMATS

DESCRIPTION = """
Dated events, each with its sources, behind one filter.

**Try it** on the example chronology:
- [Contracts that may fall into November 2023](events?type=contract&date=2023-11)
- [What was known by the end of 2022](events?known_by=2022&fields=id,title,date)
- [Events a year, certain and possible](histogram?interval=year&date=2020/2024)
- [Who reported](facets?by=publisher)
- [The timeline of energy](./?tag=energy), and [the same as a spreadsheet](events.csv?tag=energy)

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
    {
        "name": "Files",
        "description": "The chronology out and in: for spreadsheets, calendars, maps, "
        "timelines, feed readers, linked data.",
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
    "list_findings": {"finding": ["planned-overdue"]},
    "list_types": {"q": "contract"},
    "list_actors": {"q": "serb*"},
    "list_places": {"q": "belgrade"},
    "list_tags": {"q": "gas"},
    "list_publishers": {"q": "balkan"},
    "list_sources": {"q": '"balkan insight"'},
}


SCHEMAS = "#/components/schemas/"
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
        **errors(*codes, *OF_READS),
    }


def writing(status: int, what: str, *codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that writes: what it answers with its headers, and problems.

    Where it takes a document, the codes include OF_BODIES.
    """
    told: dict[str, Any] = {"description": what}
    if status != 204:
        told["headers"] = {"ETag": _header("Tag of the new state, for If-Match.")}
    if status == 201:
        told["headers"]["Location"] = _header("Where it is.")
    return {status: told, **errors(*codes, *OF_WRITES)}


OF_READS = ("unauthorized", "too-many-requests", "query-too-costly", "store-unavailable")
OF_WRITES = ("unauthorized", "forbidden", "too-many-requests", "store-unavailable")
OF_BODIES = ("bad-request", "body-too-large", "unsupported-media-type", "invalid-body")


def files(what: str, *, only: str | None = None) -> dict[str, Any]:
    """The 200 of a route that answers with a file, of whatever format it is asked for."""
    made = [FORMATS[only]] if only else FORMATS.values()
    told = {each.media_type.partition(";")[0] for each in made}
    content = {name: {"schema": {"type": "string"}} for name in sorted(told)}
    return {"description": what, "content": content}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def sending(shape: type[BaseModel], *, patch: bool = False) -> dict[str, Any]:
    """The `requestBody` of a route that takes a document of this shape, or a patch of one."""
    name = shape.__name__
    media_types = ["application/merge-patch+json"] if patch else []
    schema = {"$ref": f"{SCHEMAS}{name}{'Patch' if patch else ''}"}
    content = {"schema": schema, "example": EXAMPLES[name, patch]}
    body = dict.fromkeys((*media_types, "application/json"), content)
    return {"requestBody": {"required": True, "content": body}}


# What the reference fills in as a body.
EXAMPLES: Mapping[tuple[str, bool], Any] = {
    ("EventWrite", False): {
        "type": "statement",
        "title": "Serbia's president spoke of more gas from Azerbaijan",
        "date": {"edtf": "2024-03", "text": "in March 2024"},
        "actors": [{"id": "serbia", "role": "speaker"}],
        "sources": [
            {"publisher": "Example News", "title": "More gas", "published": "2024-03-20"},
            {"url": "https://example.org/gas", "accessed": "2024-04-02", "role": "context"},
        ],
    },
    ("EventWrite", True): {"status": "completed", "date": {"edtf": "2023-11-15"}},
    ("SourceWrite", False): {"publisher": "Example News", "published": "2024-03-20"},
    ("SourceWrite", True): {"url": "https://example.org/gas-supply", "language": "en"},
    ("ActorWrite", False): {"name": "Example Energy", "kind": "organisation", "country": "RS"},
    ("ActorWrite", True): {"aliases": ["State Oil Company of Azerbaijan"]},
    ("PlaceWrite", False): {"name": "Niš", "country": "RS", "latitude": 43.32, "longitude": 21.9},
    ("PlaceWrite", True): {"latitude": 44.8125, "longitude": 20.4612},
    ("TypeWrite", False): {"label": "Court case", "description": "A case before a court."},
    ("TypeWrite", True): {"description": "An agreement to deliver, build or buy."},
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
                ),
                public_reads=app.state.settings.public_reads,
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _finished(document: dict[str, Any], *, public_reads: bool) -> dict[str, Any]:
    # `fields` leaves members out of a list.
    del document["components"]["schemas"]["ListedEvent"]["required"]
    _add_bodies(document["components"]["schemas"])
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if method == "get" and "security" in operation and public_reads:
                operation["security"].insert(0, {})
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


def _add_bodies(schemas_by_name: dict[str, Any]) -> None:
    """The shapes of what is sent, and of patches: nothing is needed, and null removes the rest."""
    shapes = [getattr(schemas, name) for name, patch in EXAMPLES if not patch]
    # A shape that is served too keeps its name for that.
    _, made = models_json_schema(
        [(shape, "validation") for shape in shapes], ref_template=f"{SCHEMAS}{{model}}"
    )
    taken = {name: f"{name}Write" for name in made["$defs"] if name in schemas_by_name}
    told = json.dumps(made["$defs"])
    for name, renamed in taken.items():
        told = told.replace(f'"{SCHEMAS}{name}"', f'"{SCHEMAS}{renamed}"')
    for name, schema in json.loads(told).items():
        schemas_by_name[taken.get(name, name)] = schema
    for shape in (*shapes, schemas.DateWrite):
        name = f"{shape.__name__}Patch"
        schema = schemas_by_name[shape.__name__]
        members = {
            n: _patched(s, removable=n not in schema.get("required", []))
            for n, s in schema["properties"].items()
            if n != "id"
        }
        schemas_by_name[name] = {
            "title": name,
            "type": "object",
            "properties": members,
            "additionalProperties": False,
        }


def _patched(schema: dict[str, Any], *, removable: bool) -> dict[str, Any]:
    """What a patch takes for a member: a date may be named in part."""
    without_default = {name: value for name, value in schema.items() if name != "default"}
    if "anyOf" in schema:
        date = {"$ref": f"{SCHEMAS}DateWrite"}
        without_default["anyOf"] = [
            {"$ref": f"{SCHEMAS}DateWritePatch"} if choice == date else choice
            for choice in schema["anyOf"]
        ]
    if not removable or {"type": "null"} in schema.get("anyOf", []):
        return without_default
    return {"anyOf": [without_default, {"type": "null"}]}


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
