"""Shapes of answers beside documents: pages, counts, errors."""

from typing import Any, Generic, TypeVar

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app.schemas.served import (
    Actor,
    ActorRecord,
    Event,
    Place,
    PlaceRecord,
    Publisher,
    Source,
    SourceRecord,
    Tag,
    Type,
    TypeRecord,
)
from app.schemas.texts import (
    ChangeOperation,
    ImportOperation,
    Match,
    NamedKind,
    RecordKind,
    RevisionOperation,
    Shape,
    Slug,
)

Record = TypeVar("Record", bound=Shape)


class Page(Shape):
    """Some of a list. If `next` is null, the list ends."""

    total: int | None = Field(description="How many there are in all; null with `total=none`.")
    next: str | None = Field(description="Absolute URL of the next page; null at the end.")


class ListedEvent(Event):
    """An event in a list."""

    match: Match | SkipJsonSchema[None] = Field(
        None, description="With `date`: how it matched. Left out without."
    )


class SparseEvent(ListedEvent):
    """The members of a listed event that `fields` names, and `match`."""


class EventPage(Page):
    """Events."""

    items: list[ListedEvent] = Field(description="The events on this page.")


class SparseEventPage(Page):
    """Events with only those members that `fields` names."""

    items: list[SparseEvent] = Field(description="The events on this page.")


class TypePage(Page):
    """Types."""

    items: list[Type] = Field(description="The types on this page.")


class ActorPage(Page):
    """Actors."""

    items: list[Actor] = Field(description="The actors on this page.")


class PlacePage(Page):
    """Places."""

    items: list[Place] = Field(description="The places on this page.")


class TagPage(Page):
    """Tags."""

    items: list[Tag] = Field(description="The tags on this page.")


class PublisherPage(Page):
    """Publishers."""

    items: list[Publisher] = Field(description="The publishers on this page.")


class SourcePage(Page):
    """Sources."""

    items: list[Source] = Field(description="The sources on this page.")


class Difference(Shape):
    """A member that an edit changed."""

    field: str = Field(
        description="Path of the member; entries of a list go by their id.",
        examples=["sources.balkan-insight-2023-11-15.quote"],
    )
    before: Any = Field(description="Null if it was absent.")
    after: Any = Field(description="Null if it is gone.")


class Revision(Shape):
    """An edit: operation, time, author and reason."""

    version: int = Field(ge=1, description="The number of this version, from 1.")
    op: RevisionOperation = Field(examples=["update"], description="What was done.")
    at: str = Field(description="RFC 3339, UTC.")
    author: str = Field(description="Name of the key that was used.")
    note: str | None = Field(description="The `note` that came with the edit.")
    changes: list[Difference] = Field(
        description="Differences from the revision before; empty for the first, for deletion and "
        "for restoring."
    )


class RevisionPage(Page):
    """Revisions, the last first."""

    items: list[Revision] = Field(description="The revisions on this page.")


class WholeRevision(Revision, Generic[Record]):
    """An edit with the record as it left it."""

    document: Record | None = Field(description="Null if it was deleted.")


class EventRevision(WholeRevision[Event]):
    """An edit with the event as it left it."""


class SourceRevision(WholeRevision[SourceRecord]):
    """An edit with the source as it left it."""


class ActorRevision(WholeRevision[ActorRecord]):
    """An edit with the actor as it left it."""


class PlaceRevision(WholeRevision[PlaceRecord]):
    """An edit with the place as it left it."""


class TypeRevision(WholeRevision[TypeRecord]):
    """An edit with the type as it left it."""


class Cause(Shape):
    """The record whose change shows in an event."""

    kind: RecordKind = Field(examples=["source"], description="Which kind of record was edited.")
    id: Slug = Field(description="Id of the record that was edited.")


class Change(Shape):
    """A change of an event."""

    cursor: str = Field(description="The position to continue from: send it as `after`.")
    at: str = Field(description="RFC 3339, UTC.")
    op: ChangeOperation = Field(description="`create` also if it was restored.")
    id: Slug = Field(description="Id of the event.")
    version: int = Field(ge=1, description="The event's version after the change.")
    event: Event | None = Field(description="The event as the change left it; null once deleted.")
    cause: Cause | None = Field(
        description="The record that was edited, if the event only shows it."
    )


