"""What answers are made of beside documents: pages, counts, errors."""

from typing import Annotated, Any

from pydantic import Field

from app import models
from app.schemas.served import Actor, CountedPlace, Event, Named, Source, Type
from app.schemas.texts import OneOf, Shape, Slug


class Page(Shape):
    """Some of a list. Where `next` is null, the list ends."""

    total: int | None = Field(description="How many there are in all; null with `total=none`.")
    next: str | None = Field(description="Absolute URL of what follows; null at the end.")


class ListedEvent(Event):
    """An event in a list; with the parameter `fields`, only those members."""

    match: Annotated[str, OneOf(("certain", "possible"))] | None = Field(
        None, description="With `date`: how it matched. Left out without."
    )


class EventPage(Page):
    items: list[ListedEvent]


class TypePage(Page):
    items: list[Type]


class ActorPage(Page):
    items: list[Actor]


class PlacePage(Page):
    items: list[CountedPlace]


class NamedPage(Page):
    items: list[Named]


class SourcePage(Page):
    items: list[Source]


class Difference(Shape):
    """A member that an edit changed."""

    field: str = Field(
        description="Path of the member; entries of a list go by their id.",
        examples=["sources.balkan-insight-2023-11-15.quote"],
    )
    before: Any = Field(description="Null where it was not there.")
    after: Any = Field(description="Null where it is gone.")


class Revision(Shape):
    """An edit: what was done, when, by whom and why."""

    version: int = Field(ge=1)
    op: Annotated[str, OneOf(models.OPERATIONS)] = Field(examples=["update"])
    at: str = Field(description="RFC 3339, UTC.")
    author: str = Field(description="Name of the key that was used.")
    note: str | None = Field(description="The `note` that came with the edit.")
    changes: list[Difference] = Field(
        description="What differs from the revision before; empty for the first, for deletion and "
        "for restoring."
    )


class RevisionPage(Page):
    items: list[Revision]


class WholeRevision(Revision):
    """An edit with the record as it left it."""

    document: dict[str, Any] | None = Field(description="Null where it was deleted.")


class Cause(Shape):
    """What an event shows that was changed."""

    kind: str = Field(examples=["source"])
    id: Slug


class Change(Shape):
    """A change of an event."""

    cursor: str = Field(description="Where to go on: send it as `after`.")
    at: str = Field(description="RFC 3339, UTC.")
    op: Annotated[str, OneOf(("create", "update", "delete"))] = Field(
        description="`create` also where it was restored."
    )
    id: Slug = Field(description="Id of the event.")
    version: int = Field(ge=1)
    event: Event | None = Field(description="The event as the change left it; null once deleted.")
    cause: Cause | None = Field(
        description="Where not the event itself was edited, but what it shows: that record."
    )


class ChangePage(Shape):
    """A stretch of the change feed."""

    items: list[Change]
    next: str | None = Field(
        description="Absolute URL of what follows; null where nothing does yet. Then ask again "
        "`after` the last change that you have seen."
    )


class ImportReport(Shape):
    """What an import did, in events."""

    dry_run: bool = Field(description="Nothing was stored.")
    created: int = Field(ge=0)
    updated: int = Field(ge=0)
    unchanged: int = Field(ge=0, description="Stored just so already.")
    notes: dict[str, int] = Field(
        description="What the file says that no event can hold, and how often."
    )


class Finding(Shape):
    """Something about an event that should be looked at again."""

    finding: str = Field(examples=["single-publisher"])
    event: Slug = Field(description="Id of the event.")
    title: str
    message: str
    sources: list[Slug] = Field(description="Ids of the sources that it is about.")


class FindingPage(Shape):
    """Some findings; a page may hold fewer than asked for and still be followed by another."""

    items: list[Finding]
    next: str | None = Field(description="Absolute URL of what follows; null at the end.")


class Health(Shape):
    status: str = Field(examples=["ok"])


class ProblemKind(Shape):
    """A kind of error and what to do about it."""

    code: str = Field(examples=["invalid-parameters"])
    status: int = Field(examples=[422])
    title: str
    advice: str


class ProblemError(Shape):
    """One thing that was wrong."""

    where: str = Field(alias="in", description="`query`, `path` or `body`.", examples=["query"])
    name: str = Field(examples=["tpye"])
    message: str = Field(examples=["is not a parameter here; known: actor, …"])
    suggestion: str | None = Field(None, description="What would be right.", examples=["type"])
    line: int | None = Field(None, description="Of an imported file: the line it stands in.")


class Problem(Shape):
    """An error (RFC 9457)."""

    type: str = Field(
        description="A URL that explains the kind.", examples=["/problems/invalid-parameters"]
    )
    title: str
    status: int = Field(examples=[422])
    detail: str
    errors: list[ProblemError] | None = Field(None, description="Each thing that was wrong.")


class FacetValue(Shape):
    """A value and how many events bear it."""

    value: str = Field(description="What the filter takes.", examples=["contract"])
    label: str = Field(description="For people.", examples=["Contract"])
    count: int = Field(ge=1)


class Facets(Shape):
    """Counts by value, for each dimension asked for."""

    total: int = Field(ge=0, description="How many events the filter finds.")
    facets: dict[str, list[FacetValue]]


class Bucket(Shape):
    """A calendar span and how many events may, or certainly do, fall into it."""

    start: str = Field(description="Its first day, ISO 8601.", examples=["2023-01-01"])
    end: str = Field(description="Its last day, ISO 8601.", examples=["2023-12-31"])
    label: str = Field(description="For people.", examples=["2023"])
    certain: int = Field(ge=0)
    possible: int = Field(ge=0, description="Includes the certain.")


class Histogram(Shape):
    """Counts by time, in order, none left out."""

    interval: str = Field(examples=["year"])
    buckets: list[Bucket]


class Oembed(Shape):
    """What is shown for the address of a timeline (oEmbed 1.0 section 2.3)."""

    version: str = Field(examples=["1.0"])
    type: str = Field(examples=["rich"])
    title: str
    provider_name: str
    provider_url: str
    cache_age: int = Field(description="Seconds that it may be kept.", examples=[3600])
    width: int = Field(description="Pixels.", examples=[640])
    height: int = Field(description="Pixels.", examples=[480])
    html: str = Field(description="An `<iframe>`.")
