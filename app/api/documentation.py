"""The OpenAPI document: its general texts, and changes to the generated document."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app import __version__, schemas
from app.errors import PROBLEM_TYPES, example_problem
from app.formats import BIBLIOGRAPHIES, FORMATS, Format

DESCRIPTION = """
Dated events, each with its sources, behind one filter.

**Try it** on the example chronology:
- [Contracts that may fall into November 2023](events?type=contract&date=2023-11)
- [Events known by the end of 2022](events?known_by=2022&fields=id,title,date)
- [Events per year, certain and possible](histogram?interval=year&date=2020/2024)
- [Who reported](facets?by=publisher)
- [The timeline of energy](./?tag=energy), and [the same as a spreadsheet](events.csv?tag=energy)

**Dates claim only known facts.** A date is an EDTF string (ISO 8601-2): `2023-11` is some moment in
November 2023, `2023-11/2024-12` a period, `[..2024-02-06]` one day, at the latest that one,
`2020-08~` about August 2020, and `2024-02-06T14:30+01:00` a time of a day. Filters use the same
notation, in days: `date=2023-11`. Every hit says whether it is `certain` or only `possible`.

**No filter is silently ignored.** An unknown, misspelt or wrongly repeated parameter is an error
that names it and suggests the right one.

**Lists** answer `{"items", "total", "next"}`; follow `next` until it is null. Only that is the end:
a page has fewer items than `limit` if they fill 4 MiB. In URLs, encode the characters of EDTF:
`curl -g` or `curl -G --data-urlencode 'date=2023-11-01/2023-12-15'`.

**Errors** are `application/problem+json` (RFC 9457); `errors` lists the mistakes and how to correct
them. On every path, malformed HTTP gets 400, a head of more than 16 KiB gets 431, and a request
that takes too long to arrive gets 408.

**Caching**: lists have a weak `ETag` of the state of the store, single records a strong one of
their bytes. Send it back as `If-None-Match`, and an unchanged answer is `304`. There is no
`Last-Modified`, and `If-Modified-Since` is ignored: whole seconds cannot distinguish two writes
within a second, and an event also changes with the names of its actors and sources.
"""

# In the order of the reference: what most readers come for stands first.
TAGS = [
    {"name": "Events", "description": "The chronology: lists under one filter, and single events."},
    {"name": "Counts", "description": "How many events: by value, and over time."},
    {
        "name": "Changes",
        "description": "What has changed since you last asked, and what deserves a second look.",
    },
    {
        "name": "Chronology",
        "description": "What the chronology says of itself: title, subtitle, language, licence.",
    },
    {
        "name": "Files",
        "description": "Export and import the chronology: for spreadsheets, calendars, maps, "
        "timelines, feed readers, linked data.",
    },
    {"name": "Sources", "description": "Articles, reports and documents that events cite."},
    {
        "name": "Actors",
        "description": "Countries, organisations, persons and groups that take part in events.",
    },
    {"name": "Places", "description": "Where events happen."},
    {"name": "Types", "description": "Kinds of event. A new store has none: make your own."},
    {
        "name": "Tags and publishers",
        "description": "Names that stand in events and sources, with their numbers of events.",
    },
    {"name": "Operations", "description": "For operators of the server."},
]
# Headings over the tags, for programs that read this extension.
TAG_GROUPS = [
    {"name": "Chronology", "tags": ["Events", "Counts", "Changes", "Chronology", "Files"]},
    {
        "name": "Vocabulary",
        "tags": ["Sources", "Actors", "Places", "Types", "Tags and publishers"],
    },
    {"name": "Server", "tags": ["Operations"]},
]

# The form of an id in a path; anything else is 404, like an unknown id.
ID: dict[str, Any] = {"pattern": schemas.SLUG, "maxLength": 100}

# Values that the reference fills in, so that the first click finds something.
FILLED_IN: Mapping[str, Mapping[str, Any]] = {
    "list_events": {"date": "2023-11", "type": ["contract"]},
    "get_facets": {"by": ["type", "actor"], "date": "2023"},
    "get_histogram": {"interval": "year", "actor": ["srbijagas"]},
    "get_oembed": {"url": "/?type=contract"},
    "list_findings": {"finding": ["planned-overdue"]},
    "list_types": {"q": "contract"},
    "list_actors": {"q": "serb*"},
    "list_places": {"q": "belgrade"},
    "list_tags": {"q": "gas"},
    "list_publishers": {"q": "balkan"},
    "list_sources": {"q": '"balkan insight"'},
}


# Shapes that hold the same members: one description does for all of them, the first that has it.
ALIKE: tuple[tuple[str, ...], ...] = (
    ("Event", "EventWrite"),
    ("Citation", "SourceWrite", "SourceReference"),
    ("Actor", "ActorWrite"),
    ("EventActor", "Actor", "ActorReference"),
    ("Place", "PlaceWrite", "PlaceReference"),
    ("Type", "TypeWrite"),
    ("ChronologyWrite", "Chronology", "ChronologyRecord"),
)

SCHEMAS = "#/components/schemas/"
COMMON_PROBLEMS = ("uri-too-long", "invalid-parameters", "headers-too-large")


def errors(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route for its problems; `codes` are keys of PROBLEM_TYPES.

    COMMON_PROBLEMS are always included.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for code in (*COMMON_PROBLEMS, *codes):
        kind = PROBLEM_TYPES[code]
        response = responses.setdefault(
            kind.status, {"model": schemas.Problem, "description": kind.title, "examples": {}}
        )
        if kind.title not in response["description"]:
            response["description"] += f" / {kind.title}"
        response["examples"][code] = {"summary": kind.title, "value": example_problem(code)}
    return responses


def reading(description: str, *codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that reads: 200 with its headers, 304, and problems."""
    tag = _header("Tag of this answer, for If-None-Match.")
    return {
        200: {"description": description, "headers": {"ETag": tag}},
        304: {"description": "Unchanged since the tag in If-None-Match."},
        **errors(*codes, *OF_READS),
    }


