"""Documents as they are served: every key is always present."""

from pydantic import Field

from app.schemas.own_fields import OwnFields
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
from app.schemas.written import DateWrite, Medium, Quantity, Related


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

    id: Slug = Field(examples=["srbijagas"], description="Id of the actor.")
    name: str = Field(examples=["Srbijagas"], description="What the actor is called.")
    kind: ActorKind | None = Field(description="What the actor is; null if nobody said.")
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    role: Slug | None = Field(
        examples=["buyer"],
        description="The actor's part in this event, a free word such as `buyer`.",
    )


class PlaceRecord(Shape):
    """A place."""

    id: Slug = Field(examples=["belgrade"], description="Id of the place. It never changes.")
    name: str = Field(examples=["Belgrade"], description="What the place is called.")
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    latitude: float | None = Field(
        examples=[44.8125], description="Degrees north, WGS 84; south is negative."
    )
    longitude: float | None = Field(
        examples=[20.4612], description="Degrees east, WGS 84; west is negative."
    )


class EventPlace(PlaceRecord):
    """A place of the event."""


class SourceRecord(Shape):
    """A source: publisher, title, address and dates; null if unknown."""

    id: Slug = Field(
        examples=["balkan-insight-2023-11-15"], description="Id of the source. It never changes."
    )
    publisher: str | None = Field(
        examples=["Balkan Insight"],
        description="Who published it; null if unknown, never an invented name.",
    )
    title: str | None = Field(description="The headline or title.")
    author: str | None = Field(description="Who wrote it.")
    url: str | None = Field(description="Its web address, kept as it was given.")
    archive_url: str | None = Field(description="The web address of an archived copy.")
    published: str | None = Field(
        description="When it was published, as EDTF.", examples=["2023-11-15"]
    )
    accessed: str | None = Field(description="When somebody read it, as EDTF.")
    language: str | None = Field(description="Its language, as a BCP 47 tag: `en`, `sr-Latn`.")
    kind: SourceKind | None = Field(
        examples=["news"], description="What it is; null if nobody said."
    )


class Citation(SourceRecord):
    """A source with its citation in this event."""

    role: CitationRole = Field(
        examples=["supports"], description="What the source does for this event."
    )
    claims: list[Claim] = Field(
        description="The fields of the event it backs.", examples=[["date", "actors"]]
    )
    quote: str | None = Field(description="Its own words, verbatim.")
    locator: str | None = Field(description="Page, minute or the like in the source.")
    note: str | None = Field(description="What else there is to say about this citation.")


class Event(Shape):
    """A dated event with its sources. Every key is always present; unknown values are null."""

    id: Slug = Field(
        examples=["serbia-azerbaijan-gas-contract"],
        description="Id of the event, part of its address. It never changes.",
    )
    type: Slug = Field(description="Id of its type.", examples=["contract"])
    title: str = Field(
        examples=["Srbijagas and SOCAR signed gas supply contract"],
        description="What happened, in one line.",
    )
    summary: str | None = Field(description="What happened, in more words.")
    date: Date = Field(description="When it happened.")
    status: Status | None = Field(
        description="Whether it was planned, goes on or is over; null if nobody said.",
        examples=["completed"],
    )
    actors: list[EventActor] = Field(description="Who took part.")
    places: list[EventPlace] = Field(description="Where it happened.")
    quantities: list[Quantity] = Field(
        description="How much: values, volumes, lengths, numbers of people."
    )
    tags: list[str] = Field(description="Names of its tags.", examples=[["natural gas"]])
    related: list[Related] = Field(
        description="The links that this event states; `related_to` finds them from either end."
    )
    sources: list[Citation] = Field(
        description="Who says so. At least one source supports the event."
    )
    media: list[Medium] = Field(
        description="Pictures, films, recordings, documents and pages about the event, by address."
    )
    extra: OwnFields = Field(
        description="The chronology's own fields, by name: texts, numbers and booleans.",
        examples=[{"importance": 8}],
    )
    version: int = Field(ge=1, description="Counts the event's own edits, from 1.")
    created_at: str = Field(description="RFC 3339, UTC.")
    updated_at: str = Field(description="RFC 3339, UTC.")


class Counted(Shape):
    """An entry of the vocabulary and how many events bear it."""

    events: int = Field(ge=0, description="How many events refer to it.")


class TypeRecord(Shape):
    """A kind of event."""

    id: Slug = Field(examples=["contract"], description="Id of the type. It never changes.")
    label: str = Field(examples=["Contract"], description="What the type is called, for people.")
    description: str | None = Field(description="What belongs to the type and what does not.")


class Type(TypeRecord, Counted):
    """A kind of event, and how many events are of it."""


class ActorRecord(Shape):
    """Who takes part in events: a country, an organisation, a person or a group."""

    id: Slug = Field(examples=["serbia"], description="Id of the actor. It never changes.")
    name: str = Field(examples=["Serbia"], description="What the actor is called.")
    kind: ActorKind | None = Field(description="What the actor is; null if nobody said.")
    country: str | None = Field(description="ISO 3166-1 alpha-2.", examples=["RS"])
    aliases: list[str] = Field(
        description="Other names by which searches and imports find the actor."
    )
    url: str | None = Field(description="A web page about the actor.")


class Actor(ActorRecord, Counted):
    """An actor and how many events it takes part in."""


class Place(PlaceRecord, Counted):
    """A place and how many events happened there."""


class Tag(Counted):
    """A word that events are marked with."""

    id: Slug = Field(description="Id of the tag, the value of the filter `tag`.")
    name: str = Field(description="The tag as it is written in events.")


class Publisher(Counted):
    """Who published cited sources."""

    id: Slug = Field(description="Id of the publisher, the value of the filter `publisher`.")
    name: str = Field(description="The publisher as sources name it.")


class Source(SourceRecord, Counted):
    """A source and how many events cite it."""
