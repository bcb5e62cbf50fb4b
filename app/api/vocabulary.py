"""`/types`, `/actors`, `/places`, `/tags`, `/publishers`, `/sources`: what events refer to."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import Unchanged, collection, document
from app.api.documentation import ID, paging, reading
from app.api.routes import StrictRoute
from app.filters import VocabularyQuery

router = APIRouter(tags=["Vocabulary"], route_class=StrictRoute, dependencies=[Reader])


class Entry(NamedTuple):
    """How a vocabulary is presented."""

    name: str
    one: str
    what: str
    record: type[schemas.Counted]
    page: type[BaseModel]
    example: str
    deleted: tuple[str, ...] = ("gone",)  # what is told of one; tags and publishers only vanish


ENTRIES = (
    Entry("types", "a type", "Kinds of event.", schemas.Type, schemas.TypePage, "contract"),
    Entry(
        "actors",
        "an actor",
        "Countries, organisations, persons and groups that take part in events.",
        schemas.Actor,
        schemas.ActorPage,
        "socar",
    ),
    Entry(
        "places",
        "a place",
        "Where events happen.",
        schemas.Place,
        schemas.PlacePage,
        "belgrade",
    ),
    Entry(
        "tags",
        "a tag",
        "Words that events are marked with.",
        schemas.Tag,
        schemas.TagPage,
        "energy",
        deleted=(),
    ),
    Entry(
        "publishers",
        "a publisher",
        "Who published the cited sources. An unknown publisher is not among them.",
        schemas.Publisher,
        schemas.PublisherPage,
        "balkan-insight",
        deleted=(),
    ),
    Entry(
        "sources",
        "a source",
        "What the events rest on, shared between them.",
        schemas.Source,
        schemas.SourcePage,
        "balkan-insight-2023-11-15",
    ),
)


def _add(entry: Entry) -> None:
    @router.get(
        f"/{entry.name}",
        name=f"list_{entry.name}",
        summary=f"List {entry.name}",
        dependencies=[Unchanged],
        description=f"{entry.what} In the order of their ids, each with its number of events.",
        response_model=entry.page,
        responses=paging(f"A page of {entry.name}."),
    )
    async def list_entries(
        request: Request, asked: Annotated[VocabularyQuery, Query()]
    ) -> Response:
        return await collection(request, reads.vocabulary, entry.name, asked)

    @router.get(
        f"/{entry.name}/{{id}}",
        name=f"get_{entry.name[:-1]}",
        summary=f"Get {entry.one}",
        description=f"Everything that is known of {entry.one}, and its number of events.",
        response_model=entry.record,
        responses=reading(f"The {entry.name[:-1]}.", "not-found", *entry.deleted),
    )
    async def get_entry(
        request: Request,
        record_id: Annotated[
            str,
            Path(
                alias="id",
                description=f"Id of {entry.one}.",
                examples=[entry.example],
                json_schema_extra=ID,
            ),
        ],
    ) -> Response:
        return await document(request, reads.record, entry.name, record_id)


for _entry in ENTRIES:
    _add(_entry)