def paging(description: str, *codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that reads a list in pages."""
    responses = reading(description, *codes, "start-again")
    link = _header('The next page, as `rel="next"`; absent at the end.')
    responses[200]["headers"]["Link"] = {**link, "required": False}
    return responses


def writing(status: int, description: str, *codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that writes: its success with headers, and problems.

    If the route takes a document, include OF_BODIES in `codes`.
    """
    success: dict[str, Any] = {"description": description}
    if status != 204:
        success["headers"] = {"ETag": _header("Tag of the new version, for If-Match.")}
    if status == 201:
        success["headers"]["Location"] = _header("URL of the record.")
    return {status: success, **errors(*codes, *OF_WRITES)}


OF_READS = ("unauthorized", "too-many-requests", "query-too-costly", "store-unavailable")
OF_WRITES = ("unauthorized", "forbidden", "too-many-requests", "store-unavailable")
OF_BODIES = ("bad-request", "body-too-large", "unsupported-media-type", "invalid-body")


# Schemas of files, for generators of clients.
A_FILE = {"type": "string", "format": "binary"}
A_TEXT = {"type": "string"}
AN_OBJECT = {"type": "object", "additionalProperties": True}
A_LIST = {"type": "array", "items": AN_OBJECT}


def files(
    description: str,
    *,
    only: str | None = None,
    of: Mapping[str, Format] = FORMATS,
) -> dict[str, Any]:
    """Return the 200 of a route that answers with a file in a format `of` these, or in one.

    Generated clients read each file as the first type that they know, and JSON is no file to them.
    """
    formats = (entry for entry in of.values() if only in (None, entry.name))
    media_types = dict.fromkeys(entry.media_type.partition(";")[0] for entry in formats)
    return {
        "description": description,
        "content": {
            name: {"schema": _file(name)} for name in sorted(media_types, key=is_json_type)
        },
    }


def reading_references(
    schema: dict[str, Any], description: str, *codes: str
) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that also answers in CSL-JSON if Accept asks for it.

    `schema` is that of the CSL-JSON: A_LIST of items, or one item, AN_OBJECT.
    """
    responses = reading(description, *codes)
    media_type = BIBLIOGRAPHIES["csl"].media_type
    responses[200]["content"] = {media_type: {"schema": schema}}
    return responses


def _file(media_type: str) -> dict[str, Any]:
    if media_type == BIBLIOGRAPHIES["csl"].media_type:
        return A_LIST
    if is_json_type(media_type):
        return AN_OBJECT
    return A_TEXT if media_type.startswith("text/") else A_FILE


def is_json_type(media_type: str) -> bool:
    """Return whether a media type is JSON, or is written as JSON (RFC 6839 section 3.1)."""
    return media_type.endswith(("/json", "+json"))


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": {"type": "string"}}


def sending(shape: type[BaseModel], *, patch: bool = False) -> dict[str, Any]:
    """Return the `requestBody` of a route that takes a document of this shape, or a patch."""
    media_type = "application/merge-patch+json" if patch else "application/json"
    schema = {"$ref": f"{SCHEMAS}{_patch_of(shape) if patch else shape.__name__}"}
    content = {
        media_type: {"schema": schema, "example": DOCUMENTED_EXAMPLES[shape.__name__, patch]}
    }
    return {"requestBody": {"required": True, "content": content}}


def _patch_of(shape: type[BaseModel]) -> str:
    """Return the name of the patch of a shape: `EventPatch` for EventWrite."""
    return f"{shape.__name__.removesuffix('Write')}Patch"


# Request bodies that the reference fills in.
DOCUMENTED_EXAMPLES: Mapping[tuple[str, bool], Any] = {
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
    ("SourceReference", False): {
        "publisher": "Example Weekly",
        "title": "What Azerbaijan delivers",
        "published": "2024-03-27",
        "claims": ["date"],
        "quote": "signed in November",
    },
    ("SourceWrite", False): {"publisher": "Example News", "published": "2024-03-20"},
    ("SourceWrite", True): {"url": "https://example.org/gas-supply", "language": "en"},
    ("ActorWrite", False): {"name": "Example Energy", "kind": "organisation", "country": "RS"},
    ("ActorWrite", True): {"aliases": ["State Oil Company of Azerbaijan"]},
    ("PlaceWrite", False): {"name": "Niš", "country": "RS", "latitude": 43.32, "longitude": 21.9},
    ("PlaceWrite", True): {"latitude": 44.8125, "longitude": 20.4612},
    ("TypeWrite", False): {"label": "Court case", "description": "A case before a court."},
    ("ChronologyWrite", False): {
        "title": "Azerbaijan and Serbia",
        "subtitle": "From crisis to an artillery contract",
        "language": "en",
        "licence": "CC BY 4.0",
    },
    ("ChronologyWrite", True): {"contact": "desk@example.org"},
    ("TypeWrite", True): {"description": "An agreement to deliver, build or buy."},
}


def install(app: FastAPI) -> None:
    """Make `app.openapi()` return the finished document, built once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _finish(
                get_openapi(
                    title="Dateline",
                    version=__version__,
                    summary="A server for sourced chronologies.",
                    description=DESCRIPTION,
                    tags=TAGS,
                    routes=app.routes,
                    license_info={"name": "MIT", "identifier": "MIT"},
                    servers=[
                        {
                            "url": app.state.settings.prefix or "/",
                            "description": "This server.",
                        }
                    ],
                ),
                public_reads=app.state.settings.public_reads,
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _finish(document: dict[str, Any], *, public_reads: bool) -> dict[str, Any]:
    document["x-tagGroups"] = TAG_GROUPS
    del document["components"]["schemas"]["SparseEvent"]["required"]
    _add_bodies(document["components"]["schemas"])
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if method == "get" and "security" in operation and public_reads:
                # Optional security would make generated clients ask for a key.
                operation["security"] = []
            operation.setdefault("security", [])
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "If-Match" and "428" in operation["responses"]:
                    parameter["required"] = method != "put"  # which may create a record
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
    """Add the shapes of request bodies and of patches; in a patch nothing is required."""
    shapes = [getattr(schemas, name) for name, patch in DOCUMENTED_EXAMPLES if not patch]
    _, generated = models_json_schema(
        [(shape, "validation") for shape in shapes], ref_template=f"{SCHEMAS}{{model}}"
    )
    schemas_by_name |= _rename_written(generated["$defs"], schemas_by_name)
    for schema in schemas_by_name.values():
        for member in schema.get("properties", {}).values():
            member.pop("title", None)  # repeats the name
    _describe_alike(schemas_by_name)
    patched = [shape for shape in shapes if (shape.__name__, True) in DOCUMENTED_EXAMPLES]
    for shape in (*patched, schemas.DateWrite):
        name, schema = _patch_of(shape), schemas_by_name[shape.__name__]
        members = {
            n: _patch_member(s, removable=n not in schema.get("required", []))
            for n, s in schema["properties"].items()
            if n != "id"
        }
        schemas_by_name[name] = {
            "title": name,
            "description": f"A JSON Merge Patch (RFC 7396) of {shape.__name__}.",
            "type": "object",
            "properties": members,
            "additionalProperties": False,
        }


def _describe_alike(schemas_by_name: dict[str, Any]) -> None:
    """Give members without a description that of the same member in a shape of their group."""
    for group in ALIKE:
        members = [schemas_by_name[shape]["properties"] for shape in group]
        descriptions: dict[str, str] = {}
        for properties in members:
            for name, schema in properties.items():
                if "description" in schema:
                    descriptions.setdefault(name, schema["description"])
        for properties in members:
            for name in properties.keys() & descriptions.keys():
                properties[name].setdefault("description", descriptions[name])


def _rename_written(shapes: dict[str, Any], served: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shapes of request bodies, with `Write` added to names of other served shapes."""
    taken = {name for name, schema in shapes.items() if served.get(name, schema) != schema}
    text = json.dumps(shapes)
    for name in taken:
        text = text.replace(f'"{SCHEMAS}{name}"', f'"{SCHEMAS}{name}Write"')
    renamed_shapes = {}
    for name, schema in json.loads(text).items():
        for member in schema.get("properties", {}).values():
            # Generators take a member with a default for always present.
            member.pop("default", None)
        renamed = f"{name}Write" if name in taken else name
        renamed_shapes[renamed] = {**schema, "title": renamed}
    return renamed_shapes


def _patch_member(schema: dict[str, Any], *, removable: bool) -> dict[str, Any]:
    """Return the schema of a member in a patch: null removes it, and a date may be partial."""
    date = {"$ref": f"{SCHEMAS}DateWrite"}
    if date in schema.get("anyOf", []):
        others = [choice for choice in schema["anyOf"] if choice != date]
        schema = {**schema, "anyOf": [{"$ref": f"{SCHEMAS}DatePatch"}, *others]}
    if not removable or {"type": "null"} in schema.get("anyOf", []):
        return schema
    outer = {"description": schema["description"]}
    inner = {name: value for name, value in schema.items() if name != "description"}
    return {"anyOf": [inner, {"type": "null"}], **outer}


def _finish_parameter(parameter: dict[str, Any], filled_in: Mapping[str, Any]) -> None:
    """Set the example of a parameter and drop null, which a query string cannot express."""
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
