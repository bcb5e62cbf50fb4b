"""`/events.{format}` and `/import`: the chronology as files, out and in."""

import io
import json
from collections.abc import Generator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel import Session

from app import reads, schemas, writes
from app.api.access import Author, Reader
from app.api.answers import Unchanged, absolute, database, request_address, tag_of_now, tagged
from app.api.bodies import MIB, read_body, require_type
from app.api.codings import coding_for, encode
from app.api.documentation import (
    A_FILE,
    AN_OBJECT,
    DOCUMENTED_EXAMPLES,
    OF_WRITES,
    errors,
    files,
    is_json_type,
    reading,
)
from app.api.downloads import Download
from app.api.records import IdempotencyKey, answer_post
from app.api.routes import Handler, StrictRoute
from app.api.tracking import strip_tracking
from app.errors import Problem
from app.filters import EventFilter, ExportQuery
from app.formats import (
    BIBLIOGRAPHIES,
    FORMATS,
    SUBSCRIPTIONS,
    Format,
    nearest_format,
    sniff_format,
    write_template,
)


class FileRoute(StrictRoute):
    """A strict route that ignores tracking parameters in addresses of subscriptions."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def ignore_tracking(request: Request) -> Response:
            if request.scope["query_string"] and request.path_params.get("format") in SUBSCRIPTIONS:
                request = strip_tracking(request)
            return await handle(request)

        return ignore_tracking


router = APIRouter(tags=["Files"], route_class=FileRoute)
MAX_IMPORT_BYTES = 32 * MIB
# Formats by media type. Generated clients send a file as the last one, NDJSON.
IMPORT_MEDIA_TYPES = {
    **{
        f.media_type.partition(";")[0]: f.name
        for f in (*FORMATS.values(), *BIBLIOGRAPHIES.values())
        if f.read
    },
    "text/tab-separated-values": "tsv",
    "application/jsonl": "ndjson",
}
UNDECLARED_TYPE = "application/octet-stream"  # the format is recognised by the content
EVENT_EXAMPLE = DOCUMENTED_EXAMPLES["EventWrite", False]
EXAMPLE_ADDRESS = "https://example.org/a-report"
SLIDE = {"start_date": {"year": 2023, "month": 11}, "text": {"headline": "Gas contract signed"}}
IMPORT_EXAMPLES = {
    "ndjson": json.dumps({**EVENT_EXAMPLE, "title": "Talks about more gas"}),
    "csv": write_template().decode(),
    "timelinejs": {"events": [SLIDE]},
    "tsv": write_template().decode(),
    "csl": {
        "items": [
            {
                "id": "example-csl-2023",
                "type": "report",
                "title": "A report",
                "URL": EXAMPLE_ADDRESS,
            }
        ]
    },
    "bib": "@online{example-bib-2023, title = {A page}, date = {2023-11}}",
    "ris": "TY  - NEWS\r\nTI  - More gas\r\nT2  - Example News\r\nDA  - 2023/11//\r\nER  - \r\n",
    "ics": "\r\n".join(
        (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//EN", "BEGIN:VEVENT"),
            *("UID:talks@example.org", "DTSTAMP:20231101T000000Z", "DTSTART;VALUE=DATE:20231115"),
            *("SUMMARY:Talks about more gas", "END:VEVENT", "END:VCALENDAR", ""),
        )
    ),
    "xlsx": write_template().decode(),  # the kind of a table is recognised by its content
}
# Some generated clients send every file as the last of these types: it is recognised there.
IMPORT_CONTENT = {
    media_type: {
        "schema": {"title": name, **AN_OBJECT} if is_json_type(media_type) else A_FILE,
        "example": IMPORT_EXAMPLES[name],
    }
    for media_type, name in (*IMPORT_MEDIA_TYPES.items(), (UNDECLARED_TYPE, "csv"))
}


@router.get(
    "/events.{format}",
    summary="Download events",
    dependencies=[Reader, Unchanged],
    response_class=Response,
    responses={**reading("The file.", "not-found"), 200: files("The file.")},
)
async def export_events(
    request: Request,
    asked: Annotated[ExportQuery, Query()],
    suffix: Annotated[
        str,
        Path(
            alias="format",
            description="Kind of file.",
            examples=["csv"],
            json_schema_extra={"enum": list(FORMATS)},
        ),
    ],
) -> Response:
    """Write all filtered events, in timeline order, to a file to download or subscribe to.

    `ndjson` has each event as the API serves it and can be imported again exactly; `csv` and
    `xlsx` open in a spreadsheet and can be imported again; `timelinejs` is for TimelineJS 3. `ics`
    is a calendar (RFC 5545), `geojson` a map layer (RFC 7946), `jsonld` linked data with schema.org
    terms, `html` a document to read or print. `atom` (RFC 4287) and `jsonfeed` (JSON Feed 1.1) are
    feeds of the 100 events updated last, the newest update first. In addresses of these two and of
    `ics`, tracking parameters (`utm_source`, `fbclid` …) are ignored.

    With `date`, every event says how it matches, as in a list. `csv`, `xlsx`, `ndjson` and
    `geojson` accept `sort`, `limit` and `fields`, as in `GET /events`.
    """
    if suffix not in FORMATS:
        near = "" if suffix.casefold() == "json" else nearest_format(suffix)
        name = "sources" if near in BIBLIOGRAPHIES else "events"
        hint = "" if near is None else f" Did you mean /{name}{near and f'.{near}'}?"
        raise Problem(
            "not-found", f"Events come as JSON at /events, and as {', '.join(FORMATS)}.{hint}"
        )
    chosen, coding = FORMATS[suffix], coding_for(request)
    return await _download(request, chosen, asked.of(chosen), coding)


@router.get(
    "/sources.{format}",
    summary="Download a bibliography",
    dependencies=[Reader, Unchanged],
    response_class=Response,
    responses={
        **reading("The file.", "not-found"),
        200: files("The file.", of=BIBLIOGRAPHIES),
    },
)
async def export_sources(
    request: Request,
    filter_query: Annotated[EventFilter, Query()],
    suffix: Annotated[
        str,
        Path(
            alias="format",
            description="Kind of file.",
            examples=["bib"],
            json_schema_extra={"enum": list(BIBLIOGRAPHIES)},
        ),
    ],
) -> Response:
    """Write the sources that the filtered events cite, each once, for a reference manager.

    `csl` is CSL-JSON, `bib` BibTeX with dates as biblatex reads them, `ris` RIS. Dates are as
    precise as they are known. A file can be imported again.
    """
    if suffix not in BIBLIOGRAPHIES:
        near = nearest_format(suffix)
        hint = f" Did you mean /sources.{near}?" if near in BIBLIOGRAPHIES else ""
        known = ", ".join(BIBLIOGRAPHIES)
        raise Problem("not-found", f"Sources come as JSON at /sources, and as {known}.{hint}")
    query = ExportQuery.model_construct(filter_query.model_fields_set, **vars(filter_query))
    return await _download(request, BIBLIOGRAPHIES[suffix], query, coding_for(request))


async def _download(request: Request, chosen: Format, query: ExportQuery, coding: str) -> Response:
    """Answer with a file of the events that a query finds."""
    headers = tagged(await tag_of_now(request)) | {
        "Content-Disposition": f'attachment; filename="{chosen.filename}"',
        "Content-Encoding": coding,
        "Vary": "Accept-Encoding",
    }
    store, base, own = database(request), absolute(request, ""), request_address(request)

    def produce() -> Generator[bytes, None, None]:
        store.schema.require_ready()
        with store.read(patient=True) as connection:
            about = reads.describe_file(connection, query, chosen, base=base, address=own)
            with reads.export(connection, query) as documents:
                yield from encode(chosen.write(documents, about), coding)

    # The same request in the same state of the store shares one file.
    key = (headers["ETag"], coding, base, own)
    return await Download.begin(request, key, produce, headers, chosen.media_type)


@router.get(
    "/import/template.csv",
    summary="Get the template of a CSV file",
    response_class=Response,
    responses={**errors(), 200: files("The columns, and one example.", only="csv")},
)
async def get_template() -> Response:
    """Return a CSV file with all columns and one example event, to fill in and import."""
    headers = {"Content-Disposition": 'attachment; filename="template.csv"'}
    return Response(write_template(), 200, headers, FORMATS["csv"].media_type)


@router.post(
    "/import",
    summary="Import events or sources",
    response_model=schemas.ImportReport,
    responses={
        200: {"description": "A report of the changes."},
        **errors(
            *("body-too-large", "unsupported-media-type", "invalid-body", "key-reused"), *OF_WRITES
        ),
    },
    openapi_extra={"requestBody": {"required": True, "content": IMPORT_CONTENT}},
)
async def import_events(
    request: Request,
    by: Author,
    options: Annotated[writes.ImportOptions, Query()],
    key: IdempotencyKey = None,
) -> Response:
    """Store the events or sources of a file, all or none.

    Events come as NDJSON, a table, JSON, a calendar or TimelineJS.

    A file of sources (CSL-JSON, BibTeX or RIS) creates, fills in or, with `replace=true`, corrects
    sources, and no event; `totals` and `records` list them.

    The content type names the format; with `application/octet-stream` it is recognised.
    A table is CSV, TSV or XLSX. If its columns are not Dateline's own, `mapping` says which field
    each one is; `dry_run` proposes one. A JSON array holds events as `POST /events` takes them; a
    saved page of `/events` is read too. In a calendar (iCalendar) each VEVENT is an event.

    Unchanged events are skipped. Errors name the line and the correction. The report lists the
    actors, places, sources, types, tags and publishers that the import creates, completes or, with
    `replace=true`, corrects. An empty field never erases a field of these records; it does erase a
    field of an event, with `replace=true`, and `notes` count the removals.
    """
    media_type = require_type(request, (*IMPORT_MEDIA_TYPES, UNDECLARED_TYPE))
    body = await read_body(request, MAX_IMPORT_BYTES)
    name = IMPORT_MEDIA_TYPES.get(media_type) or sniff_format(body) or "csv"

    def work(session: Session) -> writes.WriteAnswer:
        report = writes.import_file(session, by, io.BytesIO(body), name, options)
        document = {"dry_run": options.dry_run, **vars(report)}
        return writes.WriteAnswer(200, json.dumps(document).encode(), tagged=False)

    return await answer_post(request, by, key, body, work)