class ChangePage(Shape):
    """A stretch of the change feed."""

    items: list[Change] = Field(description="The changes, oldest first.")
    next: str | None = Field(
        description="Absolute URL of the next page; null if there is none yet. Then ask again "
        "`after` the last change that you have seen."
    )


class ImportedValue(Shape):
    """A field of a stored record that a file fills in or corrects."""

    before: Any = Field(alias="from", description="Null if nothing was stored.")
    after: Any = Field(alias="to", description="What the file says.")


class SimilarRecord(Shape):
    """A record that may be the same under another name."""

    id: Slug = Field(description="Id of the similar record.")
    name: str = Field(description="What the similar record is called.")


class ImportedRecord(Shape):
    """A record that a file makes, fills in or corrects."""

    op: ImportOperation = Field(
        description="`fill` adds fields that the stored record lacks; `correct` replaces others.",
        examples=["create"],
    )
    kind: NamedKind = Field(examples=["place"], description="Which kind of record it is.")
    id: Slug = Field(examples=["tripoli-ly"], description="Id of the record.")
    name: str = Field(examples=["Tripoli"], description="What the record is called.")
    line: int = Field(ge=0, description="The first line that does it.")
    changes: dict[str, ImportedValue] = Field(description="By field; empty for a new record.")
    namesake_of: list[Slug] = Field(
        description="Ids of records of this name that country, kind or coordinates (more than "
        "10 km apart) tell from this one."
    )
    similar: list[SimilarRecord] = Field(
        description="Records that it may be meant to be: stored, or made further up in the file."
    )


class ImportReport(Shape):
    """The outcome of an import; `dry_run` reports the same and stores nothing."""

    dry_run: bool = Field(description="Whether this was only a trial; then nothing was stored.")
    created: int = Field(ge=0, description="How many events are new.")
    updated: int = Field(ge=0, description="How many stored events were replaced.")
    unchanged: int = Field(ge=0, description="How many events are stored exactly so already.")
    notes: dict[str, int] = Field(
        description="Parts of the file that no event can hold, and how often."
    )
    totals: dict[str, dict[str, int]] = Field(
        description="How many records of each kind the file makes, fills in and corrects.",
        examples=[{"place": {"create": 2, "fill": 1}}],
    )
    records: list[ImportedRecord] = Field(
        description="These records in the order of the file, at most 200 of a kind for each `op`, "
        "and as many new namesakes."
    )
    mapping: dict[str, Any] | None = Field(
        description="The mapping of a table's columns, to correct and send back as `mapping`; null "
        "if they are Dateline's own."
    )
    mapping_proposed: bool = Field(
        description="The mapping was made from headers and values. It was used unless there are "
        "`questions`."
    )
    ignored: list[str] = Field(description="Columns that the mapping leaves out.")
    questions: list["ProblemError"] = Field(
        description="Why the proposed mapping was not used; the mapping that is sent back answers "
        "them. An import without it is refused."
    )


class ListedMapping(Shape):
    """A stored mapping of a table's columns, in a list."""

    name: Slug = Field(description="Name for `mapping` of an import.", examples=["incidents"])
    at: str = Field(description="When it was stored, RFC 3339, UTC.")
    author: str = Field(description="Name of the key that stored it.")


class StoredMapping(ListedMapping):
    """A stored mapping of a table's columns."""

    mapping: dict[str, Any] = Field(
        description="The mapping, as an import takes it.", examples=[{"Headline": "title"}]
    )


class MappingPage(Page):
    """Stored mappings: always all."""

    items: list[ListedMapping] = Field(description="The mappings, by name.")


class Finding(Shape):
    """Something about an event that should be looked at again."""

    finding: str = Field(examples=["single-publisher"], description="Which kind of finding it is.")
    event: Slug = Field(description="Id of the event.")
    title: str = Field(description="Title of the event.")
    message: str = Field(description="What is odd about the event, in words.")
    sources: list[Slug] = Field(description="Ids of the sources that it is about.")


