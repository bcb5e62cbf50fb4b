"""Documents as they are served: every key is always present."""

from pydantic import Field

from app.schemas.texts import (
    ActorKind,
    CitationRole,
    Claim,
    Precision,
    Shape,
    Slug,
    SourceKind,
    Status,
)
from app.schemas.written import DateWrite, Quantity, Related


class Date(Shape):
    """When it happened, exactly as far as it is known."""

    edtf: str = Field(
        description="The date as EDTF (ISO 8601-2), as it was written.", examples=["2023-11"]
    )
    text: str | None = Field(
        description="The source's words, verbatim.", examples=["In November 2023"]
    )
    earliest: str | None = Field(
        description="The first day it may have begun; null if open or unknown.",
        examples=["2023-11-01"],
    )
    latest: str | None = Field(
        description="The last day it may have ended; null if open or unknown.",
        examples=["2023-11-30"],
    )
    precision: Precision = Field(
        description="How finely the date is given; the leftmost unknown digit decides.",
        examples=["month"],
    )
    uncertain: bool = Field(description="The date bears `?` or `%`.", examples=[False])
    approximate: bool = Field(description="The date bears `~` or `%`.", examples=[False])
    label: str = Field(description="The date in words.", examples=["November 2023"])


# Members that nobody writes: of a date, and of an event those that count its edits.
DERIVED_DATE_MEMBERS = frozenset(Date.model_fields) - frozenset(DateWrite.model_fields)
EDIT_MEMBERS = ("version", "created_at", "updated_at")


class EventActor(Shape):
    """An actor and the part it had in the event."""

    id: Slug = Field(examples=["srbijagas"])
    name: str = Field(examples=["Srbijagas"])
    kind: ActorKind | None
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    role: Slug | None = Field(examples=["buyer"])


class PlaceRecord(Shape):
    """A place."""

    id: Slug = Field(examples=["belgrade"])
    name: str = Field(examples=["Belgrade"])
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    latitude: float | None = Field(examples=[44.8125])
    longitude: float | None = Field(examples=[20.4612])


class EventPlace(PlaceRecord):
    """A place of the event."""


class SourceRecord(Shape):
    """A source: publisher, title, address and dates; null if unknown."""

    id: Slug = Field(examples=["balkan-insight-2023-11-15"])
    publisher: str | None = Field(examples=["Balkan Insight"])
    title: str | None
    author: str | None
    url: str | None
    archive_url: str | None
    published: str | None = Field(description="EDTF.", examples=["2023-11-15"])
    accessed: str | None = Field(description="EDTF.")
    language: str | None
    kind: SourceKind | None = Field(examples=["news"])


class Citation(SourceRecord):
    """A source with its citation in this event."""

    role: CitationRole = Field(examples=["supports"])
    claims: list[Claim] = Field(
        description="The fields of the event it backs.", examples=[["date", "actors"]]
    )
    quote: str | None
    locator: str | None = Field(description="Page, minute or the like in the source.")
    note: str | None


class Event(Shape):
    """A dated event with its sources. Every key is always present; unknown values are null."""

    id: Slug = Field(examples=["serbia-azerbaijan-gas-contract"])
    type: Slug = Field(description="Id of its type.", examples=["contract"])
    title: str = Field(examples=["Srbijagas and SOCAR signed gas supply contract"])
    summary: str | None
    date: Date
    status: Status | None = Field(description="Null if it is not known.", examples=["completed"])
    actors: list[EventActor]
    places: list[EventPlace]
    quantities: list[Quantity]
    tags: list[str] = Field(description="Names of its tags.", examples=[["natural gas"]])
    related: list[Related] = Field(
        description="The links that this event states; `related_to` finds them from either end."
    )
    sources: list[Citation] = Field(description="One at least supports the event.")
    version: int = Field(ge=1, description="Counts the event's own edits, from 1.")
    created_at: str = Field(description="RFC 3339, UTC.")
    updated_at: str = Field(description="RFC 3339, UTC.")


class Counted(Shape):
    """An entry of the vocabulary and how many events bear it."""

    events: int = Field(ge=0, description="How many events bear it.")


class TypeRecord(Shape):
    """A kind of event."""

    id: Slug = Field(examples=["contract"])
    label: str = Field(examples=["Contract"])
    description: str | None


class Type(TypeRecord, Counted):
    """A kind of event, and how many events are of it."""


class ActorRecord(Shape):
    """Who takes part in events: a country, an organisation, a person or a group."""

    id: Slug = Field(examples=["serbia"])
    name: str = Field(examples=["Serbia"])
    kind: ActorKind | None
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    aliases: list[str]
    url: str | None


class Actor(ActorRecord, Counted):
    """An actor and how many events it takes part in."""


class Place(PlaceRecord, Counted):
    """A place and how many events happened there."""


class Tag(Counted):
    """A word that events are marked with."""

    id: Slug
    name: str


class Publisher(Counted):
    """Who published cited sources."""

    id: Slug
    name: str


class Source(SourceRecord, Counted):
    """A source and how many events cite it."""
