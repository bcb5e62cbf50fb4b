"""Documents as clients write them: vocabulary, and events with the records that they name."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from app import models
from app.schemas.own_fields import OwnFields
from app.schemas.texts import (
    ActorKind,
    CitationRole,
    Claim,
    Country,
    DecimalText,
    Edtf,
    EdtfInDays,
    Language,
    Latitude,
    LineText,
    Longitude,
    LongText,
    MediaKind,
    Qualifier,
    Relation,
    Shape,
    ShortText,
    Slug,
    SourceKind,
    Status,
    Url,
)

MAX_SOURCES = MAX_ACTORS = MAX_QUANTITIES = 500  # real incidents have more than fifty
MAX_ENTRIES = 200  # of any other list


# -- parts that are read as they are written ------------------------------------------------------


class Quantity(Shape):
    """A number with its unit, exactly as far as the source gives it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    measure: ShortText = Field(
        description="The quantity that is measured.", examples=["gas volume"]
    )
    value: DecimalText = Field(description="A decimal, as written.", examples=["400000000"])
    max_value: DecimalText | None = Field(None, description="The upper end of `between`.")
    qualifier: Qualifier = Field(
        "exactly", description="`exactly` if it is left out.", examples=["exactly"]
    )
    unit: ShortText | None = Field(
        None,
        description="An ISO 4217 code for money, else a unit symbol; case counts.",
        examples=["m3"],
    )
    text: LineText | None = Field(
        None, description="The source's words.", examples=["400 million cubic meters"]
    )

    @model_validator(mode="after")
    def _between(self) -> Self:
        if (self.qualifier == "between") != (self.max_value is not None):
            raise ValueError("`max_value` belongs to the qualifier `between`, and only to it")
        if self.max_value is not None and Decimal(self.max_value) < Decimal(self.value):
            raise ValueError("`max_value` is less than `value`")
        return self