class FindingPage(Shape):
    """Some findings; a page may hold fewer than asked for and still be followed by another."""

    items: list[Finding] = Field(description="The findings on this page.")
    next: str | None = Field(description="Absolute URL of the next page; null at the end.")


class Health(Shape):
    """How it is."""

    status: str = Field(examples=["ok"], description="`ok` or `ready`; anything else is an error.")


class ProblemKind(Shape):
    """A kind of error and its remedy."""

    code: str = Field(
        examples=["invalid-parameters"], description="The last part of the error's `type`."
    )
    status: int = Field(examples=[422], description="The HTTP status that comes with it.")
    title: str = Field(description="The kind of error, in a few words.")
    advice: str = Field(description="What to do about it.")


class ProblemError(Shape):
    """One thing that was wrong."""

    where: str = Field(
        alias="in", description="`query`, `path`, `header` or `body`.", examples=["query"]
    )
    name: str = Field(
        examples=["tpye"], description="The parameter, header or field, as you wrote it."
    )
    message: str = Field(
        examples=["is not a parameter here; known: actor, …"],
        description="What is wrong with it, in words for people.",
    )
    suggestion: str | SkipJsonSchema[None] = Field(
        None, description="A value that would be right.", examples=["type"]
    )
    line: int | SkipJsonSchema[None] = Field(
        None, description="Of an imported file: the line it stands in."
    )


class Problem(Shape):
    """An error (RFC 9457)."""

    type: str = Field(
        description="A URL that explains the kind.", examples=["/problems/invalid-parameters"]
    )
    title: str = Field(description="The kind of error, in a few words.")
    status: int = Field(examples=[422], description="The HTTP status of the answer.")
    detail: str = Field(description="What went wrong this time, in words for people.")
    errors: list[ProblemError] | SkipJsonSchema[None] = Field(
        None, description="Each thing that was wrong."
    )
    mapping: dict[str, Any] | SkipJsonSchema[None] = Field(
        None,
        description="Of a refused `dry_run` import of a table: the proposed mapping, to correct "
        "and send back.",
    )
    request_id: str | SkipJsonSchema[None] = Field(
        None, description="The `X-Request-ID` of this answer, to find it in the server's log."
    )


class FacetValue(Shape):
    """A value and how many events bear it."""

    value: str = Field(description="The value for the filter.", examples=["contract"])
    label: str = Field(description="For people.", examples=["Contract"])
    count: int = Field(ge=1, description="How many events have this value.")


class FacetCounts(Shape):
    """Counts by value, for each dimension asked for."""

    total: int = Field(ge=0, description="How many events the filter finds.")
    facets: dict[str, list[FacetValue]] = Field(description="By dimension, the commonest first.")


class Bucket(Shape):
    """A calendar span and how many events may, or certainly do, fall into it."""

    start: str = Field(description="Its first day, ISO 8601.", examples=["2023-01-01"])
    end: str = Field(description="Its last day, ISO 8601.", examples=["2023-12-31"])
    label: str = Field(description="For people.", examples=["2023"])
    certain: int = Field(ge=0, description="How many events certainly fall into this span.")
    possible: int = Field(
        ge=0, description="How many events may fall into it, the certain ones included."
    )


class Histogram(Shape):
    """Counts by time, in order, none left out."""

    interval: str = Field(examples=["year"], description="How long each span is.")
    undated: int = Field(
        ge=0,
        description="Events that the filter finds and whose date names no year (`XXXX`, `XXXX-12`, "
        "both ends open). They are in no bucket.",
    )
    buckets: list[Bucket] = Field(description="The spans in order, the empty ones included.")


class Oembed(Shape):
    """The embedded form of a timeline (oEmbed 1.0 section 2.3)."""

    version: str = Field(examples=["1.0"], description="The version of oEmbed.")
    type: str = Field(examples=["rich"], description="The kind of oEmbed answer.")
    title: str = Field(description="The title of what is embedded.")
    provider_name: str = Field(description="The title of the chronology.")
    provider_url: str = Field(description="The address of the chronology.")
    cache_age: int = Field(description="Seconds that it may be kept.", examples=[3600])
    width: int = Field(description="Pixels.", examples=[640])
    height: int = Field(description="Pixels.", examples=[480])
    html: str = Field(description="An `<iframe>`.")
