"""`/types`, `/actors`, `/places`, `/tags`, `/publishers`, `/sources`: the vocabulary."""

from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from app import reads, schemas
from app.api.access import Reader
from app.api.answers import Unchanged, collection, document, document_or_references
from app.api.documentation import AN_OBJECT, ID, paging, reading, reading_references
from app.api.routes import StrictRoute
from app.filters import VocabularyQuery

router = APIRouter(route_class=StrictRoute, dependencies=[Reader])

CSL_ADVICE = " With `Accept: application/vnd.citationstyles.csl+json`, as an item of CSL-JSON."


class VocabularyTexts(NamedTuple):
    """The texts and shapes of one vocabulary."""

    name: str
    one: str
    description: str
    record: type[schemas.Counted]
    page: type[BaseModel]
    example: str
    tag: str
    deleted: tuple[str, ...] = (
        "gone",
    )  # the problem of a deleted one; tags and publishers only vanish


VOCABULARY_ROUTES = (
    VocabularyTexts(
        "types", "a type", "Kinds of event.", schemas.Type, schemas.TypePage, "contract", "Types"
    ),
    VocabularyTexts(
        "actors",
        "an actor",
        "Countries, organisations, persons and groups that take part in events.",
        schemas.Actor,
        schemas.ActorPage,
        "socar",
        "Actors",
    ),
    VocabularyTexts(
        "places",
        "a place",
        "Places of events.",
        schemas.Place,
        schemas.PlacePage,
        "belgrade",
        "Places",
    ),
    VocabularyTexts(
        "tags",
        "a tag",
        "Tags of events.",
        schemas.Tag,
        schemas.TagPage,
        "energy",
        "Tags and publishers",
        deleted=(),
    ),
    VocabularyTexts(
        "publishers",
        "a publisher",
        "The publishers of the cited sources, without unknown ones.",
        schemas.Publisher,
        schemas.PublisherPage,
        "balkan-insight",
        "Tags and publishers",
        deleted=(),
    ),
    VocabularyTexts(
        "sources",
        "a source",
        "The sources of the events, which they share.",
        schemas.Source,
        schemas.SourcePage,
        "balkan-insight-2023-11-15",
        "Sources",
    ),
)


def _add(entry: VocabularyTexts) -> None:
    is_cited = entry.name == "sources"
    advice = CSL_ADVICE if is_cited else ""
    documented = partial(reading_references, AN_OBJECT) if is_cited else reading
    answer = document_or_references if is_cited else document

    @router.get(
        f"/{entry.name}",
        name=f"list_{entry.name}",
        summary=f"List {entry.name}",
        dependencies=[Unchanged],
        description=f"{entry.description} In the order of ids, each with its number of events.",
        tags=[entry.tag],
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
        description=f"All fields of {entry.one}, and its number of events.{advice}",
        tags=[entry.tag],
        response_model=entry.record,
        responses=documented(f"The {entry.name[:-1]}.", "not-found", *entry.deleted),
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
        return await answer(request, reads.record, entry.name, record_id)


for _vocabulary in VOCABULARY_ROUTES:
    _add(_vocabulary)