class Medium(Shape):
    """A picture, film, recording, document or page about the event: its address, not the file."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    url: Url = Field(
        description="Its web address, kept as it was given.",
        examples=["https://example.org/signing.jpg"],
    )
    kind: MediaKind | None = Field(
        None, description="What it is; null if nobody said.", examples=["image"]
    )
    caption: LongText | None = Field(
        None, description="What it shows.", examples=["The signing in Baku"]
    )
    credit: LineText | None = Field(
        None, description="Whose it is.", examples=["Photo: Example Agency"]
    )
    alt: LongText | None = Field(
        None, description="What an image shows, for those who cannot see it."
    )
    licence: LineText | None = Field(None, description="On what terms it may be used.")
    thumbnail: Url | None = Field(None, description="The web address of a small picture of it.")


class Related(Shape):
    """A link to another event."""

    event: Slug = Field(
        description="Id of the other event.", examples=["serbia-azerbaijan-gas-contract"]
    )
    relation: Relation = Field(
        description="Relation of this event to the other: it implements that one, say.",
        examples=["implements"],
    )


# -- vocabulary -----------------------------------------------------------------------------------


class TypeWrite(Shape):
    """A kind of event, as it is written."""

    id: Slug | None = Field(
        None, description="Choose an id, or leave it out and one is made from the label."
    )
    label: LineText
    description: LongText | None = None


class ActorWrite(Shape):
    """An actor, as it is written."""

    id: Slug | None = Field(
        None, description="Choose an id, or leave it out and one is made from the name."
    )
    name: LineText
    kind: ActorKind | None = None
    country: Country | None = None
    aliases: list[LineText] = Field(default=[], max_length=MAX_ENTRIES)
    url: Url | None = None


class PlaceWrite(Shape):
    """A place, as it is written."""

    id: Slug | None = Field(
        None, description="Choose an id, or leave it out and one is made from the name."
    )
    name: LineText
    country: Country | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give `latitude` and `longitude` together, or neither")
        return self


class SourceFields(Shape):
    """The fields of a source; each may be unknown, but not all."""

    publisher: LineText | None = None
    title: LineText | None = None
    author: LineText | None = None
    url: Url | None = None
    archive_url: Url | None = None
    published: EdtfInDays | None = None
    accessed: EdtfInDays | None = None
    language: Language | None = None
    kind: SourceKind | None = None

    def identified(self) -> bool:
        """Return whether a publisher, a title, a URL or a date is known."""
        return any((self.publisher, self.title, self.url, self.published, self.accessed))


class SourceWrite(SourceFields):
    """A source, as it is written; at least its publisher, title, URL or a date is known."""

    id: Slug | None = Field(None, description="Choose an id, or leave it out and one is made.")

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if not self.identified():
            raise ValueError("a source needs at least a publisher, a title, a URL or a date")
        return self


# -- an event as it is written --------------------------------------------------------------------


class DateWrite(Shape):
    """A date, as it is written."""

    edtf: Edtf = Field(
        description="EDTF (ISO 8601-2), at times with a time of day: `2024-02-06T14:30+01:00`.",
        examples=["2023-11", "2024-02-06T14:30"],
    )
    text: LineText | None = Field(None, description="The source's words, verbatim.")


class ActorReference(Shape):
    """An actor by id or by name; created if no actor fits. A field that differs is refused."""

    id: Slug | None = Field(None, description="Id of a stored actor.")
    name: LineText | None = Field(
        None, description="The actor's name or an alias; a new actor is made if nobody has it."
    )
    kind: ActorKind | None = None
    country: Country | None = None
    aliases: list[LineText] | None = Field(None, max_length=MAX_ENTRIES)
    url: Url | None = None
    role: Slug | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.id is None and self.name is None:
            raise ValueError("give the actor's `id` or its `name`")
        return self


class PlaceReference(Shape):
    """A place by id or by name; created if no place fits. A field that differs is refused."""

    id: Slug | None = Field(None, description="Id of a stored place.")
    name: LineText | None = Field(
        None, description="The place's name; a new place is made if none has it."
    )
    country: Country | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.id is None and self.name is None:
            raise ValueError("give the place's `id` or its `name`")
        return self


class CitationFields(Shape):
    """The link between an event and a source."""

    role: CitationRole = Field("supports", description="`supports` if it is left out.")
    claims: list[Claim] = Field(default=[], max_length=len(models.CLAIMS))
    quote: LongText | None = None
    locator: LineText | None = None
    note: LongText | None = None


class SourceReference(SourceFields, CitationFields):
    """A source by id or by its own fields, together with its citation."""

    id: Slug | None = Field(None, description="Id of a stored source, or of the new one.")

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if self.id is None and not self.identified():
            raise ValueError(
                "give the source's `id`, or at least its publisher, title, URL or a date"
            )
        return self


class EventWrite(Shape):
    """An event as it is written, with the records that it names."""

    id: Slug | None = Field(
        None, description="Choose an id, or leave it out and one is made from date and title."
    )
    type: Slug
    title: LineText
    summary: LongText | None = None
    date: Annotated[
        DateWrite,
        BeforeValidator(
            lambda v: {"edtf": v} if isinstance(v, str) else v,
            json_schema_input_type=DateWrite | Edtf,
        ),
    ] = Field(
        description=(
            "When it happened: an EDTF date, or an object with the source's words beside it."
        )
    )
    status: Status | None = None
    actors: list[ActorReference] = Field(default=[], max_length=MAX_ACTORS)
    places: list[PlaceReference] = Field(default=[], max_length=MAX_ENTRIES)
    quantities: list[Quantity] = Field(default=[], max_length=MAX_QUANTITIES)
    tags: list[ShortText] = Field(default=[], max_length=MAX_ENTRIES)
    related: list[Related] = Field(default=[], max_length=MAX_ENTRIES)
    sources: list[SourceReference] = Field(
        min_length=1,
        max_length=MAX_SOURCES,
        description="Who says so. At least one source has the role `supports`.",
    )
    media: list[Medium] = Field(default=[], max_length=MAX_ENTRIES)
    extra: OwnFields = Field(
        default={},
        description="Your own fields: names of a-z, 0-9 and hyphens, each with a text, a number or "
        "a boolean. At most 50.",
        examples=[{"importance": 8, "region": "Vojvodina", "confirmed": True}],
    )

    @model_validator(mode="after")
    def _supported(self) -> Self:
        if not any(source.role == "supports" for source in self.sources):
            raise ValueError("an event needs at least one source with the role `supports`")
        return self
