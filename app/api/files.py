"""`/events.{format}` and `/import`: the chronology as files, out and in."""

import io
import json
from collections.abc import Generator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel import Session

from app import reads, schemas, writes
from app.api.access import Author, Reader
from app.api.answers import Unchanged, absolute, address, database, tag_of_now, tagged
from app.api.bodies import MIB, read_body, require_type
from app.api.codings import coding_for, encode
from app.api.documentation import A_FILE, AN_OBJECT, EXAMPLES, OF_WRITES, errors, files, reading
from app.api.downloads import Download
from app.api.records import IdempotencyKey, once
from app.api.routes import Handler, StrictRoute
from app.api.tracking import without_marks
from app.errors import Problem
from app.filters import ExportQuery
from app.formats import FORMATS, READERS, SUBSCRIPTIONS, About, nearest_format, write_template


class FileRoute(StrictRoute):
    """A strict route, but that the address of a subscription may have marks of tracking."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def forgiving(request: Request) -> Response:
            if request.scope["query_string"] and request.path_params.get("format") in SUBSCRIPTIONS:
                request = without_marks(request)
            return await handle(request)

        return forgiving


router = APIRouter(tags=["Files"], route_class=FileRoute)
MOST_IMPORTED = 32 * MIB
# What a file says it is, and the format that this means. A generated client that knows no more of
# a file than that it is one sends it as the last: NDJSON.
MEDIA_TYPES = {FORMATS[name].media_type.partition(";")[0]: name for name in READERS} | {
    "application/jsonl": "ndjson"
}
EVENT = EXAMPLES["EventWrite", False]
SLIDE = {"start_date": {"year": 2023, "month": 11}, "text": {"headline": "Gas contract signed"}}
SHOWN = {
    "ndjson": json.dumps({**EVENT, "title": "Talks about more gas"}),
    "csv": write_template().decode(),
    "timelinejs": {"events": [SLIDE]},
}
SENT = {
    media_type: {
        "schema": AN_OBJECT if name == "timelinejs" else A_FILE,
        "example": SHOWN[name],
    }
    for media_type, name in MEDIA_TYPES.items()
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
    """All events that the filter finds, in timeline order, as a file to download or subscribe to.

    `ndjson` holds each event as it is served and imports again exactly; `csv` opens in a
    spreadsheet and imports again; `timelinejs` is what TimelineJS 3 shows. `ics` is a calendar
    (RFC 5545), `geojson` a layer of a map (RFC 7946), `jsonld` linked data in the terms of
    schema.org, `html` a document to read or print. `atom` (RFC 4287) and `jsonfeed` (JSON Feed
    1.1) are feeds: they hold the 100 events that were last updated, the newest update first. In the
    address of these two and of `ics`, marks of tracking (`utm_source`, `fbclid` …) are ignored.

    With `date`, every event says how it matches, as in a list. `csv`, `ndjson` and `geojson` take
    `sort`, `limit` and `fields`, with the meaning that they have in `GET /events`.
    """
    if suffix not in FORMATS:
        near = "" if suffix.casefold() == "json" else nearest_format(suffix)
        hint = "" if near is None else f" Did you mean /events{near and f'.{near}'}?"
        raise Problem(
            "not-found", f"Events come as JSON at /events, and as {', '.join(FORMATS)}.{hint}"
        )
    chosen, coding = FORMATS[suffix], coding_for(request)
    wanted = asked.of(chosen)
    headers = tagged(await tag_of_now(request)) | {
        "Content-Disposition": f'attachment; filename="{chosen.filename}"',
        "Content-Encoding": coding,
        "Vary": "Accept-Encoding",
    }
    store, base, own = database(request), absolute(request, ""), address(request)

    def produce() -> Generator[bytes, None, None]:
        store.schema.require_ready()
        with store.read(patient=True) as connection:
            about = About(
                title=request.app.state.settings.title,
                base=base,
                address=own,
                identity=reads.identity(connection),
                updated=reads.last_update(connection, wanted) if chosen.dated else None,
                fields=wanted.picked,
                lossless=wanted.lossless,
                read_types=partial(reads.type_labels, connection),
                read_shared_names=partial(reads.shared_names, connection),
            )
            with reads.export(connection, wanted) as documents:
                yield from encode(chosen.write(documents, about), coding)

    # Who asks for the same in the same state of the store is given the same file.
    key = (headers["ETag"], coding, base, own)
    return await Download.begin(request, key, produce, headers, chosen.media_type)


@router.get(
    "/import/template.csv",
    summary="Get the template of a CSV file",
    response_class=Response,
    responses={**errors(), 200: files("The columns, and one example.", only="csv")},
)
async def get_template() -> Response:
    """A CSV file with all columns and one event as an example, to fill in and import."""
    headers = {"Content-Disposition": 'attachment; filename="template.csv"'}
    return Response(write_template(), 200, headers, FORMATS["csv"].media_type)


@router.post(
    "/import",
    summary="Import events",
    response_model=schemas.ImportReport,
    responses={
        200: {"description": "What was done."},
        **errors(
            *("body-too-large", "unsupported-media-type", "invalid-body", "key-reused"), *OF_WRITES
        ),
    },
    openapi_extra={"requestBody": {"required": True, "content": SENT}},
)
async def import_events(
    request: Request,
    by: Author,
    options: Annotated[writes.ImportOptions, Query()],
    key: IdempotencyKey = None,
) -> Response:
    """Store the events of a file, all or nothing: NDJSON, CSV, or TimelineJS as JSON, no other.

    An event that is stored just so stays as it is. Errors name the line, and what would be right.
    The report lists the actors, places, sources, types, tags and publishers that the file makes,
    fills in or, with `replace=true`, corrects. An empty field never erases what is stored of these;
    of an event it does, with `replace=true`, and `notes` count what was removed.
    """
    read = READERS[MEDIA_TYPES[require_type(request, tuple(MEDIA_TYPES))]]
    body = await read_body(request, MOST_IMPORTED)

    def work(session: Session) -> writes.WriteAnswer:
        report = writes.import_lines(session, by, read(io.BytesIO(body)), options)
        told = {"dry_run": options.dry_run, **vars(report)}
        return writes.WriteAnswer(200, json.dumps(told).encode(), tagged=False)

    return await once(request, by, key, body, work)
