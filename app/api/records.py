"""Write events, sources, actors, places and types, and read their revisions."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Header, Path, Query, Request, Response
from sqlmodel import Session
from werkzeug.http import parse_etags

from app import reads, schemas, writes
from app.api.access import Author, Reader
from app.api.answers import JSON, Unchanged, absolute, collection, database, document
from app.api.bodies import PATCH_TYPES, read_document
from app.api.documentation import ID, OF_BODIES, paging, reading, sending, writing
from app.api.routes import StrictRoute
from app.errors import Fault, refuse
from app.filters import RevisionsQuery

router = APIRouter(route_class=StrictRoute)
MAX_VERSION = 2**31 - 1
CONDITIONAL = ("conflict", "precondition-failed", "precondition-required")
VersionInPath = Annotated[
    int, Path(description="Number of the edit, from 1.", ge=1, le=MAX_VERSION, examples=[1])
]


class Noun(NamedTuple):
    """The texts and shapes of one kind of record."""

    kind: writes.StoredKind
    one: str
    record: type[schemas.Shape]
    revision: type[schemas.Revision]
    example: str
    tag: str

    @property
    def path(self) -> str:
        """Return the path of the list."""
        return f"/{self.kind.name}s"


NOUNS = (
    Noun(
        writes.EVENT,
        "an event",
        schemas.Event,
        schemas.EventRevision,
        "serbia-azerbaijan-gas-contract",
        "Events",
    ),
    Noun(
        writes.SOURCE,
        "a source",
        schemas.Source,
        schemas.SourceRevision,
        "balkan-insight-2023-11-15",
        "Sources",
    ),
    Noun(writes.ACTOR, "an actor", schemas.Actor, schemas.ActorRevision, "socar", "Actors"),
    Noun(writes.PLACE, "a place", schemas.Place, schemas.PlaceRevision, "belgrade", "Places"),
    Noun(writes.TYPE, "a type", schemas.Type, schemas.TypeRevision, "contract", "Types"),
)

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The `ETag` of the version you have read; a newer one is never overwritten.",
        examples=['"5b7a1ed0c2f94c3aa1f8d6e0"'],
    ),
]
IfMatchOfPut = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="Required to replace a record: the `ETag` of the version that you have read. "
        "Without it the record is created; if it exists, the answer is 428.",
        examples=['"5b7a1ed0c2f94c3aa1f8d6e0"'],
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="`*` only creates a record, and never replaces one.",
        examples=["*"],
        json_schema_extra={"enum": ["*"]},
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any text you choose. If you repeat the request with it within 24 hours, you "
        "get the first answer again, and nothing is stored twice.",
        examples=["b1f2c5a0-0d3e-4c55-9a43-1f0f3b1c2d11"],
    ),
]


async def answer_post(
    request: Request,
    by: writes.By,
    key: str | None,
    body: bytes,
    work: Callable[[Session], writes.WriteAnswer],
) -> Response:
    """Answer a POST with the result of `work`, or with the first answer if it is a repetition."""
    keyed = None
    if key is not None:
        content = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
        keyed = writes.RepeatableRequest(
            by.author, key, blake2b(content, digest_size=16).hexdigest()
        )
    answer = await database(request).run_write(
        lambda session: writes.answer_once(session, keyed, lambda: work(session))
    )
    return answer_write(request, answer)


def answer_write(request: Request, answer: writes.WriteAnswer) -> Response:
    """Return the answer to a write: the record, its tag and, if it is new, its address."""
    headers = {"Cache-Control": "no-cache, no-transform"}
    if answer.tagged:
        headers["ETag"] = f'"{reads.tag(answer.body)}"'
    if answer.location is not None:
        headers["Location"] = absolute(request, answer.location)
    return Response(answer.body, answer.status, headers, JSON)


def condition_of(if_match: str | None, if_none_match: str | None = None) -> writes.Precondition:
    """Return the condition of a write from its headers.

    Raise Problem `bad-request` if If-None-Match is not `*`.
    """
    match = None if if_match is None else parse_etags(if_match)
    if if_none_match not in (None, "*"):
        fault = Fault("header", "If-None-Match", "takes only `*` in a write", "*")
        raise refuse(fault, code="bad-request")
    return writes.Precondition(match, only_create=if_none_match == "*")


def _add(noun: Noun) -> None:
    kind, one, path = noun.kind, noun.one, noun.path
    name = kind.name
    options: dict[str, Any] = {"tags": [noun.tag], "response_model": noun.record}
    identifier = Path(
        alias="id", description=f"Id of {one}.", examples=[noun.example], json_schema_extra=ID
    )

    @router.post(
        path,
        name=f"create_{name}",
        summary=f"Create {one}",
        description=f"Store a new {name}. If there is no `id`, one is made from the other fields. "
        + (
            "Sources, actors and places are looked up by id, URL or name, and created if "
            "they do not exist; the type must exist."
            if name == "event"
            else "An id that is taken or deleted is a conflict."
        ),
        status_code=201,
        responses=writing(201, f"The new {name}.", "conflict", "key-reused", *OF_BODIES),
        openapi_extra=sending(kind.shape),
        **options,
    )
    async def create(request: Request, by: Author, key: IdempotencyKey = None) -> Response:
        body, fields = await read_document(request)

        def work(session: Session) -> writes.WriteAnswer:
            return writes.create_record(session, by, kind, fields).answer

        return await answer_post(request, by, key, body, work)

    @router.put(
        f"{path}/{{id}}",
        name=f"put_{name}",
        summary=f"Replace or create {one}",
        description=f"Store the whole {name} under this id. If it exists, `If-Match` must be the "
        "ETag of the version that you have read. You can read a document, edit it and put it back.",
        responses={
            **writing(200, f"The {name} as it is now.", *CONDITIONAL, *OF_BODIES),
            201: {**writing(201, f"The new {name}.")[201], "model": noun.record},
        },
        openapi_extra=sending(kind.shape),
        **options,
    )
    async def put(
        request: Request,
        by: Author,
        record_id: Annotated[str, identifier],
        if_match: IfMatchOfPut = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        condition = condition_of(if_match, if_none_match)
        _, fields = await read_document(request)
        result = await database(request).run_write(
            writes.put_record, by, kind, record_id, fields, condition
        )
        return answer_write(request, result.answer)

    @router.patch(
        f"{path}/{{id}}",
        name=f"patch_{name}",
        summary=f"Change {one}",
        description="Change the members that a JSON Merge Patch (RFC 7396) names: null removes "
        "one, and lists are replaced whole. `application/json` means the same. `If-Match` must be "
        "the ETag of the version that you have read."
        + (
            " `sources` is a list, too: a source that the patch leaves out is removed. To add or "
            "remove one source, use `/events/{id}/sources`."
            if kind is writes.EVENT
            else ""
        ),
        responses=writing(
            *(200, f"The {name} as it is now.", "not-found", "gone"),
            # Only a patch of an event can contradict other records.
            *(*(CONDITIONAL if kind is writes.EVENT else CONDITIONAL[1:]), *OF_BODIES),
        ),
        openapi_extra=sending(kind.shape, patch=True),
        **options,
    )
    async def patch(
        request: Request,
        by: Author,
        record_id: Annotated[str, identifier],
        if_match: IfMatch = None,
    ) -> Response:
        condition = condition_of(if_match)
        _, fields = await read_document(request, PATCH_TYPES)
        result = await database(request).run_write(
            writes.patch_record, by, kind, record_id, fields, condition
        )
        return answer_write(request, result.answer)

    @router.delete(
        f"{path}/{{id}}",
        name=f"delete_{name}",
        summary=f"Delete {one}",
        description="Its revisions stay, and it can be restored. A record in use cannot be "
        "deleted. `If-Match` must be the ETag of the version that you have read.",
        status_code=204,
        tags=[noun.tag],
        responses=writing(204, "Deleted.", "not-found", "gone", *CONDITIONAL),
    )
    async def delete(
        request: Request,
        by: Author,
        record_id: Annotated[str, identifier],
        if_match: IfMatch = None,
    ) -> Response:
        await database(request).run_write(
            writes.delete_record, by, kind, record_id, condition_of(if_match)
        )
        return Response(status_code=204)

    @router.post(
        f"{path}/{{id}}/restore",
        name=f"restore_{name}",
        summary=f"Restore {one}",
        description=f"Store a deleted {name} again as its next version, as it was before. Records "
        "that it refers to are taken as they are now.",
        responses=writing(
            *(200, f"The {name} as it is now.", "not-found"),
            *("conflict", "key-reused", "invalid-body"),
        ),
        **options,
    )
    async def restore(
        request: Request,
        by: Author,
        record_id: Annotated[str, identifier],
        key: IdempotencyKey = None,
    ) -> Response:
        return await answer_post(
            request,
            by,
            key,
            b"",
            lambda session: writes.restore_record(session, by, kind, record_id).answer,
        )

    @router.get(
        f"{path}/{{id}}/revisions",
        name=f"list_{name}_revisions",
        summary=f"List the revisions of {one}",
        description="The changes, their authors, times and reasons, the latest first; also of a "
        "deleted record.",
        tags=[noun.tag],
        dependencies=[Reader, Unchanged],
        response_model=schemas.RevisionPage,
        responses=paging("A page of revisions.", "not-found"),
    )
    async def list_revisions(
        request: Request,
        record_id: Annotated[str, identifier],
        asked: Annotated[RevisionsQuery, Query()],
    ) -> Response:
        return await collection(request, reads.revisions, name, record_id, asked)

    @router.get(
        f"{path}/{{id}}/revisions/{{version}}",
        name=f"get_{name}_revision",
        summary=f"Get a revision of {one}",
        description=f"The changes of this revision, and the whole {name} as it was then.",
        tags=[noun.tag],
        dependencies=[Reader],
        response_model=noun.revision,
        responses=reading("The revision.", "not-found"),
    )
    async def get_revision(
        request: Request,
        record_id: Annotated[str, identifier],
        version: VersionInPath,
    ) -> Response:
        return await document(request, reads.revision, name, record_id, version)

    @router.post(
        f"{path}/{{id}}/revisions/{{version}}/restore",
        name=f"restore_{name}_revision",
        summary=f"Restore a revision of {one}",
        description=f"Store the {name} as it was in an earlier version as its next one, and so undo"
        " the edits since. Records that it refers to are taken as they are now. `If-Match` must be "
        "the ETag of the version that you have read. A deleted record must be restored first.",
        responses=writing(
            *(200, f"The {name} as it is now.", "not-found", "gone", "key-reused"),
            *("invalid-body", *CONDITIONAL),
        ),
        **options,
    )
    async def restore_revision(
        request: Request,
        by: Author,
        record_id: Annotated[str, identifier],
        version: VersionInPath,
        if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> Response:
        condition = condition_of(if_match)

        def work(session: Session) -> writes.WriteAnswer:
            return writes.restore_revision(session, by, kind, record_id, version, condition).answer

        return await answer_post(request, by, key, b"", work)


for _noun in NOUNS:
    _add(_noun)
